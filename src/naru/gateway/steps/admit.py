"""May this request come in now? Bounds on size, on calls in flight and on the ledger's backlog."""

from __future__ import annotations

import re

from naru.gateway.exchange import Exchange
from naru.kernel.errors import BadRequest, PayloadTooLarge, Unavailable

_TAG = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_TAGS = 20
_MAX_TAG_VALUE = 256
_MAX_TIMEOUT_MS = 86_400_000


class UnsupportedEncoding(BadRequest):
    """Compressed bodies are not taken: a small one can hold a very large one."""

    status = 415
    default_code = "unsupported_content_encoding"


async def read_body(x: Exchange, max_bytes: int) -> bytes:
    """The whole body, never more than `max_bytes` in memory.

    Raises:
        PayloadTooLarge: as soon as that is known, from `content-length` before a byte is read.
        UnsupportedEncoding: the body is compressed.
    """
    if x.headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedEncoding("The body is compressed. Send it without a content-encoding.")
    declared = x.headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    message = await x.receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if message["type"] == "http.request" else _gone(x)
    parts = [body]
    size = len(body)
    while True:
        message = await x.receive()
        if message["type"] == "http.disconnect":
            return _gone(x)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise _too_large(max_bytes)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _gone(x: Exchange) -> bytes:
    x.is_client_gone = True
    raise BadRequest("The client went away before its request was complete.", code="client_closed_request")


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body is larger than {max_bytes} bytes. Send less, or raise server.max_body_bytes in naru.toml."
    )


def admit(*, in_flight: int, limit: int, is_ledger_full: bool, is_audit_full: bool) -> None:
    """Raises Unavailable when Naru has as much to do as it can bear; nothing that was begun is dropped."""
    if in_flight > limit:
        raise Unavailable("Too many calls are in flight. Try again in a moment.", retry_after_s=1)
    if is_ledger_full:
        # A call whose cost could not be written down must not be made.
        raise Unavailable(
            "The ledger cannot keep up or its disk is full. Try again in a moment.",
            code="ledger_backlog",
            retry_after_s=2,
        )
    if is_audit_full:
        raise Unavailable(
            "The audit log cannot be written, so what is decided about this call could not be recorded. Try "
            "again in a moment.",
            code="audit_unavailable",
            retry_after_s=2,
        )


def read_tags(header: bytes | None) -> dict[str, str]:
    """`x-naru-tags: team=search,env=prod` as a dict.

    Raises:
        BadRequest: not of the form `k=v,k=v`, or over 20 tags, 64 characters a name or 256 a value.
    """
    if not header:
        return {}
    tags: dict[str, str] = {}
    for item in header.decode("utf-8", "replace").split(","):
        name, equals, value = item.strip().partition("=")
        if not equals or not _TAG.fullmatch(name) or len(value) > _MAX_TAG_VALUE or not value.isprintable():
            raise BadRequest(
                "`x-naru-tags` must look like `name=value,name=value`: names of up to 64 letters, digits, "
                f"`_`, `.` and `-`, values of up to {_MAX_TAG_VALUE} characters.",
                code="invalid_header",
                param="x-naru-tags",
            )
        tags[name] = value
    if len(tags) > _MAX_TAGS:
        raise BadRequest(
            f"`x-naru-tags` may hold {_MAX_TAGS} tags at most.", code="invalid_header", param="x-naru-tags"
        )
    return tags


def read_timeout_s(header: bytes | None) -> float | None:
    """`x-naru-timeout-ms` in seconds, None when it was not sent.

    Raises:
        BadRequest: not a whole number of milliseconds from 1 to a day.
    """
    if header is None:
        return None
    if not header.isdigit() or len(header) > 8 or not 0 < int(header) <= _MAX_TIMEOUT_MS:
        raise BadRequest(
            "`x-naru-timeout-ms` must be a whole number of milliseconds, from 1 to 86400000.",
            code="invalid_header",
            param="x-naru-timeout-ms",
        )
    return int(header) / 1000
