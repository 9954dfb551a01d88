"""`/api/budgets`: money for a scope and a period, how it stands, and what was added to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.identity import Permission
from naru.kernel.errors import NotFound
from naru.kernel.money import format_usd
from naru.quota import Budget, EndedBudget, Scope, Standing, TopUp, Window
from naru.web.access import read_context, read_principal, requires
from naru.web.quota_scopes import may_see, report, resolve_scope, scope_name
from naru.web.window import ns_from_time, time_from_ns

router = APIRouter(prefix="/api/budgets", tags=["budgets"])

_T = TypeVar("_T")
_LAST_YEAR = 2200
BudgetId = Annotated[str, Path(max_length=64, description="Its id, `bud_…`.")]
Amount = Annotated[Decimal, Field(gt=0, le=10**12, max_digits=21, decimal_places=9)]
Percents = Annotated[list[Annotated[int, Field(ge=1, le=1000)]], Field(max_length=10)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BudgetIn(_In):
    """A budget to make."""

    scope: str = Field(
        max_length=400,
        description="`org:…`, `team:…`, `project:…`, `key:…` (id or path), or `tag:NAME=VALUE`.",
    )
    name: str = Field("", max_length=100, description="Tells budgets of the same scope and period apart.")
    period: Literal["day", "week", "month", "fixed"] = Field(description="Aligned to the calendar.")
    time_zone: str = Field("UTC", max_length=64, description="IANA name, e.g. `Asia/Seoul`.")
    starts_at: AwareDatetime | None = Field(None, description="Of a fixed budget.")
    ends_at: AwareDatetime | None = Field(None, description="Of a fixed budget; excluded.")
    amount: Amount = Field(description="In `currency`.")
    currency: Literal["USD", "KRW"] = Field("USD", description="KRW needs an exchange rate.")
    warn_percents: Percents = Field([80], description="Shares of the amount to tell of.")
    stop_percent: int | None = Field(
        100, ge=1, le=1000, description="Calls are refused from this share on; null only warns."
    )
    on_unpriced: Literal["refuse", "allow"] = Field(
        "refuse", description="What happens to a call for a model without a known price."
    )


class BudgetPatch(_In):
    """What to change; what is left out stays. In force at once."""

    name: str | None = Field(None, max_length=100)
    amount: Amount | None = None
    currency: Literal["USD", "KRW"] | None = None
    warn_percents: Percents | None = None
    stop_percent: int | None = Field(None, ge=1, le=1000, description="null, when it is there: only warn.")
    on_unpriced: Literal["refuse", "allow"] | None = None


class TopUpIn(_In):
    """Money for the present window alone."""

    amount: Amount = Field(description="In the budget's currency.")
    expires_at: AwareDatetime | None = Field(None, description="At the end of the window at the latest.")
    id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{8,64}$",
        description="Makes a repeated request one top-up.",
    )


class WindowOut(BaseModel):
    """One period of a budget. Amounts are exact decimal text in USD."""

    start: datetime
    end: datetime
    amount_usd: str
    usd_per_unit: str = Field(description="Exchange rate of the window's first day.")
    spent_usd: str
    spent_nano_usd: int
    unknown_usd: str = Field(description="Share of `spent` that nobody could confirm.")
    overrun_usd: str = Field(description="Share of `spent` beyond what had been reserved.")
    overruns: int
    warned_percent: int = Field(description="Highest threshold passed; 0: none.")

    @classmethod
    def of(cls, window: Window) -> Self:
        return cls(
            start=time_from_ns(window.start_ns),
            end=time_from_ns(window.end_ns),
            amount_usd=format_usd(window.amount_nano),
            usd_per_unit=format(window.usd_per_unit, "f"),
            spent_usd=format_usd(window.spent_nano),
            spent_nano_usd=window.spent_nano,
            unknown_usd=format_usd(window.unknown_nano),
            overrun_usd=format_usd(window.overrun_nano),
            overruns=window.overruns,
            warned_percent=window.warned_percent,
        )


class TopUpOut(BaseModel):
    """Money that was added."""

    id: str
    amount: str
    currency: str
    amount_usd: str
    window_start: datetime
    created_at: datetime
    created_by: str
    expires_at: datetime

    @classmethod
    def of(cls, top_up: TopUp) -> Self:
        return cls(
            id=top_up.id,
            amount=format(top_up.amount, "f"),
            currency=top_up.currency,
            amount_usd=format_usd(top_up.amount_nano),
            window_start=time_from_ns(top_up.window_start_ns),
            created_at=time_from_ns(top_up.created_at_ns),
            created_by=top_up.created_by,
            expires_at=time_from_ns(top_up.expires_at_ns),
        )


class BudgetOut(BaseModel):
    """A budget and how it stands: spent + reserved + left = limit."""

    id: str
    scope: str
    scope_path: str = Field(description="The scope as people write it: by path where there is one.")
    name: str
    period: str
    time_zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    amount: str
    currency: str
    warn_percents: list[int]
    stop_percent: int | None
    on_unpriced: str
    created_at: datetime
    window: WindowOut | None = Field(description="The present one; null outside a fixed budget's range.")
    top_ups: list[TopUpOut] = Field(description="In force now.")
    limit_usd: str | None = Field(description="Stop threshold and top-ups; null: it only warns.")
    reserved_usd: str = Field(description="For calls in flight.")
    lost_usd: str = Field(
        description="Share of `reserved` that a process held when it fell silent; its journal will tell."
    )
    left_usd: str | None
    left_nano_usd: int | None
    is_warned: bool
    is_stopped: bool

    @classmethod
    def of(cls, standing: Standing, paths: Mapping[str, str]) -> Self:
        budget, left, limit = standing.budget, standing.left_nano, standing.limit_nano
        return cls(
            id=budget.id,
            scope=str(budget.scope),
            scope_path=scope_name(budget.scope, paths),
            name=budget.name,
            period=budget.period,
            time_zone=budget.time_zone,
            starts_at=None if budget.starts_at_ns is None else time_from_ns(budget.starts_at_ns),
            ends_at=None if budget.ends_at_ns is None else time_from_ns(budget.ends_at_ns),
            amount=format(budget.amount, "f"),
            currency=budget.currency,
            warn_percents=list(budget.warn_percents),
            stop_percent=budget.stop_percent,
            on_unpriced=budget.on_unpriced,
            created_at=time_from_ns(budget.created_at_ns),
            window=None if standing.window is None else WindowOut.of(standing.window),
            top_ups=[TopUpOut.of(top_up) for top_up in standing.top_ups],
            limit_usd=None if limit is None else format_usd(limit),
            reserved_usd=format_usd(standing.reserved_nano),
            lost_usd=format_usd(standing.lost_nano),
            left_usd=None if left is None else format_usd(left),
            left_nano_usd=left,
            is_warned=standing.is_warned,
            is_stopped=standing.is_stopped,
        )


class BudgetList(BaseModel):
    budgets: list[BudgetOut]


class EndedOut(BaseModel):
    """A budget that holds nobody any more."""

    id: str
    scope: str
    scope_path: str
    name: str
    period: str
    amount: str
    currency: str
    ended_at: datetime

    @classmethod
    def of(cls, ended: EndedBudget, paths: Mapping[str, str]) -> Self:
        budget = ended.budget
        return cls(
            id=budget.id,
            scope=str(budget.scope),
            scope_path=scope_name(budget.scope, paths),
            name=budget.name,
            period=budget.period,
            amount=format(budget.amount, "f"),
            currency=budget.currency,
            ended_at=time_from_ns(ended.ended_at_ns),
        )


class EndedList(BaseModel):
    budgets: list[EndedOut]


class HistoryOut(BaseModel):
    """A budget's windows, newest first, and every top-up, oldest first."""

    windows: list[WindowOut]
    top_ups: list[TopUpOut]


