"""Budgets: the list with its bars, one budget with top-ups and history, and the limits beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity import PersonPrincipal, UnitKind
from naru.kernel.errors import BadRequest, NaruError, NotFound
from naru.quota import Limit, Rate, Standing, TopUp, Window
from naru.web.access import may, read_context, read_principal, requires
from naru.web.api.budgets import on_budget, restore
from naru.web.console.budgets.forms import (
    read_bound,
    read_budget,
    read_decimal,
    read_moment,
    read_percents,
)
from naru.web.console.budgets.rows import Ended, Row, name_scope, read_bar, read_row
from naru.web.console.frame import render
from naru.web.console.sign_in.page import read_form
from naru.web.context import ControlContext
from naru.web.quota_scopes import may_see, report, resolve_scope

router = APIRouter(prefix="/budgets")

_WINDOWS: Final = 60
_DONE: Final = ("changed", "topped", "created", "known", "ended", "limit", "rate", "lifted", "restored")
_SCOPES: Final = 300
"""Scopes of a kind that the form offers; any other may be written."""
_ZONES: Final = ("Asia/Seoul", "UTC")


@router.get("", name="budgets_page", dependencies=[requires("budgets.read")])
async def show_budgets(
    request: Request, done: str = "", limit: Annotated[str, Query(max_length=400)] = ""
) -> Response:
    """Every budget and limit the reader may see; `limit` names the one to change in the form."""
    return await _show_list(request, done=done, chosen_limit=limit)


@router.post("", name="budgets_create", dependencies=[requires("budgets.write")])
async def create_budget(request: Request) -> Response:
    """Make a budget."""
    form = await read_form(request)
    context, principal = read_context(request), read_principal(request)

    def create() -> tuple[str, bool]:
        scope = resolve_scope(context, principal, form.get("scope", "").strip(), "budgets.write")
        known = {standing.budget.id for standing in context.budgets.list_budgets(scope)}
        made = context.budgets.create_budget(read_budget(form, scope), actor=principal.actor)
        return made.id, made.id not in known

    try:
        id, is_new = await run_in_threadpool(create)
    except NaruError as error:
        return await _show_list(request, error=error, filled=form)
    return RedirectResponse(f"/budgets/{id}?done={'created' if is_new else 'known'}", 303)


@router.post("/limits", name="limits_set", dependencies=[requires("limits.write")])
async def set_limit(request: Request) -> Response:
    """Set a scope's bounds; with none given, lift them."""
    form = await read_form(request)
    context, principal = read_context(request), read_principal(request)

    def write() -> str:
        scope = resolve_scope(context, principal, form.get("scope", "").strip(), "limits.write")
        bounds = [read_bound(form.get(name, "")) for name in ("requests", "tokens", "concurrent")]
        if form.get("act") == "lift" or bounds == [None, None, None]:
            context.budgets.delete_limit(scope, actor=principal.actor)
            return "lifted"
        context.budgets.set_limit(
            Limit(
                scope=scope,
                requests_per_minute=bounds[0],
                tokens_per_minute=bounds[1],
                concurrent_calls=bounds[2],
            ),
            actor=principal.actor,
        )
        return "limit"

    try:
        done = await run_in_threadpool(write)
    except NaruError as error:
        return await _show_list(request, limit_error=error, filled_limit=form)
    return RedirectResponse(f"/budgets?done={done}", 303)


@router.post("/rates", name="rates_set", dependencies=[requires("prices.write", everywhere=True)])
async def set_rate(request: Request) -> Response:
    """Set an exchange rate."""
    form = await read_form(request)
    context, principal = read_context(request), read_principal(request)

    def write() -> None:
        rate = Rate(
            currency="KRW",
            valid_from=form.get("valid_from", ""),
            usd_per_unit=read_decimal(form.get("usd_per_unit", ""), "usd_per_unit"),
        )
        context.budgets.set_rate(rate, actor=principal.actor)

    try:
        await run_in_threadpool(write)
    except NaruError as error:
        return await _show_list(request, rate_error=error)
    return RedirectResponse("/budgets?done=rate", 303)


@router.get("/{id}", name="budget_page", dependencies=[requires("budgets.read")])
async def show_budget(request: Request, id: str, done: str = "") -> Response:
    """One budget."""
    return await _show_budget(request, id, done=done)


@router.post("/{id}", name="budget_update", dependencies=[requires("budgets.write")])
async def update_budget(request: Request, id: str) -> Response:
    """Take the form's amount and thresholds."""
    form = await read_form(request)

    def update(context: ControlContext, principal: PersonPrincipal, standing: Standing) -> None:
        changed = msgspec.structs.replace(
            standing.budget,
            amount=read_decimal(form.get("amount", ""), "amount"),
            warn_percents=read_percents(form.get("warn", "")),
            stop_percent=read_bound(form.get("stop", "")),
            on_unpriced="allow" if form.get("unpriced") == "allow" else "refuse",
            name=form.get("name", "").strip(),
        )
        context.budgets.update_budget(changed, actor=principal.actor)

    return await _act(request, id, "changed", update)


