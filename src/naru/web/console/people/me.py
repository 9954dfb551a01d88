"""The account of whoever signed in: password, second factor, recovery codes, sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity.people import Person
from naru.identity.people_service import Enrolment, People
from naru.identity.people_sign_in import Step
from naru.kernel.errors import Forbidden, NaruError
from naru.web.access import read_principal, read_source, requires
from naru.web.api.people import read_people
from naru.web.console.frame import render
from naru.web.console.people.page import read_orgs
from naru.web.console.sign_in.page import read_directory, read_form, set_session
from naru.web.session import read_cookie

router = APIRouter(prefix="/me")

_DONE: Final = ("password", "totp_removed", "sessions")


@router.get("", name="me_page", dependencies=[requires("self")])
async def show_me(request: Request, done: str = "") -> Response:
    """One's own account; the admin key has none, and is told so."""
    person = await _read_me(request)
    return await _show(request, person, done=done if done in _DONE else "")


@router.post("/password", name="me_password", dependencies=[requires("self")])
async def change_password(request: Request) -> Response:
    """Take another password; every other session ends."""
    person, form = await _require_me(request), await read_form(request)
    try:
        changed = await run_in_threadpool(
            read_people(request).change_password,
            person.id,
            old=form.get("old", ""),
            new=form.get("new", ""),
            source=read_source(request),
        )
    except NaruError as error:
        return await _show(request, person, error=error, part="password")
    return _renew(request, RedirectResponse("/me?done=password", 303), changed)


@router.get("/totp", name="me_totp_page", dependencies=[requires("self")])
async def show_enrolment(request: Request) -> Response:
    """The QR code of a second factor that is not confirmed yet."""
    person = await _require_me(request)
    if person.has_totp:
        return RedirectResponse("/me", 303)
    return _show_enrolment(request, person, await _begin(request, person))


@router.post("/totp", name="me_totp_confirm", dependencies=[requires("self")])
async def confirm_totp(request: Request) -> Response:
    """Switch the second factor on; the recovery codes are shown in this answer and never again."""
    person, form = await _require_me(request), await read_form(request)
    try:
        enrolled, codes = await run_in_threadpool(
            read_people(request).confirm_totp,
            person.id,
            form.get("code", ""),
            password=form.get("password", ""),
            source=read_source(request),
        )
    except NaruError as error:
        if error.code in ("totp_not_begun", "totp_exists"):
            return RedirectResponse("/me", 303)
        return _show_enrolment(request, person, await _begin(request, person), error)
    return _renew(request, await _show(request, enrolled, codes=codes), enrolled)


@router.post("/totp/remove", name="me_totp_remove", dependencies=[requires("self")])
async def remove_totp(request: Request) -> Response:
    """Take one's own second factor off."""
    person, form = await _require_me(request), await read_form(request)
    try:
        changed = await run_in_threadpool(
            read_people(request).remove_own_totp,
            person.id,
            password=form.get("password", ""),
            source=read_source(request),
        )
    except NaruError as error:
        return await _show(request, person, error=error, part="totp")
    return _renew(request, RedirectResponse("/me?done=totp_removed", 303), changed)


@router.post("/recovery-codes", name="me_recovery_codes", dependencies=[requires("self")])
async def renew_codes(request: Request) -> Response:
    """New recovery codes, shown in this answer and never again."""
    person, form = await _require_me(request), await read_form(request)
    try:
        codes = await run_in_threadpool(
            read_people(request).renew_recovery_codes,
            person.id,
            password=form.get("password", ""),
            source=read_source(request),
        )
    except NaruError as error:
        return await _show(request, person, error=error, part="totp")
    return await _show(request, await _require_me(request), codes=codes)


@router.post("/sessions/end", name="me_sessions_end", dependencies=[requires("self")])
async def end_other_sessions(request: Request) -> Response:
    """Sign out everywhere else."""
    person, people = await _require_me(request), read_people(request)
    await run_in_threadpool(people.end_sessions, read_principal(request), person.id)
    renewed = await _require_me(request)
    return _renew(request, RedirectResponse("/me?done=sessions", 303), renewed)


async def _read_me(request: Request) -> Person | None:
    principal = read_principal(request)
    if principal.person_id is None:
        return None
    return await run_in_threadpool(read_people(request).read_person, principal.person_id, principal)


async def _require_me(request: Request) -> Person:
    person = await _read_me(request)
    if person is None:
        raise Forbidden("The admin key is nobody's account. Sign in as a person.", code="not_a_person")
    return person


async def _begin(request: Request, person: Person) -> Enrolment:
    people: People = read_people(request)
    return await run_in_threadpool(people.begin_totp, person.id)


def _renew(request: Request, response: Response, person: Person) -> Response:
    """This browser stays signed in; the change has just ended every session there was."""
    _, _, sessions = read_directory(request)
    old = sessions.find(read_cookie(request.scope))
    step = Step(person_id=person.id, epoch=person.session_epoch, need="nothing")
    set_session(response, request, sessions.create(step, old.method if old is not None else "password"))
    return response


async def _show(
    request: Request,
    person: Person | None,
    *,
    error: NaruError | None = None,
    part: str = "",
    codes: Sequence[str] = (),
    done: str = "",
) -> Response:
    return render(
        request,
        "people/me.html",
        area="me",
        status_code=error.status if error is not None else 200,
        values={
            "person": person,
            "error": error,
            "failure": error.code if error is not None else None,
            "wait_s": round(error.retry_after_s or 0) if error is not None else 0,
            "part": part,
            "codes": codes,
            "done": done,
            "org_names": (await run_in_threadpool(read_orgs, request))["org_names"],
        },
    )


def _show_enrolment(
    request: Request, person: Person, enrolment: Enrolment, error: NaruError | None = None
) -> Response:
    import segno  # noqa: PLC0415  a second factor is set up once a person

    # Dark on light whatever the theme: some scanners do not read the inverse.
    code = segno.make(enrolment.uri, error="m", micro=False)
    return render(
        request,
        "people/totp.html",
        area="me",
        status_code=error.status if error is not None else 200,
        values={
            "email": person.email,
            "qr": code.svg_inline(
                scale=5, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
            ),
            "secret": " ".join(enrolment.secret[i : i + 4] for i in range(0, len(enrolment.secret), 4)),
            "error": error,
            "failure": error.code if error is not None else None,
            "wait_s": round(error.retry_after_s or 0) if error is not None else 0,
        },
    )