@router.get("", summary="Budgets and how they stand", dependencies=[requires("budgets.read")])
async def list_budgets(
    request: Request,
    scope: Annotated[str | None, Query(max_length=400, description="Only those of this scope.")] = None,
) -> BudgetList:
    """Those of the organisations you may see; of tags only where you may see all of them."""
    context, principal = read_context(request), read_principal(request)
    await report(context)

    def read() -> list[Standing]:
        wanted = None if scope is None else resolve_scope(context, principal, scope, "budgets.read")
        return [
            standing
            for standing in context.budgets.list_budgets(wanted)
            if may_see(context, principal, standing.budget.scope, "budgets.read")
        ]

    found, paths = await run_in_threadpool(lambda: (read(), context.units.read_paths()))
    return BudgetList(budgets=[BudgetOut.of(standing, paths) for standing in found])


@router.get("/ended", summary="Ended budgets", dependencies=[requires("budgets.read")])
async def list_ended(request: Request) -> EndedList:
    """The newest 200, newest first. `POST /api/budgets/{id}/restore` puts one in force again."""
    context, principal = read_context(request), read_principal(request)

    def read() -> list[EndedOut]:
        paths = context.units.read_paths()
        return [
            EndedOut.of(ended, paths)
            for ended in context.budgets.list_ended()
            if may_see(context, principal, ended.budget.scope, "budgets.read")
        ]

    return EndedList(budgets=await run_in_threadpool(read))


