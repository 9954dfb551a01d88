"""Identifiers: time-ordered, unique, and readable by their prefix (`req_…`). They are names, not secrets."""

from __future__ import annotations

import random
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u
# Two digits at a time: an id is made for every request.
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_SHIFTS = range(120, -1, -10)
# Not os.urandom for each id: it gives Python's lock away, and the ledger's thread then keeps it for a while.
# Seeded by the operating system when the module is imported.
_random_bits = random.Random().getrandbits  # noqa: S311 - uniqueness, not secrecy


def new_id(prefix: str) -> str:
    """A ULID (48 bits of milliseconds, 80 random bits) behind `prefix_`, 26 characters, sorts by time."""
    value = ((time.time_ns() // 1_000_000) << 80) | _random_bits(80)
    return f"{prefix}_{''.join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])}"
