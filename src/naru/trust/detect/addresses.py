"""Addresses, Korean and English, and postal codes."""

from __future__ import annotations

from collections.abc import Iterator

from naru.trust.detect.addresses_english import EnglishAddresses
from naru.trust.detect.addresses_korean import KoreanAddresses
from naru.trust.entity import Entity


class AddressDetector:
    """Finds ADDRESS and POSTAL_CODE spans.

    A postal code before a Korean address is a span of its own; the ZIP that ends an English one is not.
    """

    name = "addresses"

    def __init__(self) -> None:
        self._korean = KoreanAddresses()
        self._english = EnglishAddresses()

    def find(self, text: str) -> Iterator[Entity]:
        """Every address and labelled postal code."""
        yield from self._korean.find(text)
        yield from self._english.find(text)
