"""Security headers on every answer of the control plane, errors included. Pure ASGI: it never buffers."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Vega's charts are evaluated by its interpreter (`ast: true`), so that not even they need unsafe-eval."""

SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def apply_security_headers(headers: MutableHeaders, *, cache: str = "no-store") -> None:
    """Add what is missing; what an answer says itself stays."""
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", cache)


def cache_policy(scope: Scope) -> str:
    """Files may be kept: for ever when their address names their version, else with a check each time."""
    if not scope["path"].startswith("/static/"):
        return "no-store"
    return "public, max-age=31536000, immutable" if scope["query_string"].startswith(b"v=") else "no-cache"


class SecurityHeaders:
    """ASGI wrapper that puts `SECURITY_HEADERS` on each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                cache = cache_policy(scope) if message["status"] < 400 else "no-store"
                apply_security_headers(MutableHeaders(scope=message), cache=cache)
            await send(message)

        await self.app(scope, receive, send_with_headers)
