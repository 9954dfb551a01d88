"""Writes the ledger beside the road: the event loop only appends to a queue, one thread does the rest.

A row leaves the queue's count when it is committed and not before. While the disk refuses, rows stay and are
tried again; the queue is bounded because the road stops admitting calls at `is_full`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from itertools import chain

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.engines.sql.postgres_rows import insert_rows
from naru.kernel.clock import Clock
from naru.kernel.errors import Unavailable
from naru.metering.models import Call
from naru.metering.rows import Row, attempt_row, call_row, storable
from naru.metering.tables import attempts, calls
from naru.settings.model import Ledger

_log = logging.getLogger(__name__)

_MAX_BATCH = 1_000
"""Calls in one transaction: enough to make the commit cheap, few enough to keep the write lock short."""
_ROWS_PER_STATEMENT = 256
"""Rows of one INSERT. SQLite runs it without Python's lock: row by row, the writer would take and give that
lock once a row and cost the event loop a third of its speed (docs/decisions/0003-sync-sql-on-threads.md)."""
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_IDLE_S = 1.0
_ORPHAN_TRIES = 20
_RETENTION_PERIOD_NS = 3_600 * 1_000_000_000
_RETENTION_CHUNK = 500
_DAY_NS = 86_400 * 1_000_000_000


class LedgerWriter:
    """The only writer of `calls` and `attempts`. `record`, `flush` and `stop` belong to one event loop.

    Args:
        engine: where the ledger lives; migrated by whoever starts the app.
        settings: bounds and intervals.
        clock: for retention.
    """

    def __init__(self, engine: SqlEngine, settings: Ledger, clock: Clock) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._queue: deque[Call] = deque()
        self._recorded = 0
        self._wake = threading.Event()  # there is something to do
        self._hurry = threading.Event()  # do it now: a full batch, a flush, or the end
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._thread: threading.Thread | None = None
        self._waiters: list[tuple[int, Callable[[], object]]] = []
        self._waiters_lock = threading.Lock()
        self._swept_at_ns: int | None = None
        self.written = 0
        """Calls committed so far."""
        self.failures = 0
        """Times the database refused a batch; its rows were kept and tried again."""
        self.unwritable = 0
        """Calls that no database takes, even cleaned: a fault in Naru. Each is logged by its id."""
        self.is_failing = False
        """True while the last try to write failed."""

    @property
    def pending(self) -> int:
        """Calls recorded and not yet committed."""
        return self._recorded - self.written

    @property
    def is_full(self) -> bool:
        """True when no further call may be admitted: its row would have no place."""
        return self._recorded - self.written >= self._settings.queue_size

    def start(self) -> None:
        """Start the thread. It is no daemon: Python would cut one off mid-batch at exit."""
        self._stopping.clear()
        self._abandoned.clear()
        self._thread = threading.Thread(target=self._run, name="naru-ledger", daemon=False)
        self._thread.start()

    def record(self, call: Call) -> None:
        """Take one finished call. Never blocks, never fails, touches no disk."""
        queue = self._queue
        queue.append(call)
        self._recorded += 1
        if not self._wake.is_set():
            self._wake.set()
        if len(queue) >= _MAX_BATCH and not self._hurry.is_set():
            self._hurry.set()

    async def flush(self) -> None:
        """Wait until every call recorded so far is committed. Waits as long as the disk refuses."""
        if self.pending == 0:
            return
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        with self._waiters_lock:
            self._waiters.append((self._recorded, partial(loop.call_soon_threadsafe, done.set)))
        self._hurry.set()
        self._wake.set()
        await done.wait()

    async def stop(self, *, timeout_s: float = 30.0) -> int:
        """Write everything and end the thread. Call it when no more calls can come.

        Returns:
            How many calls could not be written within `timeout_s`: 0 at every normal stop.
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
            _log.error("the ledger could not be written before the end: %d calls are lost", self.pending)
        return self.pending

    # --- the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait_for_work():
            if not self._stopping.is_set():
                self._hurry.wait(self._settings.flush_interval_s)
            self._hurry.clear()
            # Only what is there now: draining until empty would go on in ever smaller, dearer batches.
            target = self._recorded
            while self.written < target:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_BATCH))]
                if not self._write_until_done(batch):
                    return
            self._notify()
            self._sweep()  # here too: under steady load the thread is never idle

    def _wait_for_work(self) -> bool:
        """Sleep until there is a row. False when the thread shall end."""
        while not self._queue:
            self._wake.clear()
            if self._queue:  # recorded between the look and the clear
                break
            if self._stopping.is_set():
                return False
            has_more = self._sweep()
            if not self._wake.wait(0 if has_more else _IDLE_S) and not threading.main_thread().is_alive():
                return False  # nobody called stop(), and the interpreter waits for this thread to end
            self._notify()
        return True

    def _write_until_done(self, batch: list[Call]) -> bool:
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
                    _log.error("the ledger cannot be written (%s); rows are kept and retried", _kind(error))
                if tries > _ORPHAN_TRIES and not threading.main_thread().is_alive():
                    return False
                self._back_off(tries)
            else:
                if tries:
                    _log.warning("the ledger is written again; nothing was lost")
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
            ready = [wake for count, wake in self._waiters if count <= self.written]
            self._waiters = [waiter for waiter in self._waiters if waiter[0] > self.written]
        for wake in ready:
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
                wake()

    def _write(self, batch: list[Call]) -> None:
        try:
            self._insert(
                [call_row(call) for call in batch],
                [attempt_row(call.id, attempt) for call in batch for attempt in call.attempts],
            )
        except Exception as error:
            if not self._engine.is_row_fault(error):
                raise  # locked, full, gone: the same rows will do later
            # Some value cannot be stored; the rows beside it must not suffer.
            for call in batch:
                self._write_alone(call)

    def _write_alone(self, call: Call) -> None:
        try:
            self._insert(
                [storable(call_row(call))],
                [storable(attempt_row(call.id, attempt)) for attempt in call.attempts],
            )
        except Exception as error:
            if not self._engine.is_row_fault(error):
                raise
            self.unwritable += 1
            _log.error("call %s cannot be stored (%s); please report this", call.id, _kind(error))

    def _insert(self, call_rows: list[Row], attempt_rows: list[Row]) -> None:
        with self._engine.begin() as connection:
            _insert(connection, calls, call_rows)
            _insert(connection, attempts, attempt_rows)

    def _sweep(self) -> bool:
        """Delete one chunk of what is past retention, if it is time. True when there is more of it."""
        now_ns = self._clock.now_ns()
        if self._swept_at_ns is not None and now_ns - self._swept_at_ns < _RETENTION_PERIOD_NS:
            return False
        try:
            if self._delete_chunk(now_ns - self._settings.retention_days * _DAY_NS) == _RETENTION_CHUNK:
                return True
        except (sa.exc.SQLAlchemyError, Unavailable) as error:
            _log.error("old ledger rows cannot be deleted (%s); tried again in an hour", _kind(error))
        self._swept_at_ns = now_ns
        return False

    def _delete_chunk(self, before_ns: int) -> int:
        old = sa.select(calls.c.id).where(calls.c.started_at_ns < before_ns)
        with self._engine.begin() as connection:
            # Another replica sweeps too: each takes rows that the other does not hold.
            chunk = (
                old.order_by(calls.c.started_at_ns).limit(_RETENTION_CHUNK).with_for_update(skip_locked=True)
            )
            return connection.execute(sa.delete(calls).where(calls.c.id.in_(chunk))).rowcount


def _insert(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        insert_rows(connection, table, rows, skip_known=True)
        return
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        some = rows[start : start + _ROWS_PER_STATEMENT]
        # Statements of few sizes, so that the driver finds them prepared.
        for size in (_ROWS_PER_STATEMENT, 16, 1):
            while len(some) >= size:
                values = tuple(chain.from_iterable(some[:size]))
                connection.exec_driver_sql(_statement(table, size), values)
                some = some[size:]


@cache
def _statement(table: sa.Table, size: int) -> str:
    names = ", ".join(column.name for column in table.columns)
    row = "(" + ", ".join(["?"] * len(table.columns)) + ")"
    rows = ", ".join([row] * size)
    # Only our own names are put together here; every value is bound.
    return f"INSERT INTO {table.name} ({names}) VALUES {rows} ON CONFLICT DO NOTHING"  # noqa: S608


def _kind(error: Exception) -> str:
    if isinstance(error, Unavailable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    return type(cause).__name__
