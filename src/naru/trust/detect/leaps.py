"""Searches for what begins with one of few letters, a pass for each letter.

The engine leaps to one letter ten times as fast as it walks to one of several.
"""

from __future__ import annotations

import re


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
