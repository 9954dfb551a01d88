"""Names beside names: in the same place of the next line, next in a list, beside somebody's number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from naru.trust.detect.names_lists import CELL, LIST, LONGEST_LINE, Lists
from naru.trust.detect.names_shapes import Shapes
from naru.trust.entity import Entity

_RUN = re.compile(r"[가-힣]+")
_KINDS = re.compile(r"[가-힣]+(?: [가-힣]+)*|[0-9①-⑳]+|[A-Za-z]+|[*○●]+")
_AFTER = frozenset("\n\t,/|:;\"'<(")
_TELLING = 4
_CLOSED = frozenset("\t,/|\"'<")
_MAX_PREFIX = 80
_MAX_LINES = 200
_ALIAS = re.compile(r" ?\(([A-Z][A-Za-z'\-]{0,15}(?:,? [A-Z][A-Za-z'\-]{0,15}){1,3}|[\u4e00-\u9fff]{2,4})\)")
_CELL_TEXT = re.compile(r" ?\"?([가-힣]{2,6}(?:[ ·][가-힣]{1,6}){0,3})\"? ?(?=[,\t|/\n]|\Z)")
_DIGIT = re.compile("[0-9]")
_CELL_BEFORE = re.compile(r"([가-힣]{2,4})\"?( ?[(/,|\t] ?\"?|\", ?\"| )\Z")
_WORD_BEFORE = re.compile(r"(?<![가-힣])[가-힣]{3,4}\Z")
_CELL_APART = re.compile(r"(?:\"|[|\t] ?)([가-힣]) ([가-힣]{1,2})(?:\", ?\"| ?[|\t] ?)\Z")
_CELL_AFTER = re.compile(r"\"?[,\t|] ?\"?([가-힣]{2,4})")
_SIGNS_BEFORE = ' "(/,|\t'
_BEFORE_CELL, _AFTER_CELL = frozenset('"(/,|\t'), frozenset('",|\t')
_REACH = 12
"""How far a name and the signs after it reach to where the next cell begins."""
_BRACKETED, _SHORT = -4.2, -2.0
"""Points that a name beside an identifier must have, one of three syllables and one of two."""
_LONG = 3
_PARTICLES = frozenset("은는이가을를로한된할도만의에")
_MAX_NAMES = 40
_FEW = 20
_BEGINNING = re.compile(r"([가-힣]{2})[가-힣]*+")
_ALONE = re.compile(
    r"(?:이?(?:가|는|도|랑|한테|네)|[이아야은]| ?[씨님]|쌤| ?선생님| ?대리| ?과장)(?![가-힣])"
    r"|[씨님쌤](?:이|가|은|는|께)"
)
"""What follows a given name that stands alone."""
UNUSUAL = frozenset(
    (
        "label before it",
        "role before it",
        "age, signature or introduction",
        "speaker of a line",
        "in a row of names",
        "in a list of names",
        "beside an identifier",
        "header above it",
    )
)
_SIGNS = frozenset("0a가*")
"""What a word or a number is drawn as."""


def _drawn(prefix: str) -> str:
    """A line's beginning with one sign for each word or number, so that rows of one table look the same."""
    return _KINDS.sub(_sign, prefix)


def _sign(m: re.Match[str]) -> str:
    first = m.group()[0]
    return (
        "0"
        if first.isdigit() or "①" <= first <= "⑳"
        else "a"
        if first.isascii() and first.isalpha()
        else "가"
        if first >= "가"
        else "*"
    )


def _below(text: str, at: int) -> int:
    """Where the line below the one at `at` begins; -1 where it is empty, far or none."""
    stop = text.find("\n", at, at + LONGEST_LINE)
    return stop + 1 if stop >= 0 and text[stop + 1 : stop + 2] != "\n" else -1


def _above(text: str, at: int) -> int:
    """Likewise the line above."""
    if at <= 1 or text[at - 2] == "\n":
        return -1
    low = max(0, at - 1 - LONGEST_LINE)
    stop = text.rfind("\n", low, at - 1)
    return stop + 1 if stop >= 0 or not low else -1


