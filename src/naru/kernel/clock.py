"""Time, passed in so that tests can hold it still."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What anything that waits, measures or stamps asks for time."""

    def now_ns(self) -> int:
        """Wall clock, nanoseconds since 1970-01-01 UTC: for stamps."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back: for durations and deadlines."""
        ...


class SystemClock:
    """The machine's own clock."""

    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)


class FrozenClock:
    """A clock that moves only when told, for tests.

    Args:
        now_ns: where the wall clock starts; 2026-01-01T00:00:00Z by default.
    """

    def __init__(self, now_ns: int = 1_767_225_600_000_000_000) -> None:
        self._now_ns = now_ns
        self._monotonic = 0.0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        self._now_ns += int(seconds * 1_000_000_000)
        self._monotonic += seconds
