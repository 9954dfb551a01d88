"""Identifiers: time-ordered, unique, and readable by their prefix (`req_…`). They are names, not secrets."""

from __future__ import annotations

import random
import time
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u
# Two digits at a time: an id is made for every request.
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
# Not os.urandom for each id: it gives Python's lock away, and the ledger's thread then keeps it for a while.
# Seeded by the operating system when the module is imported.
_random_bits = random.Random().getrandbits  # noqa: S311 - uniqueness, not secrecy


@lru_cache(maxsize=4)
def _write_ms(ms: int) -> str:
    return "".join([_PAIRS[(ms >> shift) & 1023] for shift in (40, 30, 20, 10, 0)])


def new_id(prefix: str) -> str:
    """A ULID (48 bits of milliseconds, 80 random bits) behind `prefix_`, 26 characters, sorts by time."""
    one, other = _random_bits(40), _random_bits(40)
    p = _PAIRS
    return (
        f"{prefix}_{_write_ms(time.time_ns() // 1_000_000)}"
        f"{p[one >> 30]}{p[one >> 20 & 1023]}{p[one >> 10 & 1023]}{p[one & 1023]}"
        f"{p[other >> 30]}{p[other >> 20 & 1023]}{p[other >> 10 & 1023]}{p[other & 1023]}"
    )
