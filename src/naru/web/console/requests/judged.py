"""What trust found in a call and what it decided, as the ledger tells: types and counts, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from naru.identity import PersonPrincipal, decide
from naru.kernel.errors import BadRequest
from naru.metering.models import Call
from naru.trust.feedback import Opinion
from naru.trust.feedback.models import Thumb

STOPPED: Final = ("blocked_by_policy", "kept_inside", "detection_failed", "blocked_by_guard")
"""Error codes of calls that trust stopped."""


class Verdict(msgspec.Struct, frozen=True):
    """One finding of the guard."""

    kind: str
    score: float
    action: str = "log"
    reasons: tuple[str, ...] = ()


class Judged(msgspec.Struct, frozen=True):
    """What stands in `Call.policy`."""

    found: dict[str, int] = {}
    verdicts: tuple[Verdict, ...] = ()

    @property
    def total(self) -> int:
        """Places found."""
        return sum(self.found.values())


def read_judged(call: Call) -> Judged:
    """Nothing for a row that has none, or one of another version's making."""
    if not call.policy:
        return Judged()
    try:
        judged = msgspec.json.decode(call.policy, type=Judged)
    except msgspec.DecodeError:
        return Judged()
    found = dict(sorted(judged.found.items(), key=lambda item: (-item[1], item[0])))
    return msgspec.structs.replace(judged, found=found)


def may_rate(principal: PersonPrincipal, call: Call) -> bool:
    """Who may say what they think of a call; of one of no organisation, whoever may everywhere."""
    if call.org is None:
        return decide(principal, "feedback.write")
    return decide(principal, "feedback.write", call.org)


def may_see_ratings(principal: PersonPrincipal, call: Call) -> bool:
    """Who may see what others said of it."""
    if call.org is None:
        return decide(principal, "feedback.read")
    return decide(principal, "feedback.read", call.org)


def read_opinion(form: Mapping[str, str]) -> Opinion:
    """What a form says of a call; the book checks it.

    Raises:
        BadRequest: the thumb is none.
    """
    thumb = form.get("thumb") or None
    if thumb not in (None, "up", "down"):
        raise BadRequest("The form says what cannot be chosen there. Load the page again.")
    return Opinion(
        thumb=cast("Thumb | None", thumb),
        label=form.get("label", "").strip() or None,
        comment=form.get("comment", "").strip() or None,
        correction=form.get("correction", "").strip() or None,
    )
