"""`/api/calls`: the ledger's rows, one by one and by page."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from naru.kernel.errors import NotFound
from naru.web.access import read_ledger, requires
from naru.web.api.export import render_csv, render_jsonl
from naru.web.api.exported import record_export
from naru.web.api.schemas import CallOut, CallPage
from naru.web.filters import Filter, list_page

router = APIRouter(prefix="/api/calls", tags=["ledger"])


@router.get("", summary="Calls, newest first", dependencies=[requires("ledger.read")])
async def list_calls(
    request: Request,
    filter_: Filter,
    limit: Annotated[int, Query(ge=1, le=500, description="Calls a page.")] = 50,
    before: Annotated[
        str | None, Query(max_length=64, description="`next_before` of the page before this one.")
    ] = None,
) -> CallPage:
    """A page of the ledger. Follow `next_before` until it is null; new calls do not shift the pages."""
    ledger = read_ledger(request)
    calls, next_before = await run_in_threadpool(list_page, ledger, filter_, limit=limit, before=before)
    return CallPage(calls=[CallOut.of(call) for call in calls], next_before=next_before)


@router.get(
    "/export",
    summary="Calls as a file",
    dependencies=[requires("ledger.export")],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/x-ndjson": {}}, "description": "The file."}},
)
async def export_calls(
    request: Request,
    filter_: Filter,
    format: Annotated[Literal["csv", "jsonl"], Query(description="`csv` opens in Excel.")] = "csv",
) -> StreamingResponse:
    """Every call the filters let through, streamed: a year of them needs no more memory than a page."""
    await record_export(request, "ledger.export", "ledger", format, filter_)
    calls = read_ledger(request, "ledger.export").export_calls(**filter_)
    lines, media_type = (
        (render_csv(calls), "text/csv; charset=utf-8")
        if format == "csv"
        else (render_jsonl(calls), "application/x-ndjson")
    )
    headers = {"content-disposition": f'attachment; filename="naru-calls.{format}"'}
    return StreamingResponse(lines, media_type=media_type, headers=headers)


@router.get("/{id}", summary="One call with its attempts", dependencies=[requires("ledger.read")])
async def read_call(
    request: Request,
    id: Annotated[str, Path(max_length=64, description="`x-naru-request-id` of the answer.")],
) -> CallOut:
    """Where it went, what each attempt did, its tokens by bucket and its cost. It appears within a second of
    the answer's end."""
    call = await run_in_threadpool(read_ledger(request).find_call, id)
    if call is None:
        raise NotFound(
            "The ledger has no call with this id. A call appears there when it has ended.",
            code="call_not_found",
        )
    return CallOut.of(call)
