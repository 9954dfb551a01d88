"""Dates of birth as English writes them: after a label, in words, in either order, with a short year."""

from __future__ import annotations

import re
from datetime import date

from naru.trust.entity import Entity

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = re.compile(
    r"(?<![\w/.-])(?:"
    rf"(?P<d1>(?:the )?\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ \-/]?"
    rf"(?P<m1>{_MONTH}),?[ \-/]?(?P<y1>\d{{4}}|\d{{2}})"
    rf"|(?P<m2>{_MONTH})[ \-](?:the )?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?[ \-](?P<y2>\d{{4}}|\d{{2}})"
    r"|(?P<y3>\d{4})[-/.](?P<m3>\d{1,2})[-/.](?P<d3>\d{1,2})"
    r"|(?P<m4>\d{1,2})(?P<s>[-/.])(?P<d4>\d{1,2})(?P=s)(?P<y4>\d{4}|\d{2})"
    r")(?![\w/-]|\.\d)"
)
_BREAK = re.compile(r"[\n;?!]|\.\s|\d")
_PLAIN = re.compile(
    r"[^A-Za-z]*(?:(?:is|was|on|date|of|birth|in|and|day|ay|still|the|s|at|born)\b[^A-Za-z]*){0,5}\Z"
)
_REACH = 48
_NEWEST = 2012
"""A year that a birthday may be of and a party is not."""


def find_birth_after(text: str, end: int) -> Entity | None:
    """The date that a label of birth promises, also some words later."""
    found = _DATE.search(text, end, end + _REACH + 20)
    if found is None or not _is_day(found):
        return None
    gap = text[end : found.start()]
    if len(gap) > _REACH or _BREAK.search(gap.lstrip("\n" if gap.strip() == "" else "")):
        return None
    year = found["y1"] or found["y2"] or found["y3"] or found["y4"]
    if not _PLAIN.match(gap) and not (len(year) == 4 and int(year) <= _NEWEST):
        return None
    return Entity("BIRTH_DATE", found.start(), found.end(), 0.9, "label before it")


def _is_day(found: re.Match[str]) -> bool:
    """Whether there is such a day, in either order of day and month."""
    at = next(k for k in "1234" if found["y" + k])
    year, month, day = found["y" + at], found["m" + at], found["d" + at].removeprefix("the ")
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    full = int(year) + (0 if len(year) == 4 else 1900 if int(year) > 30 else 2000)
    return _exists(full, number, int(day)) or (at == "4" and _exists(full, int(day), number))


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return 1880 <= date(year, month, day).year <= 2035
    except ValueError:
        return False
