"""The one table from what went wrong to what the control plane answers: RFC 9457 problem+json.

Scripts get a problem everywhere; only a person's browser asking for a page of the console gets a page.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from naru.kernel.errors import (
    BadRequest,
    ConfigError,
    Conflict,
    Forbidden,
    NaruError,
    NotFound,
    PayloadTooLarge,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from naru.web.headers import apply_security_headers

TITLES: Final[dict[type[NaruError], str]] = {
    BadRequest: "The request cannot be understood",
    PayloadTooLarge: "Too large",
    Conflict: "It stands against what is there",
    NotFound: "Not found",
    Unauthenticated: "Sign in first",
    Forbidden: "Not allowed",
    RateLimited: "Too many requests",
    QuotaExceeded: "The budget is spent",
    UpstreamError: "The provider failed",
    UpstreamTimeout: "The provider was too slow",
    UpstreamUnavailable: "No provider can be reached",
    Unavailable: "Naru is busy",
    ConfigError: "The configuration is wrong",
    NaruError: "Naru failed",
}


MACHINE_PATHS: Final = ("/api/", "/v1/", "/console/v1/", "/.well-known/", "/otlp/")
"""Addresses for programs: never answered with HTML."""


class MethodNotAllowed(BadRequest):
    """The address exists, and not for this method."""

    status = 405
    default_code = "method_not_allowed"


def read_title(error: NaruError) -> str:
    """The title of the nearest class in the table."""
    return next(TITLES[kind] for kind in type(error).__mro__ if kind in TITLES)


def problem_fields(error: NaruError) -> dict[str, object]:
    """The members of the problem object of `error`."""
    fields: dict[str, object] = {
        "type": f"urn:naru:error:{error.code}",
        "title": read_title(error),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }
    if error.param is not None:
        fields["param"] = error.param
    return fields


def problem(error: NaruError) -> Response:
    """The answer to send for `error`; it holds the message as it was written for its reader, and no trace."""
    headers = {"cache-control": "no-store"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    if error.status == 401:
        headers["www-authenticate"] = 'Bearer realm="naru"'
    return Response(
        msgspec.json.encode(problem_fields(error)),
        status_code=error.status,
        headers=headers,
        media_type="application/problem+json",
    )


def from_http_exception(error: HTTPException) -> NaruError:
    """What the framework itself refuses, in the words of our own tree."""
    if error.status_code == 404:
        return NotFound("There is nothing at this address.")
    if error.status_code == 405:
        return MethodNotAllowed("This address does not answer this method; see the Allow header.")
    if error.status_code == 401:
        return Unauthenticated("Send the admin key as `Authorization: Bearer …`.")
    if error.status_code < 500:
        return BadRequest("The request cannot be understood.")
    return NaruError("Naru could not answer. The log of the server says why.")


def from_validation_error(error: RequestValidationError) -> BadRequest:
    """The first field at fault, named as the caller wrote it. The value itself is not repeated."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in {"query", "path", "body", "header"}]
    param = ".".join(where) or None
    detail = str(first["msg"])
    return BadRequest(f"{param or 'request'}: {detail}.", param=param)


def unexpected() -> NaruError:
    """Stands for an exception nobody foresaw: the log has it, the caller gets no trace."""
    return NaruError("Naru made a mistake answering this. The log of the server says what; please report it.")


class ErrorPage(Protocol):
    """Renders an error for a person (or sends them to sign in)."""

    def __call__(self, request: Request, error: NaruError) -> Response: ...


def wants_page(request: Request) -> bool:
    """Whether a browser is navigating to a page, as opposed to anything that reads JSON."""
    return (
        request.method in {"GET", "HEAD"}
        and not request.url.path.startswith(MACHINE_PATHS)
        and "text/html" in request.headers.get("accept", "")
    )


def install_error_handlers(app: FastAPI, *, page: ErrorPage) -> None:
    """Answer every error of `app` from the table above."""

    def answer(request: Request, error: NaruError) -> Response:
        return page(request, error) if wants_page(request) else problem(error)

    async def on_naru_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, NaruError)
        return answer(request, error)

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = answer(request, from_http_exception(error))
        allow = (error.headers or {}).get("Allow")
        if allow:
            response.headers["allow"] = allow
        return response

    async def on_validation_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, from_validation_error(error))

    async def on_unexpected(request: Request, _: Exception) -> Response:
        # Answered outside the middleware, so the headers are put on here.
        response = answer(request, unexpected())
        apply_security_headers(response.headers)
        return response

    app.add_exception_handler(NaruError, on_naru_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(Exception, on_unexpected)
