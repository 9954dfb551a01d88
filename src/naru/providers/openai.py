"""OpenAI, and every server that speaks its language: vLLM, Ollama, Upstage, CLOVA Studio and the like."""

from __future__ import annotations

from collections.abc import Mapping

from naru.providers.account import Account
from naru.providers.base import UpstreamRequest
from naru.providers.embeddings import put_model
from naru.settings.model import Provider as ProviderSettings

PATHS = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
    "embeddings": "/embeddings",
}


def spoken(*, has_responses: bool, has_completions: bool) -> tuple[str, ...]:
    """Client languages that a server of OpenAI's language speaks itself."""
    optional = (("responses", has_responses), ("completions", has_completions))
    return ("chat", *(language for language, is_spoken in optional if is_spoken))


class OpenAIProvider(Account):
    """Bearer key, JSON, one path for each language."""

    native = "chat"
    passed_headers = ("openai-beta",)

    def __init__(self, name: str, settings: ProviderSettings) -> None:
        is_openai = settings.kind == "openai"
        super().__init__(
            name,
            settings,
            # A server of no known vendor has its own price list, named like the provider itself.
            vendor="openai" if is_openai else name,
            base_url="https://api.openai.com/v1",
            version_path="/v1" if is_openai else "",
        )
        has_responses = settings.supports_responses
        if has_responses is None:
            has_responses = is_openai
        self._spoken = spoken(has_responses=has_responses, has_completions=settings.supports_completions)
        self._urls = {dialect: self._base_url + path for dialect, path in PATHS.items()}

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
        del model  # stands in the body
        return UpstreamRequest(self._urls[dialect], self.headers(client_headers, is_stream=is_stream), body)

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