@router.post("/{id}/top-ups", name="budget_top_up", dependencies=[requires("budgets.write")])
async def top_up(request: Request, id: str) -> Response:
    """Add money to the present window."""
    form = await read_form(request)

    def add(context: ControlContext, principal: PersonPrincipal, _: Standing) -> None:
        amount = read_decimal(form.get("amount", ""), "amount")
        until = read_moment(form.get("until", ""))
        context.budgets.top_up(id, amount, expires_at_ns=until, actor=principal.actor)

    return await _act(request, id, "topped", add)


@router.post("/{id}/end", name="budget_end", dependencies=[requires("budgets.write")])
async def end_budget(request: Request, id: str) -> Response:
    """End it; its history stays in the database."""

    def end(context: ControlContext, principal: PersonPrincipal, _: Standing) -> None:
        context.budgets.delete_budget(id, actor=principal.actor)

    return await _act(request, id, "ended", end, there="/budgets")


@router.post("/{id}/restore", name="budget_restore", dependencies=[requires("budgets.write")])
async def restore_budget(request: Request, id: str) -> Response:
    """Put an ended budget in force again."""
    try:
        await restore(request, id)
    except NotFound:
        raise
    except NaruError as error:
        return await _show_list(request, error=error)
    return RedirectResponse(f"/budgets/{id}?done=restored", 303)


async def _act(
    request: Request,
    id: str,
    done: str,
    act: Callable[[ControlContext, PersonPrincipal, Standing], object],
    there: str | None = None,
) -> Response:
    context, principal = read_context(request), read_principal(request)
    try:
        await on_budget(request, id, "budgets.write", lambda standing: act(context, principal, standing))
    except BadRequest as error:
        if error.status == 404:
            raise
        return await _show_budget(request, id, error=error)
    return RedirectResponse(f"{there or f'/budgets/{id}'}?done={done}", 303)


async def _show_list(
    request: Request,
    *,
    done: str = "",
    error: NaruError | None = None,
    limit_error: NaruError | None = None,
    rate_error: NaruError | None = None,
    filled: Mapping[str, str] | None = None,
    filled_limit: Mapping[str, str] | None = None,
    chosen_limit: str = "",
) -> Response:
    context, principal = read_context(request), read_principal(request)
    await report(context)

    def read() -> dict[str, Any]:
        paths = context.units.read_paths()
        return {
            "rows": [
                read_row(standing, paths)
                for standing in context.budgets.list_budgets()
                if may_see(context, principal, standing.budget.scope, "budgets.read")
            ],
            "limits": [
                (limit, name_scope(str(limit.scope), paths))
                for limit in context.budgets.list_limits()
                if may_see(context, principal, limit.scope, "limits.read")
            ],
            "rates": context.budgets.list_rates(),
            "ended": [
                Ended(ended.budget, name_scope(str(ended.budget.scope), paths), ended.ended_at_ns)
                for ended in context.budgets.list_ended()
                if may_see(context, principal, ended.budget.scope, "budgets.read")
            ],
            "scopes": _list_scopes(context, principal),
        }

    values = await run_in_threadpool(read)
    for found, name in values["limits"]:
        if str(found.scope) == chosen_limit and filled_limit is None:
            filled_limit = {"scope": name} | {
                field: "" if bound is None else str(bound)
                for field, bound in (
                    ("requests", found.requests_per_minute),
                    ("tokens", found.tokens_per_minute),
                    ("concurrent", found.concurrent_calls),
                )
            }

    refused = error or limit_error or rate_error
    return render(
        request,
        "budgets/list.html",
        area="budgets",
        status_code=200 if refused is None else refused.status,
        values={
            **values,
            "done": done if done in _DONE else "",
            "error": error,
            "limit_error": limit_error,
            "rate_error": rate_error,
            "filled": filled or {},
            "filled_limit": filled_limit or {},
            "zones": _ZONES,
            "may_write": may(request, "budgets.write"),
            "may_limit": may(request, "limits.write"),
            "may_rate": may(request, "prices.write", "*"),
        },
    )


async def _show_budget(
    request: Request, id: str, *, done: str = "", error: NaruError | None = None
) -> Response:
    context = read_context(request)
    await report(context)

    def read(standing: Standing) -> tuple[Row, list[Window], list[TopUp]]:
        windows = context.budgets.list_windows(id, limit=_WINDOWS)
        return read_row(standing, context.units.read_paths()), windows, context.budgets.list_top_ups(id)

    row, windows, top_ups = await on_budget(request, id, "budgets.read", read)
    return render(
        request,
        "budgets/budget.html",
        area="budgets",
        status_code=200 if error is None else error.status,
        values={
            "row": row,
            "windows": [(w, read_bar(w.spent_nano, 0, w.stop_nano, w.amount_nano)) for w in windows],
            "top_ups": list(reversed(top_ups)),
            "now_ns": context.clock.now_ns(),
            "done": done if done in _DONE else "",
            "error": error,
            "may_write": may(request, "budgets.write"),
        },
    )


def _list_scopes(context: ControlContext, principal: PersonPrincipal) -> list[str]:
    kinds: tuple[UnitKind, ...] = ("org", "team", "project")
    found = [
        f"{kind}:{unit.path}"
        for kind in kinds
        for unit in context.units.list_units(principal, kind, limit=_SCOPES)
    ]
    keys = context.keys.list_keys(principal, limit=_SCOPES)
    return sorted(found) + sorted(f"key:{key.path}" for key in keys)
