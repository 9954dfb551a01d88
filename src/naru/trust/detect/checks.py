"""Check digits and calendar rules. They raise or lower a score and never decide alone.

One random number in ten passes any of them.
"""

from __future__ import annotations

import string
import time
from functools import lru_cache
from operator import mul

_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_RRN_TOTAL = sum(_RRN_WEIGHTS)
_BRN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_BRN_TOTAL = sum(_BRN_WEIGHTS)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CALENDAR = {
    f"{month:02}{day:02}": (month, day) for month, days in enumerate(_DAYS, 1) for day in range(1, days + 1)
}
_CENTURY = {
    "9": 1800,
    "0": 1800,
    "1": 1900,
    "2": 1900,
    "5": 1900,
    "6": 1900,
    "3": 2000,
    "4": 2000,
    "7": 2000,
    "8": 2000,
}
# Sums run over ASCII, where a digit is its value and 48: that much is taken off again.
_ZERO = ord("0")
_LETTER_VALUES = {ord(letter): str(int(letter, 36)) for letter in string.ascii_uppercase}
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
RANDOM_SINCE = (2020, 10, 5)
"""Resident numbers given from this day on hold no check digit (주민등록법 시행규칙, in force 2020-10-05)."""


def passes_rrn(digits: str) -> bool:
    """Check digit of a resident number (13 digits): (11 − Σ dᵢwᵢ mod 11) mod 10."""
    return (11 - _resident_sum(digits) % 11) % 10 == int(digits[12])


def passes_frn(digits: str) -> bool:
    """Check digit of a foreigner's number (13 digits): (13 − Σ dᵢwᵢ mod 11) mod 10."""
    return (13 - _resident_sum(digits) % 11) % 10 == int(digits[12])


def _resident_sum(digits: str) -> int:
    total: int = sum(map(mul, digits.encode(), _RRN_WEIGHTS))
    return total - _ZERO * _RRN_TOTAL


def passes_brn(digits: str) -> bool:
    """Check digit of a business number (10 digits): weights 1 3 7 …, and the tens of the ninth product."""
    total: int = sum(map(mul, digits.encode(), _BRN_WEIGHTS))
    total += int(digits[8]) * 5 // 10 - _ZERO * _BRN_TOTAL
    return (10 - total % 10) % 10 == int(digits[9])


def passes_crn(digits: str) -> bool:
    """Check digit of a corporate number (13 digits): weights 1 2 1 2 …, products not digit-summed."""
    raw = digits.encode()
    total = sum(raw[:12]) + sum(raw[1:12:2]) - _ZERO * 18
    return (10 - total % 10) % 10 == int(digits[12])


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 check digit of a card number."""
    raw = digits.encode()
    return (sum(raw[::-2]) + sum(raw[-2::-2].translate(_DOUBLED)) - _ZERO * len(raw)) % 10 == 0


def passes_ean13(digits: str) -> bool:
    """GS1 check digit of an article's or a book's thirteen digits: weights 1 3 1 3 …."""
    return sum(int(d) * (1 + i % 2 * 2) for i, d in enumerate(digits)) % 10 == 0


def passes_mod97(iban: str) -> bool:
    """ISO 13616 check of an IBAN without blanks, capital letters."""
    return int((iban[4:] + iban[:4]).translate(_LETTER_VALUES)) % 97 == 1


def birth_of(digits: str) -> tuple[int, int, int] | None:
    """Year, month and day in the first seven digits of a resident number; None where there is no such day."""
    found = _CALENDAR.get(digits[2:6])
    if found is None:
        return None
    month, day = found
    year = _CENTURY[digits[6]] + int(digits[:2])
    if month == 2 and day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):
        return None
    return None if year > _this_year() else (year, month, day)


@lru_cache(maxsize=1)
def _this_year() -> int:
    # Of the process's start, and one more: nobody is born later, and a process seldom lives longer.
    return time.gmtime().tm_year + 1
