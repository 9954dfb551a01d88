"""The embedded model as a provider: an OpenAI-compatible upstream that says so while it is not ready."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from naru.hosting.requests import adapt_chat_request
from naru.hosting.supervisor import LocalModel
from naru.kernel.errors import UpstreamUnavailable
from naru.providers.base import Provider, UpstreamRequest
from naru.providers.registry import build_provider
from naru.settings.model import Provider as ProviderSettings
from naru.wire.base import Framing, UpstreamDialect


class LocalProvider:
    """A `Provider` in front of the child process. Build it after `LocalModel.start`.

    Raises (from `prepare`):
        UpstreamUnavailable: the model is loading (`model_loading`) or has failed (`model_failed`).
    """

    kind = "local"

    def __init__(self, model: LocalModel, name: str) -> None:
        self._model = model
        self._inner: Provider = build_provider(
            name,
            ProviderSettings(
                kind="openai-compatible",
                base_url=model.base_url,
                api_key=SecretStr(model.api_key),
                vendor="local",
                site=model.site,
            ),
        )
        self.name = name
        self.vendor = self._inner.vendor
        self.site = self._inner.site
        self.secrets = self._inner.secrets
        self.may_ask_usage = self._inner.may_ask_usage
        self.retention = self._inner.retention

    def find_dialect(self, client: str) -> UpstreamDialect | None:
        return self._inner.find_dialect(client)

    def prepare(
        self,
        dialect: str,
        model: str,
        body: bytes,
        *,
        is_stream: bool,
        client_headers: Mapping[str, str],
    ) -> UpstreamRequest:
        self._require_ready()
        if dialect == "chat":
            body = adapt_chat_request(body)
        return self._inner.prepare(dialect, model, body, is_stream=is_stream, client_headers=client_headers)

    def prepare_embeddings(self, model: str, body: bytes) -> UpstreamRequest | None:
        self._require_ready()
        return self._inner.prepare_embeddings(model, body)

    def encode_embeddings(self, body: bytes, model: str) -> bytes:
        return self._inner.encode_embeddings(body, model)

    def decode_embeddings(self, body: bytes, model: str, *, is_base64: bool = False) -> bytes:
        return self._inner.decode_embeddings(body, model, is_base64=is_base64)

    def new_framing(self) -> Framing:
        return self._inner.new_framing()

    def _require_ready(self) -> None:
        state = self._model.state
        if state in ("starting", "restarting"):
            raise UpstreamUnavailable(
                "The embedded model is still loading. Try again in a moment.",
                code="model_loading",
                retry_after_s=1,
            )
        if state != "ready":
            raise UpstreamUnavailable(
                "The embedded model is not running; the log of `naru up` says why.", code="model_failed"
            )
