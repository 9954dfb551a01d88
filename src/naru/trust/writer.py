"""Writes what trust need not wait for, on one thread: the road hands a job over and goes on.

The queue is bounded in jobs and bytes. What finds no place is dropped and counted, never waited for: nothing
in it is needed for an answer to be right.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import DatabaseUnavailable, SqlEngine
from naru.kernel.errors import NaruError

_log = logging.getLogger(__name__)

_TRIES = 3
_BACKOFF_S = 0.5
_BATCH = 100


class Job(msgspec.Struct):
    """One thing to write."""

    write: Callable[[sa.Connection], object]
    """Runs inside a transaction, maybe twice when the first try failed."""
    size: int = 0
    """Bytes it holds in memory."""
    prepare: Callable[[], bool] | None = None
    """What takes time and needs no database, done before; False: there is nothing to write after all."""
    on_end: Callable[[bool], None] | None = None
    """Told, on the thread, whether it was written."""


class TrustWriter:
    """The thread and its queue.

    Args:
        sweeps: called every `sweep_s` seconds on the thread; what is over is deleted there.
    """

    def __init__(
        self,
        engine: SqlEngine,
        *,
        sweeps: Sequence[Callable[[], None]] = (),
        max_jobs: int = 2_000,
        max_bytes: int = 64 * 1024 * 1024,
        sweep_s: float = 60.0,
    ) -> None:
        self._engine = engine
        self._sweeps = sweeps
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._sweep_s = sweep_s
        self._queue: deque[Job] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0
        """Jobs that found no place or could not be written."""

    def start(self) -> None:
        """Start the thread. A daemon, for nothing in the queue is owed to anybody."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="naru-trust-writer", daemon=True)
        self._thread.start()

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Write what waits, for so long at most, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._wake.set()
            await asyncio.to_thread(thread.join, timeout_s)

    def submit(self, job: Job) -> bool:
        """Take a job: O(1), never blocks on a disk. False when there is no place for it."""
        with self._lock:
            has_place = (
                self._thread is not None
                and len(self._queue) < self._max_jobs
                and self._bytes + job.size <= self._max_bytes
            )
            if not has_place:
                self.dropped += 1
                return False
            self._queue.append(job)
            self._bytes += job.size
            self._idle.clear()
        self._wake.set()
        return True

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until everything submitted so far has been tried. Blocks."""
        return self._idle.wait(timeout_s)

    def _run(self) -> None:
        next_sweep = time.monotonic()
        while True:
            self._wake.wait(max(0.0, next_sweep - time.monotonic()))
            self._wake.clear()
            while batch := self._take():
                self._write(batch)
            if self._stopping.is_set():
                return
            if time.monotonic() >= next_sweep:
                self._sweep()
                next_sweep = time.monotonic() + self._sweep_s

    def _take(self) -> list[Job]:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
            self._bytes -= sum(job.size for job in batch)
            if not batch:
                self._idle.set()
            return batch

    def _write(self, batch: list[Job]) -> None:
        ready = [job for job in batch if self._prepare(job)]
        if not ready or self._try(ready):
            return
        for job in ready:  # one of them may be at fault; the others are not to suffer
            if len(ready) == 1 or not self._try([job]):
                self._end(job, is_written=False)

    def _prepare(self, job: Job) -> bool:
        try:
            return job.prepare is None or job.prepare()
        except Exception as error:  # noqa: BLE001  the thread's edge; a message could hold text
            _log.error("something captured could not be read (%s)", type(error).__name__)
            self._end(job, is_written=False)
            return False

    def _try(self, jobs: list[Job]) -> bool:
        for attempt in range(_TRIES):
            try:
                with self._engine.begin() as connection:
                    for job in jobs:
                        job.write(connection)
            except DatabaseUnavailable:
                if self._stopping.wait(_BACKOFF_S * attempt):
                    break
            except Exception as error:  # noqa: BLE001  the thread's edge; a message could hold text
                if len(jobs) == 1:
                    _log.error("trust could not write (%s)", type(error).__name__)
                break
            else:
                for job in jobs:
                    self._end(job, is_written=True)
                return True
        return False

    def _end(self, job: Job, *, is_written: bool) -> None:
        if not is_written:
            self.dropped += 1
        if job.on_end is not None:
            job.on_end(is_written)

    def _sweep(self) -> None:
        for sweep in self._sweeps:
            try:
                sweep()
            except NaruError as error:
                _log.warning("what is over could not be deleted yet (%s)", error.code)
            except Exception as error:  # noqa: BLE001  the thread's edge: the next sweep may do
                _log.error("what is over could not be deleted (%s)", type(error).__name__)
