"""Lenient reads of JSON an upstream wrote: a field of the wrong type reads as missing, nothing raises."""

from __future__ import annotations

import msgspec

from naru.wire.model import Json


def find_json(data: bytes) -> object:
    """The value in `data`, or None when it is not JSON (too deep counts as not JSON)."""
    try:
        value: object = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value


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
