"""Keys: the whole tree on one page, and one key or unit with everything that may be done to it.

A secret is shown in the answer that made it, and by no address that could be opened again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, get_args

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity import DEFAULT_OVERLAP_S, Key, KeyScope, Unit, UnitKind, decide
from naru.identity import ENDPOINTS as ENDPOINT_NAMES
from naru.kernel.errors import BadRequest, NaruError, NotFound
from naru.web.access import may, read_context, read_principal, requires
from naru.web.console.frame import render
from naru.web.console.sign_in.page import read_form, read_form_lists
from naru.web.window import ns_from_time

router = APIRouter(prefix="/keys")

_KINDS: Final[tuple[UnitKind, ...]] = get_args(UnitKind)
_SHOWN: Final = 500
"""Keys and units of one kind on the page; who has more narrows it to an organisation, or uses the API."""
_OVERLAPS: Final = (0, 3600, DEFAULT_OVERLAP_S, 7 * DEFAULT_OVERLAP_S)
_DONE: Final = ("created", "known", "changed", "disabled", "enabled", "revoked", "deleted")
_LIST: Final = re.compile(r"[\s,]+")


@router.get("", name="keys_page", dependencies=[requires("keys.read")])
async def show_keys(
    request: Request,
    org: Annotated[str, Query(max_length=64)] = "",
    revoked: bool = False,
    done: str = "",
) -> Response:
    """The tree with its keys."""
    return await _show_tree(request, org=org, with_revoked=revoked, done=done)


@router.post("", name="key_create", dependencies=[requires("keys.write")])
async def create_key(request: Request) -> Response:
    """Make a key; its secret is in this answer and never again."""
    form = await read_form_lists(request)
    keys, principal = read_context(request).keys, read_principal(request)
    name, project = _last(form, "name"), _last(form, "project") or None
    try:
        scope = msgspec.structs.replace(KeyScope(), **_scope(form))
        issued = await run_in_threadpool(lambda: keys.create(principal, name, project=project, scope=scope))
    except NaruError as error:
        return await _show_tree(request, error=error, filled={k: v[-1] for k, v in form.items()})
    if not issued.is_new:
        return RedirectResponse(f"/keys/{issued.key.id}?done=known", 303)
    return _show_key(request, issued.key, secret=issued.secret)


@router.post("/units", name="unit_create", dependencies=[requires("projects.write")])
async def create_unit(request: Request) -> Response:
    """Make an organisation, a team or a project."""
    form = await read_form(request)
    units, principal = read_context(request).units, read_principal(request)
    try:
        kind = _kind(form.get("kind", ""))
        made = await run_in_threadpool(
            lambda: units.create(principal, kind, form.get("name", ""), parent=form.get("parent") or None)
        )
    except NaruError as error:
        return await _show_tree(request, error=error, filled=form)
    return RedirectResponse(f"/keys?done={'created' if made.is_new else 'known'}", 303)


@router.get("/units/{id}", name="unit_page", dependencies=[requires("orgs.read")])
async def show_unit(request: Request, id: str, done: str = "") -> Response:
    """One organisation, team or project."""
    return _show_unit(request, await _read_unit(request, id), done=done)


@router.post("/units/{id}/{act}", name="unit_act", dependencies=[requires("projects.write")])
async def change_unit(request: Request, id: str, act: str) -> Response:
    """Rename, disable, enable or delete one."""
    form = await read_form(request)
    unit = await _read_unit(request, id)
    units, principal = read_context(request).units, read_principal(request)
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "rename": (
            lambda: units.update(principal, unit.kind, id, name=form.get("name", "")),
            f"/keys/units/{id}?done=changed",
        ),
        "disable": (
            lambda: units.update(principal, unit.kind, id, is_disabled=True),
            f"/keys/units/{id}?done=disabled",
        ),
        "enable": (
            lambda: units.update(principal, unit.kind, id, is_disabled=False),
            f"/keys/units/{id}?done=enabled",
        ),
        "delete": (lambda: units.delete(principal, unit.kind, id), "/keys?done=deleted"),
    }
    if act not in acts:
        raise NotFound("There is nothing at this address.")
    do, there = acts[act]
    try:
        await run_in_threadpool(do)
    except NaruError as error:
        return _show_unit(request, unit, error=error)
    return RedirectResponse(there, 303)


@router.get("/{id}", name="key_page", dependencies=[requires("keys.read")])
async def show_key(request: Request, id: str, done: str = "") -> Response:
    """One key, without its secret."""
    key = await run_in_threadpool(read_context(request).keys.read, read_principal(request), id)
    return _show_key(request, key, done=done)


@router.post("/{id}/{act}", name="key_act", dependencies=[requires("keys.write")])
async def change_key(request: Request, id: str, act: str) -> Response:
    """Change, rotate, disable, enable or revoke a key. A new secret is in this answer and never again."""
    if act not in ("change", "rotate", "disable", "enable", "revoke"):
        raise NotFound("There is nothing at this address.")
    form = await read_form_lists(request)
    keys, principal = read_context(request).keys, read_principal(request)
    try:
        if act == "rotate":
            overlap = _last(form, "overlap_s")
            overlap_s = int(overlap) if overlap.isascii() and overlap.isdigit() else DEFAULT_OVERLAP_S
            issued = await run_in_threadpool(lambda: keys.rotate(principal, id, overlap_s=overlap_s))
            return _show_key(request, issued.key, secret=issued.secret)
        if act == "revoke":
            await run_in_threadpool(keys.revoke, principal, id)
            return RedirectResponse(f"/keys/{id}?done=revoked", 303)
        if act in ("disable", "enable"):
            is_disabled = act == "disable"
            await run_in_threadpool(lambda: keys.update(principal, id, is_disabled=is_disabled))
            return RedirectResponse(f"/keys/{id}?done={act}d", 303)
        name, scope = _last(form, "name"), _scope(form)
        await run_in_threadpool(lambda: keys.update(principal, id, name=name, scope=scope))
    except NotFound:
        raise
    except NaruError as error:
        return _show_key(request, await run_in_threadpool(keys.read, principal, id), error=error)
    return RedirectResponse(f"/keys/{id}?done=changed", 303)


async def _show_tree(
    request: Request,
    *,
    org: str = "",
    with_revoked: bool = False,
    done: str = "",
    error: NaruError | None = None,
    filled: Mapping[str, str] | None = None,
) -> Response:
    context, principal = read_context(request), read_principal(request)

    def read() -> tuple[dict[UnitKind, list[Unit]], list[Key]]:
        by_kind = {kind: context.units.list_units(principal, kind, limit=_SHOWN) for kind in _KINDS}
        known = {unit.id for unit in by_kind["org"]}
        only: tuple[UnitKind, str] | None = ("org", org) if org in known else None
        found = context.keys.list_keys(principal, unit=only, with_revoked=with_revoked, limit=_SHOWN)
        return by_kind, found

    by_kind, found = await run_in_threadpool(read)
    chosen = org if any(unit.id == org for unit in by_kind["org"]) else ""
    inside: dict[str, list[Unit]] = {}
    for unit in [*by_kind["team"], *by_kind["project"]]:
        inside.setdefault(unit.parent_id or "", []).append(unit)
    keys_of: dict[str, list[Key]] = {}
    for key in found:
        keys_of.setdefault(key.project_id, []).append(key)
    return render(
        request,
        "keys/tree.html",
        area="keys",
        status_code=error.status if error is not None else 200,
        values={
            "orgs": [unit for unit in _sorted(by_kind["org"]) if not chosen or unit.id == chosen],
            "all_orgs": _sorted(by_kind["org"]),
            "teams": _sorted(by_kind["team"]),
            "projects": _sorted(by_kind["project"]),
            "inside": {parent: _sorted(units) for parent, units in inside.items()},
            "keys_of": {id: sorted(own, key=lambda key: key.name) for id, own in keys_of.items()},
            "chosen": chosen,
            "with_revoked": with_revoked,
            "is_cut": len(found) == _SHOWN,
            "endpoint_names": sorted(ENDPOINT_NAMES),
            "may_write_keys": may(request, "keys.write"),
            "may_write_projects": may(request, "projects.write"),
            "may_write_orgs": decide(principal, "orgs.write"),
            "done": done if done in _DONE else "",
            "error": error,
            "filled": filled or {},
        },
    )


def _show_key(
    request: Request, key: Key, *, secret: str | None = None, done: str = "", error: NaruError | None = None
) -> Response:
    return render(
        request,
        "keys/key.html",
        area="keys",
        status_code=error.status if error is not None else 200,
        values={
            "key": key,
            "secret": secret,
            "done": done if done in _DONE else "",
            "error": error,
            "overlaps": _OVERLAPS,
            "expires_on": _day(key.expires_at_ns),
            "endpoint_names": sorted(ENDPOINT_NAMES),
            "may_write": key.revoked_at_ns is None and may(request, "keys.write", key.org_id),
        },
    )


def _show_unit(request: Request, unit: Unit, *, done: str = "", error: NaruError | None = None) -> Response:
    return render(
        request,
        "keys/unit.html",
        area="keys",
        status_code=error.status if error is not None else 200,
        values={
            "unit": unit,
            "done": done if done in _DONE else "",
            "error": error,
            "may_write": may(request, "orgs.write" if unit.kind == "org" else "projects.write", unit.org_id),
        },
    )


async def _read_unit(request: Request, id: str) -> Unit:
    kinds: dict[str, UnitKind] = {"org": "org", "team": "team", "proj": "project"}
    kind = kinds.get(id.partition("_")[0])
    if kind is None:
        raise NotFound("There is nothing at this address.")
    return await run_in_threadpool(read_context(request).units.read, read_principal(request), kind, id)


def _kind(text: str) -> UnitKind:
    for kind in _KINDS:
        if text == kind:
            return kind
    raise BadRequest("Choose an organisation, a team or a project.", param="kind")


def _scope(form: Mapping[str, list[str]]) -> dict[str, object]:
    """The fields of a key's scope as the form has them: lists by commas or blanks, a day, ticks."""
    pairs = [pair.partition("=") for pair in _split(_last(form, "tags"))]
    if not all(separator for _, separator, _ in pairs):
        raise BadRequest("Write tags as name=value, with commas between.", param="tags")
    scope: dict[str, object] = {
        "models": tuple(_split(_last(form, "models"))),
        "endpoints": tuple(form.get("endpoint", [])),
        "sites": tuple(_split(_last(form, "sites"))),
        "tags": {name: value for name, _, value in pairs},
    }
    day, before = _last(form, "expires_on"), _last(form, "expires_before")
    if day != before or not before:  # what was not touched keeps its very second
        scope["expires_at_ns"] = _day_ns(day)
    return scope


def _day_ns(day: str) -> int | None:
    if not day:
        return None
    try:
        return ns_from_time(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC))
    except ValueError:
        raise BadRequest("Write the day as 2027-01-31.", param="expires_on") from None


def _day(ns: int | None) -> str:
    return "" if ns is None else datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d")


def _split(text: str) -> list[str]:
    return [part for part in _LIST.split(text) if part]


def _last(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1].strip()


def _sorted(units: list[Unit]) -> list[Unit]:
    return sorted(units, key=lambda unit: unit.path)
