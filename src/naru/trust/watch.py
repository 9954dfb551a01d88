"""Keeps a desk like the database: a policy set anywhere holds here within a second.

One thread asks for two numbers twice a second. Words are compiled on another, for a hundred thousand of them
take seconds and no policy shall wait for that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.errors import Unavailable
from naru.settings.model import Trust as TrustSettings
from naru.trust import store
from naru.trust.desk import Desk, new_room
from naru.trust.guard import Guard
from naru.trust.policy import Scoped
from naru.trust.words import Compiled, Scope, WordVault, new_scanners

_log = logging.getLogger(__name__)
REFRESH_S: Final = 0.5


class PolicyWatch:
    """Watches the database on behalf of one desk. Its methods block; use them from threads, but for
    `configure`."""

    def __init__(self, engine: SqlEngine, desk: Desk, vault: WordVault, settings: TrustSettings) -> None:
        self._engine = engine
        self._desk = desk
        self._vault = vault
        self._settings = settings
        self._stored: list[Scoped] = []
        self._compiled: Mapping[Scope, Compiled] = {}
        self._policies = -1
        self._words = -1
        self._reading = threading.Lock()
        self._compiling = threading.Lock()
        self._publishing = threading.Lock()
        self._has_new_words = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._has_guard = False

    def configure(self, settings: TrustSettings) -> None:
        """Take up other settings; what is stored stays as it is. Does not block."""
        with self._publishing:
            self._settings = settings
            self._publish()

    def refresh(self) -> None:
        """Read what changed, and compile it."""
        self._read_policies()
        self._compile_words()

    def catch_up(self) -> None:
        """As `refresh`, for whoever has changed something: when the database is gone just then, the threads
        try again, and the change itself was made all the same."""
        self._try(self.refresh)

    def start(self) -> None:
        """Read once, then keep up in threads until `stop`."""
        self.refresh()
        self._stopping.clear()
        for name, work in (("naru-policies", self._keep_up), ("naru-words", self._keep_compiling)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Wait for the threads' end; before the engine is closed."""
        self._stopping.set()
        self._has_new_words.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _read_policies(self) -> None:
        with self._reading:
            with self._engine.connect() as connection:
                newest = store.read_revision(connection)
                if newest.words != self._words:
                    self._has_new_words.set()
                if newest.policies == self._policies:
                    return
                stored = [policy.scoped for policy in store.list_policies(connection)]
            with self._publishing:
                self._stored = stored
                self._publish()
            self._policies = newest.policies

    def _compile_words(self) -> None:
        with self._compiling:
            with self._engine.connect() as connection:
                newest = store.read_revision(connection).words
            if newest == self._words:
                return
            # Whatever is written meanwhile has a higher number and is read again.
            compiled = self._vault.compile_all()
            with self._publishing:
                self._compiled = compiled
                self._publish()
            self._words = newest

    def _publish(self) -> None:
        scanners = new_scanners(self._compiled, self._settings.threshold)
        room = new_room(self._settings, self._stored, scanners)
        self._desk.room = room
        if room.table.may_guard and not self._has_guard:
            # The first one compiles its words: here, and not while somebody's call waits.
            self._has_guard = True
            threading.Thread(target=Guard, name="naru-guard", daemon=True).start()

    def _keep_up(self) -> None:
        was_reachable = True
        while not self._stopping.wait(REFRESH_S):
            was_reachable = self._try(self._read_policies, is_loud=was_reachable)

    def _keep_compiling(self) -> None:
        while True:
            self._has_new_words.wait()
            if self._stopping.is_set():
                return
            self._has_new_words.clear()
            self._try(self._compile_words)

    def _try(self, work: Callable[[], None], *, is_loud: bool = True) -> bool:
        try:
            work()
        except (sa.exc.SQLAlchemyError, Unavailable) as error:
            if is_loud:
                _log.warning("policies cannot be read: %s; trying again", type(error).__name__)
            return False
        return True
