"""`/api/overview`: what the ledger adds up to in a window of time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from naru.web.access import read_context, read_ledger, requires
from naru.web.api.schemas import BucketOut, FiguresOut, GroupOut, OverviewOut
from naru.web.window import NS, Overview, new_window, ns_from_time, time_from_ns
from naru.web.window import read_overview as read_window

router = APIRouter(prefix="/api", tags=["ledger"])

_DAY_NS = 86_400 * NS


@router.get(
    "/overview",
    summary="Requests, tokens, money, errors and latency of a window",
    dependencies=[requires("ledger.read")],
)
async def read_overview(
    request: Request,
    from_: Annotated[
        datetime | None, Query(alias="from", description="Begin, RFC 3339; default: a day before `to`.")
    ] = None,
    to: Annotated[datetime | None, Query(description="End (excluded), RFC 3339; default: now.")] = None,
    bucket: Annotated[
        int | None, Query(ge=1, description="Step of the series in seconds; default: about 60 steps.")
    ] = None,
) -> OverviewOut:
    """Totals, a series over time, and the same by model and by provider.

    Money is the sum of what could be priced: read it together with `unpriced` and `estimated`.
    """
    context = read_context(request)
    to_ns = context.clock.now_ns() if to is None else ns_from_time(to)
    from_ns = to_ns - _DAY_NS if from_ is None else ns_from_time(from_)
    window = new_window(from_ns=from_ns, to_ns=to_ns, bucket_s=bucket)
    return _render(await run_in_threadpool(read_window, read_ledger(request), window))


def _render(overview: Overview) -> OverviewOut:
    return OverviewOut(
        from_=time_from_ns(overview.window.from_ns),
        to=time_from_ns(overview.window.to_ns),
        bucket_s=overview.window.bucket_s,
        totals=FiguresOut.of(overview.totals),
        series=[BucketOut.of(bucket) for bucket in overview.series],
        by_model=[GroupOut.of(row) for row in overview.by_model],
        by_provider=[GroupOut.of(row) for row in overview.by_provider],
    )
