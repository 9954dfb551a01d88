"""Addresses, Korean and English, and postal codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naru.trust.detect.addresses_english import EnglishAddresses
from naru.trust.detect.addresses_korean import KoreanAddresses
from naru.trust.entity import Entity

_DIGIT = re.compile(r"\d")
"""All but a bare 서울특별시 강남구 has a number in it."""


class AddressDetector:
    """Finds ADDRESS and POSTAL_CODE spans.

    A postal code before a Korean address is a span of its own; the ZIP that ends an English one lies in the
    ADDRESS and is none.
    """

    name = "addresses"

    def __init__(self) -> None:
        self._korean = KoreanAddresses()
        self._english = EnglishAddresses()

    def find(self, text: str) -> Iterator[Entity]:
        """Every address and labelled postal code."""
        if _DIGIT.search(text) is not None:
            yield from self._korean.find(text)
            yield from self._english.find(text)
        elif not text.isascii():
            yield from self._korean.regions_only(text)
