"""Personal names, Korean and English."""

from __future__ import annotations

from collections.abc import Iterable

from naru.trust.detect.names_english import EnglishNames
from naru.trust.detect.names_korean import KoreanNames
from naru.trust.entity import Entity


class PersonDetector:
    """Finds PERSON spans; particles, honorifics and titles stay outside."""

    name = "names"

    def __init__(self) -> None:
        self._korean = KoreanNames()
        self._english = EnglishNames()

    def find(self, text: str) -> Iterable[Entity]:
        """Every name found with its score."""
        return [*self._korean.find(text), *self._english.find(text)]
