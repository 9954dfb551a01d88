"""Reviews: calls that the guard wants a person to look at, and what people decide. None of their text."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity import decide, find_orgs
from naru.kernel.errors import NaruError, NotFound
from naru.trust.feedback import Review
from naru.trust.feedback.models import DECISIONS, Decision
from naru.web.access import may, read_context, read_principal, requires
from naru.web.console.frame import render
from naru.web.console.sign_in.page import read_form

router = APIRouter(prefix="/reviews")

_PAGE: Final = 50
STATES: Final = ("open", "decided", "all")


@router.get("", name="reviews_page", dependencies=[requires("reviews.read")])
async def show_reviews(
    request: Request,
    state: str = "open",
    before: Annotated[str, Query(max_length=64)] = "",
    done: bool = False,
) -> Response:
    """Those that wait, those that are decided, or all; newest first."""
    return await _show(request, state=state, before=before, is_done=done)


@router.post("/{call_id}", name="review_decide", dependencies=[requires("reviews.write")])
async def decide_review(request: Request, call_id: str) -> Response:
    """Say what a call was."""
    form = await read_form(request)
    records, principal = read_context(request).records, read_principal(request)
    state = form.get("state", "open")
    if records is None:
        raise NotFound("Nothing waits for a review here.")
    orgs = find_orgs(principal, "reviews.write")
    # What the decision may be is checked by the book, as everything that comes from outside.
    decision = cast("Decision", form.get("decision", ""))
    note = form.get("note", "").strip() or None
    try:
        await run_in_threadpool(
            lambda: records.reviews.decide(call_id, decision, note=note, actor=principal.actor, orgs=orgs)
        )
    except NotFound:
        raise
    except NaruError as error:
        return await _show(request, state=state, error=error, filled={"call_id": call_id, **form})
    return RedirectResponse(_link(state, done="1"), 303)


async def _show(
    request: Request,
    *,
    state: str,
    before: str = "",
    is_done: bool = False,
    error: NaruError | None = None,
    filled: dict[str, str] | None = None,
) -> Response:
    context, principal = read_context(request), read_principal(request)
    chosen = state if state in STATES else "open"
    orgs = find_orgs(principal, "reviews.read")

    def read() -> tuple[list[Review], dict[str, str]]:
        if context.records is None:
            return [], {}
        found = context.records.reviews.list_reviews(
            orgs=orgs,
            is_open={"open": True, "decided": False}.get(chosen),
            limit=_PAGE + 1,
            before_id=before or None,
        )
        return found, context.units.read_paths()

    found, paths = await run_in_threadpool(read)
    shown = found[:_PAGE]
    values: dict[str, Any] = {
        "reviews": [(review, _may_decide(request, review)) for review in shown],
        "paths": paths,
        "states": STATES,
        "chosen": chosen,
        "decisions": DECISIONS,
        "older": _link(chosen, before=shown[-1].call_id) if len(found) > _PAGE else None,
        "newest": _link(chosen) if before else None,
        "is_done": is_done,
        "error": error,
        "filled": filled or {},
    }
    status = 200 if error is None else error.status
    return render(request, "trust/reviews.html", area="reviews", status_code=status, values=values)


def _may_decide(request: Request, review: Review) -> bool:
    if review.org is None:  # of no organisation: a role held everywhere
        return decide(read_principal(request), "reviews.write")
    return may(request, "reviews.write", review.org)


def _link(state: str, **query: str) -> str:
    return f"/reviews?{urlencode({'state': state, **query})}"
