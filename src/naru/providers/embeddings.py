"""Reads and writes OpenAI's embeddings objects, for upstreams that have a language of their own for them."""

from __future__ import annotations

import base64
import struct

import msgspec

from naru.kernel.errors import BadRequest, UpstreamError


class EmbeddingsRequest(msgspec.Struct):
    """An OpenAI-shaped request, the fields that other languages can say."""

    input: str | list[str]
    dimensions: int | None = None
    input_type: str | None = None
    """Not OpenAI's: what Cohere calls `search_document`, `search_query` and so on."""
    task_type: str | None = None
    """Not OpenAI's: what Gemini calls `RETRIEVAL_DOCUMENT` and so on."""

    @property
    def texts(self) -> list[str]:
        """The input as a list."""
        return [self.input] if isinstance(self.input, str) else self.input


_DECODER = msgspec.json.Decoder(EmbeddingsRequest)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_request(body: bytes) -> EmbeddingsRequest:
    """The request in `body`.

    Raises:
        BadRequest: no text, or token numbers (which only the tokenizer's owner can read).
    """
    try:
        request = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest(
            "This model takes `input` as a text or a list of texts, not as token numbers.",
            code="invalid_type",
            param="input",
        ) from None
    if not request.texts or "" in request.texts:
        raise BadRequest("`input` must hold text, and no empty one.", code="invalid_value", param="input")
    if request.dimensions is not None and request.dimensions < 1:
        raise BadRequest("`dimensions` must be at least 1.", code="invalid_value", param="dimensions")
    return request


def put_model(body: bytes, model: str) -> bytes:
    """`body` with its model name replaced, every other field as the client wrote it."""
    fields = _FIELDS.decode(body)
    fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    return msgspec.json.encode(fields)


def write_answer(
    vectors: list[list[float]], model: str, input_tokens: int | None, *, is_base64: bool
) -> bytes:
    """An OpenAI-shaped answer. Without `input_tokens` it has no usage: unknown is not 0."""
    answer: dict[str, object] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _pack(vector) if is_base64 else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
    }
    if input_tokens is not None:
        answer["usage"] = {"prompt_tokens": input_tokens, "total_tokens": input_tokens}
    return msgspec.json.encode(answer)


def _pack(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def unreadable() -> UpstreamError:
    """The upstream's answer is not what its API promises."""
    return UpstreamError("The provider's answer holds no embeddings.", code="upstream_protocol")
