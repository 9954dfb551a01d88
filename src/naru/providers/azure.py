"""Azure OpenAI, both forms: a deployment in the path with a dated api-version, and the newer /openai/v1."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from naru.providers.account import Account, path_segment
from naru.providers.base import UpstreamRequest
from naru.providers.embeddings import put_model
from naru.providers.openai import PATHS, spoken
from naru.settings.model import Provider as ProviderSettings

_FIRST_WITH_RESPONSES = "2025-03-01-preview"
_V1 = "/openai/v1"


class AzureProvider(Account):
    """Key in the `api-key` header; `models` are the names of deployments.

    The v1 form is taken when `base_url` ends in /openai/v1 or when no `api_version` is given.
    """

    native = "chat"

    def __init__(self, name: str, settings: ProviderSettings) -> None:
        super().__init__(name, settings, vendor="azure", base_url="")
        version = settings.api_version
        self._query = f"?api-version={quote(version, safe='')}" if version else ""
        self._is_v1 = version is None or self._base_url.endswith(_V1)
        root = self._base_url.removesuffix(_V1).removesuffix("/openai")
        self._root = root + (_V1 if self._is_v1 else "/openai")
        has_responses = settings.supports_responses
        if has_responses is None:
            # Dated versions compare as text; older ones answer /responses with 404.
            has_responses = self._is_v1 or (version or "") >= _FIRST_WITH_RESPONSES
        self._spoken = spoken(has_responses=has_responses, has_completions=settings.supports_completions)

    def _credentials(self) -> dict[str, str]:
        return {"api-key": self._key} if self._key else {}

    def _url(self, dialect: str, model: str) -> str:
        if self._is_v1 or dialect == "responses":
            return self._root + PATHS[dialect] + self._query
        return f"{self._root}/deployments/{path_segment(model)}{PATHS[dialect]}{self._query}"

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
        return UpstreamRequest(
            self._url(dialect, model), self.headers(client_headers, is_stream=is_stream), body
        )

    def prepare_embeddings(self, model: str, body: bytes) -> UpstreamRequest | None:
        """See `Provider.prepare_embeddings`."""
        return self.prepare("embeddings", model, body, is_stream=False, client_headers={})

    def encode_embeddings(self, body: bytes, model: str) -> bytes:
        """See `Provider.encode_embeddings`."""
        return put_model(body, model)

    def decode_embeddings(self, body: bytes, model: str, *, is_base64: bool = False) -> bytes:
        """The answer as it came: it is in the client's language already."""
        del model, is_base64
        return body
