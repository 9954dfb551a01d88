"""`/api/limits`: how fast a scope may go; and `/api/rates`: what a won is worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.quota import Limit, Rate
from naru.web.access import read_context, read_principal, requires
from naru.web.quota_scopes import may_see, resolve_scope, scope_name

router = APIRouter(prefix="/api", tags=["limits"])

ScopeText = Annotated[
    str,
    Path(
        max_length=400, description="`team:…`, `project:…`, `key:…`, `org:…` (id or path), `tag:NAME=VALUE`."
    ),
]
Bound = Annotated[int | None, Field(ge=1, le=10**12)]


class LimitIn(BaseModel):
    """Bounds of a scope; null is no bound."""

    model_config = ConfigDict(extra="forbid")

    requests_per_minute: Bound = None
    tokens_per_minute: Bound = None
    concurrent_calls: Bound = None


class LimitOut(BaseModel):
    """A scope and its bounds."""

    scope: str
    scope_path: str = Field(description="The scope as people write it: by path where there is one.")
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent_calls: int | None

    @classmethod
    def of(cls, limit: Limit, paths: Mapping[str, str]) -> Self:
        return cls(
            scope=str(limit.scope),
            scope_path=scope_name(limit.scope, paths),
            requests_per_minute=limit.requests_per_minute,
            tokens_per_minute=limit.tokens_per_minute,
            concurrent_calls=limit.concurrent_calls,
        )


class LimitList(BaseModel):
    limits: list[LimitOut]


class RateIn(BaseModel):
    """What one unit is worth."""

    model_config = ConfigDict(extra="forbid")

    usd_per_unit: Annotated[Decimal, Field(gt=0, le=1000, max_digits=20)] = Field(
        description="E.g. 0.00072 for one won."
    )


class RateOut(BaseModel):
    """What one unit of a currency is worth from a day on."""

    currency: str
    valid_from: str
    usd_per_unit: str

    @classmethod
    def of(cls, rate: Rate) -> Self:
        return cls(
            currency=rate.currency,
            valid_from=rate.valid_from,
            usd_per_unit=format(rate.usd_per_unit, "f"),
        )


class RateList(BaseModel):
    rates: list[RateOut]


@router.get("/limits", summary="Limits", dependencies=[requires("limits.read")])
async def list_limits(request: Request) -> LimitList:
    """Those of the organisations you may see; of tags only where you may see all of them."""
    context, principal = read_context(request), read_principal(request)

    def read() -> list[Limit]:
        found = context.budgets.list_limits()
        return [limit for limit in found if may_see(context, principal, limit.scope, "limits.read")]

    found, paths = await run_in_threadpool(lambda: (read(), context.units.read_paths()))
    return LimitList(limits=[LimitOut.of(limit, paths) for limit in found])


@router.put("/limits/{scope:path}", summary="Set a limit", dependencies=[requires("limits.write")])
async def set_limit(request: Request, scope: ScopeText, body: LimitIn) -> LimitOut:
    """All three bounds at once; in force within a second, and what was used so far counts."""
    context, principal = read_context(request), read_principal(request)

    def write() -> LimitOut:
        limit = Limit(
            scope=resolve_scope(context, principal, scope, "limits.write"),
            requests_per_minute=body.requests_per_minute,
            tokens_per_minute=body.tokens_per_minute,
            concurrent_calls=body.concurrent_calls,
        )
        limit = context.budgets.set_limit(limit, actor=principal.actor)
        return LimitOut.of(limit, context.units.read_paths())

    return await run_in_threadpool(write)


@router.delete(
    "/limits/{scope:path}", summary="Lift a limit", status_code=204, dependencies=[requires("limits.write")]
)
async def delete_limit(request: Request, scope: ScopeText) -> None:
    """Lifting one that is not there changes nothing."""
    context, principal = read_context(request), read_principal(request)

    def write() -> None:
        found = resolve_scope(context, principal, scope, "limits.write")
        context.budgets.delete_limit(found, actor=principal.actor)

    await run_in_threadpool(write)


@router.get("/rates", summary="Exchange rates", dependencies=[requires("prices.read")])
async def list_rates(request: Request) -> RateList:
    """By currency, newest first."""
    rates = await run_in_threadpool(read_context(request).budgets.list_rates)
    return RateList(rates=[RateOut.of(rate) for rate in rates])


@router.put(
    "/rates/{currency}/{valid_from}",
    summary="Set an exchange rate",
    dependencies=[requires("prices.write", everywhere=True)],
)
async def set_rate(request: Request, currency: Literal["KRW"], valid_from: date, body: RateIn) -> RateOut:
    """From a day on. Windows of budgets that are open keep the rate they were opened at."""
    context, principal = read_context(request), read_principal(request)
    rate = Rate(currency=currency, valid_from=valid_from.isoformat(), usd_per_unit=body.usd_per_unit)
    await run_in_threadpool(lambda: context.budgets.set_rate(rate, actor=principal.actor))
    return RateOut.of(rate)
