"""Stand-ins that look like the value and belong to nobody, for policies that want fluent text.

Names keep whether they end in a consonant, numbers fail their own check digits, phones are 010-0000, mail is
at example.com, dates move by a number of days that is the same for a whole named conversation. Nothing of the
value can be worked out from its fake by whoever knows this file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import cache

from naru.trust.mask.particles import has_final

_SURNAMES = "김이박최정강조윤장임한오서신권황안송전홍"
_GIVEN_CLOSED = (
    "지훈",
    "서준",
    "도현",
    "민석",
    "하은",
    "예진",
    "수빈",
    "가은",
    "태양",
    "다인",
    "유찬",
    "건영",
)
_GIVEN_OPEN = ("지우", "서아", "민서", "하루", "예나", "수호", "도유", "시아", "라희", "유나", "태오", "주아")
_LATIN = (
    "Alex Morgan",
    "Jamie Reed",
    "Robin Hayes",
    "Casey Blake",
    "Taylor Quinn",
    "Jordan Wells",
    "Avery Stone",
)
_DATE = re.compile(r"(?<!\d)(\d{4}|\d{2})(\D{0,3})(\d{1,2})(\D{0,3})(\d{1,2})(?!\d)")
_DIGIT = re.compile("[0-9]")
_TRIES = 200
_CENTURY = 1900
_MAX_SHIFT_DAYS = 180
_RRN_DIGITS = 13

Occurs = Callable[[str], bool]


def make(type: str, value: str, number: int, conversation: str, occurs: Occurs) -> str | None:
    """A fake for the value, or None when there is no safe one and a placeholder has to do.

    Args:
        number: the value's number in its conversation; the same number tries the same fakes.
        conversation: what decides the shift of dates; where it has no name each date has its own.
        occurs: whether a text is used in the request already. Such a fake is never taken.
    """
    if type == "BIRTH_DATE":
        made = _shift_date(value, conversation)
        return made if made is not None and made != value and not occurs(made) else None
    write = _WRITERS.get(type)
    if write is None:
        return None
    for trial in range(number, number + _TRIES):
        made = write(value, trial)
        if made is None:
            return None
        if made != value and not occurs(made):
            return made
    return None


def _write_name(value: str, trial: int) -> str | None:
    final = has_final(value)
    if final is None:
        return _LATIN[trial % len(_LATIN)] if value.isascii() and trial <= len(_LATIN) else None
    given = _GIVEN_CLOSED if final else _GIVEN_OPEN
    rounds, place = divmod(trial, len(given))
    return _SURNAMES[(rounds + 3 * place) % len(_SURNAMES)] + given[place]


def _write_digits(value: str, digits: str) -> str:
    """`digits` in the layout of `value`, from the right; what is left over in front becomes 0."""
    places = [match.start() for match in _DIGIT.finditer(value)]
    digits = digits.rjust(len(places), "0")[-len(places) :] if places else ""
    out = list(value)
    for place, digit in zip(places, digits, strict=True):
        out[place] = digit
    return "".join(out)


def _write_phone(value: str, trial: int) -> str | None:
    return _write_digits(value, f"0100000{trial % 10_000:04d}") if not value.startswith("+") else None


def _write_mail(_: str, trial: int) -> str | None:
    return f"user{trial}@example.com"


def _write_card(value: str, trial: int) -> str | None:
    """16 digits beginning with 0, no issuer's; the last one is off by one from Luhn's."""
    body = f"000000000{trial % 1_000_000:06d}"
    total = sum(sum(divmod(int(digit) * (2 if at % 2 == 0 else 1), 10)) for at, digit in enumerate(body))
    return _write_digits(value, body + str((11 - total % 10) % 10))


def _write_rrn(value: str, trial: int, first: int = 1) -> str | None:
    """A day that does not exist (31 February), so no checker takes it for a person's."""
    if len(_DIGIT.findall(value)) != _RRN_DIGITS:
        return None
    return _write_digits(value, f"{trial * 37 % 100:02d}0231{first + trial % 4}{trial % 1_000_000:06d}")


def _write_frn(value: str, trial: int) -> str | None:
    return _write_rrn(value, trial, first=5)


@cache
def _salt() -> bytes:
    """Of this process alone: without it a shift could be worked out, and taken back, by anybody."""
    return secrets.token_bytes(16)


def _shift_date(value: str, conversation: str) -> str | None:
    match = _DATE.search(value)
    if match is None:
        return None
    year, first, month, second, day = match.groups()
    seed = hashlib.blake2b((conversation or value).encode(), digest_size=4, key=_salt()).digest()
    days = int.from_bytes(seed) % _MAX_SHIFT_DAYS + 1
    try:
        moved = dt.date(int(year) + (_CENTURY if len(year) == 2 else 0), int(month), int(day)) + dt.timedelta(
            days
        )
    except (ValueError, OverflowError):
        return None
    written = (
        f"{moved.year % 100 if len(year) == 2 else moved.year:0{len(year)}d}{first}"
        f"{moved.month:0{len(month)}d}{second}{moved.day:0{len(day)}d}"
    )
    return value[: match.start()] + written + value[match.end() :]


_WRITERS: dict[str, Callable[[str, int], str | None]] = {
    "PERSON": _write_name,
    "PHONE": _write_phone,
    "EMAIL": _write_mail,
    "CARD": _write_card,
    "KR_RRN": _write_rrn,
    "KR_FRN": _write_frn,
}
