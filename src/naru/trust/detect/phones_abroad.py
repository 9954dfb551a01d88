"""Telephone numbers as Britain, Ireland, Australia and France write them: by groups and first digits."""

from __future__ import annotations

import re

from naru.trust.detect.korean import Guess
from naru.trust.detect.number import Number
from naru.trust.entity import Entity

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
        (4, 4, 3): "07|01[5-7]",
        (4, 4, 4): "01[5-7]",
        (4, 8): "01[5-7]",
        (4, 6): "04|0[1-9]",
        (3, 8): "07|02",
    }.items()
}
_BARE = re.compile(r"07[1-57-9][0-9]{8}|04[0-9]{8}")
_ASKED = re.compile(
    r"\b(?:number|call|text|ring|phone|mobile|mobil|handy|telefon|tel|fax|cell|mob|contact)\b", re.IGNORECASE
)
_REACH = 48
# With a stroke after the area: 312/555-0142, 0171 / 305 66 12, (0049) 171 / 305 66 12.
_STROKE = re.compile(
    r"(?<![\w./+(\-])(?:(?P<america>[2-9][0-9]{2}/[2-9][0-9]{2}-[0-9]{4})"
    r"|(?P<abroad>\(?(?:\+|00)[1-9][0-9]{0,2}\)? ?(?:\(0\) ?)?[1-9][0-9]{1,4} ?/ ?"
    r"[0-9]{2,9}(?:[ \-][0-9]{1,5}){0,4})"
    r"|\(?0[1-9][0-9]{1,4}\)? ?/ ?[0-9]{2,9}(?:[ \-][0-9]{1,5}){0,4})(?![0-9A-Za-z/]|[.,][0-9])"
)
_STROKE_REACH, _STROKE_DIGITS = 32, range(8, 16)


def find_with_stroke(text: str, end: int) -> Entity | None:
    """A number whose area a stroke ends; one of home only where a telephone is spoken of."""
    at = text.rfind("/", max(0, end - _STROKE_REACH), end)
    found = next(
        (m for m in _STROKE.finditer(text, max(0, at - _STROKE_REACH), end + 32) if m.end() > at), None
    )
    if found is None or found.start() > at or sum(map(str.isdigit, found.group())) not in _STROKE_DIGITS:
        return None
    start = found.start()
    if found.lastgroup is None and not _ASKED.search(text, max(0, start - _REACH), start):
        return None
    return Entity("PHONE", start, found.end(), 0.75, "area before a stroke")


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


TRIGGERS = (
    (r"\b[2-9][0-9]{2}/[2-9][0-9]{2}-[0-9]{4}\b", find_with_stroke),
    (r"(?:\+|\b00)[1-9][0-9]{0,2}\)? ?(?:\(0\) ?)?[1-9][0-9]{1,4} ?/ ?[0-9]{2}", find_with_stroke),
    (r"\b0[1-9][0-9]{1,4}\)? ?/ ?[0-9]{3}", find_with_stroke),
)
"""What all texts are scanned for at once, and who reads on where it ends."""
