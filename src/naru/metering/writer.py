"""Writes the ledger beside the road: the event loop only appends to a queue, one thread does the rest."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.engines.sql.rows import insert_rows
from naru.engines.sql.write_behind import WriteBehind, fault_kind
from naru.kernel.clock import Clock
from naru.kernel.errors import Unavailable
from naru.metering.models import Call
from naru.metering.rows import Row, attempt_row, call_row, storable
from naru.metering.tables import attempts, calls
from naru.settings.model import Ledger

_log = logging.getLogger(__name__)

_RETENTION_PERIOD_NS = 3_600 * 1_000_000_000
_RETENTION_CHUNK = 500
_DAY_NS = 86_400 * 1_000_000_000


class LedgerWriter(WriteBehind[Call]):
    """The only writer of `calls` and `attempts`. `record`, `flush` and `stop` belong to one event loop.

    Args:
        engine: where the ledger lives; migrated by whoever starts the app.
        settings: bounds and intervals.
        clock: for retention.
    """

    def __init__(self, engine: SqlEngine, settings: Ledger, clock: Clock) -> None:
        super().__init__(
            name="naru-ledger",
            noun="the ledger",
            items="calls",
            log=_log,
            size=settings.queue_size,
            linger_s=settings.flush_interval_s,
        )
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._swept_at_ns: int | None = None
        self.unwritable = 0
        """Calls that no database takes, even cleaned: a fault in Naru. Each is logged by its id."""

    record = WriteBehind.put
    """Takes one finished call."""

    async def flush(self) -> None:
        """Wait until every call recorded so far is committed. Waits as long as the disk refuses."""
        if self.pending == 0:
            return
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        with self._told_when_written(partial(loop.call_soon_threadsafe, done.set)):
            await done.wait()

    # --- the thread ----------------------------------------------------------------------------------

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
            _log.error("call %s cannot be stored (%s); please report this", call.id, fault_kind(error))

    def _insert(self, call_rows: list[Row], attempt_rows: list[Row]) -> None:
        with self._engine.begin() as connection:
            insert_rows(connection, calls, call_rows, skip_known=True)
            insert_rows(connection, attempts, attempt_rows, skip_known=True)

    def _tend(self) -> bool:
        """Delete one chunk of what is past retention, if it is time. True when there is more of it."""
        now_ns = self._clock.now_ns()
        if self._swept_at_ns is not None and now_ns - self._swept_at_ns < _RETENTION_PERIOD_NS:
            return False
        try:
            if self._delete_chunk(now_ns - self._settings.retention_days * _DAY_NS) == _RETENTION_CHUNK:
                return True
        except (sa.exc.SQLAlchemyError, Unavailable) as error:
            _log.error("old ledger rows cannot be deleted (%s); tried again in an hour", fault_kind(error))
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
