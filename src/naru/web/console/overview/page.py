"""Overview: figures of a window of time. The page asks for them again while it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from naru.metering.models import BreakdownRow, Bucket
from naru.web.access import read_context, read_ledger, requires
from naru.web.console.frame import render
from naru.web.context import ControlContext, LedgerReader
from naru.web.window import NS, RANGES, Overview, Window, new_window, read_overview

router = APIRouter()

_DEFAULT_RANGE: Final = "24h"
_ROWS: Final = 8


@router.get("/", dependencies=[requires("ledger.read")])
async def show_overview(request: Request, range: str = _DEFAULT_RANGE) -> Response:
    """The whole page."""
    values = await _read_figures(request, range)
    return render(request, "overview/page.html", area="overview", values=values)


@router.get("/overview/figures", dependencies=[requires("ledger.read")])
async def show_figures(request: Request, range: str = _DEFAULT_RANGE) -> Response:
    """The part of the page that changes, as a fragment."""
    return render(request, "overview/figures.html", values=await _read_figures(request, range))


async def _read_figures(request: Request, range: str) -> dict[str, object]:
    context = read_context(request)
    chosen = range if range in RANGES else _DEFAULT_RANGE
    window = _window_until_now(context, RANGES[chosen])
    overview, is_virgin = await run_in_threadpool(_read, read_ledger(request), window)
    models = context.models()
    return {
        "range": chosen,
        "ranges": tuple(RANGES),
        "overview": overview,
        "totals": overview.totals,
        "by_model": _largest_first(overview.by_model),
        "by_provider": _largest_first(overview.by_provider),
        "is_virgin": is_virgin,
        "model": models[0].id if models else "model",
        "series": msgspec.json.encode(_chart_data(overview)).decode(),
        "providers": context.providers(),
        "status": context.status(),
    }


def _window_until_now(context: ControlContext, span_s: int) -> Window:
    """The window ends with the step that is under way, so that its newest calls show at once."""
    now_ns = context.clock.now_ns()
    return new_window(from_ns=now_ns - span_s * NS, to_ns=now_ns + 1)


def _read(ledger: LedgerReader, window: Window) -> tuple[Overview, bool]:
    overview = read_overview(ledger, window)
    return overview, overview.totals.requests == 0 and not ledger.list_calls(limit=1)


def _largest_first(rows: Sequence[BreakdownRow]) -> Sequence[BreakdownRow]:
    return sorted(rows, key=lambda row: row.requests, reverse=True)[:_ROWS]


def _chart_data(overview: Overview) -> dict[str, object]:
    window = overview.window
    return {
        "from": window.from_ns // 1_000_000,
        "to": window.to_ns // 1_000_000,
        "bucket": window.bucket_s * 1000,
        "steps": [_chart_step(bucket) for bucket in overview.series],
    }


def _chart_step(bucket: Bucket) -> dict[str, object]:
    usage = bucket.usage
    failed = bucket.errors + bucket.partials
    refused = bucket.rejected + bucket.cancelled
    return {
        "t": bucket.start_ns // 1_000_000,
        "ok": bucket.requests - failed - refused,
        "failed": failed,
        "refused": refused,
        "input": usage.total_input_tokens,
        "output": usage.total_output_tokens,
        "usd": bucket.cost_nano_usd / NS,
        "p50": bucket.duration_p50_ms,
        "p95": bucket.duration_p95_ms,
        "first": bucket.first_token_p50_ms,
    }
