"""Keeps a keyring like the database: a revocation made anywhere counts here within a second.

A thread asks for one number twice a second and reads only the keys that changed. It also writes down, now
and then, when keys were used last.
"""

from __future__ import annotations

import logging
import threading
from itertools import islice
from typing import Final

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.identity import key_store, unit_store
from naru.identity.keyring import Keyring
from naru.identity.unit_store import Revision
from naru.kernel.clock import Clock
from naru.kernel.errors import Unavailable

_log = logging.getLogger(__name__)
REFRESH_S: Final = 0.5
_USED_EVERY_S: Final = 5.0
_USED_COARSE_NS: Final = 300 * 10**9
"""A key in use is written down once in five minutes: enough to see which ones nobody needs any more."""
_MAX_WRITES: Final = 500


class KeyWatch:
    """Watches the database on behalf of one keyring. Its methods block; use them from threads."""

    def __init__(self, engine: SqlEngine, keyring: Keyring, clock: Clock) -> None:
        self._engine = engine
        self._keyring = keyring
        self._clock = clock
        self._revision = Revision(-1, -1)
        self._pending: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Read what changed. Whoever changed something calls it, so that it counts here at once."""
        with self._lock, self._engine.connect() as connection:
            asked_at = self._clock.monotonic()
            newest = unit_store.read_revision(connection)
            if newest.units_revision != self._revision.units_revision:
                self._keyring.replace(key_store.read_entries(connection, since=None))
            elif newest.revision != self._revision.revision:
                changed = key_store.read_entries(connection, since=self._revision.revision)
                self._keyring.update(changed)
            self._revision = newest
            self._keyring.confirm(asked_at)

    def catch_up(self) -> None:
        """As `refresh`, for whoever has changed something: when the database is gone just then, the thread
        tries again, and the change itself was made all the same."""
        try:
            self.refresh()
        except (sa.exc.SQLAlchemyError, Unavailable) as error:
            _log.warning("keys cannot be read: %s; trying again", type(error).__name__)

    def start(self) -> None:
        """Read once, then keep up in a thread until `stop`."""
        self.refresh()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_up, name="naru-keys", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the thread's end; before the engine is closed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def write_used(self, *, is_last: bool = False) -> None:
        """Write down which keys were used, each once in some minutes and a bounded number at a time."""
        self._pending.update(self._keyring.take_used())
        long_ago_ns = self._clock.now_ns() - _USED_COARSE_NS
        due = (
            (id, at_ns)
            for id, at_ns in self._pending.items()
            if is_last or self._written.get(id, 0) <= long_ago_ns
        )
        batch = dict(islice(due, _MAX_WRITES))
        if batch:
            with self._engine.begin() as connection:
                key_store.write_last_used(connection, batch)
        self._written.update(batch)
        written = self._written
        self._pending = {id: at for id, at in self._pending.items() if at > written.get(id, 0)}

    def _keep_up(self) -> None:
        was_reachable = True
        write_at = self._clock.monotonic() + _USED_EVERY_S
        while not self._stopping.wait(REFRESH_S):
            try:
                self.refresh()
                if self._clock.monotonic() >= write_at:
                    self.write_used()
                    write_at = self._clock.monotonic() + _USED_EVERY_S
            except (sa.exc.SQLAlchemyError, Unavailable) as error:
                if was_reachable:
                    _log.warning("keys cannot be read: %s; trying again", type(error).__name__)
                was_reachable = False
            else:
                was_reachable = True
        try:
            self.write_used(is_last=True)
        except (sa.exc.SQLAlchemyError, Unavailable) as error:
            _log.warning("the last use of keys was not written: %s", type(error).__name__)
