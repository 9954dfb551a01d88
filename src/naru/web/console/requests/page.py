"""Requests: the ledger's table with its filters, and one call with its attempts, verdicts and ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity import find_orgs, forbidden
from naru.kernel.errors import NaruError, NotFound
from naru.kernel.tokens import BUCKETS
from naru.metering.models import Attempt, Call
from naru.trust.feedback import RatedCall, Rating, RatingFilter
from naru.web.access import may, read_context, read_ledger, read_principal, requires
from naru.web.console.frame import render
from naru.web.console.requests.judged import may_rate, may_see_ratings, read_judged, read_opinion
from naru.web.console.sign_in.page import read_form
from naru.web.filters import ENDPOINTS, STATUSES, CallFilter, list_page
from naru.web.window import NS, RANGES

router = APIRouter()

_PAGE: Final = 50
_MAX_FORM_BYTES: Final = 1024 * 1024


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
async def read_request(request: Request, id: str, rated: bool = False) -> Response:
    """One call in full."""
    return await _show_call(request, id, is_rated=rated)


@router.post("/requests/{id}", name="request_rate", dependencies=[requires("feedback.write")])
async def rate_request(request: Request, id: str) -> Response:
    """Say what one thinks of a call; comment and correction are kept only where the team consents."""
    form = await read_form(request, max_bytes=_MAX_FORM_BYTES)
    call = await _find_call(request, id)
    records, principal = read_context(request).records, read_principal(request)
    if records is None:
        raise NotFound("Ratings are not kept here.")
    if not may_rate(principal, call):
        raise forbidden("feedback.write", is_everywhere=call.org is None)
    try:
        opinion = read_opinion(form)
        rated = RatedCall(call.id, call.org, call.team, call.project)
        await run_in_threadpool(lambda: records.feedback.add(rated, opinion, rater=principal.actor))
    except NaruError as error:
        return await _show_call(request, id, error=error, filled=form)
    return RedirectResponse(f"/requests/{call.id}?rated=1#feedback", 303)


async def _find_call(request: Request, id: str) -> Call:
    call = await run_in_threadpool(read_ledger(request).find_call, id)
    if call is None:
        raise NotFound("The ledger has no call with this id.", code="call_not_found")
    return call


async def _show_call(
    request: Request,
    id: str,
    *,
    is_rated: bool = False,
    error: NaruError | None = None,
    filled: Mapping[str, str] | None = None,
) -> Response:
    call = await _find_call(request, id)
    context, principal = read_context(request), read_principal(request)
    records = context.records

    def read() -> tuple[list[Rating], bool]:
        if records is None or not may_see_ratings(principal, call):
            return [], False
        orgs = find_orgs(principal, "feedback.read")
        has_consent = records.feedback.has_consent(call.org, call.team, call.project)
        return records.feedback.list_ratings(RatingFilter(call_id=call.id), orgs=orgs, limit=20), has_consent

    ratings, has_consent = await run_in_threadpool(read)
    return render(
        request,
        "requests/call.html",
        area="requests",
        status_code=200 if error is None else error.status,
        values={
            "call": call,
            "bars": _waterfall(call),
            "buckets": [(name, getattr(call.usage, name)) for name in BUCKETS] if call.usage else [],
            "judged": read_judged(call),
            "ratings": ratings,
            "has_consent": has_consent,
            "may_rate": records is not None and may_rate(principal, call),
            "may_review": may(request, "reviews.read"),
            "is_rated": is_rated,
            "error": error,
            "filled": filled or {},
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
