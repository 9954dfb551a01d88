"""Numbers that Korea gives to people, firms and cars: resident, foreigner, business, corporate, licence, …"""

from __future__ import annotations

import re

from naru.trust.detect.checks import (
    RANDOM_SINCE,
    birth_of,
    passes_brn,
    passes_crn,
    passes_ean13,
    passes_frn,
    passes_rrn,
)
from naru.trust.detect.labels import Labels
from naru.trust.detect.number import Number
from naru.trust.entity import Entity

Guess = tuple[str, float, str]
"""Type, score, reason."""

_LICENSE_REGIONS = frozenset([*map(str, range(11, 27)), "28"])
_REGIONS = "서울|부산|대구|인천|광주|대전|울산|경기|강원|충북|충남|전북|전남|경북|경남|제주|세종"
# 대법원 법인등록번호 규칙 별표: kinds of juristic persons in the fifth and sixth digit.
_CRN_KINDS = frozenset(
    ["11", "12", "13", "14", "15", "21", "22", *map(str, range(31, 54)), "71", *map(str, range(81, 87))]
)
_OLDEST = 1900
_CLOSE = 8

# 자동차등록번호판 규칙: syllables of private, rented (하 허 호), taxi and bus (바 사 아 자) and delivery (배)
# plates.
_PLATE_SYLLABLES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자허하호배"
_PLATE = re.compile(rf"[0-9]{{1,3}}( ?)([{_PLATE_SYLLABLES}])( ?)[0-9]{{4}}(?![0-9A-Za-z]|[.,][0-9])")
_PLATE_REGION = re.compile(rf"(?:{_REGIONS}) ?$")
# `10조 2000억` is money, `99다1234 판결` a case.
_NO_PLATE_AFTER = re.compile(
    r" ?(?:[억만천백]|원|명|개|건|호|판결|결정|사건|년|세대|가구|번지|주|대\b|위\b|여 )"
)
_WORDY = frozenset("조호부주구도자수보사")
_CELL_BEFORE, _CELL_AFTER = re.compile(r"[|\t/] ?\Z|,\Z"), re.compile(r" ?(?:[|\t,/\n]|\Z)")
_CAR_AFTER = re.compile(r" ?(?:차(?:가|는|를|의|에|량| |주)|승용차|트럭|버스|택시|번호판|오토바이)")

_AFTER_NAME = re.compile(r"[가-힣] ?\(\Z")
_MASKED = re.compile(r"[0-9]{6} ?-? ?(?=[0-9]{0,6}[*xX●○#])[0-9]{0,6}[*xX●○#]{1,7}(?![0-9A-Za-z*])")
_MASKED_LENGTH = 13


def classify_rrn(n: Number) -> Guess | None:
    """Resident or foreigner's number: 6-7 digits or 13, a real birthday and a digit of sex and century."""
    digits = n.digits
    birth = birth_of(digits)
    if birth is None:
        return None
    is_foreign = digits[6] in "5678"
    kind = "KR_FRN" if is_foreign else "KR_RRN"
    is_labelled = n.label in ("KR_RRN", "KR_FRN")
    if birth >= RANDOM_SINCE:
        base, reason = (0.8 if n.separators else 0.4), "birth date, too young for a check digit"
    elif passes_frn(digits) if is_foreign else passes_rrn(digits):
        base, reason = (0.95 if n.separators else 0.75), "birth date and check digit"
    else:
        # Given anew after October 2020, or mistyped: it may still be somebody's.
        base, reason = (0.65 if n.separators else 0.35), "birth date"
    if not n.separators and _AFTER_NAME.search(n.text, max(0, n.start - 3), n.start):
        base += 0.3
    if birth[0] < _OLDEST:
        base -= 0.3
    if is_labelled:
        return kind, max(0.9, base), f"label before it, {reason}"
    # 880 begins the bar codes of Korean articles, and the numbers of those born in 1988.
    is_article = not n.separators and digits.startswith("880") and passes_ean13(digits)
    is_elsewhere = n.label in ("KR_CRN", "KR_BRN") or (n.label in ("CARD", "ACCOUNT") and not n.separators)
    if n.is_other or is_article or is_elsewhere:
        base -= 0.5
    return kind, base, reason


def classify_crn(n: Number) -> Guess | None:
    """Corporate number: registry office, kind of corporation, serial and a check digit."""
    digits = n.digits
    is_checked = digits[4:6] in _CRN_KINDS and passes_crn(digits)
    if n.label == "KR_CRN":
        return "KR_CRN", (0.95 if is_checked else 0.7), "label before it"
    if n.is_other or not is_checked or not n.separators:
        return None
    # More than a resident number whose check digit is wrong, less than one whose is right.
    return "KR_CRN", 0.7 if not n.label or n.label == "KR_BRN" else 0.4, "kind of corporation and check digit"


