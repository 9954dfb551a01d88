"""The error tree. A class says what the caller can do about it; a `code` says exactly what happened.

    NaruError
    ├── BadRequest            fix the request                      400
    │   ├── PayloadTooLarge   send less                            413
    │   ├── Conflict          look at what is there already        409
    │   └── NotFound          ask for something that exists        404
    ├── Unauthenticated       send a valid key                     401
    ├── Forbidden             ask an admin                         403
    ├── RateLimited           wait, then retry                     429
    ├── QuotaExceeded         ask whoever owns the budget          429 (SDKs must not retry)
    ├── UpstreamError         the provider refused or broke        the provider's status, or 502
    │   ├── UpstreamTimeout   the provider was too slow            504
    │   └── UpstreamUnavailable  no provider can be reached now    503
    ├── Unavailable           retry later: Naru itself is busy     503
    └── ConfigError           fix naru.toml                        (never on the wire)

A message is written for the person who will read it: what was wrong, then how to mend it. It never
holds a secret, an upstream's address, SQL, a stack trace or text of a prompt.
"""

from __future__ import annotations


class NaruError(Exception):
    """Root of every error Naru raises on purpose.

    Args:
        message: what was wrong and how to mend it, one or two sentences.
        code: stable machine-readable name, `snake_case`.
        param: the request field at fault, dotted, or None.
        retry_after_s: seconds until a retry makes sense, or None.
    """

    status = 500
    type = "internal_error"
    default_code = "internal_error"
    is_retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.retry_after_s = retry_after_s


class BadRequest(NaruError):
    """The request cannot be understood; the same request will fail again."""

    status = 400
    type = "invalid_request_error"
    default_code = "invalid_request"


class PayloadTooLarge(BadRequest):
    """The body or the headers are over the configured bound."""

    status = 413
    default_code = "payload_too_large"


class Conflict(BadRequest):
    """What is there now stands against it: the name is taken, or the thing is still in use."""

    status = 409
    default_code = "conflict"


class NotFound(BadRequest):
    """The model, route or object asked for does not exist (or is not for this key to know)."""

    status = 404
    type = "not_found_error"
    default_code = "not_found"


class Unauthenticated(NaruError):
    """No key, or one that is not valid."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class Forbidden(NaruError):
    """The key is valid and may not do this."""

    status = 403
    type = "permission_error"
    default_code = "forbidden"


class RateLimited(NaruError):
    """Too much in too short a time; `retry_after_s` says how long to wait."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"
    is_retryable = True


class QuotaExceeded(NaruError):
    """A budget is spent. Waiting a few seconds will not help."""

    status = 429
    type = "insufficient_quota"
    default_code = "insufficient_quota"


class UpstreamError(NaruError):
    """The provider answered with an error, or broke off.

    Args:
        upstream_status: the HTTP status the provider sent, None when there was no answer.
        is_retryable: whether the same request may succeed at the same provider.
        may_fail_over: whether another provider may succeed where this one did not.
    """

    status = 502
    type = "upstream_error"
    default_code = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        status: int | None = None,
        type: str | None = None,
        upstream_status: int | None = None,
        is_retryable: bool = False,
        may_fail_over: bool = True,
    ) -> None:
        super().__init__(message, code=code, param=param, retry_after_s=retry_after_s)
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type
        self.upstream_status = upstream_status
        self.is_retryable = is_retryable
        self.may_fail_over = may_fail_over


class UpstreamTimeout(UpstreamError):
    """A connect, first-token, idle or total timeout ran out; `code` says which."""

    status = 504
    default_code = "upstream_timeout"


class UpstreamUnavailable(UpstreamError):
    """Connection refused, reset, or every target's circuit is open."""

    status = 503
    default_code = "upstream_unavailable"


class Unavailable(NaruError):
    """Naru itself cannot take the request now (starting, stopping, or its ledger queue is full)."""

    status = 503
    type = "overloaded_error"
    default_code = "overloaded"
    is_retryable = True


class ConfigError(NaruError):
    """naru.toml is wrong.

    Args:
        line: 1-based line in the file, or None when the fault has no line (a missing table).
    """

    default_code = "invalid_config"

    def __init__(self, message: str, *, path: str = "naru.toml", line: int | None = None) -> None:
        where = f"{path}:{line}" if line is not None else path
        super().__init__(f"{where}: {message}")
        self.path = path
        self.line = line
