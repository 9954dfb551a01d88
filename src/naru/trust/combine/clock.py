"""The retention clock: until when a combination may be worked on, and when what may be destroyed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

from naru.kernel.clock import Clock
from naru.kernel.errors import Conflict
from naru.trust.combine.plan import Plan

What = Literal["links", "all"]
"""links: secret, keys, serials and their links; all: the data and the packs too."""


def today(clock: Clock) -> date:
    """The day in UTC."""
    return datetime.fromtimestamp(clock.now_ns() / 1e9, UTC).date()


def stamp(clock: Clock) -> str:
    """Now, to the second, in UTC."""
    return datetime.fromtimestamp(clock.now_ns() / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_left(plan: Plan, clock: Clock) -> int:
    """Until the destruction date; negative when it has passed."""
    return (plan.project.destroy_on - today(clock)).days


def require_open(plan: Plan, clock: Clock) -> None:
    """Nothing is made any more once the day has come.

    Raises:
        Conflict: it is the destruction date, or later.
    """
    if days_left(plan, clock) <= 0:
        raise Conflict(
            f"the destruction date of {plan.project.name} was {plan.project.destroy_on}: nothing may be made "
            "any more; `naru combine destroy --what all` is what is left to do"
        )


def require_destroyable(plan: Plan, clock: Clock, what: What, *, is_exported: bool, reason: str) -> None:
    """Links are destroyed once the result has left, all on the day agreed; earlier only with a reason.

    Raises:
        Conflict: it is too early.
    """
    if reason or days_left(plan, clock) <= 0:
        return
    if what == "all":
        raise Conflict(
            f"the destruction date is {plan.project.destroy_on}; to end the project before it, say why with "
            "--abandon"
        )
    if not is_exported:
        raise Conflict(
            "this folder knows of no export (give --pack where it is another's), and without the links there "
            "never can be one; to give the project up, say why with --abandon"
        )