@router.post(
    "",
    summary="Make a budget",
    status_code=201,
    responses={200: {"model": BudgetOut, "description": "It was there already; nothing was changed."}},
    dependencies=[requires("budgets.write")],
)
async def create_budget(request: Request, response: Response, body: BudgetIn) -> BudgetOut:
    """In force within a second, in every replica. What was spent before it does not count."""
    context, principal = read_context(request), read_principal(request)

    def create() -> tuple[BudgetOut, bool]:
        budget = new_budget(body, resolve_scope(context, principal, body.scope, "budgets.write"))
        known = {standing.budget.id for standing in context.budgets.list_budgets(budget.scope)}
        made = context.budgets.create_budget(budget, actor=principal.actor)
        standing = context.budgets.read_budget(made.id)
        return BudgetOut.of(standing, context.units.read_paths()), made.id not in known

    found, is_new = await run_in_threadpool(create)
    response.status_code = 201 if is_new else 200
    return found


@router.get("/{id}", summary="One budget", dependencies=[requires("budgets.read")])
async def read_budget(request: Request, id: BudgetId) -> BudgetOut:
    """How it stands at this moment."""
    context = read_context(request)
    await report(context)
    return await on_budget(
        request, id, "budgets.read", lambda standing: BudgetOut.of(standing, context.units.read_paths())
    )


@router.patch("/{id}", summary="Change a budget", dependencies=[requires("budgets.write")])
async def update_budget(request: Request, id: BudgetId, patch: BudgetPatch) -> BudgetOut:
    """In the present window too: raise the amount, and calls pass again within a second."""
    context, principal = read_context(request), read_principal(request)

    def update(standing: Standing) -> BudgetOut:
        changes = {
            name: getattr(patch, name)
            for name in patch.model_fields_set
            if name == "stop_percent" or getattr(patch, name) is not None
        }
        if "warn_percents" in changes:
            changes["warn_percents"] = tuple(changes["warn_percents"])
        changed = msgspec.structs.replace(standing.budget, **changes)
        context.budgets.update_budget(changed, actor=principal.actor)
        return BudgetOut.of(context.budgets.read_budget(id), context.units.read_paths())

    return await on_budget(request, id, "budgets.write", update)


@router.delete("/{id}", summary="End a budget", status_code=204, dependencies=[requires("budgets.write")])
async def delete_budget(request: Request, id: BudgetId) -> None:
    """Calls are no longer held to it; it can be restored. Ending one that is not there changes nothing."""
    context, principal = read_context(request), read_principal(request)
    try:
        await on_budget(
            request,
            id,
            "budgets.write",
            lambda _: context.budgets.delete_budget(id, actor=principal.actor),
        )
    except NotFound:
        return


@router.post(
    "/{id}/restore", summary="Put an ended budget in force again", dependencies=[requires("budgets.write")]
)
async def restore_budget(request: Request, id: BudgetId) -> BudgetOut:
    """With its history; what was spent meanwhile does not count. One in force is given back as it is."""
    return await restore(request, id)


