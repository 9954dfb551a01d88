"""Addresses, Korean and English, and postal codes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import chain
from operator import attrgetter

from naru.trust.detect.addresses_english import EnglishAddresses
from naru.trust.detect.addresses_korean import KoreanAddresses
from naru.trust.detect.addresses_postal import PostalAddresses, find_places
from naru.trust.detect.leaps import has_digit
from naru.trust.entity import Entity


class AddressDetector:
    """Finds ADDRESS and POSTAL_CODE spans.

    A postal code before a Korean address is a span of its own; the ZIP that ends an English one lies in the
    ADDRESS and is none.
    """

    name = "addresses"

    def __init__(self) -> None:
        self._korean = KoreanAddresses()
        self._english = EnglishAddresses()
        self._postal = PostalAddresses()

    def find(self, text: str) -> Iterable[Entity]:
        """Every address and labelled postal code."""
        # All but a bare 서울특별시 강남구 has a number in it.
        if has_digit(text):
            houses, places = find_places(text)
            postal = sorted(self._postal.find(text, places), key=attrgetter("start"))
            streets = (e for e in self._english.find(text, houses) if not _is_within(e, postal))
            return chain(self._korean.find(text), streets, postal)
        return () if text.isascii() else self._korean.regions_only(text)


def _is_within(entity: Entity, others: list[Entity]) -> bool:
    """Whether one of `others`, which are by place, holds the entity whole."""
    at = bisect_right(others, entity.start, key=attrgetter("start"))
    return at > 0 and entity.end <= others[at - 1].end
