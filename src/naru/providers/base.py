"""What a provider is to the road: a language for each client language, and how to address one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from naru.providers.retention import Retention
from naru.wire.base import Framing, UpstreamDialect


class UpstreamRequest(NamedTuple):
    """One HTTP request, ready to send. `headers` hold the credentials: never log them."""

    url: str
    headers: dict[str, str]
    body: bytes


class Provider(Protocol):
    """One upstream account, built from one `[providers.NAME]` table. Stateless and safe to share."""

    name: str
    kind: str
    vendor: str
    """Price list that applies."""
    site: str
    secrets: tuple[str, ...]
    """Strings that must never reach a client or a log: keys, and the address of the upstream."""
    may_ask_usage: bool
    retention: Retention
    """Whether it is told to keep nothing; `tell_retention` does."""

    def find_dialect(self, client: str) -> UpstreamDialect | None:
        """The language to speak for a client's (`chat`, `responses`, `completions`, `messages`).

        The same one where the upstream speaks it itself, else its native one; None when it cannot serve it.
        """
        ...

    def prepare(
        self,
        dialect: str,
        model: str,
        body: bytes,
        *,
        is_stream: bool,
        client_headers: Mapping[str, str],
    ) -> UpstreamRequest:
        """Address and sign `body`, which is written in `dialect`. `client_headers` has lower-case names; only
        those a provider knows to be safe and meaningful are passed on (e.g. `anthropic-beta`)."""
        ...

    def prepare_embeddings(self, model: str, body: bytes) -> UpstreamRequest | None:
        """Address an OpenAI-shaped embeddings request, or None when the provider has no such endpoint.

        A provider with a language of its own converts in `encode_embeddings` / `decode_embeddings`.
        """
        ...

    def encode_embeddings(self, body: bytes, model: str) -> bytes:
        """The OpenAI-shaped `body` in the provider's language, its model name put in."""
        ...

    def decode_embeddings(self, body: bytes, model: str, *, is_base64: bool = False) -> bytes:
        """The provider's answer as an OpenAI-shaped embeddings object, usage included.

        Args:
            body: the provider's answer.
            model: the upstream's model name.
            is_base64: the client asked for `encoding_format: base64` (OpenAI's JavaScript SDK does).
        """
        ...

    def new_framing(self) -> Framing: ...
