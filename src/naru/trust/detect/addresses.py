"""Addresses, Korean and English, and postal codes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from naru.trust.detect.addresses_english import EnglishAddresses
from naru.trust.detect.addresses_korean import KoreanAddresses
from naru.trust.detect.folding import has_digit
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

    def find(self, text: str) -> Iterable[Entity]:
        """Every address and labelled postal code."""
        # All but a bare 서울특별시 강남구 has a number in it.
        if has_digit(text):
            return chain(self._korean.find(text), self._english.find(text))
        return () if text.isascii() else self._korean.regions_only(text)
