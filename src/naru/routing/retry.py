"""When to try again: full jitter, and a budget that keeps retries from becoming a storm.

Full jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
Budget: the token bucket of Finagle's `RetryBudget`.
"""

from __future__ import annotations

import random

_RESERVE = 10.0
"""Retries always at hand, so that a quiet gateway can retry at all."""
_CAP = 100.0
"""A long quiet time must not save up a storm."""


class RetryBudget:
    """Every call pays in a share, every retry takes one out; empty means fail over or fail now.

    Args:
        ratio: share of calls that may be retries, 0 to 1; 0 allows none.
    """

    __slots__ = ("_balance", "_ratio")

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._balance = _RESERVE if ratio > 0 else 0.0

    def configure(self, ratio: float) -> None:
        """Take a new ratio after a reload."""
        if ratio == 0:
            self._balance = 0.0
        elif self._ratio == 0:
            self._balance = _RESERVE
        self._ratio = ratio

    def deposit(self) -> None:
        """A first attempt was made."""
        self._balance = min(_CAP, self._balance + self._ratio)

    def take(self) -> bool:
        """Take one retry out; False when there is none left."""
        if self._balance < 1:
            return False
        self._balance -= 1
        return True


def backoff_s(retry: int, *, base_s: float, max_s: float) -> float:
    """Seconds before retry number `retry` (from 0): uniform in [0, min(max_s, base_s * 2**retry)]."""
    return random.uniform(0, min(max_s, base_s * 2.0**retry))  # noqa: S311 - spread, not secrecy
