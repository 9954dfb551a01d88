"""One circuit breaker per target: after failures in a row it rests, then lets one trial call through."""

from __future__ import annotations

from typing import Literal

from naru.kernel.clock import Clock

State = Literal["closed", "open", "half_open"]


class Circuit:
    """Counts what happens at one target. Only faults of the upstream count, never the client's.

    Args:
        failures: failures in a row that open it.
        open_s: seconds it rests before one trial call; a trial that fails makes it rest again.
    """

    __slots__ = (
        "_clock",
        "_consecutive",
        "_failures",
        "_open_s",
        "_opened_at",
        "_trial_at",
        "last_error_code",
    )

    def __init__(self, *, failures: int, open_s: float, clock: Clock) -> None:
        self._failures = failures
        self._open_s = open_s
        self._clock = clock
        self._consecutive = 0
        self._opened_at: float | None = None
        self._trial_at: float | None = None
        self.last_error_code: str | None = None

    def configure(self, *, failures: int, open_s: float) -> None:
        """Take new bounds after a reload; what was counted stays."""
        self._failures = failures
        self._open_s = open_s

    @property
    def state(self) -> State:
        """`half_open` once the rest is over and until the trial call has ended."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock.monotonic() - self._opened_at >= self._open_s else "open"

    @property
    def retry_after_s(self) -> float:
        """Seconds until a trial call may pass; 0 when closed."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._open_s - self._clock.monotonic())

    def admit(self) -> bool:
        """Whether a call may go now. In half-open state, True takes the one trial.

        A trial that never reports back (its task was killed) is forgotten after the rest time, so that a
        circuit cannot stay shut for ever.
        """
        if self._opened_at is None:
            return True
        now = self._clock.monotonic()
        if now - self._opened_at < self._open_s:
            return False
        if self._trial_at is not None and now - self._trial_at < self._open_s:
            return False
        self._trial_at = now
        return True

    def record_success(self) -> None:
        """The upstream answered: close."""
        self._consecutive = 0
        self._opened_at = None
        self._trial_at = None

    def record_failure(self, code: str) -> None:
        """The upstream failed with `code`; the last of too many in a row, or a failed trial, opens."""
        self.last_error_code = code
        self._consecutive += 1
        if self._trial_at is not None or self._consecutive >= self._failures:
            self._opened_at = self._clock.monotonic()
            self._trial_at = None

    def release_trial(self) -> None:
        """The call ended without telling anything about the upstream (the client left)."""
        self._trial_at = None
