"""Numbers with letters in them, or that only a label makes personal: passports, SSN, IBAN, postal codes."""

from __future__ import annotations

import re

from naru.trust.detect.checks import passes_mod97
from naru.trust.detect.korean import Guess
from naru.trust.detect.labels import Labels
from naru.trust.detect.number import Number
from naru.trust.entity import Entity

_PASSPORT = re.compile(r"(?:[MSRODG][0-9]{8}|[MSRODG][0-9]{3}[A-Z][0-9]{4})(?![0-9A-Za-z])", re.IGNORECASE)
_LICENSE_ABROAD = re.compile(r"[A-Z]{1,2}[0-9]{2,4}(?:-?[0-9]{2,4}){1,4}(?![0-9A-Za-z])", re.IGNORECASE)
_FOREIGN_PASSPORT = re.compile(r"[A-Z]{1,2}[0-9]{6,8}(?![0-9A-Za-z])", re.IGNORECASE)
# SWIFT IBAN registry: the length of a country's IBAN.
_IBAN_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 "
    "EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 "
    "KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 "
    "PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 "
    "VA22 VG24 XK20"
)
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_COUNTRIES.split()}
_IBAN_SIGNS = re.compile(r"[A-Z0-9]+(?: [A-Z0-9]+)*")
_SIGN = re.compile(r"[0-9A-Za-z]")
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|"
    "OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|PR"
)
_POSTAL_AFTER = re.compile(
    r"[\"'*]{0,2} ?(?:번호|code)?[\"'*)]{0,2} {0,2}(?:는|은|[:=)\]]|is|number|->)?[\"'*(]{0,2} {0,2}[\"'(\[]?"
    r"([0-9]{5}-[0-9]{4}|[0-9]{3}-[0-9]{3}|[0-9]{5,6}|[1-9][0-9]{2} [0-9]{2}"
    r"|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])"
    r"(?![0-9A-Za-z]|[-.][0-9])"
)
_PASSPORT_AFTER = re.compile(
    r"[\"'*]{0,2} ?(?:번호|number|no\.?|num)?[\"'*)]{0,2} {0,2}(?:는|은|이|가|[:=)(\]]|is|#)?"
    r"[\"'*(]{0,2} {0,2}([A-Z][A-Z0-9]{6,8}|[A-Z]{2}[0-9]{7}|[A-Z]{1,2} [0-9]{6,8})(?![0-9A-Za-z])"
)
_MIN_PASSPORT_DIGITS = 3
_ZIP = re.compile(r"[0-9]{5}(?:-[0-9]{4})?(?![0-9A-Za-z]|[-.][0-9])")

# Scanned for in all texts at once; each ends at a known place of what it may be.
TRIGGERS: tuple[tuple[str, str, int], ...] = (
    ("passport", r"\b[MSRODG][0-9]{3}[A-Z0-9][0-9]{4}", 9),
    ("foreign", r"\b[A-Z]{1,2}[0-9]{6}", 0),
    ("license", r"\b[A-Z][0-9]{3}[0-9-][0-9]{3}", 8),
    ("iban", r"\b[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}", 0),
    ("zip", rf"\b(?:{_STATES}),? [0-9]{{5}}", 5),
    ("zip", r"\(우[:)]? ?\)?[0-9]{5}", 5),
    ("zip", r"\(우편번호[: ]{0,2}[0-9]{5}", 5),
)


def classify_ssn(n: Number) -> Guess | None:
    """US social security number, 3-2-4; 000, 666, 9xx first and groups of zeros are never given (SSA)."""
    digits = n.digits
    is_labelled = n.label == "US_SSN"
    is_valid = digits[:3] not in ("000", "666") and digits[3:5] != "00" and digits[5:] != "0000"
    if is_labelled:
        return "US_SSN", 0.95 if is_valid and digits[0] != "9" else 0.7, "label before it"
    if not is_valid or digits[0] == "9" or n.is_other or n.groups != (3, 2, 4):
        return None
    if n.separators != "-" or n.label in ("ACCOUNT", "PHONE", "KR_BRN"):
        return "US_SSN", 0.4, "grouping"
    return "US_SSN", 0.75, "grouping and ranges"


def classify_passport(n: Number) -> Guess | None:
    """Passports of digits alone (nine in the United States), with a label."""
    return ("PASSPORT", 0.8, "label before it") if n.label == "PASSPORT" else None


def find_passport(text: str, start: int, labels: Labels) -> Entity | None:
    """A Korean passport: one letter and eight signs, of which since December 2021 the fifth is a letter."""
    found = _PASSPORT.match(text, start)
    if found is None:
        return None
    near = labels.find_before(start) or labels.find_after(found.end())
    label = near[0] if near else ""
    score = 0.45 if found.group()[4].isalpha() and text[start].isupper() and label != "OTHER" else 0.2
    if label == "PASSPORT":
        score = 0.95
    return Entity(
        "PASSPORT", start, found.end(), score, "label and shape" if label == "PASSPORT" else "shape"
    )


def find_foreign_paper(text: str, start: int, labels: Labels) -> Entity | None:
    """A passport or a driving licence of another country, after its label."""
    near = labels.find_before(start)
    if near is None:
        return None
    if near[0] == "PASSPORT" and (found := _FOREIGN_PASSPORT.match(text, start)):
        return Entity("PASSPORT", start, found.end(), 0.85, "label before it")
    if near[0] == "DRIVER_LICENSE" and (found := _LICENSE_ABROAD.match(text, start)):
        return Entity("DRIVER_LICENSE", start, found.end(), 0.8, "label before it")
    return None


def find_iban(text: str, start: int) -> Entity | None:
    """An IBAN of the length that its country gives it and with the right check digits, in fours or in one."""
    length = _IBAN_LENGTHS.get(text[start : start + 2])
    if length is None:
        return None
    signs = _IBAN_SIGNS.match(text, start, start + 2 * length)
    assert signs is not None
    end, seen = start - 1, 0
    for word in signs.group().split(" "):
        end += 1 + len(word)
        seen += len(word)
        if seen >= length:
            break
    if seen != length or _SIGN.match(text, end):
        return None
    compact = text[start:end].replace(" ", "")
    is_checked = passes_mod97(compact)
    return Entity("IBAN", start, end, 0.95 if is_checked else 0.4, "country's length and check digits")


def find_postal_after(text: str, label_end: int) -> Entity | None:
    """The postal code that a label promises."""
    found = _POSTAL_AFTER.match(text, label_end, label_end + 40)
    if found is None:
        return None
    return Entity("POSTAL_CODE", found.start(1), found.end(1), 0.9, "label before it")


def find_passport_after(text: str, label_end: int) -> Entity | None:
    """Any country's passport number that a label promises: letters and digits, four of these at least."""
    found = _PASSPORT_AFTER.match(text, label_end, label_end + 40)
    if found is None or sum(map(str.isdigit, found.group(1))) < _MIN_PASSPORT_DIGITS:
        return None
    return Entity("PASSPORT", found.start(1), found.end(1), 0.85, "label before it")


def find_zip(text: str, start: int) -> Entity | None:
    """A US ZIP code after a state, or a Korean one after (우)."""
    found = _ZIP.match(text, start)
    return Entity("POSTAL_CODE", start, found.end(), 0.75, "state or sign before it") if found else None
