"""Writes the audit log: one chain over all replicas, checkpoints signed as it grows, copies put beside it.

An entry that was taken is never dropped. Whoever must not act without an entry uses `record_now` or
`record_in`, which raise when it cannot be written; the road uses `record` and stops at `is_full`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from naru.audit import store
from naru.audit.entry import Entry, Stamped
from naru.audit.keyfile import ensure_key, note_public_key
from naru.audit.note import PublicKey, Signer, find_signer
from naru.audit.reader import AuditReader
from naru.audit.witness import WitnessFile
from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import Clock
from naru.kernel.errors import Unavailable
from naru.kernel.ids import new_id
from naru.settings.model import Audit

_log = logging.getLogger(__name__)

_MAX_BATCH = 1_000
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_LINGER_S = 0.25
"""How long a batch gathers: what the road records is not urgent, a commit is dear."""
_IDLE_S = 1.0
_ORPHAN_TRIES = 20
_NS = 1_000_000_000

_Condition = Callable[[store.Head], bool]


class AuditLog:
    """The writer of the audit log in a process; implements `kernel.audit.AuditSink`. Safe from any thread.

    Without `start` it has no thread: `record_now`, `record_in` and `checkpoint` work, `record` only gathers.

    Args:
        engine: where the log lives; migrated by whoever starts the app.
        key_path: the private key; made when missing. Replicas share it.
        clock: stamps entries and checkpoints.
        settings: bounds and intervals.
        witness_paths: files each checkpoint is appended to.
    """

    def __init__(
        self,
        engine: SqlEngine,
        key_path: Path,
        clock: Clock,
        settings: Audit | None = None,
        *,
        witness_paths: Sequence[Path] = (),
    ) -> None:
        self._engine = engine
        self._key_path = key_path
        self._clock = clock
        self._settings = settings or Audit()
        self._witnesses = [WitnessFile(path) for path in witness_paths]
        self._key: Ed25519PrivateKey | None = None
        self._signer: Signer | None = None
        self._opening = threading.Lock()
        self._queue: deque[Stamped] = deque()
        self._recorded = 0
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._thread: threading.Thread | None = None
        self._committed = threading.Condition()
        self._looked_at = 0.0
        self.written = 0
        """Entries of the queue that are committed."""
        self._grew = False
        self.is_failing = False
        """True while the last try to write failed."""

    @property
    def is_started(self) -> bool:
        """Whether there is a thread that writes what is recorded."""
        return self._thread is not None

    @property
    def pending(self) -> int:
        """Entries recorded and not yet committed."""
        return self._recorded - self.written

    @property
    def is_full(self) -> bool:
        """True when no call that may need an entry should be admitted: it would have no place."""
        return self._recorded - self.written >= self._settings.queue_size

    @property
    def witness_failures(self) -> dict[str, str]:
        """Witness files that could not be written last time, and why."""
        return {str(w.path): w.last_error for w in self._witnesses if w.last_error}

    @cached_property
    def reader(self) -> AuditReader:
        """Reads and verifies this log, with the copies that are made of its checkpoints."""
        return AuditReader(
            self._engine, self._key_path, self._clock, kept_paths=[w.path for w in self._witnesses]
        )

    def open(self) -> PublicKey:
        """Read or make the key, and found the log in an empty database. Returns the key that checks it.

        Raises:
            ConfigError: the key's file cannot be used.
            Unavailable: the database does not answer.
        """
        with self._opening:
            if self._signer is None:
                self._key = self._key or ensure_key(self._key_path)
                with self._engine.begin() as connection:
                    if store.find_head(connection) is None:
                        store.create_head(connection, f"naru.audit/{new_id('log')}")
                    head = store.find_head(connection)
                    note = store.find_note(connection)
                assert head is not None
                signer = Signer(self._key, head.origin)
                if note is not None:
                    self._tell_of_another_key(signer, note)
                note_public_key(self._key_path, signer.public)
                self._signer = signer
            return self._signer.public

    def start(self) -> None:
        """Open the log and start the thread. It is no daemon: Python would cut one off mid-batch at exit."""
        self.open()
        self._stopping.clear()
        self._abandoned.clear()
        self._thread = threading.Thread(target=self._run, name="naru-audit", daemon=False)
        self._thread.start()

    def record(self, event: AuditEvent) -> None:
        """Take one event. O(1): never blocks, never fails, touches no disk."""
        self._queue.append(Stamped(new_id("aud"), self._clock.now_ns(), event))
        self._recorded += 1
        if not self._wake.is_set():
            self._wake.set()
        if len(self._queue) >= _MAX_BATCH and not self._hurry.is_set():
            self._hurry.set()

    def record_now(self, event: AuditEvent) -> Entry:
        """Write one entry before anything else happens. It survives a power cut once this has returned.

        Raises:
            Unavailable: it cannot be written; the act it tells of must not happen.
        """
        with self._engine.begin() as connection:
            entry = self.record_in(connection, event)
        self._sync()
        self._grew = True
        return entry

    def record_in(self, connection: sa.Connection, event: AuditEvent) -> Entry:
        """Write one entry inside the transaction of the act itself: both happen, or neither.

        Call it last: other replicas wait to append until the transaction ends.

        Raises:
            Unavailable: it cannot be written; let the transaction roll back.
        """
        self.open_in(connection)
        stamped = Stamped(new_id("aud"), self._clock.now_ns(), event)
        try:
            head = store.find_head(connection, for_update=True)
            assert head is not None
            _, written = store.append(connection, head, [stamped])
        except sa.exc.SQLAlchemyError as error:
            raise Unavailable(
                "This was not done, because it could not be written to the audit log. The server's log says "
                "more; try again when the database takes writes.",
                code="audit_unavailable",
            ) from error
        return written[0]

    def open_in(self, connection: sa.Connection) -> None:
        """Found the log in the caller's transaction, where `open` has not been called."""
        if self._signer is None and store.find_head(connection) is None:
            store.create_head(connection, f"naru.audit/{new_id('log')}")

    def checkpoint(self) -> str | None:
        """Sign where the log stands now, whether it is time or not. Returns the newest note, None for a log
        that is empty."""
        return self._checkpoint(_always)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until everything recorded so far survives a power cut. False when that took too long: the
        entries are kept and tried again. Without a thread it writes them itself. Blocks.

        Raises:
            Unavailable: there is no thread, and the database does not answer.
        """
        if self._thread is None:
            self._write_here()
            return True
        target = self._recorded
        if self.written >= target:
            return True
        self._hurry.set()
        self._wake.set()
        with self._committed:
            return self._committed.wait_for(lambda: self.written >= target, timeout_s)

    def close(self) -> None:
        """The end of a log that was never started, as commands use it: write and sign what there is.

        Raises:
            Unavailable: something could not be written.
        """
        self._write_here()
        if self.written or self._grew:
            self.checkpoint()

    def _write_here(self) -> None:
        batch = list(self._queue)
        if not batch:
            return
        self._append(batch)
        for _ in batch:
            self._queue.popleft()
        self.written += len(batch)

    def _sync(self) -> None:
        try:
            self._engine.sync()
        except OSError as error:
            # It is committed: to write it again would put it there twice.
            _log.error("the database cannot be synced to its disk (%s)", error.strerror)

    def _append(self, batch: list[Stamped]) -> None:
        with self._engine.begin() as connection:
            self.open_in(connection)
            head = store.find_head(connection, for_update=True)
            assert head is not None
            store.append(connection, head, batch)
        self._sync()

    async def stop(self, *, timeout_s: float = 30.0) -> int:
        """Write everything, sign a last checkpoint and end the thread.

        Returns:
            How many entries could not be written within `timeout_s`: 0 at every normal stop.
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
            _log.error("the audit log could not be written before the end: %d entries are lost", self.pending)
        return self.pending

    # --- the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        self._heal_witnesses()
        while self._wait_for_work():
            if not self._stopping.is_set():
                self._hurry.wait(_LINGER_S)
            self._hurry.clear()
            target = self._recorded
            while self.written < target:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_BATCH))]
                if not self._write_until_done(batch):
                    return
            self._checkpoint_if_due()
        self._checkpoint_quietly(_always)

    def _wait_for_work(self) -> bool:
        """Sleep until there is an entry. False when the thread shall end."""
        while not self._queue:
            self._wake.clear()
            if self._queue:
                break
            if self._stopping.is_set():
                return False
            if not self._wake.wait(_IDLE_S) and not threading.main_thread().is_alive():
                return False
            self._checkpoint_if_due()
        return True

    def _write_until_done(self, batch: list[Stamped]) -> bool:
        tries = 0
        while not self._abandoned.is_set():
            try:
                self._append(batch)
            except Exception as error:  # noqa: BLE001  the thread's edge: were it to end, no entry would land
                tries += 1
                self.is_failing = True
                if tries == 1:
                    _log.error("the audit log cannot be written (%s); tried again", _kind(error))
                if tries > _ORPHAN_TRIES and not threading.main_thread().is_alive():
                    return False
                waiting = self._abandoned if self._stopping.is_set() else self._stopping
                waiting.wait(_BACKOFF_S[min(tries, len(_BACKOFF_S)) - 1])
            else:
                if tries:
                    _log.warning("the audit log is written again; nothing was lost")
                self.is_failing = False
                with self._committed:
                    self.written += len(batch)
                    self._committed.notify_all()
                return True
        return False

    def _checkpoint_if_due(self) -> None:
        """Other replicas and commands append too, so the head is asked; not more often than needed."""
        now = self._clock.monotonic()
        if now - self._looked_at < min(5.0, self._settings.checkpoint_interval_s / 2):
            return
        self._looked_at = now
        self._checkpoint_quietly(self._is_due)

    def _is_due(self, head: store.Head) -> bool:
        grown = head.size - head.checkpoint_size
        age_ns = self._clock.now_ns() - head.checkpoint_at_ns
        return grown >= self._settings.checkpoint_entries or (
            grown > 0 and age_ns >= self._settings.checkpoint_interval_s * _NS
        )

    def _checkpoint_quietly(self, is_due: _Condition) -> None:
        try:
            self._checkpoint(is_due)
        except Exception as error:  # noqa: BLE001  the thread's edge: entries matter more than a late checkpoint
            _log.error("no checkpoint of the audit log could be made (%s); tried again later", _kind(error))

    def _checkpoint(self, is_due: _Condition) -> str | None:
        self.open()
        assert self._signer is not None
        with self._engine.connect() as connection:  # without the lock first: mostly there is nothing to do
            head = store.find_head(connection)
            newest = store.find_note(connection)
        if head is None or head.size == head.checkpoint_size or not is_due(head):
            return newest
        with self._engine.begin() as connection:
            head = store.find_head(connection, for_update=True)
            assert head is not None
            if head.size == head.checkpoint_size or not is_due(head):  # another replica was faster
                return store.find_note(connection)
            _, note = store.write_checkpoint(connection, head, self._signer, self._clock.now_ns())
        # The copy must never be ahead of the log: a power cut would then look like a truncation.
        self._sync()
        for witness in self._witnesses:
            witness.append(note)
        return note

    def _heal_witnesses(self) -> None:
        """After a crash between the commit and the copy, the copy lacks the newest checkpoint."""
        try:
            with self._engine.connect() as connection:
                newest = store.find_note(connection)
        except Unavailable:
            return
        for witness in self._witnesses:
            if newest is not None and not witness.holds(newest):
                witness.append(newest)

    def _tell_of_another_key(self, signer: Signer, newest: str) -> None:
        if find_signer(newest, [signer.public]) is not None:
            return
        _log.warning(
            "the newest checkpoint of the audit log was signed with another key than %s; verify older "
            "checkpoints with the older public key",
            self._key_path,
        )
        self.record(
            AuditEvent(
                action="audit.key_change",
                actor="naru",
                target=f"audit-key:{signer.public.key_hash.hex()}",
                facts={"public_key": str(signer.public)},
            )
        )


def _always(_: store.Head) -> bool:
    return True


def _kind(error: Exception) -> str:
    if isinstance(error, Unavailable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    return type(cause).__name__
