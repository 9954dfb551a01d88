"""What English labels promise: number plates, health and licence numbers, and the codes of banks."""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from naru.trust.entity import Entity

_WINDOW = 72
_ASIDE = r"(?:\s?\([^)\n]{1,12}\))?"
_WORDS_BETWEEN = (
    "number|numbers|no|nr|num|id|card|plate|reg|registration|is|was|of|the|for|my|our|your|his|her|their|a|and|on|na"
    "|its|it's|it’s|rental|hire|company|car|vehicle|van|truck|ending|with|you|us|to|code|still|now"
)
_GAP = rf"{_ASIDE}(?:[\s:#.=\"'(<>|\-/]{{1,12}}(?:(?i:{_WORDS_BETWEEN})\b\.?)?){{1,6}}"
_END = r"(?![A-Za-z0-9]|[.\-/][0-9])"
# A few shapes of plates: British, American, German and so on. Each holds letters and digits.
_PLATE = re.compile(
    _GAP + r"((?=[A-Z0-9 \-]{0,8}[0-9])(?:[A-Z]{2}[0-9]{2} ?[A-Z]{3}"
    r"|[A-Z]{2}[ -]?[0-9]{1,2}[A-Z]?[ -]?[A-Z]{1,3}[ -]?[0-9]{4}|[A-Z]{3}[ -]?[0-9]{2,3}[ -]?[A-Z]{2}"
    r"|[A-Z]{1,3} [A-Z]{1,2} ?[0-9]{1,4}[EH]?|[0-9][A-Z] ?[0-9][A-Z0-9]{3,5}"
    r"|[A-Z]{1,3}[ -]?[0-9]{1,4}(?:[ -]?[A-Z]{1,3}"
    r"|-[0-9]{2})?|[0-9]{1,4}[ -]?[A-Z]{1,3}(?:[ -]?[0-9]{1,4})?"
    r"|[A-Z]{1,3}-[A-Z]{1,2} ?[0-9]{1,4}|[0-9]{2,3}-[A-Z]{1,2}-[0-9]{1,6}"
    r"|[0-9][A-Z]{3}[0-9]{3}"
    r"|[A-Z]{2}-?[0-9]{3}-?[A-Z]{2}))" + _END
)
_MIN_PLATE, _MAX_PLATE = 5, 10
# Of Offenbach, Herne and Mayen, though they stand where of, her and my may.
_TAKEN = re.compile(r"(?<![A-Za-z])(?:OF|HER|MY)[ -]\Z")
_BRITISH_PLATE = re.compile(r"[A-Z]{2}[0-9]{2} [A-Z]{3}\Z")
_DRIVEN = re.compile(
    r"\b(?:car|cars|van|vehicle|vehicles|lorry|truck|taxi|parked|parking|drove|driver|driving|ford|audi|bmw|toyota"
    r"|vauxhall|fiesta|golf|honda|nissan|mot|dvla|garage|registration|number plate|vrn|keeper|permit)\b",
    re.IGNORECASE,
)
_NAMED = r"(?:[A-Z][a-z]{2,12} )?"
_VIN = re.compile(_GAP + r"((?=(?:[A-Z]*[0-9]){4})[A-HJ-NPR-Z0-9]{17})" + _END)
_DRIVER_NUMBER = re.compile(
    r"[A-Z]{2,5}9{0,3}(?<=[A-Z9]{5})[0-9](?:[05][1-9]|[16][0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]"
    r"[A-Z][A-Z9][A-Z0-9][A-Z]{2}(?![A-Za-z0-9])"
)
_DRIVER_SIZE = 16
_TRAVELLER = re.compile(
    r"(?<![A-Za-z/])(?!AND/|HE/|HIS/|ON/|YES/)"
    r"([A-Z][A-Z'\-]{1,24}(?: [A-Z'\-]{2,20}){0,2}/[A-Z]{2,20}(?: [A-Z]{1,20}){0,3}?)"
    r" ?(?:MRS?|MS|MISS|MSTR)\Z"
)
_HEALTH = re.compile(
    _GAP + _NAMED + r"([A-Z]{0,4}[0-9](?:[A-Z0-9]{0,12})(?:[ \-](?=[A-Z]{0,3}[0-9])[A-Z0-9]{1,6}){0,4}"
    r"(?:-[A-Z]{2})?|[A-Z]{2,4}(?: [0-9]{2,6}){2,4})" + _END
)
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[ \-]")
_LICENSE = re.compile(
    _GAP + r"(?:[A-Z]{2} (?=[0-9]))?"
    r"([A-Z]{2}-[0-9]{13}|[A-Z]{0,5}[0-9](?:[A-Z0-9]{0,17})(?:[ \-](?=[A-Z]{0,3}[0-9])[A-Z0-9]{1,8}){0,4}"
    r"|[A-Z]{3,5}(?: (?=[A-Z0-9]{0,5}[0-9])[A-Z0-9]{2,8}){2,4})" + _END
)
_SORT = re.compile(_GAP + r"([0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{2} [0-9]{2} [0-9]{2}|[0-9]{6})(?![\d-])")
_SORTED = re.compile(
    _GAP + r"[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{2}[,;/]? (?:and )?(?i:account|acct?\.?|a/c)?"
    r" ?(?i:number|no\.?|is|:){0,2} ?([0-9]{8})(?![\d-])"
)
_PAIR = re.compile(r"[\s:]{0,3}([0-9]{2}-[0-9]{2}-[0-9]{2})(?=\s?[/,]?\s?(?:[0-9]{8}|[A-Za-z]))")
_PAID = re.compile(r"[\s:]{0,3}[0-9]{2}-[0-9]{2}-[0-9]{2}\s?[/,]?\s?([0-9]{8})(?![\d-])")
_ROUTING = re.compile(_GAP + r"([0-9]{9})(?![\d-])")
_BRANCH = re.compile(_GAP + r"([0-9]{3}-[0-9]{3}|[0-9]{5}-[0-9]{3}|[0-9]{6})(?![\d-])")
_PASSPORT = re.compile(_GAP + r"([A-Z]{1,2}[0-9]{6,8}|[0-9]{8,9}|[0-9]{2} [0-9]{7})" + _END)
_FLIGHT_PASSPORT = re.compile(r"(?:[ :]|no\.? ){1,3}([A-Z]{1,2}[0-9]{6,8}|[A-Z][A-Z0-9]{2}[0-9]{6})" + _END)
_KEYED_STREET = re.compile(
    r"\"\s?:\s?\"(?=[^\"\n]{0,60}\b[0-9]{1,5}[A-Za-z]?\b)(?=[^\"\n]{0,60}[^\W\d_]{3})"
    r"([^\W_][^\"\n@:<>{}=]{5,80})\""
)
_ADDRESSED = 48
_BANKED = re.compile(_GAP + r"([0-9]{1,6}(?:[ \-][0-9]{1,8}){0,4})(?![\d-])")
_POSTCODE = re.compile(
    rf"(?:{_GAP}([0-9]{{5}}(?:-[0-9]{{4}})?|[0-9]{{6}})"
    r"|[^\n.;]{0,24}?[\s:>\"'=]{1,3}([A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}|[A-Z][0-9][A-Z] [0-9][A-Z][0-9]))"
    + _END
)
_ANSWERED = re.compile(r"(?<= )([A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2})" + _END)
_ASKED = 24
_INDIAN = re.compile(_GAP + r"([1-9][0-9]{5})" + _END)
_TOWN = re.compile(r"\b(?:city|town|state|district|dist)\b", re.IGNORECASE)
_ABA_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)
_PAYEES = "reimburse to|pay to|payable to|refund to|bacs|sort/acc"
_NOT_DRIVERS = re.compile(
    r"(?:medical|business|software|liquor|nursing|estate|contractor|broker|server|product|site|marriage|gaming"
    r"|key|mit|gpl|apache|open|source|dog)[ -]\Z",
    re.IGNORECASE,
)


