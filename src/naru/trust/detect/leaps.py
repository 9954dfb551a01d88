"""Searches for one of few letters, and for what begins with one, a pass for each letter.

The engine leaps to one letter ten times as fast as it walks to one of several.
"""

from __future__ import annotations

import re

_DIGITS = "0123456789０１２３４５６７８９"
_PLAIN_DIGIT, _DIGIT = re.compile("[0-9]"), re.compile("[0-9０-９]")
_SHORT = 250
"""A text that is walked through sooner than it is leapt through twenty times."""


def has_digit(text: str) -> bool:
    """Whether there is any digit, plain or full-width."""
    if len(text) < _SHORT:
        return (_PLAIN_DIGIT if text.isascii() else _DIGIT).search(text) is not None
    return any(map(text.__contains__, _DIGITS))


class Leaps:
    """Some expressions as one.

    Args:
        patterns: each begins with a letter that stands for itself; what must precede it looks behind.
    """

    def __init__(self, *patterns: str) -> None:
        self._ways = [(pattern[0], re.compile(pattern)) for pattern in patterns]

    def find(self, text: str) -> list[re.Match[str]]:
        """Every match, by place; those of two expressions may overlap."""
        found = [m for letter, way in self._ways if letter in text for m in way.finditer(text)]
        found.sort(key=re.Match.start)
        return found
