"""Decides what an upstream's error means to the client, to the retry loop and to the fallback chain."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from naru.kernel.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from naru.providers.redact import Redactor
from naru.wire.model import UpstreamFault

Kind = Literal[
    "auth",
    "quota",
    "rate",
    "model",
    "context",
    "filter",
    "large",
    "invalid",
    "unprocessable",
    "conflict",
    "timeout",
    "overloaded",
    "unavailable",
    "broken",
    "other",
]


class _Verdict(NamedTuple):
    status: int
    type: str
    code: str
    is_retryable: bool
    may_fail_over: bool
    message: str | None = None
    """Our own words where the upstream's would mislead the client; None passes its cleaned message on."""


_VERDICTS: dict[Kind, _Verdict] = {
    "auth": _Verdict(
        502,
        "upstream_error",
        "upstream_auth",
        False,
        True,
        "The provider refused Naru's own credentials. Ask an admin to check the provider's key.",
    ),
    "quota": _Verdict(429, "insufficient_quota", "insufficient_quota", False, True),
    "rate": _Verdict(429, "rate_limit_error", "rate_limit_exceeded", True, True),
    "model": _Verdict(
        502,
        "upstream_error",
        "upstream_model_not_found",
        False,
        True,
        "The provider does not have the model it is configured for. Ask an admin to check its targets.",
    ),
    "context": _Verdict(400, "invalid_request_error", "context_length_exceeded", False, True),
    "filter": _Verdict(400, "invalid_request_error", "content_filter", False, False),
    "large": _Verdict(413, "invalid_request_error", "payload_too_large", False, True),
    "invalid": _Verdict(400, "invalid_request_error", "invalid_request", False, False),
    "unprocessable": _Verdict(422, "invalid_request_error", "invalid_request", False, False),
    "conflict": _Verdict(409, "upstream_error", "upstream_conflict", True, True),
    "timeout": _Verdict(504, "upstream_error", "upstream_timeout", True, True),
    "overloaded": _Verdict(503, "overloaded_error", "upstream_overloaded", True, True),
    "unavailable": _Verdict(503, "upstream_error", "upstream_unavailable", True, True),
    "broken": _Verdict(502, "upstream_error", "upstream_error", True, True),
    "other": _Verdict(502, "upstream_error", "upstream_error", False, True),
}
_BY_STATUS: dict[int, Kind] = {
    400: "invalid",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "model",
    408: "timeout",
    409: "conflict",
    413: "large",
    422: "unprocessable",
    429: "rate",
    500: "broken",
    502: "broken",
    503: "unavailable",
    504: "timeout",
    529: "overloaded",
}
# What upstreams name in `code` or `type`, lower case without separators, where it says more than the
# status does. Quota before rate: OpenAI sends both with 429.
_BY_NAME: tuple[tuple[Kind, frozenset[str]], ...] = (
    # Bedrock's 424: "An error occurred while streaming the response. Retry your request."
    ("broken", frozenset({"modelstreamerrorexception"})),
    ("context", frozenset({"contextlengthexceeded", "modelcontextwindowexceeded"})),
    ("filter", frozenset({"contentfilter", "contentpolicyviolation", "responsibleaipolicyviolation"})),
    (
        "quota",
        frozenset({"insufficientquota", "billinghardlimitreached", "billingnotactive", "billingerror"}),
    ),
    (
        "model",
        frozenset({"modelnotfound", "modelnotfounderror", "deploymentnotfound", "resourcenotfoundexception"}),
    ),
    (
        "auth",
        frozenset(
            {
                "invalidapikey",
                "apikeyinvalid",
                "authenticationerror",
                "unauthenticated",
                "accessdeniedexception",
                "unrecognizedclientexception",
                "expiredtokenexception",
                "invalidsignatureexception",
            }
        ),
    ),
)
# The same for errors inside a stream, which have no status at all.
_BY_STREAM_NAME: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("overloaded", frozenset({"overloadederror", "overloaded", "engineoverloaded", "slowdown"})),
    (
        "rate",
        frozenset(
            {
                "ratelimiterror",
                "ratelimitexceeded",
                "throttlingexception",
                "resourceexhausted",
                "toomanyrequests",
                "servicequotaexceededexception",
                "modelnotreadyexception",
            }
        ),
    ),
    ("timeout", frozenset({"timeouterror", "deadlineexceeded", "modeltimeoutexception", "timeout"})),
    ("unavailable", frozenset({"unavailable", "serviceunavailable", "serviceunavailableexception"})),
    ("auth", frozenset({"permissionerror", "permissiondenied"})),
    ("model", frozenset({"notfounderror", "notfound"})),
    ("large", frozenset({"requesttoolarge"})),
    (
        "invalid",
        frozenset({"invalidrequesterror", "invalidrequest", "invalidargument", "validationexception"}),
    ),
)
_SEPARATORS = re.compile(r"[\s_.-]+")
# Where neither status nor code tells, the words do. Bounded texts only: see `_SAID`.
_SAID: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "context",
        re.compile(
            r"maximum context length|context length exceeded|context window|prompt is too long|"
            r"input is too long|exceeds the maximum number of tokens|too many (?:input )?tokens",
            re.IGNORECASE,
        ),
    ),
    (
        "quota",
        re.compile(
            r"credit balance is too low|exceeded your current quota|insufficient balance", re.IGNORECASE
        ),
    ),
    ("auth", re.compile(r"api key not valid|api key expired|invalid api key", re.IGNORECASE)),
    (
        "model",
        re.compile(r"model identifier is invalid|deployment for this resource does not exist", re.IGNORECASE),
    ),
)
_READ_CHARS = 4096
_WAIT_IN_TEXT = re.compile(
    r"(?:try again|retry) (?:in|after) (\d{1,6}(?:\.\d{1,9})?)\s?(ms|s|m)\b", re.IGNORECASE
)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0}
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
_CLASSES: dict[Kind, type[UpstreamError]] = {
    "timeout": UpstreamTimeout,
    "overloaded": UpstreamUnavailable,
    "unavailable": UpstreamUnavailable,
}


