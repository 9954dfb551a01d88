"""Telephone numbers as Britain, Ireland, Australia and France write them: by groups and first digits."""

from __future__ import annotations

import re

from naru.trust.detect.korean import Guess
from naru.trust.detect.number import Number

# How numbers are grouped, and what they then begin with.
_PLANS: dict[tuple[int, ...], re.Pattern[str]] = {
    groups: re.compile(beginning)
    for groups, beginning in {
        (5, 3, 3): "0[1378]",
        (5, 6): "0[1378]",
        (5, 5): "01",
        (4, 3, 4): "0(?:[12378]|9)",
        (3, 4, 4): "02[0-9]",
        (4, 3, 3): "04|13|18",
        (2, 3, 4): "0[1-9]",
        (3, 3, 4): "02|08[35679]",
        (4, 7): "01[5-7]",
        (2, 4, 4): "0[378]",
        (2, 2, 2, 2, 2): "0[1-9]",
        (4, 4, 3): "07",
        (4, 6): "04|0[1-9]",
        (3, 8): "07|02",
    }.items()
}
_BARE = re.compile(r"07[1-57-9][0-9]{8}|04[0-9]{8}")
_ASKED = re.compile(r"\b(?:number|call|text|ring|phone|mobile|tel|cell|mob|contact)\b", re.IGNORECASE)
_REACH = 48


def classify_abroad(n: Number) -> Guess | None:
    """A number that begins with the 0 of a trunk and is grouped as at home."""
    plan = _PLANS.get(n.groups)
    if plan is not None:
        if not plan.match(n.digits):
            return None
        if n.label == "PHONE":
            return "PHONE", 0.9, "label and grouping"
        return "PHONE", 0.3 if n.is_other or n.label == "ACCOUNT" else 0.6, "prefix and grouping"
    if len(n.groups) == 1 and _BARE.fullmatch(n.digits):
        is_asked = n.label == "PHONE" or _ASKED.search(n.text, max(0, n.start - _REACH), n.start)
        return ("PHONE", 0.3 if n.is_other else 0.6, "prefix and label") if is_asked else None
    return None
