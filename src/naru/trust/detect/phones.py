"""Telephone numbers: Korean by prefix, North American by its plan, others with `+` or a label."""

from __future__ import annotations

import re

from naru.trust.detect.korean import Guess
from naru.trust.detect.labels import count_words
from naru.trust.detect.number import Number, Shape
from naru.trust.detect.phones_abroad import classify_abroad
from naru.trust.entity import Entity

_AREAS = frozenset(
    [
        "031",
        "032",
        "033",
        "041",
        "042",
        "043",
        "044",
        "051",
        "052",
        "053",
        "054",
        "055",
        "061",
        "062",
        "063",
        "064",
    ]
)
_MOBILE = frozenset(["010", "011", "016", "017", "018", "019"])
_SERVICES = frozenset(["070", "080", "050", "030", "060"])
# Fifteen, sixteen and eighteen hundreds: one number for a whole company.
_NATIONWIDE = re.compile(
    r"1(?:5(?:22|33|44|66|77|88|99)|6(?:00|11|22|33|44|55|61|66|68|70|77|88|99)|8(?:00|11|22|33|44|55|66|77|88|99))"
)
_NATIONWIDE_SIZE, _NATIONWIDE_GROUPS = 8, frozenset({(4, 4), (8,)})
SPOKEN = "(?:공|영)일(?:공|영)"
"""How a number begins that is written as it is said."""
_SPOKEN = re.compile(r"[공영]일[공영](?:[ ,.\-]{0,2}(?:[공영일이삼사오육륙칠팔구]|[0-9])){8}(?![0-9])")
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?|extension |내선 ?(?:번호 ?)?)[0-9]{1,6}(?![0-9])", re.IGNORECASE)
_NEAR = 20
_BARE_AMERICAN = frozenset({(10,), (11,), (3, 7), (6, 4)})
_KOREA_ABROAD = range(10, 14)
_ABROAD = range(11, 18)
_AMERICA, _AMERICA_ABROAD, _USUAL_INTERNATIONAL = 10, 11, 13
_MIN_INTERNATIONAL, _MAX_INTERNATIONAL = 8, 15

_TRUNKS: dict[str, frozenset[tuple[int, ...]]] = {
    "mobile": frozenset({(3, 4, 4), (3, 3, 4), (11,), (10,), (7, 4), (3, 8), (3, 7)}),
    "seoul": frozenset({(2, 4, 4), (2, 3, 4), (9,), (10,), (2, 8), (2, 7)}),
    "area": frozenset({(3, 4, 4), (3, 3, 4), (10,), (11,), (3, 8), (3, 7)}),
    "service": frozenset({(4, 4, 4), (4, 3, 4), (12,), (11,), (3, 4, 4), (3, 3, 4), (10,), (3, 8), (3, 7)}),
}


def _trunks() -> dict[str, frozenset[tuple[int, ...]]]:
    """By the first three digits, how Korean numbers are grouped."""
    trunks = dict.fromkeys(_MOBILE, _TRUNKS["mobile"])
    # 010 always holds eight more; the older ones seven or eight.
    trunks["010"] = frozenset(groups for groups in _TRUNKS["mobile"] if sum(groups) == 11)
    seoul = _TRUNKS["seoul"]
    trunks |= {f"02{digit}": seoul for digit in range(2, 10)}
    trunks |= dict.fromkeys(("020", "021"), frozenset(groups for groups in seoul if len(groups) > 1))
    trunks |= dict.fromkeys(_AREAS, _TRUNKS["area"])
    return trunks | dict.fromkeys(_SERVICES, _TRUNKS["service"])


_TRUNK_OF = _trunks()


def _is_korean(digits: str, groups: tuple[int, ...]) -> bool:
    trunk = _TRUNK_OF.get(digits[:3])
    if trunk is None or groups not in trunk:
        return False
    return len(groups) > 1 or digits[3] not in "01" or digits[:3] not in _AREAS


def may_be_phone(shape: Shape, label: str, lead: str) -> bool:
    """Whether a number so written may be a telephone's, by its first digit or the `+` before it."""
    if label == "PHONE" or lead in "0+":
        return True
    size = sum(shape.groups)
    if lead == "8" and shape.groups[0] == 2 and size in _KOREA_ABROAD:
        return True
    if lead == "1":
        return size == _AMERICA_ABROAD or shape.groups in _NATIONWIDE_GROUPS
    return size == _AMERICA


