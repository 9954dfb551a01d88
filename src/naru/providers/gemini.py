"""Gemini: the model stands in the path, the key in a header (never in the address, which gets logged)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from naru.providers.account import Account, path_segment
from naru.providers.base import UpstreamRequest
from naru.providers.embeddings import read_request, unreadable, write_answer
from naru.settings.model import Provider as ProviderSettings


class _Embedding(msgspec.Struct):
    values: list[float]


class _EmbeddingsUsage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    total_token_count: int | None = None


class _EmbeddingsAnswer(msgspec.Struct, rename="camel"):
    embeddings: list[_Embedding]
    usage_metadata: _EmbeddingsUsage | None = None


_ANSWER = msgspec.json.Decoder(_EmbeddingsAnswer)


class GeminiProvider(Account):
    """Key in `x-goog-api-key`; streams as server-sent events."""

    native = "gemini"

    def __init__(self, name: str, settings: ProviderSettings) -> None:
        version = f"/{settings.api_version or 'v1beta'}"
        super().__init__(
            name,
            settings,
            vendor="google",
            base_url="https://generativelanguage.googleapis.com",
            version_path=version,
        )

    def _credentials(self) -> dict[str, str]:
        return {"x-goog-api-key": self._key} if self._key else {}

    def prepare(
        self,
        dialect: str,
        model: str,
        body: bytes,
        *,
        is_stream: bool,
        client_headers: Mapping[str, str],
    ) -> UpstreamRequest:
        """See `Provider.prepare`."""
        del dialect  # one language
        method = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
        url = f"{self._base_url}/{_resource(model)}:{method}"
        return UpstreamRequest(url, self.headers(client_headers, is_stream=is_stream), body)

    def prepare_embeddings(self, model: str, body: bytes) -> UpstreamRequest | None:
        """See `Provider.prepare_embeddings`; `body` is what `encode_embeddings` gave."""
        url = f"{self._base_url}/{_resource(model)}:batchEmbedContents"
        return UpstreamRequest(url, self.headers({}, is_stream=False), body)

    def encode_embeddings(self, body: bytes, model: str) -> bytes:
        """One `batchEmbedContents` request for one text or many."""
        request = read_request(body)
        options: dict[str, object] = {"model": _resource(model)}
        if request.dimensions is not None:
            options["outputDimensionality"] = request.dimensions
        if request.task_type is not None:
            options["taskType"] = request.task_type
        return msgspec.json.encode(
            {"requests": [{**options, "content": {"parts": [{"text": text}]}} for text in request.texts]}
        )

    def decode_embeddings(self, body: bytes, model: str, *, is_base64: bool = False) -> bytes:
        """See `Provider.decode_embeddings`."""
        try:
            answer = _ANSWER.decode(body)
        except msgspec.DecodeError:
            raise unreadable() from None
        usage = answer.usage_metadata
        tokens = None
        if usage is not None:
            tokens = (
                usage.prompt_token_count if usage.prompt_token_count is not None else usage.total_token_count
            )
        vectors = [embedding.values for embedding in answer.embeddings]
        return write_answer(vectors, model, tokens, is_base64=is_base64)


def _resource(model: str) -> str:
    """`models/NAME`, or `tunedModels/NAME` when the name says so itself."""
    collection, slash, name = model.partition("/")
    if slash and collection in ("models", "tunedModels"):
        return f"{collection}/{path_segment(name)}"
    return f"models/{path_segment(model)}"
