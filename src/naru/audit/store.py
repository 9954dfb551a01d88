"""SQL of the audit log. Each function works inside its caller's transaction; none makes ids or times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from naru.audit.entry import Entry, Stamped, genesis_hash, new_entry
from naru.audit.merkle import CompactRange, leaf_hash
from naru.audit.note import NO_PREVIOUS, Checkpoint, Signer, note_hash
from naru.audit.tables import checkpoints, entries, head, nodes
from naru.engines.sql.rows import insert_rows

NODE_LEVEL: Final = 6
"""Nodes are kept from blocks of 64 entries upwards: one row for about 32 entries, and a proof reads at most
two blocks."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log stands."""

    origin: str
    size: int
    last_hash: str
    frontier: str
    """Hashes of the complete subtrees, hex, largest first, with commas between them."""
    checkpoint_number: int
    checkpoint_size: int
    checkpoint_at_ns: int
    checkpoint_hash: str

    def tree(self) -> CompactRange:
        """The tree to append to."""
        return CompactRange(self.size, (bytes.fromhex(h) for h in self.frontier.split(",") if h))


def frontier_text(tree: CompactRange) -> str:
    """How a tree is stored in the head."""
    return ",".join(hash_.hex() for hash_ in tree.hashes)


def empty_head(origin: str) -> Head:
    """Of a log without entries."""
    return Head(
        origin=origin,
        size=0,
        last_hash=genesis_hash(origin),
        frontier="",
        checkpoint_number=0,
        checkpoint_size=0,
        checkpoint_at_ns=0,
        checkpoint_hash=NO_PREVIOUS,
    )


def create_head(connection: sa.Connection, origin: str) -> None:
    """Found the log unless there is one."""
    row = {"id": 1} | msgspec.structs.asdict(empty_head(origin))
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    statement = f"INSERT INTO audit_head ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608 - our names
    connection.execute(sa.text(statement), row)


def find_head(connection: sa.Connection, *, for_update: bool = False) -> Head | None:
    """The head, None before the first start. Locked until the transaction ends where it is read to append."""
    query = sa.select(head).where(head.c.id == 1)
    if for_update:
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Head(**{name: row[name] for name in Head.__struct_fields__})


def append(connection: sa.Connection, at: Head, events: Sequence[Stamped]) -> tuple[Head, list[Entry]]:
    """Write entries behind a locked head, and move it."""
    tree, last_hash = at.tree(), at.last_hash
    written: list[Entry] = []
    node_rows: list[tuple[Any, ...]] = []
    for stamped in events:
        entry, data = new_entry(stamped, tree.size + 1, last_hash)
        for level, position, hash_ in tree.append(leaf_hash(data)):
            if level >= NODE_LEVEL:
                node_rows.append((level, position, hash_.hex()))
        last_hash = entry.entry_hash
        written.append(entry)
    insert_rows(connection, entries, [msgspec.structs.astuple(entry) for entry in written])
    insert_rows(connection, nodes, node_rows)
    moved = msgspec.structs.replace(at, size=tree.size, last_hash=last_hash, frontier=frontier_text(tree))
    _write_head(connection, moved)
    return moved, written


def write_checkpoint(connection: sa.Connection, at: Head, signer: Signer, at_ns: int) -> tuple[Head, str]:
    """Sign where a locked head stands."""
    checkpoint = Checkpoint(
        origin=at.origin,
        size=at.size,
        root=at.tree().read_root(),
        number=at.checkpoint_number + 1,
        previous=at.checkpoint_hash,
        at_ns=at_ns,
    )
    note = signer.sign(checkpoint)
    connection.execute(
        checkpoints.insert().values(number=checkpoint.number, size=at.size, at_ns=at_ns, note=note)
    )
    moved = msgspec.structs.replace(
        at,
        checkpoint_number=checkpoint.number,
        checkpoint_size=at.size,
        checkpoint_at_ns=at_ns,
        checkpoint_hash=note_hash(note),
    )
    _write_head(connection, moved)
    return moved, note


def find_note(connection: sa.Connection, number: int | None = None) -> str | None:
    """A checkpoint's note; the newest without a number."""
    query = sa.select(checkpoints.c.note)
    if number is None:
        query = query.order_by(checkpoints.c.number.desc()).limit(1)
    else:
        query = query.where(checkpoints.c.number == number)
    return connection.execute(query).scalar_one_or_none()


def find_note_covering(connection: sa.Connection, seq: int) -> str | None:
    """The oldest checkpoint that an entry is in."""
    query = sa.select(checkpoints.c.note).where(checkpoints.c.size >= seq).order_by(checkpoints.c.number)
    return connection.execute(query.limit(1)).scalar_one_or_none()


def find_entry(connection: sa.Connection, seq: int) -> Entry | None:
    """One entry."""
    row = connection.execute(sa.select(entries).where(entries.c.seq == seq)).mappings().one_or_none()
    return None if row is None else Entry(**row)


def read_block(connection: sa.Connection, first: int, last: int) -> list[Entry]:
    """Entries from `first` to `last`, both included."""
    query = sa.select(entries).where(entries.c.seq.between(first, last)).order_by(entries.c.seq)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def find_node(connection: sa.Connection, level: int, position: int) -> str | None:
    """A kept inner node, hex."""
    query = sa.select(nodes.c.hash).where(nodes.c.level == level, nodes.c.position == position)
    return connection.execute(query).scalar_one_or_none()


def iterate_notes(connection: sa.Connection, chunk: int = 500) -> Iterator[tuple[Any, ...]]:
    """(number, size, at_ns, note) of every checkpoint, oldest first, as they are stored."""
    last = None
    while True:
        query = sa.select(checkpoints).order_by(checkpoints.c.number).limit(chunk)
        if last is not None:
            query = query.where(checkpoints.c.number > last)
        rows = connection.execute(query).all()
        for row in rows:
            yield tuple(row)
        if len(rows) < chunk:
            return
        last = rows[-1][0]


def _write_head(connection: sa.Connection, at: Head) -> None:
    connection.execute(sa.update(head).where(head.c.id == 1).values(msgspec.structs.asdict(at)))