@router.post(
    "/{id}/top-ups",
    summary="Add money to the present window",
    status_code=201,
    dependencies=[requires("budgets.write")],
)
async def top_up(request: Request, id: BudgetId, body: TopUpIn) -> TopUpOut:
    """It ends when it expires or with the window; what was spent of it stays spent."""
    context, principal = read_context(request), read_principal(request)
    expires_at_ns = None if body.expires_at is None else to_ns(body.expires_at)
    return TopUpOut.of(
        await on_budget(
            request,
            id,
            "budgets.write",
            lambda _: context.budgets.top_up(
                id, body.amount, expires_at_ns=expires_at_ns, actor=principal.actor, top_up_id=body.id
            ),
        )
    )


@router.get("/{id}/history", summary="Past windows and top-ups", dependencies=[requires("budgets.read")])
async def read_history(
    request: Request,
    id: BudgetId,
    limit: Annotated[int, Query(ge=1, le=1000, description="Windows at most.")] = 100,
) -> HistoryOut:
    """Windows in which nothing was asked for are not there."""
    context = read_context(request)
    await report(context)
    windows, top_ups = await on_budget(
        request,
        id,
        "budgets.read",
        lambda _: (context.budgets.list_windows(id, limit=limit), context.budgets.list_top_ups(id)),
    )
    return HistoryOut(
        windows=[WindowOut.of(window) for window in windows], top_ups=[TopUpOut.of(t) for t in top_ups]
    )


async def restore(request: Request, id: str) -> BudgetOut:
    """Put an ended budget in force again, for one who may write where it stands."""
    context, principal = read_context(request), read_principal(request)

    def run() -> BudgetOut:
        try:
            scope = context.budgets.read_budget(id).budget.scope
        except NotFound:
            scope = context.budgets.read_ended(id).scope
        if not may_see(context, principal, scope, "budgets.read"):
            raise NotFound("There is no budget of this id.", code="budget_not_found")
        if not may_see(context, principal, scope, "budgets.write"):
            resolve_scope(context, principal, str(scope), "budgets.write")  # raises what is missing
        context.budgets.restore_budget(id, actor=principal.actor)
        return BudgetOut.of(context.budgets.read_budget(id), context.units.read_paths())

    return await run_in_threadpool(run)


async def on_budget(request: Request, id: str, permission: Permission, work: Callable[[Standing], _T]) -> _T:
    """Do something with a budget in a thread, if it is there for this person; else it is not found."""
    context, principal = read_context(request), read_principal(request)

    def run() -> _T:
        standing = context.budgets.read_budget(id)
        if not may_see(context, principal, standing.budget.scope, "budgets.read"):
            raise NotFound("There is no budget of this id.", code="budget_not_found")
        if permission != "budgets.read":
            resolve_for_write(standing.budget.scope)
        return work(standing)

    def resolve_for_write(scope: Scope) -> None:
        if not may_see(context, principal, scope, permission):
            resolve_scope(context, principal, str(scope), permission)  # raises what is missing

    return await run_in_threadpool(run)


def new_budget(body: BudgetIn, scope: Scope) -> Budget:
    """The values of a request as a budget without an id."""
    return Budget(
        id="",
        scope=scope,
        name=body.name.strip(),
        period=body.period,
        time_zone=body.time_zone,
        starts_at_ns=None if body.starts_at is None else to_ns(body.starts_at),
        ends_at_ns=None if body.ends_at is None else to_ns(body.ends_at),
        amount=body.amount,
        currency=body.currency,
        warn_percents=tuple(sorted(set(body.warn_percents))),
        stop_percent=body.stop_percent,
        on_unpriced=body.on_unpriced,
    )


def to_ns(moment: datetime) -> int:
    """Nanoseconds; the first and last days of the calendar do not survive a change of zone."""
    return 0 if moment.year <= 1970 else ns_from_time(moment.replace(year=min(moment.year, _LAST_YEAR)))
