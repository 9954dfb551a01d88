"""Identifiers: time-ordered, unguessable, and readable by their prefix (`req_`, `att_`)."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u


def _base32(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        digits.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(digits))


def new_id(prefix: str) -> str:
    """A ULID (48 bits of milliseconds, 80 random bits) behind `prefix_`, 26 characters, sorts by time."""
    value = ((time.time_ns() // 1_000_000) << 80) | int.from_bytes(os.urandom(10))
    return f"{prefix}_{_base32(value, 26)}"
