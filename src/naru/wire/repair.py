"""JSON that is almost JSON: what some upstreams send, and what must not end a stream that could go on.

Seen in the wild: `-Infinity` for the log probability of an impossible token, half of a surrogate pair where
an emoji was split over two tokens, raw control characters, and invalid UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")
NEVER = -9999.0
"""OpenAI's own stand-in for a log probability of minus infinity."""


def decode_repaired(decode: Callable[[bytes], T], data: bytes) -> T:
    """`decode(data)`, and where that fails the same once more on a repaired copy.

    Raises:
        msgspec.DecodeError: beyond repair, or of another type than `decode` reads.
    """
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return decode(repair_json(data))
        except (UnicodeDecodeError, RecursionError) as error:
            raise msgspec.DecodeError(str(error)) from None


def repair_json(data: bytes) -> bytes:
    """Strict JSON that says the same as far as it can be said; nothing when there is no JSON at all."""
    try:
        value = json.loads(data.decode("utf-8", "replace"), strict=False, parse_constant=_read_constant)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return b""


def _read_constant(name: str) -> float | None:
    return NEVER if name == "-Infinity" else None
