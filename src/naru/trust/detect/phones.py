"""Telephone numbers: Korean by prefix, North American by its plan, others with `+` or a label."""

from __future__ import annotations

import re

from naru.trust.detect.korean import Guess
from naru.trust.detect.number import Number

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
_BAD_NANP = frozenset(["911", "555"])
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?|extension |내선 ?(?:번호 ?)?)[0-9]{1,6}(?![0-9])", re.IGNORECASE)
_MIN_INTERNATIONAL, _MAX_INTERNATIONAL = 8, 15

_TRUNKS: dict[str, frozenset[tuple[int, ...]]] = {
    "mobile": frozenset({(3, 4, 4), (3, 3, 4), (11,), (10,), (7, 4), (3, 8), (3, 7)}),
    "seoul": frozenset({(2, 4, 4), (2, 3, 4), (9,), (10,), (2, 8), (2, 7)}),
    "area": frozenset({(3, 4, 4), (3, 3, 4), (10,), (11,), (3, 8), (3, 7)}),
    "long": frozenset({(4, 4, 4), (4, 3, 4), (12,), (11,), (3, 4, 4), (3, 3, 4)}),
}


def _is_korean(digits: str, groups: tuple[int, ...]) -> bool:
    prefix = digits[:3]
    if prefix in _MOBILE:
        # 010 always holds eight more; the older ones seven or eight.
        return groups in _TRUNKS["mobile"] and (len(digits) == 11 or prefix != "010")
    if digits[:2] == "02":
        return groups in _TRUNKS["seoul"] and (len(groups) > 1 or digits[2] not in "01")
    if prefix in _AREAS:
        return groups in _TRUNKS["area"] and (len(groups) > 1 or digits[3] not in "01")
    if prefix in _SERVICES:
        return groups in (_TRUNKS["long"] | _TRUNKS["area"])
    return False


def classify_phone(n: Number) -> Guess | None:
    """A telephone number by its prefix and groups; the caller looks for `+` and an extension."""
    digits, groups = n.digits, n.groups
    is_labelled = n.label == "PHONE"
    has_plus = n.start > 0 and n.text[n.start - 1] == "+"
    if has_plus:
        return _international(n)
    if digits[0] == "0":
        if _is_korean(digits, groups):
            score = 0.9 if n.separators else 0.8
            if is_labelled:
                score = 0.98
            elif not n.separators and (n.is_other or n.label in ("ACCOUNT", "HEALTH_INSURANCE", "CARD")):
                # Eleven bare digits from 010 are a phone far more often than anything else.
                score = 0.55 if digits.startswith("010") and n.label != "HEALTH_INSURANCE" else 0.3
            return "PHONE", score, "label and prefix" if is_labelled else "prefix and grouping"
        if digits.startswith("00") and 11 <= len(digits) <= 17 and (n.separators or is_labelled):
            return ("PHONE", 0.9 if is_labelled else 0.6, "international prefix") if not n.is_other else None
    elif groups == (4, 4):
        if _NATIONWIDE.match(digits) and not n.is_other and n.separators:
            return "PHONE", 0.95 if is_labelled else 0.75, "nationwide number"
    elif groups == (8,) and is_labelled and _NATIONWIDE.match(digits):
        return "PHONE", 0.7, "label before it"
    elif digits.startswith("82") and len(groups) > 1 and groups[0] == 2 and 10 <= len(digits) <= 12:
        if digits[2] in "123456" or digits[2:4] == "10":
            return "PHONE", 0.85 if not n.is_other else 0.4, "country code"
    elif (guess := _american(n)) is not None:
        return guess
    if is_labelled and 7 <= len(digits) <= _MAX_INTERNATIONAL and n.distance <= 20:
        return "PHONE", 0.7 if n.separators else 0.65, "label before it"
    return None


def _international(n: Number) -> Guess | None:
    if not _MIN_INTERNATIONAL <= len(n.digits) <= _MAX_INTERNATIONAL or n.digits[0] == "0":
        return None
    if n.digits.startswith("82"):
        return "PHONE", 0.95, "country code"
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
    if is_labelled:
        return "PHONE", 0.85, "label before it"
    return None


def widen_phone(n: Number, end: int) -> tuple[int, int]:
    """The span with its `+`, its opening bracket and its extension."""
    text, start = n.text, n.start
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
