"""Sign in as a person or with the admin key, sign out, and remember language and theme.

A person's sign-in may take steps: password, code, new password. Between them the browser keeps a signed
note of ten minutes; a session is made only at the end.
"""

from __future__ import annotations

import math
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity.people_directory import Directory
from naru.identity.people_sign_in import Step
from naru.kernel.audit import AuditEvent
from naru.kernel.errors import NaruError, NotFound, PayloadTooLarge, RateLimited
from naru.web.access import read_base_url, read_context, read_principal, read_source, requires, verify_key
from naru.web.console.frame import THEME_COOKIE, THEMES, local_path, render
from naru.web.console.language import COOKIE as LANGUAGE_COOKIE
from naru.web.console.language import LANGUAGES
from naru.web.context import ControlContext
from naru.web.session import (
    COOKIE,
    LIFETIME_S,
    PENDING_COOKIE,
    PENDING_S,
    Pending,
    PersonSessions,
    is_over_tls,
    read_cookie,
)

router = APIRouter()

_MAX_FORM_BYTES: Final = 8192
_YEAR_S: Final = 365 * 86_400
_STEPS: Final = {"code": "/login/code", "new_password": "/login/password"}


async def read_form(request: Request, *, max_bytes: int = _MAX_FORM_BYTES) -> dict[str, str]:
    """A small urlencoded form: the last value of each field."""
    return {
        name: values[-1] for name, values in (await read_form_lists(request, max_bytes=max_bytes)).items()
    }


async def read_form_lists(request: Request, *, max_bytes: int = _MAX_FORM_BYTES) -> dict[str, list[str]]:
    """A small urlencoded form: every value of each field."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise PayloadTooLarge("This form is larger than any this console has.")
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise PayloadTooLarge("This form has more fields than any this console has.") from None


@router.get("/login", name="sign_in_page")
async def read_sign_in(request: Request, next: str = "/") -> Response:
    """The sign-in page; whoever is signed in already is sent on."""
    context = read_context(request)
    if context.find_session(read_cookie(request.scope)) is not None:
        return RedirectResponse(local_path(next), 303)
    return await show_sign_in(request, next=local_path(next))


@router.post("/login", name="sign_in")
async def sign_in(request: Request) -> Response:
    """Exchange the admin key, or an address and a password, for a session or the next step to one."""
    context = read_context(request)
    form = await read_form(request)
    there = local_path(form.get("next", "/"))
    if "email" in form and context.directory is not None:
        try:
            step = await run_in_threadpool(
                context.directory.sign_in.check_password,
                form["email"],
                form.get("password", ""),
                source=read_source(request),
            )
        except NaruError as error:
            return await show_sign_in(request, next=there, error=error, email=form["email"])
        return go_on(request, context, step, there, "password", form["email"])
    try:
        is_right = await verify_key(
            context, context.sign_in_limiter, read_source(request), form.get("key", "").strip()
        )
    except RateLimited as limited:
        return await show_sign_in(request, next=there, error=limited)
    if not is_right:
        return await show_sign_in(request, next=there, failure="wrong_key")
    context.audit.record(
        AuditEvent(
            action="user.sign_in", actor="admin-key", target="admin-key", facts={"method": "admin_key"}
        )
    )
    response = RedirectResponse(there, 303)
    set_session(response, request, context.sessions.create())
    return response


@router.get("/login/code", name="sign_in_code_page")
async def read_code(request: Request) -> Response:
    """Asks for the code of the second factor."""
    if find_pending(request, "code") is None:
        return _begin_anew()
    return _show(request, "sign_in/code.html", None)


@router.post("/login/code", name="sign_in_code")
async def check_code(request: Request) -> Response:
    """The second step of a sign-in."""
    context, directory, _ = read_directory(request)
    pending = find_pending(request, "code")
    if pending is None:
        return _begin_anew()
    form = await read_form(request)
    try:
        step = await run_in_threadpool(
            directory.sign_in.check_code,
            pending.step.person_id,
            pending.step.epoch,
            form.get("code", ""),
            source=read_source(request),
        )
    except NaruError as error:
        if error.code == "sign_in_expired":
            return _begin_anew()
        return _show(request, "sign_in/code.html", error)
    return go_on(request, context, step, pending.next, "totp", pending.email)


@router.get("/login/password", name="sign_in_password_page")
async def read_new_password(request: Request) -> Response:
    """Asks for a password of one's own instead of the one-time password."""
    pending = find_pending(request, "new_password")
    if pending is None:
        return _begin_anew()
    return _show(request, "sign_in/password.html", None, email=pending.email)