def _signs(value: str) -> tuple[int, int]:
    """Letters and digits of a value."""
    return sum(map(str.isalpha, value)), sum(map(str.isdigit, value))


def find_plate(text: str, end: int) -> Entity | None:
    """The plate of a car that a label promises."""
    found = _PLATE.match(text, end, end + _WINDOW)
    if found is None:
        return None
    value = found.group(1)
    start = found.start(1)
    if taken := _TAKEN.search(text, max(end, start - 4), start):
        start = taken.start()
    letters, digits = _signs(value)
    if not letters or not _MIN_PLATE <= letters + digits <= _MAX_PLATE:
        return None
    score = 0.85 if _BRITISH_PLATE.match(value) else 0.75
    return Entity("VEHICLE", start, found.end(1), score, "label before it")


def find_vin(text: str, end: int) -> Entity | None:
    """The seventeen signs of a vehicle, among them no I, O or Q (ISO 3779)."""
    found = _VIN.match(text, end, end + _WINDOW)
    return _entity("VEHICLE", found, 0.85) if found else None


def find_driver_number(text: str, end: int) -> Entity | None:
    """A British driving licence by its shape alone: five letters, a birthday, initials and a check."""
    start = end - _DRIVER_SIZE
    found = _DRIVER_NUMBER.match(text, start)
    return Entity("DRIVER_LICENSE", start, end, 0.8, "shape of a British licence") if found else None


