"""OpenAI's error object: written for clients, and read from the many servers that only resemble OpenAI."""

from __future__ import annotations

import msgspec

from naru.wire.model import Json, UpstreamFault
from naru.wire.repair import decode_repaired

_MAX_MESSAGE_CHARS = 1000


def write_error(*, type: str, code: str | None, message: str, param: str | None) -> Json:
    """`{"error": {…}}`, all four fields always there: clients index them."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def write_event(data: object) -> bytes:
    """One server-sent event without a name."""
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def read_fault(error: object, status: int | None) -> UpstreamFault:
    """The error inside a body or a stream: an object, a bare string, or anything else."""
    if isinstance(error, list) and error:
        error = error[0]  # Gemini's compatible endpoint wraps its errors in an array
    if isinstance(error, dict):
        inner = error.get("error")
        if isinstance(inner, dict | str) and inner:
            return read_fault(inner, status if status is not None else _read_status(error))
        message = (
            error.get("message") or error.get("detail") or error.get("msg") or error.get("error_message")
        )
        code = error.get("code")
        return UpstreamFault(
            message=_as_text(message) or _nameless(status),
            type=_as_name(error.get("type")),
            code=_as_name(code),
            param=_as_name(error.get("param")),
            status=status if status is not None else _read_status(error),
        )
    return UpstreamFault(message=_as_text(error) or _nameless(status), status=status)


def decode_fault(status: int, body: bytes) -> UpstreamFault:
    """The error an upstream answered with; copes with HTML, plain text and nothing at all."""
    try:
        parsed = decode_repaired(msgspec.json.decode, body)
    except msgspec.DecodeError:
        text = body[: 4 * _MAX_MESSAGE_CHARS].decode("utf-8", "replace").strip()
        # A proxy's HTML page says nothing to a program and may name machines inside the provider.
        return UpstreamFault(
            message=_nameless(status) if text.startswith("<") else text[:300] or _nameless(status),
            status=status,
        )
    return read_fault(parsed, status)


def _nameless(status: int | None) -> str:
    if status is None:
        return "The upstream reported an error without saying which."
    return f"The upstream answered with status {status} and no readable error."


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value[:_MAX_MESSAGE_CHARS]
    if isinstance(value, list):  # FastAPI: [{"loc": […], "msg": "…"}]
        return "; ".join(filter(None, (_as_text(item) for item in value)))[:_MAX_MESSAGE_CHARS]
    if isinstance(value, dict):
        return _as_text(value.get("message") or value.get("msg"))
    return ""


def _as_name(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _read_status(error: Json) -> int | None:
    for key in ("status", "status_code", "http_status", "code"):
        value = error.get(key)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


class OpenAIErrors:
    """How the three OpenAI languages say and read errors: the error half of their dialects."""

    decode_fault = staticmethod(decode_fault)

    def encode_error(
        self,
        *,
        status: int,  # noqa: ARG002 - this language says it in the HTTP status alone
        type: str,
        code: str,
        message: str,
        param: str | None,
        request_id: str,  # noqa: ARG002 - and this in a header
    ) -> Json:
        return write_error(type=type, code=code, message=message, param=param)

    def encode_stream_error(
        self,
        *,
        status: int,  # noqa: ARG002 - a stream that has begun has its status already
        type: str,
        code: str,
        message: str,
        request_id: str,  # noqa: ARG002 - and its headers
    ) -> bytes:
        return write_event(write_error(type=type, code=code, message=message, param=None))
