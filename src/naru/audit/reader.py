"""Reads the audit log: pages, proofs, checkpoints, export, verification. It blocks: threads only."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from naru.audit import store
from naru.audit.entry import Entry, entry_bytes
from naru.audit.findings import Report
from naru.audit.keyfile import read_public_keys
from naru.audit.merkle import consistency_proof, inclusion_proof, leaf_hash, node_hash
from naru.audit.note import PublicKey, read_note
from naru.audit.source import open_database, read_kept
from naru.audit.tables import entries
from naru.audit.verify import Kept, verify
from naru.engines.sql.base import SqlEngine
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Conflict, NotFound, Unavailable

_CHUNK: Final = 500
_BLOCK: Final = 1 << store.NODE_LEVEL


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries to show; None does not filter. An action that ends with `.` is the beginning of many."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None


class AuditReader:
    """Questions to the audit log.

    Args:
        engine: where the log lives.
        key_path: its private key's file; the public keys lie beside it.
        clock: stamps reports.
        kept_paths: files of checkpoints that every verification compares with; those that are there.
    """

    def __init__(
        self, engine: SqlEngine, key_path: Path, clock: Clock, *, kept_paths: Sequence[Path] = ()
    ) -> None:
        self._engine = engine
        self._key_path = key_path
        self._clock = clock
        self._kept_paths = tuple(kept_paths)
        self._verifying = threading.Lock()
        self.last_report: Report | None = None
        """Of the last verification in this process."""

    def list_entries(
        self, filter_: EntryFilter | None = None, *, limit: int = 50, before: int | None = None
    ) -> list[Entry]:
        """Newest first. `before`: the number of the last entry of the page before."""
        query = sa.select(entries).where(*_conditions(filter_ or EntryFilter()))
        if before is not None:
            query = query.where(entries.c.seq < before)
        with self._connect() as connection:
            rows = connection.execute(query.order_by(entries.c.seq.desc()).limit(limit)).mappings()
            return [Entry(**row) for row in rows]

    def find_entry(self, seq: int) -> Entry | None:
        """One entry."""
        with self._connect() as connection:
            return store.find_entry(connection, seq)

    def read_size(self) -> int:
        """Entries so far."""
        with self._connect() as connection:
            head = store.find_head(connection)
        return 0 if head is None else head.size

    def find_checkpoint(self, number: int | None = None) -> str | None:
        """A checkpoint's note; the newest without a number."""
        with self._connect() as connection:
            return store.find_note(connection, number)

    def read_public_keys(self) -> list[PublicKey]:
        """Every key this log was signed with, newest last."""
        return read_public_keys(self._key_path)

    def read_proof(self, seq: int) -> dict[str, Any]:
        """Shows that an entry is in the newest checkpoint, to anybody who trusts the public key.

        Raises:
            NotFound: there is no such entry.
            Conflict: no checkpoint covers it yet.
        """
        with self._connect() as connection:
            entry = store.find_entry(connection, seq)
            note = store.find_note(connection)
            if entry is None:
                raise NotFound("The audit log has no entry with this number.", code="entry_not_found")
            said = None if note is None else read_note(note)
            if said is None or said.size < seq:
                raise Conflict(
                    "No checkpoint covers this entry yet; one is signed within a minute. `naru audit "
                    "checkpoint --now` signs one at once.",
                    code="not_in_checkpoint",
                )
            path = inclusion_proof(seq - 1, said.size, _Subtrees(connection).find)
            data = entry_bytes(entry)
        return {
            "entry": data.decode(),
            "seq": seq,
            "size": said.size,
            "leaf_hash": leaf_hash(data).hex(),
            "path": [hash_.hex() for hash_ in path],
            "root": said.root.hex(),
            "checkpoint": note,
            "public_key": self._find_public_key(said.origin),
        }

    def read_consistency(self, old: int, new: int | None = None) -> dict[str, Any]:
        """Shows that the tree of `old` entries is the beginning of the newest checkpoint's (or of `new`).

        Raises:
            BadRequest: there is no such size.
        """
        with self._connect() as connection:
            note = store.find_note(connection)
            size = new if new is not None else (0 if note is None else read_note(note).size)
            head = store.find_head(connection)
            if not 0 < old <= size or head is None or size > head.size:
                raise BadRequest(f"The log has no tree of {old} and {size} entries to compare.", param="from")
            path = consistency_proof(old, size, _Subtrees(connection).find)
        return {"from": old, "to": size, "path": [hash_.hex() for hash_ in path], "checkpoint": note}

    def export(self, filter_: EntryFilter | None = None) -> Iterator[dict[str, Any]]:
        """The log as objects to write one a line: the log itself, entries, checkpoints. Unfiltered it can be
        verified anywhere. Each page is a read of its own, so that a long export holds nothing open."""
        with self._connect() as connection:
            head = store.find_head(connection)
        size = 0 if head is None else head.size
        origin = "" if head is None else head.origin
        yield {"kind": "log", "origin": origin, "size": size, "public_key": self._find_public_key(origin)}
        conditions = _conditions(filter_ or EntryFilter())
        last = 0
        while True:
            query = sa.select(entries).where(*conditions, entries.c.seq > last, entries.c.seq <= size)
            with self._connect() as connection:
                page = [
                    Entry(**row)
                    for row in connection.execute(query.order_by(entries.c.seq).limit(_CHUNK)).mappings()
                ]
            for entry in page:
                yield {"kind": "entry"} | msgspec.structs.asdict(entry) | {"facts": entry.read_facts()}
            if len(page) < _CHUNK:
                break
            last = page[-1].seq
        with self._connect() as connection:
            for number, covered, at_ns, note in store.iterate_notes(connection):
                if covered <= size:
                    yield {
                        "kind": "checkpoint",
                        "number": number,
                        "size": covered,
                        "at_ns": at_ns,
                        "note": note,
                    }

    def verify(self, *, kept: Sequence[Kept] = (), keys: Sequence[PublicKey] = ()) -> Report:
        """Check the whole log against itself and every copy of its checkpoints. One at a time: it is work.

        Raises:
            Unavailable: another verification is under way.
        """
        if not self._verifying.acquire(blocking=False):
            raise Unavailable(
                "The audit log is being verified already; ask again when that is done.",
                code="verification_running",
                retry_after_s=5,
            )
        try:
            # The copies first: one made after the log was read would look like a truncation.
            copies = [*kept, *(k for path in self._kept_paths for k in read_kept(path, is_optional=True))]
            keys = keys or self.read_public_keys()
            with open_database(self._engine) as log:
                report = verify(log, keys=keys, kept=copies, now_ns=self._clock.now_ns())
            self.last_report = report
        finally:
            self._verifying.release()
        return report

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        """As the engine's; what cannot be decoded or has another type was altered by somebody."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except (sa.exc.DBAPIError, UnicodeDecodeError, TypeError) as error:
            raise _damaged() from error

    def _find_public_key(self, origin: str) -> str | None:
        known = [key for key in self.read_public_keys() if key.name == origin]
        return str(known[-1]) if known else None


class _Subtrees:
    """Finds hashes of complete subtrees: large ones are kept, small ones made from a block of entries."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._blocks: dict[int, list[bytes]] = {}

    def find(self, level: int, position: int) -> bytes:
        if level >= store.NODE_LEVEL:
            kept = store.find_node(self._connection, level, position)
            if kept is not None:
                return bytes.fromhex(kept)
            raise _damaged()
        first = position << level
        return _root(self._leaves(first), first % _BLOCK, level)

    def _leaves(self, index: int) -> list[bytes]:
        block = index // _BLOCK
        if block not in self._blocks:
            found = store.read_block(self._connection, block * _BLOCK + 1, (block + 1) * _BLOCK)
            self._blocks[block] = [leaf_hash(entry_bytes(entry)) for entry in found]
        return self._blocks[block]


def _root(leaves: list[bytes], start: int, level: int) -> bytes:
    row = leaves[start : start + (1 << level)]
    if len(row) != 1 << level:
        raise _damaged()
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _damaged() -> Conflict:
    return Conflict(
        "The audit log is damaged, so this cannot be read or proved; `naru audit verify` says where.",
        code="audit_damaged",
    )


def _conditions(filter_: EntryFilter) -> list[sa.ColumnElement[bool]]:
    c = entries.c
    found: list[sa.ColumnElement[bool]] = [
        column == value
        for column, value in (
            (c.actor, filter_.actor),
            (c.target, filter_.target),
            (c.outcome, filter_.outcome),
        )
        if value is not None
    ]
    if filter_.action is not None and filter_.action.endswith("."):
        found.append(c.action.startswith(filter_.action, autoescape=True))
    elif filter_.action is not None:
        found.append(c.action == filter_.action)
    if filter_.from_ns is not None:
        found.append(c.at_ns >= filter_.from_ns)
    if filter_.to_ns is not None:
        found.append(c.at_ns < filter_.to_ns)
    return found
