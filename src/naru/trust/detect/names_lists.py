"""Names in lists: beside one that is known, or a line of nothing else."""

from __future__ import annotations

import re

from naru.trust.detect.names_shapes import Shapes
from naru.trust.entity import Entity

_RUN = re.compile(r"[가-힣]+")
_LISTED = re.compile(r"(?:, ?| ?[/·、] ?)(?:[0-9]{1,4}[동호반층번조] )?(?=[가-힣])")
_LIST_BEFORE = re.compile(r"(?<![가-힣])([가-힣]{2,4})(?:, ?| ?[/·、] ?)(?:[0-9]{1,4}[동호반층번조] )?\Z")
_LIST_END = re.compile(r"(?:, ?|[/·、]| /|\n|\Z|\(| \(|\)| 외 | 등|\.|[은는이가과와을를])")
_PURE_LIST = re.compile(
    r"(?:^|(?<=[:：\-—] ))"
    r"([가-힣]{2,4}(?:(?:, | ?[·、] ?|,)[가-힣]{2,6}(?: [가-힣]{1,5})?){2,60})(?=\n|\Z| 외)",
    re.MULTILINE,
)
_LIST_SIGNS = frozenset(",/·、")
_UNITS = frozenset("동호반층번조")
"""What each name of a list may be of: 101동 홍길동, 102동 …"""
_LIST_REACH = 14
LONGEST_LINE = 600
CELL, LIST = -6.2, -2.6
"""Points that syllables must have in a cell and in a list."""


def _is_unit(text: str, at: int) -> bool:
    """Whether `101동 ` stands before a place."""
    return text[at - 1 : at] == " " and text[at - 2 : at - 1] in _UNITS and text[at - 3 : at - 2].isdecimal()


class Lists:
    """Finds the names of a list."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def read(self, text: str, end: int) -> list[Entity]:
        """A line, or what follows its colon, that is a list of names and nothing else; `end` lies within."""
        begin = text.rfind("\n", max(0, end - LONGEST_LINE), end) + 1
        if not begin and end > LONGEST_LINE:
            return []
        m = _PURE_LIST.search(text, begin, min(len(text), begin + LONGEST_LINE))
        if m is None:
            return []
        found: list[Entity] = []
        items = list(_RUN.finditer(text, m.start(1), m.end(1)))
        good = 0
        for item in items:
            name = item.group()
            if self._shapes.read(name, 0, CELL, is_cell=True) == len(name):
                found.append(Entity("PERSON", item.start(), item.end(), 0.7, "in a list of names"))
                good += len(name) > 2 and self._shapes.read(name, 0, LIST) == len(name)
        return found if len(found) >= 0.7 * len(items) and good >= max(2, 0.5 * len(items)) else []

    def extend(self, text: str, e: Entity, taken: set[int], found: list[Entity]) -> None:
        """Add the names before and after one that is known in the same list."""
        at = e.end
        while (gap := _LISTED.match(text, at)) is not None:
            start = gap.end()
            is_cell = _is_unit(text, start)
            end = self._shapes.read(text, start, LIST, is_cell=is_cell)
            if end == start or _LIST_END.match(text, end) is None:
                end = self._shapes.read_foreign(text, start)
            if end == start or start in taken or _LIST_END.match(text, end) is None:
                break
            taken.add(start)
            found.append(Entity("PERSON", start, end, 0.7, "in a list of names"))
            at = end
        at = e.start
        signs = text[at - 2 : at]
        if _LIST_SIGNS.isdisjoint(signs) and not _is_unit(text, at):
            return
        while (before := _LIST_BEFORE.search(text[max(0, at - _LIST_REACH) : at])) is not None:
            start = at - len(before.group())
            name = before.group(1)
            is_cell = _is_unit(text, at)
            if start in taken or self._shapes.read(name, 0, LIST, is_cell=is_cell) != len(name):
                break
            taken.add(start)
            found.append(Entity("PERSON", start, start + len(name), 0.7, "in a list of names"))
            at = start