def to_error(
    fault: UpstreamFault, headers: Mapping[str, str], redactor: Redactor, *, now: float | None = None
) -> UpstreamError:
    """What to tell the client, and whether to retry or to fail over.

    Args:
        fault: as the upstream worded it; its status is None for an error inside a stream.
        headers: of the upstream's answer, lower case; empty for an error inside a stream.
        redactor: of this provider.
        now: seconds since 1970, to read a Retry-After date by; default: the machine's clock.
    """
    kind = _classify(fault)
    verdict = _VERDICTS[kind]
    wait_s = parse_retry_after(headers, time.time() if now is None else now)
    if wait_s is None and kind in ("rate", "overloaded", "unavailable"):
        wait_s = _find_wait(fault.message)
    is_retryable = verdict.is_retryable
    if (asked := headers.get("x-should-retry", "").strip().lower()) in ("true", "false"):
        is_retryable = asked == "true"
    message = verdict.message or redactor.clean(fault.message) or "The provider gave no reason."
    return _CLASSES.get(kind, UpstreamError)(
        message,
        code=_code(kind, verdict, fault, redactor),
        # Naru's own credentials and model names are no field of the client's request.
        param=redactor.clean(fault.param) if fault.param and verdict.message is None else None,
        retry_after_s=wait_s,
        status=verdict.status,
        type=verdict.type,
        upstream_status=fault.status,
        is_retryable=is_retryable,
        may_fail_over=verdict.may_fail_over,
    )


def _code(kind: Kind, verdict: _Verdict, fault: UpstreamFault, redactor: Redactor) -> str:
    """The upstream's own code where the client is at fault and SDKs know the code; ours otherwise."""
    if kind in ("invalid", "unprocessable") and fault.code and not fault.code.isdigit():
        cleaned = redactor.clean(fault.code)
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", cleaned):
            return cleaned
    return verdict.code


def _classify(fault: UpstreamFault) -> Kind:
    names = {
        _SEPARATORS.sub("", name).lower() for name in (fault.code, fault.type) if name and len(name) <= 128
    }
    is_stream = fault.status is None
    # A 5xx is the provider's trouble whatever words it chose.
    if is_stream or fault.status is None or fault.status < 500:
        for kind, known in (*_BY_NAME, *(_BY_STREAM_NAME if is_stream else ())):
            if names & known:
                return kind
        text = fault.message[:_READ_CHARS]
        if is_stream or fault.status in (400, 403, 404, 413, 422, 429):
            for kind, pattern in _SAID:
                if pattern.search(text):
                    return kind
    if fault.status is None:
        return "broken"
    return _BY_STATUS.get(fault.status, "other")


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the upstream asks to wait, None when it does not say or says nonsense.

    `retry-after-ms` wins over `x-ms-retry-after-ms`, which wins over `Retry-After` (seconds or an HTTP
    date; a date in the past is 0).

    Args:
        headers: names in lower case.
        now: seconds since 1970.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _parse_number(headers.get(name))
        if milliseconds is not None:
            return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _parse_number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        moment = parsedate_to_datetime(value[:128])
        # Without a zone an HTTP date is GMT; `timestamp()` would take it for local time.
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None


def _parse_number(value: str | None) -> float | None:
    # float() alone would take "nan", "inf", "1e9" and "-1".
    if value is None or not _NUMBER.fullmatch(text := value.strip()):
        return None
    return float(text)


def _find_wait(message: str) -> float | None:
    """OpenAI and Gemini also say it in words: `Please try again in 20s`."""
    match = _WAIT_IN_TEXT.search(message[:_READ_CHARS])
    return float(match[1]) * _UNIT_S[match[2].lower()] if match else None
