"""The data plane's paths and the language each speaks."""

from __future__ import annotations

from typing import NamedTuple

from naru.wire.base import ClientDialect
from naru.wire.registry import CLIENT_DIALECTS


class Endpoint(NamedTuple):
    """One path clients post to."""

    name: str
    dialect: ClientDialect
    """Shapes errors everywhere, and answers where client and upstream speak different languages."""


ENDPOINTS: dict[str, Endpoint] = {
    "/v1/chat/completions": Endpoint("chat", CLIENT_DIALECTS["chat"]),
    "/v1/completions": Endpoint("completions", CLIENT_DIALECTS["completions"]),
    "/v1/responses": Endpoint("responses", CLIENT_DIALECTS["responses"]),
    "/v1/messages": Endpoint("messages", CLIENT_DIALECTS["messages"]),
    "/v1/embeddings": Endpoint("embeddings", CLIENT_DIALECTS["chat"]),
}
