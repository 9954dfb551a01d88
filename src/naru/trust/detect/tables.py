"""Tables in a text: what a column's head says, its cells are. CSV, tabs, bars and rows for a database."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import chain

from naru.trust.detect.names_lexicon import sections, words
from naru.trust.entity import Entity

_DELIMITERS = ("\t", "|", ",", ";")
_MAX_HEAD, _MAX_FIELD, _MAX_COLUMNS = 240, 28, 32
_CELL = {
    d: re.compile(
        rf"\s*(?:\"((?:[^\"\n]|\"\")*)\"|'((?:[^'\n]|'')*)'|([^{re.escape(d)}\n]*?))\s*(?:{re.escape(d)}|\Z)"
    )
    for d in _DELIMITERS
}
# The end of a line before one that may be a head: all of its fields are short, and it is no sentence.
_FIELD = rf"[^\n\t|,;]{{0,{_MAX_FIELD}}}+"
_BEFORE_HEAD = re.compile(rf"\n(?=(?:{_FIELD}[\t|,;])++{_FIELD}(?<!\.)\n)")
_WORDS = re.compile(r"[a-z]+")
_INSERT = re.compile(r"insert into [^\n(]{1,80}\(([^()\n]{3,240})\)\s*values\s*", re.IGNORECASE)
_ROW = re.compile(r"\s*,?\s*\(((?:[^()'\n]|'(?:[^'\n]|'')*'){1,400})\)")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "VEHICLE": (
        "plate",
        "car reg",
        "reg",
        "registration",
        "license plate",
        "vrm",
        "car",
        "vehicle",
        "licence plate",
    ),
    "ADDRESS": (
        "address",
        "ship to",
        "addr",
        "home address",
        "street address",
        "delivery address",
        "residence",
    ),
    "PHONE": (
        "phone",
        "mobile",
        "tel",
        "cell",
        "telephone",
        "phone number",
        "mobile number",
        "cell phone",
        "fax",
    ),
    "BIRTH_DATE": ("dob", "birth date", "date of birth", "birthdate", "birthday", "born"),
    "ACCOUNT": ("account", "account no", "account number", "acct", "bank account", "account num"),
    "DRIVER_LICENSE": (
        "license no",
        "licence no",
        "driver license",
        "driver licence",
        "license number",
        "dl",
        "dln",
    ),
    "PASSPORT": ("passport", "passport no", "passport number"),
    "US_SSN": ("ssn", "social security number"),
    "POSTAL_CODE": ("zip", "postcode", "postal code", "zip code", "post code"),
    "HEALTH_INSURANCE": (
        "member id",
        "nhs",
        "nhs no",
        "nhs number",
        "medicare",
        "insurance id",
        "subscriber id",
    ),
}
_VALUES: dict[str, re.Pattern[str]] = {
    "VEHICLE": re.compile(r"(?=.*[0-9])(?=.*[A-Z])[A-Z0-9][A-Z0-9 \-]{3,10}"),
    "ADDRESS": re.compile(r"(?=.*[0-9])(?=.*[^\W\d]).{8,160}"),
    "PHONE": re.compile(
        r"(?=(?:[^0-9]*[0-9]){7})[+(]?[0-9][0-9 ()./+\-]{5,20}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?"
    ),
    "BIRTH_DATE": re.compile(r"(?=(?:.*[0-9]){3})[0-9A-Za-z][0-9A-Za-z /.,\-]{5,20}"),
    "ACCOUNT": re.compile(r"(?=(?:[^0-9]*[0-9]){6})[0-9][0-9 \-]{5,22}"),
    "DRIVER_LICENSE": re.compile(r"(?=(?:[^0-9]*[0-9]){4})[A-Z0-9][A-Z0-9 \-]{5,20}"),
    "PASSPORT": re.compile(r"(?=(?:[^0-9]*[0-9]){5})[A-Z0-9]{7,10}"),
    "US_SSN": re.compile(r"[0-9]{3}[ \-]?[0-9]{2}[ \-]?[0-9]{4}"),
    "POSTAL_CODE": re.compile(r"(?=.*[0-9])[A-Z0-9]{2,5}[ \-]?[A-Z0-9]{2,4}"),
    "HEALTH_INSURANCE": re.compile(r"(?=(?:[^0-9]*[0-9]){5})[A-Z0-9][A-Z0-9 \-]{7,20}"),
}
_NAME = re.compile(
    r"[^\W\d_a-z][^\W\d_]*(?:['’\-.]{1,2}[^\W\d_]+)*\.?"
    r"(?:,? (?:[^\W\d_]+(?:['’\-.]{1,2}[^\W\d_]+)*\.?|[\"“][^\W\d_]+[\"”])){0,5}"
)
_WHOSE = frozenset(("name", "names"))
_PEOPLE_HEADS = frozenset(("firstname", "lastname", "fullname", "givenname"))
_NOT_PEOPLE = words(
    """
