"""Sign in with the admin key, sign out, and remember language and theme."""

from __future__ import annotations

import math
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from naru.kernel.errors import PayloadTooLarge, RateLimited
from naru.web.access import read_context, read_source, requires, verify_key
from naru.web.console.frame import THEME_COOKIE, THEMES, local_path, render
from naru.web.console.language import COOKIE as LANGUAGE_COOKIE
from naru.web.console.language import LANGUAGES
from naru.web.session import COOKIE, LIFETIME_S, read_cookie

router = APIRouter()

_MAX_FORM_BYTES: Final = 8192
_YEAR_S: Final = 365 * 86_400


async def read_form(request: Request) -> dict[str, str]:
    """A small urlencoded form: the last value of each field."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise PayloadTooLarge("This form is larger than any this console has.")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[-1] for name, values in fields.items()}


@router.get("/login", name="sign_in_page")
async def read_sign_in(request: Request, next: str = "/") -> Response:
    """The sign-in page; whoever is signed in already is sent on."""
    context = read_context(request)
    if context.sessions.is_valid(read_cookie(request.scope)):
        return RedirectResponse(local_path(next), 303)
    return render(request, "sign_in/page.html", values={"next": local_path(next), "failure": None})


@router.post("/login", name="sign_in")
async def sign_in(request: Request) -> Response:
    """Exchange the admin key for a session."""
    context = read_context(request)
    form = await read_form(request)
    there = local_path(form.get("next", "/"))
    failure, status, wait_s = "wrong", 401, 0.0
    try:
        is_right = await verify_key(
            context, context.sign_in_limiter, read_source(request), form.get("key", "").strip()
        )
    except RateLimited as limited:
        is_right, failure, status, wait_s = False, "wait", 429, limited.retry_after_s or 0.0
    if not is_right:
        response: Response = render(
            request,
            "sign_in/page.html",
            status_code=status,
            values={"next": there, "failure": failure, "wait_s": math.ceil(wait_s)},
        )
        if status == 429:
            response.headers["retry-after"] = str(math.ceil(wait_s))
        return response
    response = RedirectResponse(there, 303)
    response.set_cookie(
        COOKIE,
        context.sessions.create(),
        max_age=LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout", dependencies=[requires("self")])
async def sign_out(request: Request) -> Response:
    """End the session here and everywhere its cookie may have been copied to."""
    read_context(request).sessions.revoke(read_cookie(request.scope))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


@router.post("/preferences", name="set_preferences")
async def set_preferences(request: Request) -> Response:
    """Remember language and theme in this browser."""
    form = await read_form(request)
    response = RedirectResponse(local_path(form.get("next", "/")), 303)
    chosen = (
        (LANGUAGE_COOKIE, form.get("language"), tuple(LANGUAGES)),
        (THEME_COOKIE, form.get("theme"), THEMES),
    )
    for cookie, value, known in chosen:
        if value in known:
            response.set_cookie(
                cookie, str(value), max_age=_YEAR_S, samesite="strict", secure=request.url.scheme == "https"
            )
    return response
