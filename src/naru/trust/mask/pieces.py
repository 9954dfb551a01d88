"""A text that is looked at, as a piece of a request, and JSON inside a string, edited where its values stand.

JSON text is never parsed into objects and written again: every literal is looked at and replaced in its
place, so layout, number formats and even a key that comes twice stay as the client wrote them.
"""

from __future__ import annotations

import json
import re

import msgspec

from naru.trust.mask.hidden import is_hiding, reveal

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|(-?[0-9][0-9.eE+\-]*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_HAS_UNICODE_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\r\n]{256,}={0,2}")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_MIN_DIGITS = 7
_MAX_DEPTH = 5
_SCHEMA_WORDS = frozenset(["type", "format", "$ref", "$schema", "$id", "contentEncoding", "contentMediaType"])


def is_binary(text: str) -> bool:
    """A `data:` address or a long run of base64: pictures and files, not text."""
    if text.startswith("data:"):
        return ";base64," in text[:256]
    return len(text) >= 256 and _BASE64.fullmatch(text) is not None


class Span:
    """A place in a piece that is to be replaced."""

    __slots__ = ("end", "start", "text")

    def __init__(self, start: int, end: int, text: str) -> None:
        self.start = start
        self.end = end
        self.text = text


class Piece:
    """One string (or number) of the request.

    Attributes:
        text: as a reader of the JSON sees it.
        spans: what is replaced, in order.
        is_whole: any hit replaces all of it (a number, a name).
        is_name: takes no brackets.
        origin: where each code point of `shown` begins in `text`, when they differ.
        shown: what detectors see: `text` as it reads, without escapes.
    """

    __slots__ = ("is_name", "is_whole", "origin", "path", "shown", "spans", "text")

    def __init__(self, text: str, path: str, *, is_whole: bool = False, is_name: bool = False) -> None:
        self.text = text
        self.path = path
        self.spans: list[Span] = []
        self.is_whole = is_whole or is_name
        self.is_name = is_name
        self.shown = text
        self.origin: list[int] | None = None
        if "\\" in text and (text.lstrip()[:1] in ("{", "[") or _HAS_UNICODE_ESCAPE.search(text)):
            self.shown, self.origin = _unescape(text)
        if is_hiding(self.shown):
            shown, places = reveal(self.shown)
            if shown != self.shown:
                before = self.origin
                self.shown = shown
                self.origin = places if before is None else [before[place] for place in places]

    def masked(self) -> str:
        """The text with its spans replaced."""
        out: list[str] = []
        at = 0
        for span in self.spans:
            out += (self.text[at : span.start], span.text)
            at = span.end
        out.append(self.text[at:])
        return "".join(out)


def _unescape(text: str) -> tuple[str, list[int]]:
    """JSON escapes read, and for each code point (and the end) where it began."""
    shown: list[str] = []
    origin: list[int] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        shown.append(text[at:start])
        origin.extend(range(at, start))
        code, letter = match.groups()
        if code is not None:
            char = chr(int(code, base=16))
            if "\ud800" <= char <= "\udfff":
                char = "\ufffd"  # half of a pair: no letter that a detector could know
        else:
            char = _SIMPLE.get(letter, letter)
        shown.append(char)
        origin.append(start)
        at = end
    shown.append(text[at:])
    origin.extend(range(at, len(text) + 1))
    return "".join(shown), origin


class Document:
    """What one call of the detectors sees: a text, or all values of one JSON text, a line each."""

    __slots__ = ("lines", "parts", "size")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.parts: list[tuple[int, int, Piece]] = []
        self.size = 0

    def add(self, piece: Piece) -> None:
        """The piece, to be looked at."""
        end = self.size + len(piece.shown)
        self.parts.append((self.size, end, piece))
        self.say(piece.shown)

    def say(self, text: str) -> None:
        """Text that only gives what comes next its context."""
        self.lines.append(text)
        self.size += len(text)


class JsonText:
    """JSON in a string.

    Args:
        is_schema: a JSON schema, whose keywords and bounds are no data.
    """

    __slots__ = ("_edits", "_text")

    def __init__(
        self, text: str, path: str, document: Document, *, is_schema: bool = False, depth: int = 0
    ) -> None:
        self._text = text
        self._edits: list[tuple[int, int, Piece | JsonText]] = []
        key = ""
        for match in _STRING.finditer(text):
            raw, colon, number = match.groups()
            start, end = match.span()
            if number is not None:
                digits = number.lstrip("-")
                if not is_schema and len(digits) >= _MIN_DIGITS and digits.isdigit():
                    self._look(Piece(digits, path, is_whole=True), key, start, end, document)
                continue
            value = _read_string(raw)
            if colon:
                key = value
                if value and not (is_schema and value.isidentifier() and value.isascii()):
                    piece = Piece(value, path)
                    self._edits.append((start, start + len(raw) + 2, piece))
                    document.add(piece)
                    document.say("\n")
                continue
            if not value or (is_schema and key in _SCHEMA_WORDS and value.isascii()) or is_binary(value):
                continue
            if depth < _MAX_DEPTH and is_json(value):
                inner = JsonText(value, path, document, depth=depth + 1)
                self._edits.append((start, end, inner))
                continue
            self._look(Piece(value, path), key, start, end, document)

    def _look(self, piece: Piece, key: str, start: int, end: int, document: Document) -> None:
        if key:
            document.say(f"{key}: ")
        document.add(piece)
        document.say("\n")
        self._edits.append((start, end, piece))

    def masked(self) -> str | None:
        """The text with what was found replaced; None when nothing was."""
        out: list[str] = []
        at = 0
        for start, end, inner in self._edits:
            value = (inner.masked() if inner.spans else None) if isinstance(inner, Piece) else inner.masked()
            if value is None:
                continue
            out += (self._text[at:start], json.dumps(value, ensure_ascii=False))
            at = end
        if not out:
            return None
        out.append(self._text[at:])
        return "".join(out)


def _read_string(raw: str) -> str:
    if "\\" not in raw:
        return raw
    value: str = json.loads(f'"{raw}"', strict=False)
    # Half of a surrogate pair cannot be sent on as UTF-8, nor be part of anything a detector knows.
    return value.encode("utf-8", "replace").decode()


def is_json(text: str) -> bool:
    """Whether a string holds a JSON object or array."""
    head = text.lstrip()[:1]
    if head not in ("{", "["):
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
    return True
