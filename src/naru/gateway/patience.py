"""How long a call may take, and whether its client still waits: either end cancels the call's task.

Most calls are over within the grace. They pay for no timer and no watcher: a set holds them, and one timer
for all of them sees who is still there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from math import inf
from types import TracebackType
from typing import Any, Protocol

_GRACE_S = 0.05
"""Twice as long at most passes until a client that left is noticed; a timeout is kept to the dot."""


class Waiting(Protocol):
    """The exchange, as far as it matters here: where its client's leaving is heard, and noted."""

    is_client_gone: bool
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]


class Young:
    """The calls that began a moment ago. One for all calls of an event loop."""

    __slots__ = ("_calls", "_older", "_timer", "loop")

    def __init__(self) -> None:
        self._calls: set[Patience] = set()
        self._older: set[Patience] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def add(self, call: Patience) -> None:
        self._calls.add(call)
        if self._timer is None:
            self._timer = call.loop.call_later(_GRACE_S, self._grow_up)

    def discard(self, call: Patience) -> None:
        self._calls.discard(call)
        self._older.discard(call)

    def _grow_up(self) -> None:
        for call in self._older:  # they have seen a whole round
            call.watch()
        self._older, self._calls = self._calls, set()
        self._timer = None
        if self._older and self.loop is not None:
            self._timer = self.loop.call_later(_GRACE_S, self._grow_up)


class Patience:
    """While entered, a client that leaves cancels the task that entered, with `x.is_client_gone` set."""

    __slots__ = ("_owner", "_timer", "_until", "_watcher", "_x", "_young", "is_over", "loop")

    def __init__(self, x: Waiting, young: Young) -> None:
        self._x = x
        self._young = young
        self._until = inf
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        # Asking for the running loop is a system call.
        self.loop = young.loop = young.loop or asyncio.get_running_loop()
        self.is_over = False
        """The time ran out, and the task was cancelled for it."""

    def __enter__(self) -> None:
        owner = asyncio.current_task(self.loop)
        assert owner is not None
        self._owner = owner
        self._young.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._young.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        del self._x  # it holds us: a ring would wait for the collector

    def until(self, at: float) -> Limit:
        """A block that may take until `at`, in the loop's time; then TimeoutError comes out of it."""
        return Limit(self, self._owner, at)

    def move(self, at: float) -> None:
        """The present block may take until `at`. Costs nothing when that is later than it was."""
        self._until = at
        timer = self._timer
        if timer is None:
            # Of one that is young the timer can wait until it has grown up.
            if at < inf and (self._watcher is not None or at < self.loop.time() + 2 * _GRACE_S):
                self._timer = self.loop.call_at(at, self._on_time)
        elif at < timer.when():
            timer.cancel()
            self._timer = self.loop.call_at(at, self._on_time)

    def watch(self) -> None:
        """It has grown up: look out for its client, and keep the time."""
        self._watcher = self.loop.create_task(self._wait(self._x))
        if self._timer is None and self._until < inf:
            self._timer = self.loop.call_at(self._until, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self.loop.time() < self._until:
            self.move(self._until)  # it was moved since
        else:
            self._until = inf
            self.is_over = True
            self._owner.cancel()

    async def _wait(self, x: Waiting) -> None:
        while (await x.receive())["type"] != "http.disconnect":
            pass
        x.is_client_gone = True
        self._owner.cancel()


class Limit:
    """As `asyncio.timeout`, on the timer of its call. One at a time; not to be entered twice."""

    __slots__ = ("_at", "_cancelling", "_owner", "_patience")

    def __init__(self, patience: Patience, owner: asyncio.Task[None], at: float) -> None:
        self._patience = patience
        self._owner = owner
        self._at = at

    def __enter__(self) -> None:
        self._cancelling = self._owner.cancelling()
        self._patience.move(self._at)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        patience = self._patience
        patience.move(inf)
        if patience.is_over:
            patience.is_over = False
            # Who else cancelled the task comes first: the client left, or Naru stops.
            if self._owner.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error
