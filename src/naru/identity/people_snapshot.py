"""What sessions are checked against, in memory and at most a second old in every replica.

A thread asks the database for one number each second and reads everybody anew only when it changed.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.identity import people_store as store
from naru.identity.people_store import SessionState
from naru.kernel.clock import Clock
from naru.kernel.errors import NaruError

_log = logging.getLogger(__name__)
REFRESH_S: Final = 1.0
STALE_S: Final = 30.0
"""A replica that could not ask for so long no longer believes what it knows."""


class PeopleSnapshot:
    """Everybody's roles and session epoch, and the sessions that were signed out before their end."""

    def __init__(self, engine: SqlEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._version = -1
        self._read_at: float | None = None
        self._states: dict[str, SessionState] = {}
        self._spent: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def find(self, person_id: str) -> SessionState | None:
        """What is known of a person; never blocks."""
        return None if self.is_stale else self._states.get(person_id)

    def is_spent(self, digest: str) -> bool:
        """Whether the session with this digest was signed out; never blocks."""
        return digest in self._spent

    @property
    def version(self) -> int:
        """How much it has heard of: the greater, the newer."""
        return self._version

    @property
    def is_stale(self) -> bool:
        """Whether the database could not be asked for too long (or was never asked)."""
        return self._read_at is None or self._clock.monotonic() - self._read_at > STALE_S

    def refresh(self) -> None:
        """Ask the database now. Blocks; safe from several threads."""
        with self._lock, self._engine.connect() as connection:
            asked_at = self._clock.monotonic()
            version = store.read_version(connection)
            if version != self._version:
                states = store.read_session_states(connection)
                spent = store.read_spent_tokens(connection, self._clock.now_ns())
                self._states, self._spent, self._version = states, spent, version
            self._read_at = asked_at

    def start(self) -> None:
        """Read once, then keep up in a thread until `stop`."""
        self.refresh()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_up, name="naru-people", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the thread's end; before the engine is closed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _keep_up(self) -> None:
        was_reachable = True
        while not self._stopping.wait(REFRESH_S):
            try:
                self.refresh()
            except (sa.exc.SQLAlchemyError, NaruError) as error:
                if was_reachable:
                    _log.warning("people cannot be read: %s; trying again", type(error).__name__)
                was_reachable = False
            else:
                was_reachable = True
