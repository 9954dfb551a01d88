"""People: the list with its form for a new one, and one person with everything an administrator may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity import EVERY_ORG, ROLES, Unit, decide
from naru.identity.people import Grant, Person, Role
from naru.kernel.errors import BadRequest, NaruError
from naru.web.access import may, read_context, read_principal, requires
from naru.web.api.people import read_people
from naru.web.console.frame import render
from naru.web.console.sign_in.page import read_form, read_form_lists

router = APIRouter(prefix="/people")

_PAGE: Final = 100
_ORGS: Final = 500
_DONE: Final = ("roles", "name", "disabled", "enabled", "totp", "sessions")


@router.get("", name="people_page", dependencies=[requires("people.read")])
async def show_people(
    request: Request, after: Annotated[str, Query(max_length=254)] = "", deleted: bool = False
) -> Response:
    """Everybody whom the reader may see."""
    return await _show_list(request, after=after, is_deleted=deleted)


@router.post("", name="people_create", dependencies=[requires("people.write")])
async def create_person(request: Request) -> Response:
    """Make a person; the one-time password is shown in this answer and never again."""
    form = await read_form(request)
    try:
        made = await run_in_threadpool(
            read_people(request).create_person,
            read_principal(request),
            email=form.get("email", ""),
            name=form.get("name", ""),
            grants=[Grant(org=form.get("org", "").strip() or EVERY_ORG, role=_role(form.get("role", "")))],
            with_password="password" in form,
        )
    except NaruError as error:
        return await _show_list(request, error=error, filled=form)
    if not made.is_new:
        return RedirectResponse(f"/people/{made.person.id}?known=1", 303)
    return await _show_person(request, made.person, password=made.one_time_password, is_new=True)


@router.get("/{id}", name="person_page", dependencies=[requires("people.read")])
async def show_person(request: Request, id: str, done: str = "", known: bool = False) -> Response:
    """One person."""
    person = await run_in_threadpool(read_people(request).read_person, id, read_principal(request))
    return await _show_person(request, person, done=done if done in _DONE else "", is_known=known)


@router.post("/{id}/name", name="person_rename", dependencies=[requires("people.write")])
async def rename(request: Request, id: str) -> Response:
    """Give another display name."""
    name = (await read_form(request)).get("name", "")
    return await _act(request, id, "name", lambda p, a: p.update_person(a, id, name=name))


@router.post("/{id}/roles", name="person_roles", dependencies=[requires("people.write")])
async def write_roles(request: Request, id: str) -> Response:
    """Take the ticked roles, and one more where an organisation was written beside it."""
    form = await read_form_lists(request)
    pairs = [entry.rpartition(":") for entry in form.get("grant", [])]
    added = (form.get("role") or [""])[0]
    if added:
        pairs.append(((form.get("org") or [""])[0].strip() or EVERY_ORG, ":", added))
    try:
        grants = [Grant(org=org, role=_role(role)) for org, _, role in pairs]
    except BadRequest as error:
        return await _refuse(request, id, error)
    return await _act(request, id, "roles", lambda p, a: p.replace_roles(a, id, grants))


@router.post("/{id}/disable", name="person_disable", dependencies=[requires("people.write")])
async def disable(request: Request, id: str) -> Response:
    """Close the account; every session ends."""
    return await _act(request, id, "disabled", lambda p, a: p.update_person(a, id, is_disabled=True))


@router.post("/{id}/enable", name="person_enable", dependencies=[requires("people.write")])
async def enable(request: Request, id: str) -> Response:
    """Open the account again."""
    return await _act(request, id, "enabled", lambda p, a: p.update_person(a, id, is_disabled=False))


@router.post("/{id}/totp/remove", name="person_totp_remove", dependencies=[requires("people.write")])
async def remove_totp(request: Request, id: str) -> Response:
    """Take the second factor off."""
    return await _act(request, id, "totp", lambda p, a: p.remove_totp(a, id))


@router.post("/{id}/sessions/end", name="person_sessions_end", dependencies=[requires("people.write")])
async def end_sessions(request: Request, id: str) -> Response:
    """Sign them out everywhere."""
    return await _act(request, id, "sessions", lambda p, a: p.end_sessions(a, id))


@router.post("/{id}/password", name="person_password", dependencies=[requires("people.write")])
async def reset_password(request: Request, id: str) -> Response:
    """A one-time password, shown in this answer and never again."""
    people, actor = read_people(request), read_principal(request)
    try:
        password = await run_in_threadpool(people.reset_password, actor, id)
    except NaruError as error:
        return await _refuse(request, id, error)
    person = await run_in_threadpool(people.read_person, id, actor)
    return await _show_person(request, person, password=password)


@router.post("/{id}/delete", name="person_delete", dependencies=[requires("people.write")])
async def delete_person(request: Request, id: str) -> Response:
    """Delete the account."""
    try:
        await run_in_threadpool(read_people(request).delete_person, read_principal(request), id)
    except NaruError as error:
        return await _refuse(request, id, error)
    return RedirectResponse("/people?deleted=1", 303)


async def _act(request: Request, id: str, done: str, act: Callable[..., object]) -> Response:
    try:
        await run_in_threadpool(act, read_people(request), read_principal(request))
    except NaruError as error:
        return await _refuse(request, id, error)
    return RedirectResponse(f"/people/{id}?done={done}", 303)


async def _refuse(request: Request, id: str, error: NaruError) -> Response:
    person = await run_in_threadpool(read_people(request).read_person, id, read_principal(request))
    return await _show_person(request, person, error=error)


async def _show_list(
    request: Request,
    *,
    after: str = "",
    is_deleted: bool = False,
    error: NaruError | None = None,
    filled: Mapping[str, str] | None = None,
) -> Response:
    principal = read_principal(request)
    found = await run_in_threadpool(read_people(request).list_people, principal, limit=_PAGE, after=after)
    return render(
        request,
        "people/list.html",
        area="people",
        status_code=error.status if error is not None else 200,
        values={
            "people": found,
            "next_after": found[-1].email if len(found) == _PAGE else None,
            "may_write": may(request, "people.write"),
            "is_everywhere": decide(principal, "people.write"),
            "all_roles": ROLES,
            "is_deleted": is_deleted,
            **await run_in_threadpool(read_orgs, request),
            "error": error,
            "filled": filled or {},
        },
    )


async def _show_person(
    request: Request,
    person: Person,
    *,
    password: str | None = None,
    is_new: bool = False,
    is_known: bool = False,
    done: str = "",
    error: NaruError | None = None,
) -> Response:
    principal = read_principal(request)
    return render(
        request,
        "people/person.html",
        area="people",
        status_code=error.status if error is not None else 200,
        values={
            "person": person,
            "password": password,
            "is_new": is_new,
            "is_known": is_known,
            "done": done,
            "error": error,
            "all_roles": ROLES,
            "may_write": may(request, "people.write"),
            "is_everywhere": decide(principal, "people.write"),
            "is_self": principal.person_id == person.id,
            **await run_in_threadpool(read_orgs, request),
        },
    )


def read_orgs(request: Request) -> dict[str, object]:
    """Names of the organisations the reader may see, and those in which they may give roles."""
    found = read_context(request).units.list_units(read_principal(request), "org", limit=_ORGS)
    own: list[Unit] = [org for org in found if may(request, "people.write", org.id)]
    return {
        "orgs": sorted(own, key=lambda org: org.name),
        "org_names": {org.id: org.name for org in found},
    }


def _role(text: str) -> Role:
    if text not in ROLES:
        raise BadRequest(f"A role is one of {', '.join(ROLES)}.", param="role")
    return text
