"""Amazon Bedrock: Converse for every model, with a Bedrock key or AWS credentials (SigV4).

botocore signs and finds the credentials; it is imported only when they are needed. Found once, when the
provider is built, so that a missing profile is told at load and no call waits for the search.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from naru.kernel.errors import BadRequest, ConfigError
from naru.providers.account import Account, path_segment
from naru.providers.base import UpstreamRequest
from naru.providers.embeddings import read_request, unreadable, write_answer
from naru.settings.model import Provider as ProviderSettings
from naru.wire.base import Framing
from naru.wire.eventstream import EventStreamFraming

_JSON_TYPE = "application/json"


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
        self._signer = None if self._key else _Signer(name, region, settings.aws_profile)
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


class _Signer:
    """Signature Version 4 with credentials from the environment, a profile or the machine's role."""

    def __init__(self, name: str, region: str, profile: str | None) -> None:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - 0.1 s that only AWS users pay
        from botocore.session import Session  # noqa: PLC0415 - as above

        self._region = region
        try:
            self._credentials: Any = Session(profile=profile).get_credentials()
        except BotoCoreError as error:
            raise ConfigError(
                f"providers.{name}: AWS credentials cannot be read ({type(error).__name__}); check "
                "aws_profile and the AWS files it names"
            ) from None
        if self._credentials is None:
            raise ConfigError(
                f"providers.{name}: no AWS credentials found; set api_key_env, aws_profile or AWS_…"
            )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Parts of the credentials as they are now; temporary ones are replaced in time."""
        frozen = self._credentials.get_frozen_credentials()
        return tuple(part for part in (frozen.access_key, frozen.secret_key, frozen.token) if part)

    def sign(self, url: str, body: bytes) -> dict[str, str]:
        """Headers that sign a POST of JSON, lower case."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - loaded by then; free
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - loaded by then; free

        request = AWSRequest("POST", url, data=body, headers={"content-type": _JSON_TYPE})
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, "bedrock", self._region).add_auth(request)
        return {name.lower(): str(content) for name, content in request.headers.items()}
