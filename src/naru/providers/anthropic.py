"""Anthropic: one language for everything, no embeddings."""

from __future__ import annotations

from collections.abc import Mapping

from naru.providers.account import Account
from naru.providers.base import UpstreamRequest
from naru.settings.model import Provider as ProviderSettings

_VERSION = "2023-06-01"
"""The version of the API that the `messages` language here is written for."""


class AnthropicProvider(Account):
    """Key in `x-api-key`, and a dated `anthropic-version`; the client's betas pass."""

    native = "messages"
    passed_headers = ("anthropic-beta",)

    def __init__(self, name: str, settings: ProviderSettings) -> None:
        self._version = settings.api_version or _VERSION
        super().__init__(
            name,
            settings,
            vendor="anthropic",
            base_url="https://api.anthropic.com/v1",
            version_path="/v1",
        )
        self._spoken = ("messages",)
        self._url = self._base_url + "/messages"

    def _credentials(self) -> dict[str, str]:
        headers = {"anthropic-version": self._version}
        return {"x-api-key": self._key, **headers} if self._key else headers

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
        del dialect, model  # one language, and the model stands in the body
        return UpstreamRequest(self._url, self.headers(client_headers, is_stream=is_stream), body)

    def prepare_embeddings(self, model: str, body: bytes) -> UpstreamRequest | None:
        """None: Anthropic has no embeddings."""
        del model, body
        return None

    def encode_embeddings(self, body: bytes, model: str) -> bytes:
        """The body as it came; `prepare_embeddings` is what says no."""
        del model
        return body

    def decode_embeddings(self, body: bytes, model: str, *, is_base64: bool = False) -> bytes:
        """The answer as it came."""
        del model, is_base64
        return body
