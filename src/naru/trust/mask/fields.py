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
from naru.trust.mask.files import TextFile, clean_address, read_text_file
from naru.trust.mask.hidden import is_hiding
from naru.trust.mask.pieces import Document, JsonText, Piece, is_binary, is_json

_decode = msgspec.json.Decoder().decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

_SMALL = 10**6
_MIN_DIGITS = 7
_STRING, _ARRAY, _OBJECT = b'"[{'
_BEGINS_WORD = b"tfn"
_SETTING = re.compile(rb'"(?=[^A-Za-z"]*[A-Za-z])[!#-?A-\[\]-~]{1,512}"')
"""JSON of a string that is `places.IDENTIFIER` as it stands."""


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

    __slots__ = ("is_changed", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.is_changed = False

    def written(self, raw: msgspec.Raw) -> msgspec.Raw:
        """Its JSON: the bytes that came, unless something changed."""
        return msgspec.Raw(_encode(self.value)) if self.is_changed else raw


class Slot:
    """Where a looked-at value goes back to.

    Attributes:
        text: what detectors see of it.
        file: whose text it is, where that lies in base64.
        masked: None while nobody wants to change it. Most requests hold nothing, and pay for no more.
    """

    __slots__ = ("_document", "file", "holder", "is_name", "key", "masked", "path", "text", "unit")

    def __init__(self, unit: Unit, holder: Any, key: Any, text: str, path: str) -> None:
        self.unit = unit
        self.holder = holder
        self.key = key
        self.text = text
        self.path = path
        self.is_name = False
        self.file: TextFile | None = None
        self.masked: Piece | JsonText | None = None
        self._document: Document | None = None

    def fill(self, masked: Piece | JsonText, document: Document) -> None:
        """Say what detectors are to see where it is not the value itself."""
        self.masked = masked
        self.text = "".join(document.lines)
        self._document = document

    @property
    def document(self) -> Document:
        """The pieces it is made of, to be changed."""
        if self._document is None:
            self.masked = piece = Piece(self.text, self.path, is_name=self.is_name)
            self._document = Document()
            self._document.add(piece)
        return self._document


class Walk:
    """Takes the fields of one request apart.

    Attributes:
        slots: every text that the detectors are to see, in order.
        opaque: kinds of content nobody can look into (`image`, `token_ids`, ...).
        is_hiding: the request cannot go out as it came, though nothing was found: see `_is_read_whole`.
    """

    __slots__ = ("_fields", "_lists", "_whole", "is_hiding", "opaque", "slots")

    def __init__(self, fields: dict[str, msgspec.Raw]) -> None:
        self.slots: list[Slot] = []
        self.opaque: set[str] = set()
        self.is_hiding = False
        self._fields = fields
        self._lists: dict[str, list[Unit]] = {}
        self._whole: dict[str, Unit] = {}
        try:
            for name in places.FIRST:
                if name in fields:
                    self._open(name, fields[name])
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
        head = view[0]
        if head == _STRING:
            if name in places.IDENTIFIERS and (
                _SETTING.fullmatch(view) or places.IDENTIFIER.fullmatch(_decode(raw))
            ):
                return
            self._open_whole(name, raw)
        elif head == _ARRAY and name in places.LISTS:
            self._open_list(name, raw)
        elif head in (_ARRAY, _OBJECT):
            if name in places.CONTAINERS:
                self._open_whole(name, raw)
            elif name not in places.TOKEN_IDS:
                self._open_data(name, raw)
        elif len(view) >= _MIN_DIGITS and head not in _BEGINS_WORD and name not in places.NUMBERS:
            self._open_data(name, raw)

    def _open_list(self, name: str, raw: msgspec.Raw) -> None:
        items = _decode(raw)
        units = self._lists[name] = []
        for number, item in enumerate(items):
            unit = Unit(item)
            units.append(unit)
            self._visit(unit, unit, None, name, item, f"{name}.{number}")
        if not _is_read_whole(raw, items):
            self.is_hiding = True
            for unit, own in zip(units, _decode_list(raw), strict=True):
                unit.is_changed = unit.is_changed or not _is_read_whole(own, unit.value)
        if name in ("prompt", "input") and any(isinstance(unit.value, int) for unit in units):
            self.opaque.add("token_ids")

    def _open_whole(self, name: str, raw: msgspec.Raw) -> None:
        unit = self._whole[name] = Unit(_decode(raw))
        self._visit(unit, unit, None, name, unit.value, name)
        if not _is_read_whole(raw, unit.value):
            self.is_hiding = unit.is_changed = True

    def _open_data(self, name: str, raw: msgspec.Raw) -> None:
        """A field nobody here knows: its JSON as it stands, name and all."""
        unit = self._whole[name] = Unit(None)
        text = bytes(memoryview(raw)).decode()
        document = Document()
        document.say(f"{name}: " if text[:1] not in "{[" else "")
        self._add_json(Slot(unit, None, None, text, name), document)

    def _add_json(self, slot: Slot, document: Document, *, is_schema: bool = False) -> None:
        slot.fill(JsonText(slot.text, slot.path, document, is_schema=is_schema), document)
        if document.parts:
            self.slots.append(slot)

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
        self._add_text(Slot(unit, holder, key, value, path), is_name=name == "name")

    def _add_text(self, slot: Slot, *, is_name: bool = False) -> None:
        value, path = slot.text, slot.path
        if value[0] in "{[ \n\t\r" and is_json(value):
            self._add_json(slot, Document())
            return
        slot.is_name = is_name
        if "\\" in value or is_hiding(value):
            piece, document = Piece(value, path, is_name=slot.is_name), Document()
            document.add(piece)
            slot.fill(piece, document)
        self.slots.append(slot)

    def _visit_object(self, unit: Unit, value: dict[str, Any], path: str) -> None:
        kind = value.get("type")
        if isinstance(kind, str) and kind in places.MEDIA:
            self.opaque.add(kind)
        for key, item in value.items():
            if key not in places.KNOWN:
                self._visit_data(unit, value, key, item, path)
            elif isinstance(item, str):
                if key in places.ADDRESSES and (";base64," in item[:512] or key in places.FILES):
                    item = self._open_file(unit, value, key, item, path)
                if key not in places.MAYBE_SEALED or not _is_sealed(key, item, value):
                    self._visit_text(unit, value, key, key, item, path)
            elif isinstance(item, list | dict):
                self._visit_inner(unit, value, key, item, path)
            elif isinstance(item, int | float) and abs(item) >= _SMALL and key not in places.NUMBERS:
                self._visit_data(unit, value, key, item, path)

    def _open_file(self, unit: Unit, holder: dict[str, Any], key: str, value: str, path: str) -> str:
        """A file of text is looked at. What is still to be looked at of `value` otherwise."""
        file = read_text_file(value, holder)
        if file is None:
            clean = clean_address(value)
            if clean is not value:
                holder[key] = clean
                self.is_hiding = unit.is_changed = True
            return clean
        if file.text:
            slot = Slot(unit, holder, key, file.text, path)
            slot.file = file
            self._add_text(slot)
        return "" if file.head or is_binary(value) else value

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
        text = _encode(item if own else {key: item}).decode()
        slot = Slot(unit, holder, key if own else (key,), text, path)
        self._add_json(slot, Document(), is_schema=is_schema)

    def written(self) -> dict[str, msgspec.Raw]:
        """The fields, with every change put back; those without are the bytes that came."""
        for slot in reversed(self.slots):
            self._put_back(slot)
        fields = dict(self._fields)
        for name, unit in self._whole.items():
            fields[name] = unit.written(fields[name])
        for name, units in self._lists.items():
            if any(unit.is_changed for unit in units):
                raws = _decode_list(fields[name])
                items = [unit.written(raw) for unit, raw in zip(units, raws, strict=True)]
                fields[name] = msgspec.Raw(_encode(items))
        return fields

    @staticmethod
    def _put_back(slot: Slot) -> None:
        masked = slot.masked
        if masked is None:
            return
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
        elif slot.file is not None:
            holder[key] = slot.file.written(text)
        elif isinstance(masked, JsonText) and not isinstance(holder[key], str):
            holder[key] = _decode(text)
        else:
            holder[key] = text


def _is_read_whole(raw: msgspec.Raw, value: Any) -> bool:
    """Whether every string in `raw` was looked at. Of a key that comes twice only one value was: then nothing
    but that one may be sent."""
    view = memoryview(raw)
    if len(view) == len(_encode(value)):
        return True
    text = bytes(view)
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return _count_strings(value) * 2 == text.count(b'"')


def _count_strings(value: Any) -> int:
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        return len(value) + sum(map(_count_strings, value.values()))
    if isinstance(value, list):
        return sum(map(_count_strings, value))
    return 0
