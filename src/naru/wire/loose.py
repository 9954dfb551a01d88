"""Lenient reads of JSON an upstream wrote: a field of the wrong type reads as missing, nothing raises."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from naru.wire.model import Json
from naru.wire.repair import decode_repaired

_decode: Callable[[bytes], object] = msgspec.json.decode


def find_json(data: bytes) -> object:
    """The value in `data`, or None when it is not JSON even after repair (too deep counts as not JSON)."""
    try:
        return decode_repaired(_decode, data)
    except msgspec.DecodeError:
        return None


def object_of(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) else None


def count_of(value: object) -> int | None:
    """A count of tokens: a whole number, not negative, that fits the ledger."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < 1 << 53 else None


def compact(value: object) -> str:
    """JSON text of a value that was read from JSON."""
    return msgspec.json.encode(value).decode()