def find_traveller(text: str, end: int) -> Entity | None:
    """A name as airlines write it: family name, stroke, given names and a title, which stays outside."""
    found = _TRAVELLER.search(text, max(0, end - _WINDOW), end)
    return Entity("PERSON", *found.span(1), 0.9, "an airline's way of writing") if found else None


def find_british_plate(text: str, end: int) -> Entity | None:
    """A British plate by its shape alone, where a car is spoken of."""
    start = end - len("AB12 CDE")
    if not _BRITISH_PLATE.match(text, start, end) or not _DRIVEN.search(text, max(0, start - 60), end + 40):
        return None
    return Entity("VEHICLE", start, end, 0.7, "shape and words around it")


def find_health(text: str, end: int) -> Entity | None:
    """A number of a health service or of an insurance's member."""
    found = _HEALTH.match(text, end, end + _WINDOW)
    if found is None:
        return None
    letters, digits = _signs(found.group(1))
    is_number = 8 <= letters + digits <= 16 and digits >= 5 and not _YEARS.match(found.group(1))
    return _entity("HEALTH_INSURANCE", found, 0.85) if is_number else None


def find_license(text: str, end: int) -> Entity | None:
    """A driving licence of any country that its label promises."""
    found = _LICENSE.match(text, end, end + _WINDOW)
    if (
        found is None
        or "plate" in text[end : found.start(1)]
        or _NOT_DRIVERS.search(text[max(0, end - 24) : end].rstrip(string.ascii_letters))
    ):
        return None
    letters, digits = _signs(found.group(1))
    is_number = 7 <= letters + digits <= 20 and digits >= 5
    return _entity("DRIVER_LICENSE", found, 0.85) if is_number else None


def find_sort_code(text: str, end: int) -> Entity | None:
    """The British code of a bank's branch."""
    found = _SORT.match(text, end, end + _WINDOW)
    return _entity("ACCOUNT", found, 0.85) if found else None


def find_sorted(text: str, end: int) -> Entity | None:
    """The account after the British code of its bank."""
    found = _SORTED.match(text, end, end + _WINDOW)
    return _entity("ACCOUNT", found, 0.8) if found else None


def find_routing(text: str, end: int) -> Entity | None:
    """The American code of a bank: its check digit makes it sure (ABA)."""
    found = _ROUTING.match(text, end, end + _WINDOW)
    if found is None:
        return None
    total = sum(int(digit) * weight for digit, weight in zip(found.group(1), _ABA_WEIGHTS, strict=True))
    return _entity("ACCOUNT", found, 0.6 if total % 10 else 0.9)


def find_account(text: str, end: int) -> Entity | None:
    """An account of any grouping that its label promises."""
    found = _BANKED.match(text, end, end + _WINDOW)
    if found is None or not 7 <= _signs(found.group(1))[1] <= 18:
        return None
    return _entity("ACCOUNT", found, 0.8)


def find_branch(text: str, end: int) -> Entity | None:
    """The Australian or Canadian code of a bank's branch."""
    found = _BRANCH.match(text, end, end + _WINDOW)
    return _entity("ACCOUNT", found, 0.8) if found else None


def find_passport(text: str, end: int) -> Entity | None:
    """A passport some words after its label."""
    found = _PASSPORT.match(text, end, end + _WINDOW)
    return _entity("PASSPORT", found, 0.8) if found else None


