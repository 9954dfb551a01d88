"""Anthropic's error object, both ways."""

from __future__ import annotations

from naru.wire.faults import NAMELESS, find_object, plain_fault
from naru.wire.loose import compact, object_of, text_of
from naru.wire.model import Json, UpstreamFault

_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def write_error(
    *, status: int, type: str, code: str | None, message: str, param: str | None, request_id: str | None
) -> Json:
    """The error object. Anthropic words the field at fault into the message and keeps codes in `details`."""
    own = type if type in _STATUSES and (type != "invalid_request_error" or status != 413) else None
    if param and param not in message:
        message = f"{param}: {message}"
    error: Json = {"type": own or _TYPES.get(status, "api_error"), "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    return {"type": "error", "error": error, "request_id": request_id}


def write_stream_error(
    *, status: int, type: str, code: str | None, message: str, request_id: str | None
) -> bytes:
    """The event after which Anthropic's clients raise."""
    error = write_error(
        status=status, type=type, code=code, message=message, param=None, request_id=request_id
    )
    return f"event: error\ndata: {compact(error)}\n\n".encode()


def read_error(event: Json, status: int | None) -> UpstreamFault:
    """An error object; the status is told by the type where HTTP told none (in a stream, or under 200)."""
    error = object_of(event.get("error")) or event
    type = text_of(error.get("type"))
    if type == "error":
        type = None
    message = text_of(error.get("message")) or text_of(event.get("detail")) or text_of(event.get("error"))
    return UpstreamFault(
        message=message or NAMELESS,
        type=type,
        code=text_of(object_of(error.get("details")).get("error_code")),
        status=status if status is not None and status >= 400 else _STATUSES.get(type or ""),
    )


def decode_fault(status: int, body: bytes) -> UpstreamFault:
    """The error an upstream answered with; copes with HTML, plain text and nothing at all."""
    value = find_object(body)
    return plain_fault(status, body) if value is None else read_error(value, status)
