"""Identifiers: time-ordered, unguessable, and readable by their prefix (`req_`, `att_`)."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u


# Two digits at a time: an id is made for every request.
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_SHIFTS = range(120, -1, -10)


def new_id(prefix: str) -> str:
    """A ULID (48 bits of milliseconds, 80 random bits) behind `prefix_`, 26 characters, sorts by time."""
    value = ((time.time_ns() // 1_000_000) << 80) | int.from_bytes(os.urandom(10))
    return f"{prefix}_{''.join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])}"