def classify_phone(n: Number) -> Guess | None:
    """A telephone number by its prefix and groups; `widen_phone` then adds `+` and extension."""
    digits, groups = n.digits, n.groups
    size = len(digits)
    guess: Guess | None = None
    if n.start > 0 and n.text[n.start - 1] == "+":
        return _international(n)
    if digits[0] == "0":
        guess = _korean(n)
    elif size == _NATIONWIDE_SIZE:
        guess = _nationwide(n) if groups in _NATIONWIDE_GROUPS else None
    elif digits[0] == "8" and digits[1] == "2" and groups[0] == 2 and size in _KOREA_ABROAD:
        is_prefix = digits[2] in "123456" or digits[2:4] == "10"
        guess = ("PHONE", 0.4 if n.is_other else 0.85, "country code") if is_prefix else None
    elif size in (_AMERICA, _AMERICA_ABROAD):
        guess = _american(n)
    return guess or (_promised(n) if n.label == "PHONE" and n.is_promised else None)


def _korean(n: Number) -> Guess | None:
    digits = n.digits
    is_labelled = n.label == "PHONE"
    if not _is_korean(digits, n.groups):
        is_abroad = digits.startswith("00") and digits[2] != "0" and len(digits) in _ABROAD and not n.is_other
        if is_abroad and (n.separators or is_labelled):
            return "PHONE", 0.9 if is_labelled else 0.6, "international prefix"
        return classify_abroad(n)
    if is_labelled:
        return "PHONE", 0.98, "label and prefix"
    score = 0.9 if n.separators else 0.8
    is_elsewhere = n.is_promised and n.label in ("ACCOUNT", "HEALTH_INSURANCE", "CARD")
    if not n.separators and (n.is_other or is_elsewhere):
        # Eleven bare digits from 010 are a phone far more often than anything else.
        score = 0.55 if digits.startswith("010") and n.label != "HEALTH_INSURANCE" else 0.3
    elif n.is_other and n.separators == " " and not digits.startswith("010"):
        score = 0.3
    return "PHONE", score, "prefix and grouping"


def _nationwide(n: Number) -> Guess | None:
    if not _NATIONWIDE.match(n.digits) or n.is_other:
        return None
    if n.label == "PHONE":
        return "PHONE", 0.95 if n.separators else 0.7, "label and nationwide number"
    return ("PHONE", 0.75, "nationwide number") if n.separators else None


def _promised(n: Number) -> Guess | None:
    """A number of no known plan right after a label; a date is none."""
    gap = n.text[n.start - n.distance : n.start]
    is_far = n.distance > _NEAR or "\n" in gap or count_words(gap) > 1
    is_date = n.digits[:2] in ("19", "20") and (
        n.groups in ((4, 2, 2), (4, 1, 2), (4, 2, 1)) or n.groups[0] == len("20260211")
    )
    if is_far or is_date or not 7 <= len(n.digits) <= _MAX_INTERNATIONAL:
        return None
    return "PHONE", 0.7 if n.separators else 0.65, "label before it"


def _international(n: Number) -> Guess | None:
    if not _MIN_INTERNATIONAL <= len(n.digits) <= _MAX_INTERNATIONAL or n.digits[0] == "0":
        return None
    size = len(n.digits)
    if n.digits.startswith("82"):
        return ("PHONE", 0.95, "country code") if size in _KOREA_ABROAD else None
    if n.digits[0] == "1":
        return ("PHONE", 0.92, "country code") if size == _AMERICA_ABROAD else None
    if size > _USUAL_INTERNATIONAL:
        return "PHONE", 0.6, "country code"
    return "PHONE", 0.9 if n.label == "PHONE" or n.separators else 0.75, "country code"


def _american(n: Number) -> Guess | None:
    """North American numbering plan: area and exchange begin with 2 to 9."""
    digits, groups = n.digits, n.groups
    if len(digits) == 11 and digits[0] == "1":
        digits, groups = digits[1:], groups[1:] if groups[0] == 1 else groups
    if len(digits) != 10 or digits[0] in "01" or digits[3] in "01" or digits[1:3] == "11":
        return None
    is_labelled = n.label == "PHONE"
    if groups == (3, 3, 4):
        if n.is_other or n.label in ("ACCOUNT", "CARD", "KR_BRN"):
            return "PHONE", 0.4, "North American grouping"
        return "PHONE", 0.95 if is_labelled else 0.7, "North American grouping"
    if is_labelled and groups in _BARE_AMERICAN:
        return "PHONE", 0.85, "label before it"
    return None


def find_spoken(text: str, end: int) -> Entity | None:
    """공일공 오오사팔 이이칠삼: eleven digits by their names."""
    found = _SPOKEN.match(text, end - 3)
    return Entity("PHONE", found.start(), found.end(), 0.8, "mobile, spoken") if found else None


def widen_phone(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a number with its `+`, its opening bracket and its extension."""
    if start > 0 and text[start - 1] == "(" and ")" in text[start:end]:
        start -= 1
        if start > 0 and text[start - 1] == "+":
            start -= 1
    elif start > 0 and text[start - 1] == "+":
        start -= 1
        if start > 0 and text[start - 1] == "(" and ")" in text[start:end]:
            start -= 1
    found = _EXTENSION.match(text, end)
    return start, found.end() if found else end
