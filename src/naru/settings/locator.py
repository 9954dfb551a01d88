"""Finds the line of each key of a TOML text, because `tomllib` gives values without positions.

It reads text that `tomllib` has accepted. On other text it goes as far as it can and never raises, which is
enough to say where a key is set twice or where an unterminated string began.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Path = tuple[str | int, ...]

_MAX_DEPTH = 64
"""Settings are far flatter; without a bound, work would grow with the square of the depth."""
_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


class Duplicate(NamedTuple):
    """A key or table that was set before."""

    path: Path
    line: int
    first_line: int


class Locator:
    """Lines of the keys of `text`; build it with `locate`.

    Attributes:
        lines: 1-based line on which each key, table or array element begins.
        duplicates: keys and tables set twice, in file order.
        stopped_at: line of the construct that could not be read, None when all was read.
    """

    def __init__(self, lines: dict[Path, int], duplicates: list[Duplicate], stopped_at: int | None) -> None:
        self.lines = lines
        self.duplicates = duplicates
        self.stopped_at = stopped_at

    def find_line(self, path: Path) -> int | None:
        """The line of `path`, else of its nearest parent that stands in the file; None when none does."""
        for end in range(len(path), 0, -1):
            line = self.lines.get(path[:end])
            if line is not None:
                return line
        return None


def locate(text: str) -> Locator:
    """Index `text` in one pass."""
    scanner = _Scanner(text)
    try:
        scanner.scan()
    except _Unreadable as stop:
        return Locator(scanner.lines, scanner.duplicates, text.count("\n", 0, stop.position) + 1)
    return Locator(scanner.lines, scanner.duplicates, None)


class _Unreadable(Exception):
    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.duplicates: list[Duplicate] = []
        self.line = 1
        self._counted_to = 0
        self._array_sizes: dict[Path, int] = {}
        """Elements so far of each array of tables, by its path without own index."""
        self._set: set[Path] = set()
        """Paths given a value or a header of their own (not just passed through): these may not repeat."""

    def scan(self) -> None:
        table: Path = ()
        while True:
            self._skip(_GAP)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def _line_here(self) -> int:
        # Positions only grow, so counting on from the last one keeps the whole pass linear.
        self.line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self.line

    def _expect(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise _Unreadable(self.at)
        self.at += len(mark)

    def _record(self, path: Path, line: int, *, is_set: bool) -> None:
        if len(path) > _MAX_DEPTH:
            raise _Unreadable(self.at)
        for end in range(1, len(path)):
            self.lines.setdefault(path[:end], line)
        if is_set and path in self._set:
            self.duplicates.append(Duplicate(path, line, self.lines[path]))
            return
        if is_set:
            self._set.add(path)
            # A table's own header is a better place to point at than the first mention of a child.
            self.lines[path] = line
        else:
            self.lines.setdefault(path, line)

    def _header(self) -> Path:
        line = self._line_here()
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        keys = self._key()
        self._expect("]]" if is_array else "]")
        path: Path = ()
        for number, key in enumerate(keys):
            path = (*path, key)
            if path in self._array_sizes and (number < len(keys) - 1 or not is_array):
                path = (*path, self._array_sizes[path] - 1)
        if is_array:
            count = self._array_sizes.get(path, 0)
            self._array_sizes[path] = count + 1
            self.lines.setdefault(path, line)
            path = (*path, count)
        self._record(path, line, is_set=True)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line_here()
        path = (*table, *self._key())
        self._expect("=")
        self._record(path, line, is_set=True)
        self._value(path)

    def _key(self) -> list[str]:
        keys = []
        while True:
            self._skip(_BLANK)
            mark = self.text[self.at : self.at + 1]
            if mark in ('"', "'") and mark:
                keys.append(self._string())
            else:
                match = _BARE_KEY.match(self.text, self.at)
                if match is None:
                    raise _Unreadable(self.at)
                keys.append(match.group())
                self.at = match.end()
            self._skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        mark = self.text[self.at : self.at + 1]
        if mark in ('"', "'") and mark:
            self._string()
        elif mark == "[":
            self._array(path)
        elif mark == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        start = self.at
        self.at += 1
        for index in range(len(self.text)):
            self._skip(_GAP)
            if self.text.startswith("]", self.at):
                break
            if self.at >= len(self.text):
                raise _Unreadable(start)
            element = (*path, index)
            self._record(element, self._line_here(), is_set=True)
            self._value(element)
            self._skip(_GAP)
            if not self.text.startswith(",", self.at):
                break
            self.at += 1
        self._expect("]")

    def _inline_table(self, path: Path) -> None:
        start = self.at
        self.at += 1
        while True:
            self._skip(_GAP)
            if self.text.startswith("}", self.at):
                break
            if self.at >= len(self.text):
                raise _Unreadable(start)
            self._pair(path)
            self._skip(_GAP)
            if not self.text.startswith(",", self.at):
                break
            self.at += 1
        self._expect("}")

    def _string(self) -> str:
        start = self.at
        quote = self.text[start]
        is_multiline = self.text.startswith(quote * 3, start)
        mark = quote * 3 if is_multiline else quote
        at = start + len(mark)
        while True:
            end = self.text.find(mark, at)
            if end < 0 or (not is_multiline and "\n" in self.text[at:end]):
                raise _Unreadable(start)
            if quote == "'" or not self._is_escaped(end, start + len(mark)):
                break
            at = end + 1
        if is_multiline:
            # Up to two quotes may stand directly before the closing three.
            extra = 0
            while extra < 2 and self.text.startswith(quote, end + 3 + extra):
                extra += 1
            end += extra
        self.at = end + len(mark)
        body = self.text[start + len(mark) : end]
        return body if quote == "'" else _unescape(body)

    def _is_escaped(self, at: int, floor: int) -> bool:
        """Whether an odd number of backslashes stands before `at`."""
        first = at
        while first > floor and self.text[first - 1] == "\\":
            first -= 1
        return (at - first) % 2 == 1


def _unescape(body: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match.group(1) or match.group(2)
        if code:
            number = int(code, 16)
            return chr(number) if number <= 0x10FFFF else ""
        return _ESCAPED.get(match.group(3), match.group(3))

    return _ESCAPE.sub(replace, body)