def find_flight_passport(text: str, end: int) -> Entity | None:
    """A passport as airlines write it, with a letter: PPT B7702915."""
    found = _FLIGHT_PASSPORT.match(text, end)
    return _entity("PASSPORT", found, 0.8) if found else None


def find_street(text: str, end: int) -> Entity | None:
    """A street and a house's number under its key in JSON; `line` alone only within an address."""
    found = _KEYED_STREET.match(text, end)
    if found is None or (
        text[end - 4 : end].lower() == "line" and '"address"' not in text[max(0, end - _ADDRESSED) : end]
    ):
        return None
    return _entity("ADDRESS", found, 0.8)


def find_payee(text: str, end: int) -> Entity | None:
    """A branch's code and an account after each other, wherever money is to go."""
    found = _PAIR.match(text, end, end + _WINDOW)
    return _entity("ACCOUNT", found, 0.8) if found else None


def find_paid(text: str, end: int) -> Entity | None:
    """The account after its branch's code."""
    found = _PAID.match(text, end, end + _WINDOW)
    return _entity("ACCOUNT", found, 0.8) if found else None


def find_postcode(text: str, end: int) -> Entity | None:
    """A postal code some words after its label."""
    found = _POSTCODE.match(text, end, end + _WINDOW)
    if found is None and "?" in text[end : end + _ASKED]:
        # What somebody is asked for they tell in the next line.
        found = _ANSWERED.search(text, end, end + 2 * _WINDOW)
    return _entity("POSTAL_CODE", found, 0.85) if found else None


def find_indian_postcode(text: str, end: int) -> Entity | None:
    """The six digits after PIN where a town is named before it; elsewhere they are a secret."""
    found = _INDIAN.match(text, end, end + _WINDOW)
    is_address = _TOWN.search(text, max(0, end - 48), end) or text[end - 4 : end].lower() == "code"
    return _entity("POSTAL_CODE", found, 0.88) if found and is_address else None


def _entity(kind: str, found: re.Match[str], score: float) -> Entity:
    start, end = found.span(found.lastindex or 0)
    return Entity(kind, start, end, score, "label before it")


_LABELS: tuple[tuple[Callable[[str, int], Entity | None], str], ...] = (
    (
        find_plate,
        r"(?:licen[sc]e |number )?plates?|plate no|registration|reg|rego|vrm|vrn|kennzeichen|veh\.? lic",
    ),
    (find_plate, r"(?:my|his|her|the|hire|rental|company) (?:car|vehicle|van)|vehicle reg|permit for"),
    (
        find_health,
        r"medicare|medicaid|nhs|ohip|insurance (?:card|id|no|number)|health (?:card|plan|number|insurance)",
    ),
    (
        find_health,
        r"ins|mbr|mbi|phn|subscriber|member|plan (?:id|no|number|member)|beneficiary id",
    ),
    (find_license, r"licen[sc]e|oln|ol (?:no|number)|dl|dln|lic|provisional"),
    (find_vin, r"vin|chassis(?: no| number)?"),
    (find_flight_passport, r"ppt"),
    (find_sort_code, r"sort ?code"),
    (find_sorted, r"sort ?code"),
    (find_routing, r"routing|aba|rtn"),
    (find_account, r"checking|savings|chequing|current account|account with you"),
    (find_branch, r"bsb|transit"),
    (find_passport, r"passports?"),
    (find_payee, _PAYEES),
    (find_paid, _PAYEES),
    (find_postcode, r"postcode|post code|zip|zip code"),
    (find_indian_postcode, r"pin|pincode|pin code"),
)
TRIGGERS = (
    *((rf"\b(?:{expression})\b", find) for find, expression in _LABELS),
    (r"\b[A-Z]{2}[0-9]{2} [A-Z]{3}\b", find_british_plate),
    (r"\b[A-Z]{2}[A-Z9]{3}[0-9]{6}[A-Z9]{2}[A-Z0-9][A-Z]{2}\b", find_driver_number),
    (r"\"(?:street|street_?(?:address|name|line)?_?1?|(?:address)?_?line_?1?|address_?1)\b", find_street),
    (r"[A-Z]/[A-Z]{2}[A-Z ]{0,48} ?(?:mrs?|ms|miss|mstr)\b", find_traveller),
)
"""What all texts are scanned for at once, and who reads on where it ends."""