class Rows:
    """Finds more names from those found."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._lists = Lists(shapes)

    def find(self, text: str, sure: Sequence[Entity]) -> list[Entity]:
        """Names in the same place of the lines beside and in the same list as one of `sure`."""
        found: list[Entity] = []
        taken = {e.start for e in sure}
        seen: dict[str, int] = {}
        for e in sure:
            following = text[e.end : e.end + 2].lstrip(" ")[:1]
            if following in _AFTER or not following:
                begin = text.rfind("\n", max(0, e.start - _MAX_PREFIX), e.start) + 1
                if begin or e.start < _MAX_PREFIX:
                    self._columns(text, begin, e, following, taken, seen, found)
            self._lists.extend(text, e, taken, found)
            if following == "(":
                self._aliased(text, e, found)
        at = 0
        while at < len(found):
            self._lists.extend(text, found[at], taken, found)
            at += 1
        return found

    @staticmethod
    def _aliased(text: str, e: Entity, found: list[Entity]) -> None:
        """The same name in Latin letters or Hanja, in brackets after it."""
        m = _ALIAS.match(text, e.end)
        if m is not None:
            found.append(
                Entity("PERSON", m.start(1), m.end(1), 0.85, "the name before it, written otherwise")
            )

    def _columns(
        self,
        text: str,
        begin: int,
        e: Entity,
        following: str,
        taken: set[int],
        seen: dict[str, int],
        found: list[Entity],
    ) -> None:
        if text[e.start - 1 : e.start] == " " and "가" <= text[e.start - 2 : e.start - 1] <= "힣":
            return
        prefix = text[begin : e.start]
        drawn = _drawn(prefix)
        key = drawn + "\0" + following
        if seen.get(key, -1) >= begin or (not drawn and following in ("", "\n", "(", ":")):
            return
        if drawn and drawn[-1] == "가":
            return
        seen[key] = at = begin
        while (at := self._next(text, _below(text, at), drawn, following, taken, found)) >= 0:
            seen[key] = at
        at = begin
        for _ in range(_MAX_LINES):
            at = self._next(text, _above(text, at), drawn, following, taken, found)
            if at < 0:
                break

    def _next(
        self, text: str, at: int, drawn: str, following: str, taken: set[int], found: list[Entity]
    ) -> int:
        """`at` when a line of the same form begins there, else -1."""
        return at if at >= 0 and self._cell(text, at, drawn, following, taken, found) else -1

    def _cell(
        self, text: str, at: int, drawn: str, following: str, taken: set[int], found: list[Entity]
    ) -> bool:
        """Whether the line at `at` is of the same form; its name goes to `found`."""
        if not drawn and not "가" <= text[at : at + 1] <= "힣":
            return False
        window = text[at : at + _MAX_PREFIX + 12]
        last = "" if drawn[-1:] in _SIGNS else drawn[-1:]
        for m in _RUN.finditer(window):
            start = at + m.start()
            before = window[: m.start()]
            if "\n" in before:
                return False
            if not before.endswith(last) or _drawn(before) != drawn:
                continue
            if start in taken:
                return True
            is_column = following in _CLOSED
            end = self._shapes.read(
                text, start, CELL if is_column or "0" in drawn else LIST, is_cell=is_column
            )
            if end - start != m.end() - m.start():
                end = max(end, self._shapes.read_foreign(text, start))
            after = text[end : end + 2].lstrip(" ")[:1] or "\n"
            if end - start < m.end() - m.start() or (
                after != (following or "\n") and (len(drawn.strip()) < _TELLING or end - start < _LONG)
            ):
                return m.end() - m.start() > 1
            taken.add(start)
            found.append(Entity("PERSON", start, end, 0.8, "in a row of names"))
            return True
        return bool(drawn) and _drawn(window.partition("\n")[0]).startswith(drawn)

    def read_list(self, text: str, end: int) -> list[Entity]:
        """A line that is a list of names and nothing else."""
        return self._lists.read(text, end)

    def read_header(self, text: str, end: int) -> list[Entity]:
        """The cells under a header that ends with the sign before `end`, in lines of commas, tabs or bars."""
        sign = text[end - 1]
        begin = text.rfind("\n", max(0, end - LONGEST_LINE), end) + 1
        stop = text.find("\n", end, end + LONGEST_LINE)
        found: list[Entity] = []
        if not begin and end > LONGEST_LINE:
            return found
        if stop >= 0 and text.count(sign, begin, stop) > 1:
            self._under(text, stop + 1, sign, text.count(sign, begin, end - 1), found)
        return found

    def _under(self, text: str, at: int, sign: str, count: int, found: list[Entity]) -> None:
        for _ in range(_MAX_LINES):
            start, stop = at, text.find("\n", at, at + LONGEST_LINE)
            stop = stop if stop >= 0 else min(len(text), at + LONGEST_LINE)
            for _ in range(count):
                start = text.find(sign, start, stop) + 1
                if not start:
                    return
            m = _CELL_TEXT.match(text, start, stop) if sign != "/" or _DIGIT.search(text, at, stop) else None
            if m is not None and m.group(1) not in self._shapes.never:
                found.append(Entity("PERSON", m.start(1), m.end(1), 0.85, "header above it"))
            if text.find(sign, at, stop) < 0 or stop >= len(text):
                return
            at = stop + 1

    def find_beside(self, text: str, entities: Iterable[Entity], taken: set[int]) -> Iterator[Entity]:
        """The names in the cells and before the brackets next to identifiers."""
        for _, start, end, _, _ in entities:
            found = None
            sign = text[start - 1 : start]
            if sign == " ":
                sign = text[start - 2 : start - 1]
                if "가" <= sign <= "힣" and sign not in _PARTICLES:
                    found = self._last_word(text, start - 1, taken)
            if sign in _BEFORE_CELL:
                found = self._before(text, start, taken)
            if found is None and text[end : end + 1] in _AFTER_CELL:
                found = self._after(text, end, taken)
            if found is not None:
                yield found

    def _after(self, text: str, end: int, taken: set[int]) -> Entity | None:
        """The name in the cell that begins at `end`."""
        m = _CELL_AFTER.match(text, end)
        if m is None or text[m.end() : m.end() + 1] not in _CLOSED:
            return None
        return self._beside(text, m.start(1), m.end(), taken, is_cell=True)

    def _before(self, text: str, start: int, taken: set[int]) -> Entity | None:
        """The name in the cell or before the bracket that ends at `start`."""
        window = text[max(0, start - _REACH) : start]
        if not "가" <= window.rstrip(_SIGNS_BEFORE)[-1:] <= "힣":
            return None
        at = start - len(window)
        m = _CELL_APART.search(window)
        if m is not None and self._shapes.is_apart(*m.groups()):
            return Entity("PERSON", at + m.start(1), at + m.end(2), 0.75, "beside an identifier")
        m = _CELL_BEFORE.search(window)
        if m is None:
            return None
        is_cell = m.group(2) not in (" ", "(")
        return self._beside(text, at + m.start(1), at + m.end(1), taken, is_cell=is_cell)

    def _last_word(self, text: str, end: int, taken: set[int]) -> Entity | None:
        """A name that is the whole word before a blank."""
        m = _WORD_BEFORE.search(text, max(0, end - 4), end)
        if m is None or m.group()[0] not in self._shapes.firsts:
            return None
        return self._beside(text, m.start(), end, taken, is_cell=False)

    def _beside(self, text: str, at: int, end: int, taken: set[int], *, is_cell: bool) -> Entity | None:
        is_long = end - at >= _LONG
        if not is_cell and (not is_long or text[end - 1] in _PARTICLES):
            return None
        if at in taken or text[at - 1 : at].isalnum():
            return None
        if self._shapes.read(text, at, _BRACKETED if is_long else _SHORT) != end:
            return None
        taken.add(at)
        return Entity("PERSON", at, end, 0.75, "beside an identifier")

    def find_again(self, text: str, sure: Sequence[Entity]) -> list[Entity]:
        """Other mentions of the unusual among the names found, and given names alone of those introduced."""
        taken = {e.start for e in sure}
        unusual: set[str] = set()
        given: set[str] = set()
        for e in sure:
            name = text[e.start : e.end]
            if len(name) >= _LONG and _RUN.fullmatch(name):
                if e.reason in UNUSUAL:
                    unusual.add(name)
                if len(name) == _LONG and self._shapes.is_given(name[1:]):
                    given.add(name[1:])
        found: list[Entity] = []
        if len(unusual) + len(given) > _FEW:
            # A mention begins a word, so that one pass over their beginnings spares a search for each name.
            wanted = given.union(name[:2] for name in unusual)
            begins = Counter(filter(wanted.__contains__, _BEGINNING.findall(text)))
            for pair in [text[at : at + 2] for at in taken]:
                if pair in begins:
                    begins[pair] -= 1
            often = {pair for pair, count in begins.items() if count > 0}
            unusual = {name for name in unusual if name[:2] in often}
            given &= often
        for names, is_alone in ((unusual, False), (given, True)):
            for name in sorted(names)[:_MAX_NAMES]:
                self._mentions(text, name, taken, found, is_alone=is_alone)
        return found

    def _mentions(
        self, text: str, name: str, taken: set[int], found: list[Entity], *, is_alone: bool
    ) -> None:
        at = text.find(name)
        while at >= 0:
            end = at + len(name)
            if at not in taken and not "가" <= text[at - 1 : at] <= "힣":
                is_name = (
                    _ALONE.match(text, end) is not None if is_alone else self._shapes.ends(text, at, end)
                )
                if is_name:
                    found.append(Entity("PERSON", at, end, 0.7, "named before"))
            at = text.find(name, end)
