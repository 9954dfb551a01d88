"""Personal names: Korean, foreign in Hangul, English and romanised."""

from __future__ import annotations

from collections.abc import Iterable

from naru.trust.detect.names_english import EnglishNames
from naru.trust.detect.names_korean import KoreanNames
from naru.trust.entity import Entity


class PersonDetector:
    """Finds PERSON spans; particles, honorifics and titles stay outside. Keeps nothing of any text."""

    name = "names"

    def __init__(self) -> None:
        self._korean = KoreanNames()
        self._english = EnglishNames()

    def find(self, text: str) -> list[Entity]:
        """Every name found with its score, the Korean ones first; 0 where a sign beside it is needed."""
        return self._korean.find(text) + self._english.find(text)

    def find_near(
        self, text: str, entities: Iterable[Entity], weak: Iterable[Entity], reach: int = 30
    ) -> list[Entity]:
        """Of the weak names those within `reach` code points of one of `entities`.

        A word beside a phone number is likelier a name.
        """
        near = [e for e in entities if e.type in _TELLING]
        return list(self._korean.find_near(text, near, weak, reach)) if near else []


_TELLING = frozenset(
    ("PHONE", "EMAIL", "KR_RRN", "KR_FRN", "ACCOUNT", "BIRTH_DATE", "PASSPORT", "DRIVER_LICENSE")
)