company product file user host event item project team business city country state town school bank brand
model domain server table column field class package service plan category store site group department street
display job scientific common plant species variety pet ship vessel station course variable
"""
)


class TableDetector:
    """Finds what stands in a column whose head names a person, a plate, an address or a number."""

    name = "tables"

    def __init__(self) -> None:
        listed = sections("english_words.txt")
        self._people = frozenset(listed["roles"]) | {
            "guest",
            "name",
            "holder",
            "surname",
            "forename",
            "signatory",
        }
        self._organisation = frozenset(listed["organisation"]) | {"bv", "ag", "gmbh"}
        self._types = {head: kind for kind, heads in _COLUMNS.items() for head in heads}
        heads = (*self._types, *self._people, *_WHOSE, *_PEOPLE_HEADS)
        self._words = frozenset(word for head in heads for word in head.split())

    def find(self, text: str) -> Iterable[Entity]:
        """Every cell that its column's head promises and that looks like it."""
        if "\n" not in text:
            return ()
        return self._tables(text)

    def _tables(self, text: str) -> Iterator[Entity]:
        read = 0
        for start in chain((0,), map(re.Match.end, _BEFORE_HEAD.finditer(text))):
            if start < read or (stop := text.find("\n", start)) < 0:
                continue
            head, delimiter = self._head(text[start:stop])
            if head:
                read = yield from self._rows(text, stop + 1, delimiter, head)
        if "INSERT INTO" in text or "insert into" in text:
            yield from self._inserts(text)

    def _head(self, line: str) -> tuple[dict[int, str], str]:
        """The columns of a line that tells them, by place, and what parts them."""
        # Most lines hold no word that heads a column: known at one look.
        if len(line) > _MAX_HEAD or self._words.isdisjoint(_WORDS.findall(line.lower())):
            return {}, ""
        for delimiter in _DELIMITERS:
            if delimiter in line:
                fields = line.split(delimiter)
                if 1 < len(fields) <= _MAX_COLUMNS and max(map(len, fields)) <= _MAX_FIELD:
                    columns = self._columns(fields)
                    return (columns, delimiter) if columns else ({}, "")
        return {}, ""

    def _columns(self, fields: list[str]) -> dict[int, str]:
        found = {at: kind for at, field in enumerate(fields) if (kind := self._kind(field))}
        # A sentence with two commas is no head: all of it is one or two words each.
        return (
            found
            if all(len(field.split()) <= 3 and not field.rstrip().endswith(".") for field in fields)
            else {}
        )

    def _kind(self, field: str) -> str:
        listed = _WORDS.findall(field.strip(" \"'`*").lower())
        head = " ".join(listed)
        if kind := self._types.get(head):
            return kind
        if not listed or len(listed) > 3 or not _NOT_PEOPLE.isdisjoint(listed):
            return ""
        is_name = listed[-1] in _WHOSE or head in _PEOPLE_HEADS
        return "PERSON" if is_name or head in self._people else ""

    def _rows(
        self, text: str, start: int, delimiter: str, head: dict[int, str]
    ) -> Generator[Entity, None, int]:
        """The cells below a head; where the first line begins that is no row of its table."""
        while start < len(text):
            stop = text.find("\n", start)
            line = text[start : stop if stop >= 0 else len(text)]
            if delimiter not in line:
                break
            yield from self._row(start, line, delimiter, head)
            start += len(line) + 1
        return start

    def _row(self, start: int, line: str, delimiter: str, head: dict[int, str]) -> Iterator[Entity]:
        at = 0
        for column in range(max(head) + 1):
            cell = _CELL[delimiter].match(line, at)
            if cell is None or at >= len(line):
                return
            at = cell.end()
            kind = head.get(column)
            if kind:
                low, high = cell.span(cell.lastindex or 0)
                if low < high and self._fits(kind, line[low:high]):
                    yield Entity(kind, start + low, start + high, 0.9, "column of a table")

    def _fits(self, kind: str, value: str) -> bool:
        if kind != "PERSON":
            return _VALUES[kind].fullmatch(value) is not None
        if len(value) > 60 or _NAME.fullmatch(value) is None or (value.isupper() and " " not in value):
            return False
        return self._organisation.isdisjoint(value.lower().replace(",", " ").split())

    def _inserts(self, text: str) -> Iterator[Entity]:
        for insert in _INSERT.finditer(text):
            head = self._columns(insert.group(1).split(","))
            row = _ROW.match(text, insert.end()) if head else None
            while row is not None:
                yield from self._row(row.start(1), row.group(1), ",", head)
                row = _ROW.match(text, row.end())
