"""`/api/reviews`: calls that the guard wants a person to look at, and what people decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.identity import find_orgs
from naru.trust.feedback import Review
from naru.web.access import read_principal, requires
from naru.web.api.vault import read_records
from naru.web.window import time_from_ns

router = APIRouter(prefix="/api/reviews", tags=["reviews"])


class ReviewOut(BaseModel):
    """One call; its verdicts stand in `GET /api/calls/{id}` in full."""

    call_id: str
    org: str | None
    team: str | None
    kinds: list[str] = Field(description="Kinds of verdict that ask for a review.")
    scores: dict[str, float] = Field(description="By kind, 0 to 1.")
    created_at: datetime
    decision: str | None = Field(description="`harmless`, `harmful` or `unclear`; null while it waits.")
    note: str | None
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, review: Review) -> Self:
        decided = review.decided_at_ns
        return cls(
            call_id=review.call_id,
            org=review.org,
            team=review.team,
            kinds=list(review.kinds),
            scores=review.scores,
            created_at=time_from_ns(review.created_at_ns),
            decision=review.decision,
            note=review.note,
            decided_by=review.decided_by,
            decided_at=None if decided is None else time_from_ns(decided),
        )


class ReviewPage(BaseModel):
    """Newest first."""

    reviews: list[ReviewOut]
    next_before: str | None = Field(description="Pass as `before` for the next page; null at the end.")


class DecisionIn(BaseModel):
    """What the call was."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["harmless", "harmful", "unclear"]
    note: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Why; kept in clear, so nothing personal."
    )


@router.get("", summary="Calls to be reviewed", dependencies=[requires("reviews.read")])
async def list_reviews(
    request: Request,
    state: Annotated[Literal["open", "decided", "all"], Query()] = "open",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[str | None, Query(max_length=64, description="`next_before` of the last page.")] = None,
) -> ReviewPage:
    """Those of the organisations you may see."""
    records, orgs = read_records(request), find_orgs(read_principal(request), "reviews.read")
    is_open = {"open": True, "decided": False}.get(state)
    found = await run_in_threadpool(
        lambda: records.reviews.list_reviews(orgs=orgs, is_open=is_open, limit=limit + 1, before_id=before)
    )
    return ReviewPage(
        reviews=[ReviewOut.of(review) for review in found[:limit]],
        next_before=found[limit - 1].call_id if len(found) > limit else None,
    )


@router.post("/{call_id}", summary="Decide a review", dependencies=[requires("reviews.write")])
async def decide_review(
    request: Request, call_id: Annotated[str, Path(max_length=64)], body: DecisionIn
) -> ReviewOut:
    """A later decision replaces an earlier one; the audit log has both."""
    records, principal = read_records(request), read_principal(request)
    orgs = find_orgs(principal, "reviews.write")
    return ReviewOut.of(
        await run_in_threadpool(
            lambda: records.reviews.decide(
                call_id, body.decision, note=body.note, actor=principal.actor, orgs=orgs
            )
        )
    )