@router.post("/login/password", name="sign_in_password")
async def choose_password(request: Request) -> Response:
    """The last step of a first sign-in."""
    context, directory, _ = read_directory(request)
    pending = find_pending(request, "new_password")
    if pending is None:
        return _begin_anew()
    form = await read_form(request)
    try:
        step = await run_in_threadpool(_choose, directory, pending, form.get("password", ""))
    except NaruError as error:
        if error.code == "sign_in_expired":
            return _begin_anew()
        return _show(request, "sign_in/password.html", error, email=pending.email)
    return go_on(request, context, step, pending.next, pending.method)


def _choose(directory: Directory, pending: Pending, password: str) -> Step:
    directory.sign_in.recall(pending.step)
    directory.people.write_password(pending.step.person_id, password, reason="first")
    return directory.sign_in.finish(pending.step.person_id, method=pending.method)


@router.post("/logout", name="sign_out", dependencies=[requires("self")])
async def sign_out(request: Request) -> Response:
    """End the session here and everywhere its cookie may have been copied to."""
    context, token = read_context(request), read_cookie(request.scope)
    person = None if context.person_sessions is None else context.person_sessions.find(token)
    ended = context.sessions.revoke(token) if person is None else person.ended
    if context.directory is not None and ended is not None:
        actor = read_principal(request).actor
        await run_in_threadpool(context.directory.sign_in.end_session, *ended, actor=actor)
    # The provider's own sign-out is offered there: a form may not lead to another host (form-action).
    is_external = person is not None and person.method == "oidc"
    response = RedirectResponse("/login/signed-out" if is_external else "/login", 303)
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
                cookie,
                str(value),
                max_age=_YEAR_S,
                samesite="strict",
                secure=is_over_tls(request.scope, read_base_url(request)),
            )
    return response


# What the steps share -----------------------------------------------------------------------------------


def read_directory(request: Request) -> tuple[ControlContext, Directory, PersonSessions]:
    """The directory of people.

    Raises:
        NotFound: this Naru has none.
    """
    context = read_context(request)
    if context.directory is None or context.person_sessions is None:
        raise NotFound("This Naru has no accounts of people.")
    return context, context.directory, context.person_sessions


def go_on(
    request: Request, context: ControlContext, step: Step, there: str, method: str, email: str = ""
) -> RedirectResponse:
    """To where they were going with a session, or to the next step with a note of how far they came."""
    assert context.person_sessions is not None
    if step.need == "nothing":
        response = RedirectResponse(there, 303)
        set_session(response, request, context.person_sessions.create(step, method))
        response.delete_cookie(PENDING_COOKIE, path="/login", httponly=True, samesite="strict")
        return response
    response = RedirectResponse(_STEPS[step.need], 303)
    response.set_cookie(
        PENDING_COOKIE,
        context.person_sessions.create_pending(step, there[:1000], method, email[:254]),
        max_age=PENDING_S,
        path="/login",
        httponly=True,
        samesite="strict",
        secure=is_over_tls(request.scope, read_base_url(request)),
    )
    return response


def set_session(response: Response, request: Request, token: str, *, came_by: str | None = None) -> None:
    """Give the browser its session.

    Args:
        came_by: the address it was sent to, where that is known better than the request says it.
    """
    response.set_cookie(
        COOKIE,
        token,
        max_age=LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=is_over_tls(request.scope, came_by or read_base_url(request)),
    )


def find_pending(request: Request, need: str) -> Pending | None:
    """How far this browser's sign-in has come; None when it is not at the step that `need` asks for."""
    _, _, sessions = read_directory(request)
    pending = sessions.find_pending(request.cookies.get(PENDING_COOKIE, ""))
    return pending if pending is not None and pending.need == need else None


def _begin_anew() -> Response:
    # Not an error: its page would come back to this step after the sign-in, and so round and round.
    return RedirectResponse("/login", 303)


async def show_sign_in(
    request: Request,
    *,
    next: str,
    error: NaruError | None = None,
    failure: str | None = None,
    email: str = "",
) -> Response:
    """The page with every way in; `failure` or the code of `error` says what went wrong."""
    directory = read_context(request).directory
    has_people = directory is not None and await run_in_threadpool(directory.people.has_people)
    oidc = directory.oidc if directory is not None else None
    values = {
        "next": next,
        "email": email[:254],
        "has_people": has_people,
        "oidc_label": oidc.settings.label if oidc is not None else None,
    }
    return _show(request, "sign_in/page.html", error, failure=failure, **values)


def _show(
    request: Request, template: str, error: NaruError | None, *, failure: str | None = None, **values: object
) -> Response:
    wait_s = math.ceil(error.retry_after_s or 0) if error is not None else 0
    status = error.status if error is not None else 401 if failure is not None else 200
    shown = {"error": error, "failure": failure or (error.code if error else None), "wait_s": wait_s}
    response = render(request, template, status_code=status, values={**shown, **values})
    if wait_s:
        response.headers["retry-after"] = str(wait_s)
    return response
