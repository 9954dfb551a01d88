"""Rows are written beside who makes them: `put` only appends to a queue, one thread commits batches.

An item leaves the queue's count when it is committed and not before. While the database refuses, items stay
and are tried again; the queue is bounded because whoever puts stops at `is_full`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import sqlalchemy as sa

from naru.kernel.errors import Unavailable

Item = TypeVar("Item")

_MAX_BATCH = 1_000
"""Items in one transaction: enough to make the commit cheap, few enough to keep the write lock short."""
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_IDLE_S = 1.0
_ORPHAN_TRIES = 20


class WriteBehind(ABC, Generic[Item]):
    """A queue and the thread that empties it. Safe from any thread.

    A subclass says how a batch is written, and what else its thread does.

    Args:
        name: the thread's.
        noun: what is written, as the log calls it.
        items: what it consists of.
        log: the subclass's own.
        size: items recorded and not committed at which it is full.
        linger_s: how long a batch gathers.
    """

    def __init__(
        self, *, name: str, noun: str, items: str, log: logging.Logger, size: int, linger_s: float
    ) -> None:
        self._name = name
        self._noun = noun
        self._items = items
        self._log = log
        self._size = size
        self._linger_s = linger_s
        self._queue: deque[Item] = deque()
        self._recorded = 0
        self._wake = threading.Event()  # there is something to do
        self._hurry = threading.Event()  # do it now: a full batch, a flush, or the end
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._thread: threading.Thread | None = None
        self._waiters: list[tuple[int, Callable[[], object]]] = []
        self._waiters_lock = threading.Lock()
        self.written = 0
        """Items of the queue that are committed."""
        self.failures = 0
        """Times the database refused a batch; its items were kept and tried again."""
        self.is_failing = False
        """True while the last try to write failed."""

    @abstractmethod
    def _write(self, batch: list[Item]) -> None:
        """Commit a batch or raise; then it is called again with the same items."""

    def _begin(self) -> None:
        """What the thread does first."""

    def _tend(self) -> bool:
        """What it does after each batch and while idle, in small pieces. True when there is more of it."""
        return False

    def _finish(self) -> None:
        """What it does last, when all is written."""

    @property
    def is_started(self) -> bool:
        """Whether there is a thread that writes what is put."""
        return self._thread is not None

    @property
    def pending(self) -> int:
        """Items put and not yet committed."""
        return self._recorded - self.written

    @property
    def is_full(self) -> bool:
        """True when no call that may need an item written should be admitted: it would have no place."""
        return self._recorded - self.written >= self._size

    def start(self) -> None:
        """Start the thread. It is no daemon: Python would cut one off mid-batch at exit."""
        self._stopping.clear()
        self._abandoned.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=False)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Take one item. O(1): never blocks, never fails, touches no disk."""
        queue = self._queue
        queue.append(item)
        self._recorded += 1
        if not self._wake.is_set():
            self._wake.set()
        if len(queue) >= _MAX_BATCH and not self._hurry.is_set():
            self._hurry.set()

    async def stop(self, *, timeout_s: float = 30.0) -> int:
        """Write everything and end the thread. Call it when nothing more can come.

        Returns:
            How many items could not be written within `timeout_s`: 0 at every normal stop.
        """
        thread = self._thread
        if thread is not None:
            self._stopping.set()
            self._hurry.set()
            self._wake.set()
            await asyncio.to_thread(thread.join, timeout_s)
            self._abandoned.set()
            await asyncio.to_thread(thread.join)
            self._thread = None
        if self.pending:
            self._log.error(
                "%s could not be written before the end: %d %s are lost",
                self._noun,
                self.pending,
                self._items,
            )
        return self.pending

    @contextlib.contextmanager
    def _told_when_written(self, tell: Callable[[], object]) -> Iterator[None]:
        """Within it, `tell` is called on the thread once everything put so far is committed."""
        waiter = (self._recorded, tell)
        with self._waiters_lock:
            self._waiters.append(waiter)
        self._hurry.set()
        self._wake.set()
        try:
            yield
        finally:
            with self._waiters_lock, contextlib.suppress(ValueError):  # told already
                self._waiters.remove(waiter)

    # --- the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        self._begin()
        while self._wait_for_work():
            if not self._stopping.is_set():
                self._hurry.wait(self._linger_s)
            self._hurry.clear()
            # Only what is there now: draining until empty would go on in ever smaller, dearer batches.
            target = self._recorded
            while self.written < target:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_BATCH))]
                if not self._write_until_done(batch):
                    return
            self._notify()
            self._tend()  # here too: under steady load the thread is never idle
        self._finish()

    def _wait_for_work(self) -> bool:
        """Sleep until there is an item. False when the thread shall end."""
        while not self._queue:
            self._wake.clear()
            if self._queue:  # put between the look and the clear
                break
            if self._stopping.is_set():
                return False
            has_more = self._tend()
            if not self._wake.wait(0 if has_more else _IDLE_S) and not threading.main_thread().is_alive():
                return False  # nobody called stop(), and the interpreter waits for this thread to end
            self._notify()
        return True

    def _write_until_done(self, batch: list[Item]) -> bool:
        """False when the end came first."""
        tries = 0
        while not self._abandoned.is_set():
            try:
                self._write(batch)
            except Exception as error:  # noqa: BLE001  the thread's edge: were it to end, no row would land
                self.failures += 1
                self.is_failing = True
                tries += 1
                if tries == 1:
                    # The kind alone: the error's text holds the statement and the row.
                    self._log.error(
                        "%s cannot be written (%s); rows are kept and retried", self._noun, fault_kind(error)
                    )
                if tries > _ORPHAN_TRIES and not threading.main_thread().is_alive():
                    return False
                self._back_off(tries)
            else:
                if tries:
                    self._log.warning("%s is written again; nothing was lost", self._noun)
                self.is_failing = False
                self.written += len(batch)
                return True
        return False

    def _back_off(self, tries: int) -> None:
        if self._stopping.is_set():
            self._abandoned.wait(_BACKOFF_S[0])
        else:
            self._stopping.wait(_BACKOFF_S[min(tries, len(_BACKOFF_S)) - 1])

    def _notify(self) -> None:
        if not self._waiters:
            return
        with self._waiters_lock:
            ready = [tell for count, tell in self._waiters if count <= self.written]
            self._waiters = [waiter for waiter in self._waiters if waiter[0] > self.written]
        for tell in ready:
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
                tell()


def fault_kind(error: Exception) -> str:
    """The kind of a database's fault, for logs: its text may hold rows."""
    if isinstance(error, Unavailable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    return type(cause).__name__
