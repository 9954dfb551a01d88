"""Writes the audit log: one chain over all replicas, checkpoints signed as it grows, copies put beside it.

An entry that was taken is never dropped. Whoever must not act without an entry uses `record_now` or
`record_in`, which raise when it cannot be written; the road uses `record` and stops at `is_full`.
"""

from __future__ import annotations

import logging
import threading
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
from naru.engines.sql.write_behind import WriteBehind, fault_kind
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import Clock
from naru.kernel.errors import Unavailable
from naru.kernel.ids import new_id
from naru.settings.model import Audit

_log = logging.getLogger(__name__)

_LINGER_S = 0.25
"""How long a batch gathers: what the road records is not urgent, a commit is dear."""
_NS = 1_000_000_000

_Condition = Callable[[store.Head], bool]


class AuditLog(WriteBehind[Stamped]):
    """The writer of the audit log in a process; implements `kernel.audit.AuditSink`. Safe from any thread.

    Without `start` it has no thread: `record_now`, `record_in` and `checkpoint` work, `record` only gathers.

    Args:
        engine: where the log lives; migrated by whoever starts the app.
        key_path: the private key; made when missing. Replicas share it.
        clock: stamps entries and checkpoints.
        settings: bounds and intervals.
        witness_paths: files that checkpoints are appended to, another replica's too.
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
        self._settings = settings or Audit()
        super().__init__(
            name="naru-audit",
            noun="the audit log",
            items="entries",
            log=_log,
            size=self._settings.queue_size,
            linger_s=_LINGER_S,
        )
        self._engine = engine
        self._key_path = key_path
        self._clock = clock
        self._witnesses = [WitnessFile(path) for path in witness_paths]
        self._copied: str | None = None
        self._copying = threading.Lock()
        self._key: Ed25519PrivateKey | None = None
        self._signer: Signer | None = None
        self._opening = threading.Lock()
        self._looked_at = 0.0
        self._grew = False

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
        """Open the log and start the thread."""
        self.open()
        super().start()

    def record(self, event: AuditEvent) -> None:
        """Take one event. O(1): never blocks, never fails, touches no disk."""
        self.put(Stamped(new_id("aud"), self._clock.now_ns(), event))

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
        if self.pending == 0:
            return True
        done = threading.Event()
        with self._told_when_written(done.set):
            return done.wait(timeout_s)

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
        self._write(batch)
        for _ in batch:
            self._queue.popleft()
        self.written += len(batch)

    def _sync(self) -> None:
        try:
            self._engine.sync()
        except OSError as error:
            # It is committed: to write it again would put it there twice.
            _log.error("the database cannot be synced to its disk (%s)", error.strerror)

    def _write(self, batch: list[Stamped]) -> None:
        with self._engine.begin() as connection:
            self.open_in(connection)
            head = store.find_head(connection, for_update=True)
            assert head is not None
            store.append(connection, head, batch)
        self._sync()

    # --- the thread ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        try:
            with self._engine.connect() as connection:
                newest = store.find_note(connection)
        except Unavailable:
            return
        self._copy(newest)

    def _copy(self, newest: str | None) -> None:
        """Copy a checkpoint that the copies may lack: another replica made it, or a crash came between the
        commit and the copy."""
        with self._copying:  # who signed and the log's own thread may come at once
            if newest is None or newest == self._copied:
                return
            for witness in self._witnesses:
                if not witness.holds(newest):
                    witness.append(newest)
            if not self.witness_failures:  # a file that is away now is tried again
                self._copied = newest

    def _tend(self) -> bool:
        """Other replicas and commands append too, so the head is asked; not more often than needed."""
        now = self._clock.monotonic()
        if now - self._looked_at >= min(5.0, self._settings.checkpoint_interval_s / 2):
            self._looked_at = now
            self._checkpoint_quietly(self._is_due)
        return False

    def _finish(self) -> None:
        self._checkpoint_quietly(_always)

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
            _log.error(
                "no checkpoint of the audit log could be made (%s); tried again later", fault_kind(error)
            )

    def _checkpoint(self, is_due: _Condition) -> str | None:
        self.open()
        assert self._signer is not None
        with self._engine.connect() as connection:  # without the lock first: mostly there is nothing to do
            head = store.find_head(connection)
            newest = store.find_note(connection)
        if head is None or head.size == head.checkpoint_size or not is_due(head):
            self._copy(newest)
            return newest
        with self._engine.begin() as connection:
            head = store.find_head(connection, for_update=True)
            assert head is not None
            if head.size == head.checkpoint_size or not is_due(head):  # another replica was faster
                note = store.find_note(connection)
            else:
                _, note = store.write_checkpoint(connection, head, self._signer, self._clock.now_ns())
        # The copy must never be ahead of the log: a power cut would then look like a truncation.
        self._sync()
        self._copy(note)
        return note

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
