"""What time it is for the deletion of old rows: a clock that is set wrong must not empty the ledger."""

from __future__ import annotations

import logging
from typing import Final

from naru.kernel.clock import Clock

_log = logging.getLogger(__name__)
_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _NS
_PACE: Final = 2
"""Days that are believed for each day that has passed: a true absence is caught up with, and a wrong clock
deletes two days' rows a day at most, with a warning in the log from the first hour."""
_WORTH_TELLING_NS: Final = 7 * _DAY_NS


class RetentionClock:
    """Implements `kernel.clock.Clock`. Never ahead of the wall clock, and follows it at a bounded pace.

    Belongs to one thread after `begin`.

    Args:
        clock: the machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now_ns = clock.now_ns()
        self._at = clock.monotonic()
        self._has_told = False
        self.monotonic = clock.monotonic

    def begin(self, newest_ns: int | None) -> None:
        """Start from the wall clock, but not from later than a day after the ledger was last written.

        Args:
            newest_ns: when the newest call started; None in an empty ledger.
        """
        self._now_ns, self._at = self._clock.now_ns(), self._clock.monotonic()
        if newest_ns is not None:
            self._now_ns = min(self._now_ns, newest_ns + _DAY_NS)

    def now_ns(self) -> int:
        """The moment that retention is counted from."""
        wall_ns, at = self._clock.now_ns(), self._clock.monotonic()
        believed_ns = self._now_ns + int((at - self._at) * _NS) * _PACE
        self._now_ns, self._at = min(wall_ns, believed_ns), at
        ahead_ns = wall_ns - self._now_ns
        if ahead_ns > _WORTH_TELLING_NS and not self._has_told:
            self._has_told = True
            _log.warning(
                "the machine's clock is %d days ahead of the ledger; set it if it is wrong: old rows go "
                "at twice the pace until this is caught up with",
                ahead_ns // _DAY_NS,
            )
        return self._now_ns
