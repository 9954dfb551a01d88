"""Dates of birth that have no label: beside a sex, and in the row of a person with a number of theirs."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from operator import attrgetter

from naru.trust.detect.leaps import Leaps
from naru.trust.entity import Entity

_DATE = (
    r"((?P<y>19[2-9][0-9]|20[01][0-9]|[0-9]{2})(?P<s>[-./]?)(?P<m>0[1-9]|1[0-2])(?P=s)"
    r"(?P<d>0[1-9]|[12][0-9]|3[01]))(?![0-9]|[-.][0-9]|/[0-9]{1,2}(?![0-9]))"
)
_SEX = r"{}(?<![가-힣A-Za-z].)(?:{})? ?[,/|·\t] ?\"?(?:[0-9]{{2}}세 ?[,/] ?)?"
_AFTER_SEX = Leaps(
    *(
        _SEX.format(letter, rest) + _DATE
        for letter, rest in (("남", "[자성]"), ("여", "[자성]"), ("M", "ale"), ("F", "emale"))
    )
)
_CELL = re.compile(rf"(?<=[,/|\t])(?: ?[\"'])? ?{_DATE}(?= ?[\"']? ?(?:[,/|\t)\n]|\Z))")
_TELLING = frozenset(("PHONE", "KR_RRN", "KR_FRN", "PASSPORT", "EMAIL", "DRIVER_LICENSE"))
_YOUNGEST = 2006
"""Who is in a list of staff or customers was born before; a later date there is that of a contract."""
_BRACKET = re.compile(rf" {{0,4}}\({_DATE}\)")
_REACH = 60
_CENTURY = 100
_START = attrgetter("start")


def _year_of(m: re.Match[str]) -> int:
    """The year of birth, 0 when there is no such day."""
    year = int(m.group("y"))
    if year < _CENTURY:
        year += 1900 if year > 30 else 2000
    try:
        return date(year, int(m.group("m")), int(m.group("d"))).year
    except ValueError:
        return 0


def find_after_sex(text: str) -> Iterator[Entity]:
    """시진규/남/790401: six digits or a whole date right after a sex."""
    for m in _AFTER_SEX.find(text):
        if _year_of(m):
            yield Entity("BIRTH_DATE", m.start(1), m.end(1), 0.8, "sex before it")


def find_in_rows(text: str, entities: Sequence[Entity]) -> Iterator[Entity]:
    """A date in a cell of its own between a person and a number of theirs in one line, or in brackets."""
    for e in entities:
        if e.type == "PERSON" and (m := _BRACKET.match(text, e.end)) and 0 < _year_of(m) <= _YOUNGEST:
            yield Entity("BIRTH_DATE", m.start(1), m.end(1), 0.7, "in brackets after a person")
    told = sorted([e.start for e in entities if e.type in _TELLING])
    done = -1
    for person in sorted([e for e in entities if e.type == "PERSON"], key=_START) if told else ():
        if person.end <= done:
            continue
        stop = text.find("\n", person.end, person.end + 2 * _REACH)
        stop = stop if stop >= 0 else min(len(text), person.end + 2 * _REACH)
        at = bisect_right(told, person.end)
        if at == len(told) or told[at] >= stop:
            continue
        m = _CELL.search(text, person.end, min(stop + 1, person.end + _REACH))
        if m is not None and 0 < _year_of(m) <= _YOUNGEST:
            done = m.end(1)
            yield Entity("BIRTH_DATE", m.start(1), m.end(1), 0.7, "in a row with a person's number")
