"""Amazon Bedrock: Converse for every model, with a Bedrock key or AWS credentials (SigV4).

botocore signs and finds the credentials (`aws.py`); it is loaded only when there is no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from naru.kernel.errors import BadRequest
from naru.providers.account import Account, path_segment
from naru.providers.base import UpstreamRequest
from naru.providers.embeddings import read_request, unreadable, write_answer
from naru.settings.model import Provider as ProviderSettings
from naru.wire.base import Framing
from naru.wire.eventstream import EventStreamFraming

if TYPE_CHECKING:
    from naru.providers.aws import Signer


class _TitanAnswer(msgspec.Struct, rename="camel"):
    embedding: list[float]
    input_text_token_count: int | None = None


class _CohereVectors(msgspec.Struct):
    vectors: list[list[float]] = msgspec.field(name="float")


class _CohereAnswer(msgspec.Struct):
    embeddings: list[list[float]] | _CohereVectors


_EMBEDDINGS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TITAN = msgspec.json.Decoder(_TitanAnswer)
_COHERE = msgspec.json.Decoder(_CohereAnswer)


class BedrockProvider(Account):
    """Raises ConfigError when neither a key nor AWS credentials can be found."""

    native = "converse"

    def __init__(self, name: str, settings: ProviderSettings) -> None:
        region = settings.region or ""
        super().__init__(
            name, settings, vendor="amazon", base_url=f"https://bedrock-runtime.{region}.amazonaws.com"
        )
        self._signer: Signer | None = None
        if not self._key:
            from naru.providers.aws import Signer  # noqa: PLC0415 - 0.1 s that only AWS users pay

            self._signer = Signer(name, region, settings.aws_profile)
        if self._signer is not None:
            self.secrets += self._signer.secrets

    @property
    def stream_type(self) -> str:
        """AWS's own binary event stream."""
        return "application/vnd.amazon.eventstream"

    def _request(
        self, path: str, body: bytes, client_headers: Mapping[str, str], *, is_stream: bool
    ) -> UpstreamRequest:
        url = self._base_url + path
        headers = self.headers(client_headers, is_stream=is_stream)
        if self._signer is not None:
            headers.update(self._signer.sign(url, body))
        return UpstreamRequest(url, headers, body)

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
        method = "converse-stream" if is_stream else "converse"
        return self._request(
            f"/model/{path_segment(model)}/{method}", body, client_headers, is_stream=is_stream
        )

    def prepare_embeddings(self, model: str, body: bytes) -> UpstreamRequest | None:
        """See `Provider.prepare_embeddings`; `body` is what `encode_embeddings` gave."""
        return self._request(f"/model/{path_segment(model)}/invoke", body, {}, is_stream=False)

    def encode_embeddings(self, body: bytes, model: str) -> bytes:
        """An InvokeModel body in the language of the model's maker: Titan or Cohere."""
        request = read_request(body)
        if "cohere.embed" in model:
            cohere: dict[str, object] = {
                "texts": request.texts,
                "input_type": request.input_type or "search_document",
            }
            if request.dimensions is not None:
                cohere |= {"output_dimension": request.dimensions, "embedding_types": ["float"]}
            return msgspec.json.encode(cohere)
        if "titan-embed-text" not in model:
            raise BadRequest(
                "On Bedrock, embeddings come from Titan (amazon.titan-embed-text…) and Cohere "
                "(cohere.embed…) models. Ask for one of them.",
                code="unsupported_endpoint",
                param="model",
            )
        if len(request.texts) > 1:
            raise BadRequest(
                "Titan embeds one text a request. Send `input` as one text, or ask for a Cohere model.",
                code="unsupported_value",
                param="input",
            )
        titan: dict[str, object] = {"inputText": request.texts[0]}
        if request.dimensions is not None:
            titan["dimensions"] = request.dimensions
        return msgspec.json.encode(titan)

    def decode_embeddings(self, body: bytes, model: str, *, is_base64: bool = False) -> bytes:
        """See `Provider.decode_embeddings`. Cohere counts its tokens in a header only: no usage then."""
        tokens = None
        try:
            if "embedding" in _EMBEDDINGS.decode(body):
                titan = _TITAN.decode(body)
                vectors, tokens = [titan.embedding], titan.input_text_token_count
            else:
                cohere = _COHERE.decode(body).embeddings
                vectors = cohere.vectors if isinstance(cohere, _CohereVectors) else cohere
        except msgspec.DecodeError:
            raise unreadable() from None
        return write_answer(vectors, model, tokens, is_base64=is_base64)

    def new_framing(self) -> Framing:
        """AWS's own binary event stream."""
        return EventStreamFraming()