def classify_brn(n: Number) -> Guess | None:
    """Business number, 3-2-5; ten bare digits need a label, since any tenth number passes the check."""
    is_checked = passes_brn(n.digits) and n.digits[0] != "0"
    if n.label in ("KR_BRN", "KR_CRN"):
        return "KR_BRN", (0.95 if is_checked else 0.75), "label before it"
    if n.is_other or not n.separators or " " in n.separators:
        return None
    if n.label == "ACCOUNT" and n.distance <= _CLOSE:
        return None
    return ("KR_BRN", 0.8, "grouping and check digit") if is_checked else ("KR_BRN", 0.4, "grouping")


def classify_license(n: Number) -> Guess | None:
    """Driving licence: region, year, serial, two digits; twelve bare digits need a label."""
    if n.digits[:2] not in _LICENSE_REGIONS:
        return ("DRIVER_LICENSE", 0.6, "label before it") if n.label == "DRIVER_LICENSE" else None
    if n.label == "DRIVER_LICENSE":
        return "DRIVER_LICENSE", 0.95, "label and region"
    if n.is_other or n.label in ("ACCOUNT", "CARD") or n.separators != "-":
        return None
    return "DRIVER_LICENSE", 0.75, "region and grouping"


def classify_health(n: Number) -> Guess | None:
    """Number of a health insurance certificate: 11 digits and a label; nothing in the number itself tells."""
    if n.label != "HEALTH_INSURANCE" or not n.is_promised or (n.separators and n.digits[0] == "0"):
        return None
    return "HEALTH_INSURANCE", 0.9, "label before it"


def find_plate(text: str, start: int, labels: Labels) -> Entity | None:
    """A vehicle's plate at its first digit: `12가 3456`, `123가4567`, `서울 12가 3456`, `서울 70 아 1294`."""
    found = _PLATE.match(text, start)
    if found is None:
        return None
    is_apart, syllable, blank = found.groups()
    label = _label_before(labels, start)
    region = _PLATE_REGION.search(text, max(0, start - 3), start)
    # In pieces it may be anything, and so it may with one digit.
    is_short = len(found.group().partition(syllable)[0].rstrip()) == 1
    if (is_short and (not region or syllable in _WORDY)) or (is_apart and not region and label != "VEHICLE"):
        return None
    score = 0.8
    if label == "VEHICLE" or _CAR_AFTER.match(text, found.end()):
        score = 0.95
    elif label == "OTHER" or _NO_PLATE_AFTER.match(text, found.end()):
        score = 0.2
    elif (
        blank
        and syllable in _WORDY
        and not region
        and (syllable in "조호" or (text[start + 2] == syllable and not _is_cell(text, start, found.end())))
    ) or (syllable in "조호" and text[start - 1 : start] in ("제", "第")):
        score = 0.45
    return Entity(
        "VEHICLE", region.start() if region else start, found.end(), score, "shape of a number plate"
    )


def _is_cell(text: str, start: int, end: int) -> bool:
    """Whether a span is all that stands between two signs of a row."""
    return (
        _CELL_BEFORE.search(text, max(0, start - 2), start) is not None
        and _CELL_AFTER.match(text, end) is not None
    )


def _label_before(labels: Labels, start: int) -> str:
    near = labels.find_before(start)
    return near[0] if near is not None else ""


def find_masked_rrn(text: str, start: int, labels: Labels) -> Entity | None:
    """A resident number with its end hidden, `850101-1******`: birthday and sex are still there to read."""
    found = _MASKED.match(text, start)
    if found is None:
        return None
    bare = re.sub(r"[ \-]", "", found.group())
    sex = bare[6] if bare[6].isdigit() else "1"
    if len(bare) != _MASKED_LENGTH or (birth_of(bare[:6] + sex) is None and birth_of(bare[:6] + "3") is None):
        return None
    label = _label_before(labels, start)
    kind = "KR_FRN" if sex in "5678" or label == "KR_FRN" else "KR_RRN"
    return Entity(
        kind, start, found.end(), 0.9 if label in ("KR_RRN", "KR_FRN") else 0.8, "birth date, end hidden"
    )


_OLD_LICENSE = re.compile(
    rf"(?:{_REGIONS}) ?(?:[0-9]{{2}} ?- ?)?[0-9]{{2}}-[0-9]{{6}}-[0-9]{{2}}(?![0-9A-Za-z]|-[0-9])"
)


def find_old_license(text: str, start: int) -> Entity | None:
    """A licence of the older kind, `서울 12-345678-90`, at the first digit after the region's name."""
    for begin in (start - 3, start - 2):
        if begin >= 0 and (found := _OLD_LICENSE.match(text, begin)):
            return Entity("DRIVER_LICENSE", begin, found.end(), 0.9, "region and grouping")
    return None
