"""Which ways of writing a value are the same value: `010-1234-5678` and `+82 10 1234 5678` are one phone."""

from __future__ import annotations

import re
import unicodedata

_DIGIT_TYPES = frozenset(
    [
        "KR_RRN",
        "KR_FRN",
        "KR_BRN",
        "KR_CRN",
        "DRIVER_LICENSE",
        "HEALTH_INSURANCE",
        "ACCOUNT",
        "CARD",
        "US_SSN",
        "POSTAL_CODE",
    ]
)
_NOT_DIGIT = re.compile(r"[^0-9*]")
_NOT_ALNUM = re.compile(r"[^0-9A-Z가-힣]")
_NUMBERS = re.compile(r"[0-9]+")
_BLANKS = re.compile(r"\s+")
_TITLE = re.compile(r"[\s  ]*(?:님|씨)?[\s  ]*$")
_MIN_NAME = 2


def trim(type: str, value: str) -> int:
    """How many code points of `value` belong to it: a name is without 님, 씨 and the blanks around them."""
    if type != "PERSON":
        return len(value)
    match = _TITLE.search(value)
    kept = match.start() if match else len(value)
    return kept if kept >= _MIN_NAME else len(value)


def normalise(type: str, value: str) -> str:
    """The key under which a value of a type is remembered. Secrets and own patterns are kept as they are."""
    text = value if value.isascii() else unicodedata.normalize("NFKC", value)
    if type == "PHONE":
        digits = _NOT_DIGIT.sub("", text)
        if digits.startswith("82") and len(digits) > 10:  # +82 10… is 010…
            digits = "0" + digits[2:].removeprefix("0")
        return digits or text
    if type in _DIGIT_TYPES:
        # A regional driving licence begins with a place (서울 12-345678-90), which is part of it.
        place = "".join(char for char in text if "가" <= char <= "힣")
        return place + _NOT_DIGIT.sub("", text) or text
    if type in ("PASSPORT", "IBAN", "VEHICLE"):
        return _NOT_ALNUM.sub("", text.upper()) or text
    if type == "EMAIL":
        return text.casefold()
    if type == "BIRTH_DATE":
        return "-".join(part.zfill(2) for part in _NUMBERS.findall(text)) or text
    if type in ("PERSON", "ADDRESS"):
        return _BLANKS.sub(" ", text.strip()).casefold()
    return text
