"""HTTP errors in each provider's own words, and every way in which they say when to come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from naru.testing.upstream.script import Script
from naru.testing.upstream.turn import Json

HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.27.4</center>\r\n</body>\r\n</html>\r\n"
)
_KIND_OF_STATUS = {
    400: "invalid_request",
    401: "invalid_api_key",
    403: "permission",
    404: "not_found",
    413: "too_large",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
# kind: message, OpenAI's type and code, Anthropic's type, Gemini's status, Bedrock's exception
_WORDS: dict[str, tuple[str, str, str | None, str, str, str]] = {
    "invalid_request": (
        "Invalid value in the request.",
        "invalid_request_error",
        None,
        "invalid_request_error",
        "INVALID_ARGUMENT",
        "ValidationException",
    ),
    "context_length_exceeded": (
        "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
        "invalid_request_error",
        "INVALID_ARGUMENT",
        "ValidationException",
    ),
    "content_filter": (
        "The response was filtered due to the prompt triggering the content management policy.",
        "invalid_request_error",
        "content_filter",
        "invalid_request_error",
        "INVALID_ARGUMENT",
        "ValidationException",
    ),
    "invalid_api_key": (
        "Incorrect API key provided.",
        "invalid_request_error",
        "invalid_api_key",
        "authentication_error",
        "UNAUTHENTICATED",
        "UnrecognizedClientException",
    ),
    "permission": (
        "You are not allowed to use this model.",
        "invalid_request_error",
        "permission_denied",
        "permission_error",
        "PERMISSION_DENIED",
        "AccessDeniedException",
    ),
    "not_found": (
        "The resource was not found.",
        "invalid_request_error",
        None,
        "not_found_error",
        "NOT_FOUND",
        "ResourceNotFoundException",
    ),
    "model_not_found": (
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
        "not_found_error",
        "NOT_FOUND",
        "ResourceNotFoundException",
    ),
    "too_large": (
        "Request exceeds the maximum allowed number of bytes.",
        "invalid_request_error",
        "request_too_large",
        "request_too_large",
        "INVALID_ARGUMENT",
        "ValidationException",
    ),
    "rate_limit": (
        "Rate limit reached for requests. Please try again later.",
        "requests",
        "rate_limit_exceeded",
        "rate_limit_error",
        "RESOURCE_EXHAUSTED",
        "ThrottlingException",
    ),
    "insufficient_quota": (
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
        "billing_error",
        "RESOURCE_EXHAUSTED",
        "ServiceQuotaExceededException",
    ),
    "overloaded": (
        "The engine is currently overloaded, please try again later.",
        "server_error",
        "overloaded",
        "overloaded_error",
        "UNAVAILABLE",
        "ServiceUnavailableException",
    ),
    "server": (
        "The server had an error while processing your request.",
        "server_error",
        None,
        "api_error",
        "INTERNAL",
        "InternalServerException",
    ),
}


def error(
    family: str,
    status: int,
    *,
    kind: str | None = None,
    message: str | None = None,
    retry_s: float | None = None,
) -> tuple[Json, dict[str, str]]:
    """The error object of `family` (`openai`, `azure`, `anthropic`, `gemini`, `bedrock`) and its headers."""
    kind = kind or _KIND_OF_STATUS.get(status, "server" if status >= 500 else "invalid_request")
    words, openai_type, code, anthropic_type, gemini_status, exception = _WORDS.get(kind, _WORDS["server"])
    text = message or words
    if family == "anthropic":
        said = {"type": anthropic_type, "message": text}
        return {"type": "error", "error": said, "request_id": "req_011CScripted"}, {}
    if family == "gemini":
        fault: Json = {"code": status, "message": text, "status": gemini_status}
        if retry_s is not None:
            info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_s:g}s"}
            fault["details"] = [info]
        return {"error": fault}, {}
    if family == "bedrock":
        return {"message": text}, {"x-amzn-errortype": f"{exception}:http://internal.amazon.com/coral/"}
    if family == "azure" and status == 429:
        return {"error": {"code": "429", "message": text}}, {}
    return {"error": {"message": text, "type": openai_type, "param": None, "code": code}}, {}


def retry_headers(script: Script) -> dict[str, str]:
    """When to come back, in the form the script wants (`detail` is said in the body alone)."""
    headers: dict[str, str] = {}
    if script.should_retry is not None:
        headers["x-should-retry"] = "true" if script.should_retry else "false"
    seconds = script.retry_after
    if seconds is None:
        return headers
    if script.retry_after_form == "seconds":
        headers["retry-after"] = f"{seconds:g}"
    elif script.retry_after_form == "date":
        # HTTP dates have whole seconds; one is added so that the wait is never shorter than asked.
        at = datetime.now(UTC) + timedelta(seconds=seconds + 1)
        headers["retry-after"] = format_datetime(at.replace(microsecond=0), usegmt=True)
    elif script.retry_after_form != "detail":
        headers[script.retry_after_form] = f"{seconds * 1000:.0f}"
    return headers
