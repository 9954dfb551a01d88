"""Makes two parties write the same person the same way, before a key is made of it.

Each function returns "" where the text is none of its kind: such a row gets no key. Lossy on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final, Literal

Lunar = Literal["keep", "convert"]
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NOT_LETTER = re.compile(r"[\W\d_]+")
_NOT_DIGIT = re.compile(r"\D+")
_DATE = re.compile(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[일.]?")
_PLAIN_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_RRN_DATE = re.compile(r"(\d{2})(\d{2})(\d{2})\s*-?\s*([0-9])[\d*xX]*")
_CENTURY = {"1": 1900, "2": 1900, "5": 1900, "6": 1900, "3": 2000, "4": 2000, "7": 2000, "8": 2000,
            "9": 1800, "0": 1800}  # fmt: skip
_TIME = re.compile(r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?$")
_SEX: Final = {
    **dict.fromkeys(("남", "남자", "남성", "m", "male", "man", "1", "3", "5", "7"), "M"),
    **dict.fromkeys(("여", "여자", "여성", "f", "female", "woman", "2", "4", "6", "8"), "F"),
}
_LUNAR: Final = {"음", "음력", "lunar", "l", "y", "yes", "true", "1"}
_LEAP: Final = {"윤", "윤달", "leap", "y", "yes", "true", "1"}
SIDO: Final = frozenset(
    {"서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기"}
    | {"강원", "충북", "충남", "전북", "전남", "경북", "경남", "제주"}
)
_LONG_SIDO: Final = {
    "충청북": "충북",
    "충청남": "충남",
    "전라북": "전북",
    "전라남": "전남",
    "경상북": "경북",
    "경상남": "경남",
}
_SIDO_TAIL = re.compile(r"(특별자치시|특별자치도|특별시|광역시|시|도)$")
_DISTRICT = re.compile(r"[가-힣]{1,6}(시|군|구)")


def fold(text: str) -> str:
    """NFC of the compatibility form, blanks collapsed: full-width letters, jamo and no-break spaces
    vanish.
    """
    if text.isascii():
        return " ".join(text.split())
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _small(text: str) -> str:
    """In small letters; casefold may take letters apart again."""
    return fold(fold(text).casefold())


def name(text: str) -> str:
    """Letters only, in small ones, without what stands in brackets: 홍 길동(洪吉童) is 홍길동."""
    return _NOT_LETTER.sub("", _BRACKETS.sub("", _small(text)))


def phone(text: str) -> str:
    """Digits with the leading 0: +82 10-1234-5678, 1012345678 (a spreadsheet's) and 010.1234.5678 are one."""
    digits = _NOT_DIGIT.sub("", fold(text))
    if digits.startswith("0082"):
        digits = digits[2:]
    if digits.startswith("82") and len(digits) >= 10:
        digits = digits[2:]
    if not digits.startswith("0") and len(digits) in (9, 10):
        digits = "0" + digits
    return digits if digits.startswith("0") and 9 <= len(digits) <= 12 else ""


def email(text: str) -> str:
    """Without blanks, in small letters."""
    found = plain(text)
    return found if found.count("@") == 1 and not found.startswith("@") and not found.endswith("@") else ""


def sex(text: str, codes: Mapping[str, str] | None = None) -> str:
    """M or F. A bare 0 or 9 means different things in different tables: the plan's sex_codes must say
    what.
    """
    found = fold(text)
    if codes and found in codes:
        return codes[found]
    return _SEX.get(found.casefold(), "")


@lru_cache(maxsize=65_536)
def birth_date(text: str, calendar: str = "", leap: str = "", lunar: Lunar = "keep") -> str:
    """YYYY-MM-DD, with `L` behind it for the lunar calendar and `L+` for a leap month, unless converted.

    Six digits alone do not say the century: they are taken only with the seventh digit of a resident number.
    """
    folded = _TIME.sub("", fold(text))
    year, month, day = _parse_date(folded)
    if not year:
        return ""
    is_lunar = fold(calendar).casefold() in _LUNAR or folded.startswith("음")
    if not is_lunar:
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return ""
    if not (1 <= month <= 12 and 1 <= day <= 30):
        return ""
    is_leap = fold(leap).casefold() in _LEAP
    if lunar == "convert":
        return _solar(year, month, day, is_leap)
    return f"{year:04}-{month:02}-{day:02}L" + ("+" if is_leap else "")


def birth_year(text: str) -> str:
    """YYYY as written, in either calendar: a lunar year ends some weeks later, which a year's group bears."""
    year = _parse_date(_TIME.sub("", fold(text)))[0]
    return str(year) if year else ""


def _parse_date(text: str) -> tuple[int, int, int]:
    text = text.removeprefix("음력").removeprefix("양력").removeprefix("음").removeprefix("양").strip(" ()")
    for shape in (_DATE, _PLAIN_DATE):
        if match := shape.fullmatch(text):
            return int(match[1]), int(match[2]), int(match[3])
    if match := _RRN_DATE.fullmatch(text):
        return _CENTURY[match[4]] + int(match[1]), int(match[2]), int(match[3])
    return 0, 0, 0


def _solar(year: int, month: int, day: int, is_leap: bool) -> str:
    from korean_lunar_calendar import KoreanLunarCalendar  # noqa: PLC0415 - only plans that convert need it

    calendar = KoreanLunarCalendar()
    if not calendar.setLunarDate(year, month, day, is_leap):
        return ""
    return str(calendar.SolarIsoFormat())


@lru_cache(maxsize=65_536)
def district(text: str) -> tuple[str, str]:
    """시도 in its short form, and 시군구 with it: ("경기", "경기 성남시 분당구"); "" where not found."""
    words = _BRACKETS.sub(" ", fold(text)).replace(",", " ").split()
    while words and words[0].isdigit():  # a postal code stands before
        words.pop(0)
    if not words:
        return "", ""
    first = _SIDO_TAIL.sub("", words[0])
    sido = _LONG_SIDO.get(first, first)
    if sido not in SIDO:
        return "", ""
    parts = [sido]
    for word in words[1:3]:
        if not _DISTRICT.fullmatch(word) or (len(parts) == 2 and not word.endswith("구")):
            break
        parts.append(word)
        if not word.endswith("시"):
            break
    return sido, " ".join(parts) if len(parts) > 1 or sido == "세종" else ""


def address(text: str) -> str:
    """시군구: streets are written in too many ways to be a key."""
    return district(text)[1]


def plain(text: str) -> str:
    """Any other agreed item: no blanks, small letters."""
    return unicodedata.normalize("NFKC", _small(text).replace(" ", ""))


NORMALISERS: Final[dict[str, Callable[[str], str]]] = {
    "name": lru_cache(maxsize=65_536)(name),
    "phone": phone,
    "email": email,
    "sex": sex,
    "address": address,
    "text": plain,
}
