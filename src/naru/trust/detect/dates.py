"""Dates of birth: a date with a label, with 생 or 태어, or in the brackets after a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from naru.trust.detect.dates_english import find_birth_after
from naru.trust.detect.dates_near import find_after_sex, find_in_rows
from naru.trust.detect.leaps import Leaps, has_digit
from naru.trust.entity import Entity

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec"
)
_MONTH_NUMBER = {m[:3].lower(): n for n, m in enumerate(_MONTHS.split("|")[:12], 1)}
_DATE = (
    r"(?P<date>"
    r"(?P<y1>\d{4}|\d{2})\s?년\s?(?P<m1>\d{1,2})\s?월\s?(?P<d1>\d{1,2})\s?일"
    r"|(?P<y2>(?:18|19|20)\d{2})(?P<s2>\s?[-./]\s?)(?P<m2>\d{1,2})(?P=s2)(?P<d2>\d{1,2})"
    r"(?:\.(?= ?생)|(?<= \d)\.|(?<= \d\d)\.)?(?![\d-])"
    r"|(?P<y3>(?:19|20)\d{2})(?P<m3>\d{2})(?P<d3>\d{2})(?!\d)"
    r"|(?P<y4>\d{2})(?P<s4>[-./])(?P<m4>\d{1,2})(?P=s4)(?P<d4>\d{1,2})(?![\d-])"
    r"|(?P<m5>\d{1,2})(?P<s5>[-./])(?P<d5>\d{1,2})(?P=s5)(?P<y5>(?:19|20)\d{2})(?![\d-])"
    r"|(?P<y6>\d{2})(?P<m6>\d{2})(?P<d6>\d{2})(?![\d-])"
    rf"|(?P<n7>{_MONTHS})\.?\s(?P<d7>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<y7>(?:19|20)\d{{2}})(?!\d)"
    rf"|(?P<d8>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?[\s-](?P<n8>{_MONTHS})\.?,?[\s-](?P<y8>(?:1"
    rf"9|20)\d{{2}})(?!\d)"
    r")"
)
_VALUE = re.compile(_DATE)
_CUES = Leaps(
    "생", "태어", r"b(?:irth|orn|day\b|(?<=dob))", r"B(?:irth|orn|day\b|IRTH|(?<=DOB)|(?<=D\.O\.B))"
)
_LABEL = re.compile(
    r"생(?!\))(?:년월일|년|일)?|태어(?:난)?|[Bb]irth[ _]?[Dd](?:a(?:te|y)|t\b)|[Bb]irth|BIRTH"
    r"|[Bb]day\b|[Bb]orn|B(?<=DOB)|b(?<=dob)|B(?<=D\.O\.B)\.?"
)
_GAP = re.compile(
    r"(?:연?월일|일자|일|년도|연도|날짜|date|Date)?(?:\([^)\n]{1,12}\))?[\"']?\s{0,3}(?:은"
    r"|는|이|가|:|：|=|\||-|is|was|on|,|\[|\()?\s{0,3}(?:on "
    r"|is |양력|음력|\()?\s{0,2}[\"']?"
)
_ANSWER = re.compile(r"[^\d\n]{0,30}[?.:\n][^\d\n]{0,24}[ :](?=\d)")
_BACK = 24
_BORN_AFTER = re.compile(
    r"\s?(?:\([양음]력?\)\s?)?(?:일)?(?:생(?![가-힣])|생(?:이"
    r"|입|인|으|의|남|여|\s)|에?\s?(?:태어|출생)|\(생\))"
)
_SEX = re.compile(r"\s?(?:생)?\s?[,/·|]?\s?(?:남|여|M|F|남성|여성|남자|여자|male|female)\b")


def _valid(m: re.Match[str]) -> bool:
    for k in "12345678":
        year = m.group("y" + k)
        if year is None:
            continue
        month = m.group("m" + k) if k not in "78" else str(_MONTH_NUMBER[m.group("n" + k)[:3].lower()])
        y, mo, d = int(year), int(month), int(m.group("d" + k))
        if len(year) == 2:
            y += 1900 if y > 30 else 2000
        if k == "5" and mo > 12:
            mo, d = d, mo
        try:
            return 1880 <= date(y, mo, d).year <= 2035
        except ValueError:
            return False
    return False


class BirthDateDetector:
    """Finds BIRTH_DATE spans: the date alone, its label and 생 outside."""

    name = "dates"

    def find(self, text: str) -> Iterable[Entity]:
        """Every date of birth; a date without a sign of birth is none."""
        return self._numbered(text) if has_digit(text) else ()

    def find_near(self, text: str, entities: Sequence[Entity], _weak: Sequence[Entity]) -> Iterable[Entity]:
        """Dates between a person and a number of theirs in a row."""
        return find_in_rows(text, entities)

    def _numbered(self, text: str) -> Iterator[Entity]:
        last = -1
        for cue in _CUES.find(text):
            label = _LABEL.match(text, cue.start())
            hit = self._after(text, label.end()) if label is not None else None
            if hit is None and label is not None and cue.group(0).isascii():
                hit = find_birth_after(text, label.end())
            if hit is None and cue.group(0) in ("생", "태어"):
                hit = self._before(text, cue.start(), cue.end())
            if hit is not None and hit.start > last:
                last = hit.end - 1
                yield hit
        yield from find_after_sex(text)
        for m in _BRACKET.finditer(text) if "(" in text else ():
            yield from self._in_brackets(text, m.end())

    @staticmethod
    def _in_brackets(text: str, at: int) -> Iterator[Entity]:
        """김민수(1985.03.02, 남): a whole date and a sex in the brackets after a word."""
        before = text[at - 2 : at - 1] if text[at - 2 : at - 1] != " " else text[at - 3 : at - 2]
        if not before.isalpha():
            return
        value = _VALUE.match(text, at)
        if (
            value is None
            or value.end() - value.start() < 8
            or not _SEX.match(text, value.end())
            or not _valid(value)
        ):
            return
        yield Entity("BIRTH_DATE", value.start(), value.end(), 0.7, "after a name with sex")

    def _after(self, text: str, at: int) -> Entity | None:
        if _SOON.match(text, at) is None:
            return None
        gap = _GAP.match(text, at)
        value = _VALUE.match(text, gap.end() if gap is not None else at)
        if value is not None and _valid(value):
            return Entity("BIRTH_DATE", value.start(), value.end(), 0.95, "label before it")
        answer = _ANSWER.match(text, at)
        if answer is None:
            return None
        value = _VALUE.match(text, answer.end())
        if value is None or value.end() - value.start() < 6 or not _valid(value):
            return None
        return Entity("BIRTH_DATE", value.start(), value.end(), 0.7, "asked for before it")

    def _before(self, text: str, at: int, end: int) -> Entity | None:
        """A date that ends where 생 or 태어 stands."""
        if _DATE_END.search(text, max(0, at - 4), end) is None:
            return None
        low = max(0, at - _BACK)
        for m in _VALUE.finditer(text, low, min(len(text), end)):
            if (
                m.end() >= at - 3
                and _BORN_AFTER.match(text, m.end())
                and _valid(m)
                and not text[m.start() - 1 : m.start()].isdigit()
            ):
                return Entity("BIRTH_DATE", m.start(), m.end(), 0.93, "born after it")
        return None


_BRACKET = re.compile(r"\((?=\d)")
_DATE_END = re.compile(r"[\d일]")
_SOON = re.compile(r"\D{0,99}\d")
"""A label, a question and a month by name are shorter than this."""
