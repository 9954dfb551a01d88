"""Errors that upstreams, and the proxies before them, answer with instead of what was asked."""

from __future__ import annotations

from naru.wire.loose import find_json
from naru.wire.model import Json, UpstreamFault

NAMELESS = "The upstream reported an error without saying which."
UNREADABLE_EVENT = UpstreamFault(
    message="The upstream sent a stream event that cannot be read.", code="upstream_protocol"
)
_LONGEST_PLAIN = 300


def find_object(body: bytes) -> Json | None:
    """The error object in a body, also when it is the first of an array; None when there is none."""
    value = find_json(body)
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else None


def plain_fault(status: int, body: bytes) -> UpstreamFault:
    """An error that is no JSON: a short line is kept, the page of a proxy on the way is not."""
    text = body[: _LONGEST_PLAIN * 4].decode("utf-8", "replace").strip()
    if not text or text.startswith("<") or len(text) > _LONGEST_PLAIN:
        text = f"The upstream answered {status} without a readable error."
    return UpstreamFault(message=text, status=status)
