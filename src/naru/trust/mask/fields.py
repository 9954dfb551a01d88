"""Where text can be in a request, in every client language. Deny by default.

Every string is looked at except those named here: identifiers and settings (and those only while they look
like one), what is sealed by a signature, and binary content. Fields nobody here knows are looked at whole,
names, numbers and all.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from naru.kernel.errors import BadRequest
from naru.trust.mask import places
from naru.trust.mask.pieces import Document, JsonText, Piece, is_binary, is_json

_decode = msgspec.json.Decoder().decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

_SMALL = 10**6
_MIN_DIGITS = 7
_BEGINS_TEXT = (b'"', b"[", b"{")
_BEGINS_WORD = (b"t", b"f", b"n")
_QUOTE = re.compile(rb'\\.|(")', re.DOTALL)


class Unmaskable(BadRequest):
    """A field that cannot be read, so nobody can say that nothing personal is in it. It is not sent."""

    default_code = "unreadable_field"


def _is_sealed(key: str, text: str, holder: dict[str, Any]) -> bool:
    if key == "data":
        is_binary_kind = holder.get("type") in places.BINARY_KINDS or "format" in holder
        return is_binary_kind and places.SEAL.fullmatch(text) is not None
    return places.SEAL.fullmatch(text) is not None


class Unit:
    """A part of the request that is written anew as a whole when anything in it changed."""

    __slots__ = ("is_changed", "raw", "value")

    def __init__(self, raw: msgspec.Raw, value: Any) -> None:
        self.raw = raw
        self.value = value
        self.is_changed = False

    def written(self) -> msgspec.Raw:
        """Its JSON: the bytes that came, unless something changed."""
        if not self.is_changed:
            return self.raw
        return msgspec.Raw(_encode(self.value))


class Slot:
    """Where a looked-at value goes back to."""

    __slots__ = ("holder", "key", "masked", "unit")

    def __init__(self, unit: Unit, holder: Any, key: Any, masked: Piece | JsonText) -> None:
        self.unit = unit
        self.holder = holder
        self.key = key
        self.masked = masked


class Walk:
    """Takes the fields of one request apart.

    Attributes:
        documents: what the detectors are to see, in order.
        opaque: kinds of content nobody can look into (`image`, `token_ids`, ...).
    """

    __slots__ = ("_fields", "_lists", "_slots", "_whole", "documents", "opaque")

    def __init__(self, fields: dict[str, msgspec.Raw]) -> None:
        self.documents: list[Document] = []
        self.opaque: set[str] = set()
        self._fields = fields
        self._slots: list[Slot] = []
        self._lists: dict[str, list[Unit]] = {}
        self._whole: dict[str, Unit] = {}
        try:
            for name in places.FIRST:
                raw = fields.get(name)
                if raw is not None:
                    self._open(name, raw)
            for name, raw in fields.items():
                if name not in places.IS_FIRST:
                    self._open(name, raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError, json.JSONDecodeError):
            raise Unmaskable(
                "A field of the request cannot be read in full, so it cannot be masked."
                " Check its JSON: depth, half surrogate pairs, numbers out of range."
            ) from None

    def _open(self, name: str, raw: msgspec.Raw) -> None:
        if name not in places.KNOWN and places.FIELD.fullmatch(name) is None:
            raise Unmaskable("A top-level field has a name that no API has. Names are ASCII words.")
        view = memoryview(raw)
        head = bytes(view[:1])
        if head not in _BEGINS_TEXT:
            if len(view) >= _MIN_DIGITS and head not in _BEGINS_WORD and name not in places.NUMBERS:
                self._open_data(name, raw)
            return
        if head == b"[" and name in places.LISTS:
            units = self._lists[name] = []
            for number, item in enumerate(_decode_list(raw)):
                unit = Unit(item, _decode(item))
                units.append(unit)
                self._visit(unit, unit, None, name, unit.value, f"{name}.{number}")
                self._check(unit)
            if name in ("prompt", "input") and units and any(isinstance(unit.value, int) for unit in units):
                self.opaque.add("token_ids")
            return
        if head == b'"' and name in places.IDENTIFIERS and places.IDENTIFIER.fullmatch(_decode(raw)):
            return
        if head == b'"' or name in places.CONTAINERS:
            unit = self._whole[name] = Unit(raw, _decode(raw))
            self._visit(unit, unit, None, name, unit.value, name)
            self._check(unit)
            return
        if name not in places.TOKEN_IDS:
            self._open_data(name, raw)

    def _open_data(self, name: str, raw: msgspec.Raw) -> None:
        """A field nobody here knows: its JSON as it stands, name and all."""
        unit = self._whole[name] = Unit(raw, None)
        document = Document()
        text = bytes(memoryview(raw)).decode()
        document.say(f"{name}: " if text[:1] not in "{[" else "")
        self._add(Slot(unit, None, None, JsonText(text, name, document)), document)

    def _add(self, slot: Slot, document: Document) -> None:
        if document.parts:
            self._slots.append(slot)
            self.documents.append(document)

    def _visit(self, unit: Unit, holder: Any, key: Any, name: str, value: Any, path: str) -> None:
        """`value` stands at `holder[key]` (or is the unit's own); `name` is the field it belongs to."""
        if isinstance(value, str):
            self._visit_text(unit, holder, key, name, value, path)
        elif isinstance(value, dict):
            self._visit_object(unit, value, path)
        elif isinstance(value, list):
            if name in ("prompt", "input") and value and isinstance(value[0], int):
                self.opaque.add("token_ids")
            for number, item in enumerate(value):
                self._visit(unit, value, number, name, item, path)

    def _visit_text(self, unit: Unit, holder: Any, key: Any, name: str, value: str, path: str) -> None:
        if not value or (
            name in places.IDENTIFIERS and (value in places.COMMON or places.IDENTIFIER.fullmatch(value))
        ):
            return
        if name in places.ADDRESSES and is_binary(value):
            self.opaque.add("binary")
            return
        document = Document()
        if value[0] in "{[ \n\t\r" and is_json(value):
            self._add(Slot(unit, holder, key, JsonText(value, path, document)), document)
            return
        piece = Piece(value, path, is_name=name == "name")
        document.add(piece)
        self._add(Slot(unit, holder, key, piece), document)

    def _visit_object(self, unit: Unit, value: dict[str, Any], path: str) -> None:
        kind = value.get("type")
        if isinstance(kind, str) and kind in places.MEDIA:
            self.opaque.add(kind)
        for key, item in list(value.items()):
            if key not in places.KNOWN:
                self._visit_data(unit, value, key, item, path)
            elif isinstance(item, str):
                if key not in places.MAYBE_SEALED or not _is_sealed(key, item, value):
                    self._visit_text(unit, value, key, key, item, path)
            elif isinstance(item, list | dict):
                self._visit_inner(unit, value, key, item, path)
            elif isinstance(item, int | float) and abs(item) >= _SMALL and key not in places.NUMBERS:
                self._visit_data(unit, value, key, item, path)

    def _visit_inner(self, unit: Unit, value: dict[str, Any], key: str, item: Any, path: str) -> None:
        if key in places.SCHEMAS:
            self._visit_data(unit, value, key, item, path, is_schema=True)
        elif key in places.CONTAINERS:
            self._visit(unit, value, key, key, item, path)
        elif key not in places.TOKEN_IDS:
            self._visit_data(unit, value, key, item, path)

    def _visit_data(
        self, unit: Unit, holder: dict[str, Any], key: str, item: Any, path: str, *, is_schema: bool = False
    ) -> None:
        """Free data: the key as well, unless it is one of the language's own."""
        own = is_schema or key in places.OWN_DATA
        document = Document()
        text = _encode(item if own else {key: item}).decode()
        self._add(
            Slot(unit, holder, key if own else (key,), JsonText(text, path, document, is_schema=is_schema)),
            document,
        )

    @staticmethod
    def _check(unit: Unit) -> None:
        """Of a key that comes twice only one value was looked at: then nothing but that one is sent."""
        raw = bytes(memoryview(unit.raw))
        if len(raw) == len(_encode(unit.value)):
            return
        quotes = sum(map(bool, _QUOTE.findall(raw))) if b"\\" in raw else raw.count(b'"')
        if _count_strings(unit.value) * 2 != quotes:
            unit.is_changed = True

    def written(self) -> dict[str, msgspec.Raw]:
        """The fields, with every change put back; those without are the bytes that came."""
        for slot in reversed(self._slots):
            self._put_back(slot)
        fields = dict(self._fields)
        for name, unit in self._whole.items():
            if unit.is_changed:
                fields[name] = unit.written()
        for name, units in self._lists.items():
            if any(unit.is_changed for unit in units):
                fields[name] = msgspec.Raw(_encode([unit.written() for unit in units]))
        return fields

    @staticmethod
    def _put_back(slot: Slot) -> None:
        masked = slot.masked
        text = (masked.masked() if masked.spans else None) if isinstance(masked, Piece) else masked.masked()
        if text is None:
            return
        unit, holder, key = slot.unit, slot.holder, slot.key
        unit.is_changed = True
        if holder is None:  # JSON of a whole field
            unit.value = msgspec.Raw(text.encode())
        elif holder is unit:
            unit.value = text
        elif isinstance(key, tuple):
            del holder[key[0]]
            holder.update(_decode(text))
        elif isinstance(masked, JsonText) and not isinstance(holder[key], str):
            holder[key] = _decode(text)
        else:
            holder[key] = text


def _count_strings(value: Any) -> int:
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        return len(value) + sum(map(_count_strings, value.values()))
    if isinstance(value, list):
        return sum(map(_count_strings, value))
    return 0
