"""Notices a client that goes away while its answer is being made, and stops the work for it."""

from __future__ import annotations

import asyncio
from types import TracebackType

from naru.gateway.exchange import Exchange

_GRACE_S = 0.05
"""Most answers are quicker than this and never pay for a watcher: a timer costs a hundredth of a task."""


class DisconnectWatch:
    """While entered, a disconnect cancels the task that entered, with `x.is_client_gone` set."""

    __slots__ = ("_owner", "_timer", "_watcher", "_x")

    def __init__(self, x: Exchange) -> None:
        self._x = x
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        owner = asyncio.current_task()
        assert owner is not None
        self._owner = owner
        self._timer = asyncio.get_running_loop().call_later(_GRACE_S, self._start)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._x.receive())["type"] != "http.disconnect":
            pass
        self._x.is_client_gone = True
        self._owner.cancel()
