"""`/api/calls/{id}/feedback` and `/api/feedback`: ratings of calls, and the training data made of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.identity import decide, find_orgs, forbidden
from naru.kernel.errors import NotFound, Unavailable
from naru.trust.feedback import Opinion, RatedCall, Rating, RatingFilter
from naru.web.access import read_context, read_ledger, read_principal, requires
from naru.web.api.vault import read_records
from naru.web.window import ns_from_time, time_from_ns

router = APIRouter(prefix="/api", tags=["feedback"])

CallId = Annotated[str, Path(max_length=64, description="`x-naru-request-id` of the answer.")]
Text = Annotated[str, Field(min_length=1, max_length=100_000)]
_PLAIN = r"^[0-9A-Za-z가-힣_.-]+$"


class OpinionIn(BaseModel):
    """What somebody says of a call; at least one of it."""

    model_config = ConfigDict(extra="forbid")

    thumb: Literal["up", "down"] | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = Field(None, description="0 (worst) to 1 (best).")
    label: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="One word of yours; kept in clear, so nothing personal."
    )
    comment: Text | None = Field(None, description="Text: kept only with consent, sealed.")
    correction: Text | None = Field(None, description="The answer as it should have been; as `comment`.")


class RatingOut(BaseModel):
    """What was said, without its text: that leaves by the export alone."""

    id: str
    call_id: str
    org: str | None
    team: str | None
    project: str | None
    rater: str = Field(description="`user:…`, `key:…` or `admin-key`.")
    thumb: str | None
    score: float | None
    label: str | None
    has_comment: bool
    has_correction: bool
    created_at: datetime

    @classmethod
    def of(cls, rating: Rating) -> Self:
        fields = {name: getattr(rating, name) for name in Rating.__struct_fields__ if name != "created_at_ns"}
        return cls(**fields, created_at=time_from_ns(rating.created_at_ns))


class RatingList(BaseModel):
    feedback: list[RatingOut]


class RatingPage(RatingList):
    next_before: str | None = Field(description="Pass as `before` for the next page; null at the end.")


def read_filter(
    from_: Annotated[datetime | None, Query(alias="from", description="Rated from then on.")] = None,
    to: Annotated[datetime | None, Query(description="Rated before (excluded).")] = None,
    label: Annotated[str | None, Query(max_length=40, pattern=_PLAIN, description="Exact.")] = None,
    min_score: Annotated[float | None, Query(ge=0, le=1)] = None,
    thumb: Annotated[Literal["up", "down"] | None, Query()] = None,
) -> RatingFilter:
    """The filter a query string asks for."""
    return RatingFilter(
        from_ns=None if from_ is None else ns_from_time(from_),
        to_ns=None if to is None else ns_from_time(to),
        label=label,
        min_score=min_score,
        thumb=thumb,
    )


Filter = Annotated[RatingFilter, Depends(read_filter)]


@router.post(
    "/calls/{id}/feedback", summary="Rate a call", status_code=201, dependencies=[requires("feedback.write")]
)
async def add_feedback(request: Request, id: CallId, body: OpinionIn) -> RatingOut:
    """Thumb, score and label are always kept; comment and correction only where the team's policy consents
    (403 `no_consent` otherwise, and nothing is kept). Programs rate their own calls at `/v1/feedback`."""
    records, principal = read_records(request), read_principal(request)

    def write() -> Rating:
        call = read_ledger(request).find_call(id)
        if call is None:
            raise NotFound("The ledger has no call with this id.", code="call_not_found")
        if not (
            decide(principal, "feedback.write")
            if call.org is None
            else decide(principal, "feedback.write", call.org)
        ):
            raise forbidden("feedback.write", is_everywhere=call.org is None)
        rated = RatedCall(call.id, call.org, call.team, call.project)
        return records.feedback.add(rated, Opinion(**body.model_dump()), rater=principal.actor)

    return RatingOut.of(await run_in_threadpool(write))


@router.get("/calls/{id}/feedback", summary="Ratings of a call", dependencies=[requires("feedback.read")])
async def list_call_feedback(request: Request, id: CallId) -> RatingList:
    """Newest first, without text."""
    records, orgs = read_records(request), find_orgs(read_principal(request), "feedback.read")
    found = await run_in_threadpool(
        lambda: records.feedback.list_ratings(RatingFilter(call_id=id), orgs=orgs)
    )
    return RatingList(feedback=[RatingOut.of(rating) for rating in found])


@router.get("/feedback", summary="Ratings, newest first", dependencies=[requires("feedback.read")])
async def list_feedback(
    request: Request,
    filter_: Filter,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[str | None, Query(max_length=64, description="`next_before` of the last page.")] = None,
) -> RatingPage:
    """Those of the organisations you may see, without text."""
    records, orgs = read_records(request), find_orgs(read_principal(request), "feedback.read")
    found = await run_in_threadpool(
        lambda: records.feedback.list_ratings(filter_, orgs=orgs, limit=limit + 1, before_id=before)
    )
    return RatingPage(
        feedback=[RatingOut.of(rating) for rating in found[:limit]],
        next_before=found[limit - 1].id if len(found) > limit else None,
    )


@router.get(
    "/feedback/export",
    summary="Rated calls as training data",
    dependencies=[requires("feedback.export")],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "The file."}},
)
async def export_feedback(
    request: Request,
    filter_: Filter,
    format: Annotated[Literal["openai-jsonl"], Query(description="One example a line.")] = "openai-jsonl",
) -> StreamingResponse:
    """Prompts and answers in clear, of teams that consent, a corrected answer before the model's own. The
    audit log has an entry with count and filter before the first line leaves."""
    context, principal = read_context(request), read_principal(request)
    if context.audit_log is not None and context.audit_log.is_failing:
        raise Unavailable(
            "Nothing can be exported now, because the audit log cannot be written. Try again later.",
            code="audit_unavailable",
            retry_after_s=5,
        )
    records, orgs = read_records(request), find_orgs(principal, "feedback.export")
    _, lines = await run_in_threadpool(
        lambda: records.feedback.export(filter_, actor=principal.actor, orgs=orgs)
    )
    headers = {
        "content-disposition": 'attachment; filename="naru-feedback.jsonl"',
        "cache-control": "no-store",
    }
    del format
    return StreamingResponse(_lines(lines), media_type="application/x-ndjson", headers=headers)


def _lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield from lines
