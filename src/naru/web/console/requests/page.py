"""Requests: the ledger's table with its filters, and one call with its attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.kernel.errors import NotFound
from naru.metering.models import Attempt, Call
from naru.web.access import may, read_context, read_ledger, requires
from naru.web.console.frame import render
from naru.web.filters import ENDPOINTS, STATUSES, CallFilter, list_page
from naru.web.window import NS, RANGES

router = APIRouter()

_PAGE: Final = 50
BUCKETS: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)


@router.get("/requests", dependencies=[requires("ledger.read")])
async def list_requests(
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    provider: Annotated[str, Query(max_length=200)] = "",
    status: str = "",
    endpoint: str = "",
    range: str = "",
    before: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The table. `q` is a model, or the id of a call, which opens it. Filters nobody knows are left out:
    a page must not break on an old link."""
    q = q.strip()
    if q.startswith("req_"):
        return RedirectResponse(f"/requests/{q}", 303)
    context = read_context(request)
    chosen = {
        "q": q,
        "provider": provider.strip(),
        "status": status if status in STATUSES else "",
        "endpoint": endpoint if endpoint in ENDPOINTS else "",
        "range": range if range in RANGES else "",
    }
    from_ns = context.clock.now_ns() - RANGES[chosen["range"]] * NS if chosen["range"] else None
    filter_ = CallFilter(
        model=q or None,
        provider=chosen["provider"] or None,
        status=chosen["status"] or None,
        team=None,
        endpoint=chosen["endpoint"] or None,
        from_ns=from_ns,
        to_ns=None,
    )
    calls, next_before = await run_in_threadpool(
        list_page, read_ledger(request), filter_, limit=_PAGE, before=before or None
    )
    models = context.models()
    return render(
        request,
        "requests/list.html",
        area="requests",
        values={
            "calls": calls,
            "chosen": chosen,
            "is_filtered": any(chosen.values()),
            "statuses": STATUSES,
            "endpoints": ENDPOINTS,
            "ranges": tuple(RANGES),
            "models": models,
            "providers": context.providers(),
            "model": models[0].id if models else "model",
            "newest": _link("/requests", chosen) if before else None,
            "older": _link("/requests", {**chosen, "before": next_before}) if next_before else None,
            "export": _link("/requests/export", chosen) if may(request, "ledger.export") else None,
        },
    )


@router.get("/requests/export", dependencies=[requires("ledger.export")])
async def export_requests(request: Request, range: str = "") -> Response:
    """The table's filters, in the words of the API's export."""
    query = dict(request.query_params)
    query.pop("range", None)
    query["model"] = query.pop("q", "")
    if range in RANGES:
        query["from"] = str((read_context(request).clock.now_ns() - RANGES[range] * NS) // NS)
    return RedirectResponse(_link("/api/calls/export", query), 303)


@router.get("/requests/{id}", dependencies=[requires("ledger.read")])
async def read_request(request: Request, id: str) -> Response:
    """One call in full."""
    call = await run_in_threadpool(read_ledger(request).find_call, id)
    if call is None:
        raise NotFound("The ledger has no call with this id.", code="call_not_found")
    return render(
        request,
        "requests/call.html",
        area="requests",
        values={
            "call": call,
            "bars": _waterfall(call),
            "buckets": [(name, getattr(call.usage, name)) for name in BUCKETS] if call.usage else [],
        },
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt on the time axis of its call, in percent of the call's length."""

    attempt: Attempt
    start: float
    waiting: float
    """Until the first token; the whole attempt when there was none."""
    answering: float


def _waterfall(call: Call) -> list[Bar]:
    """Clocks of attempts and call are one, but rounding may put a bar a hair outside: it is held inside."""
    ends = [(a.started_at_ns - call.started_at_ns) / 1e6 + a.duration_ms for a in call.attempts]
    whole_ms = max([call.duration_ms, *ends, 0.001])
    bars = []
    for attempt in call.attempts:
        offset_ms = max(0.0, (attempt.started_at_ns - call.started_at_ns) / 1e6)
        waiting_ms = attempt.duration_ms if attempt.first_token_ms is None else attempt.first_token_ms
        waiting_ms = min(waiting_ms, attempt.duration_ms)
        bars.append(
            Bar(
                attempt,
                round(100 * offset_ms / whole_ms, 2),
                round(100 * waiting_ms / whole_ms, 2),
                round(100 * (attempt.duration_ms - waiting_ms) / whole_ms, 2),
            )
        )
    return bars


def _link(path: str, query: Mapping[str, str]) -> str:
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{text}" if text else path
