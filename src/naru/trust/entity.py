"""What detection says of a text, and what a detector is. Offsets are code points; no value is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, Protocol

ENTITY_TYPES = (
    "PERSON",
    "PHONE",
    "EMAIL",
    "ADDRESS",
    "POSTAL_CODE",
    "BIRTH_DATE",
    "KR_RRN",
    "KR_FRN",
    "KR_BRN",
    "KR_CRN",
    "PASSPORT",
    "DRIVER_LICENSE",
    "HEALTH_INSURANCE",
    "VEHICLE",
    "ACCOUNT",
    "CARD",
    "IBAN",
    "US_SSN",
    "IP",
    "URL",
    "API_KEY",
    "PRIVATE_KEY",
    "JWT",
    "PASSWORD",
)
"""Every type there is, beside `CUSTOM:<name>` of a pattern or dictionary of the operator's own."""

CUSTOM = "CUSTOM:"


class Entity(NamedTuple):
    """One span of personal or secret data in a text.

    Attributes:
        type: of ENTITY_TYPES, or CUSTOM:<name>.
        start: first code point.
        end: one past the last.
        score: 0..1, how sure.
        reason: why, in one short phrase without the value.
    """

    type: str
    start: int
    end: int
    score: float
    reason: str


entity_of: Callable[[tuple[str, int, int, float, str]], Entity] = partial(tuple.__new__, Entity)
"""The entity of such a tuple, for where hundreds are made a text: in half the time of `Entity(…)`."""


class Detector(Protocol):
    """Finds entities of one or more types: in linear time, and from many threads at once."""

    name: str

    def find(self, text: str) -> Iterable[Entity]:
        """Every span found, in any order, overlaps allowed: the scanner resolves them."""
        ...
