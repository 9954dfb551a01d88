"""SQL of the sealed records. Takes a connection, returns bytes that are sealed; makes no ids or times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.trust.vault.seal import Sealed
from naru.trust.vault.tables import conversations

LOCK = "vault"
"""Held by whoever writes a wrapped key, so that a rotation cannot pass by beside it."""
_CHUNK = 200


def find_version(connection: sa.Connection, id: str, now_ns: int) -> tuple[int, int] | None:
    """Version and end of a conversation that is not over."""
    row = connection.execute(
        sa.select(conversations.c.version, conversations.c.expires_at_ns).where(
            conversations.c.id == id, conversations.c.expires_at_ns > now_ns
        )
    ).first()
    return None if row is None else (row.version, row.expires_at_ns)


def find_sealed(connection: sa.Connection, id: str) -> tuple[int, Sealed] | None:
    """Version and record of a conversation."""
    row = connection.execute(sa.select(conversations).where(conversations.c.id == id)).first()
    return None if row is None else (row.version, Sealed(row.vault_key, row.wrapped_key, row.sealed))


def save(
    connection: sa.Connection,
    id: str,
    record: Sealed,
    *,
    org: str | None,
    version: int,
    now_ns: int,
    expires_at_ns: int,
) -> bool:
    """Write the version after `version` (0: there is none yet). False when somebody else was faster."""
    sealed = {"vault_key": record.vault_key, "wrapped_key": record.wrapped_key, "sealed": record.sealed}
    table = conversations
    if version:
        done = connection.execute(
            sa.update(table)
            .where(table.c.id == id, table.c.version == version)
            .values(version=version + 1, expires_at_ns=expires_at_ns, **sealed)
        )
        return bool(done.rowcount)
    connection.execute(sa.delete(table).where(table.c.id == id, table.c.expires_at_ns <= now_ns))
    if connection.execute(sa.select(table.c.id).where(table.c.id == id)).first() is not None:
        return False
    connection.execute(
        sa.insert(table).values(
            id=id, org=org, version=1, created_at_ns=now_ns, expires_at_ns=expires_at_ns, **sealed
        )
    )
    return True


def touch(connection: sa.Connection, id: str, expires_at_ns: int) -> None:
    """Let a conversation live until then."""
    connection.execute(
        sa.update(conversations).where(conversations.c.id == id).values(expires_at_ns=expires_at_ns)
    )


def rewrap(
    connection: sa.Connection,
    table: sa.Table,
    newest: str,
    after: str,
    again: Callable[[str, Sealed], Sealed | None],
) -> tuple[str | None, int]:
    """Wrap again the keys of the next rows after the id `after` that another key than `newest` wraps.

    Returns:
        The last id looked at, None at the end; and how many were wrapped.
    """
    rows = connection.execute(
        sa.select(table.c.id, table.c.vault_key, table.c.wrapped_key, table.c.sealed)
        .where(table.c.id > after, table.c.wrapped_key.is_not(None), table.c.vault_key != newest)
        .order_by(table.c.id)
        .limit(_CHUNK)
    ).all()
    wrapped = 0
    for row in rows:
        record = again(row.id, Sealed(row.vault_key, row.wrapped_key, row.sealed))
        if record is None:
            continue
        connection.execute(
            sa.update(table)
            .where(table.c.id == row.id)
            .values(vault_key=record.vault_key, wrapped_key=record.wrapped_key)
        )
        wrapped += 1
    return (rows[-1].id if len(rows) == _CHUNK else None), wrapped


def shred(connection: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """Make records unreadable: their keys are written over, then the rows or their text go. How many."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # freed pages are written over with zeros
    has_text = table.c.wrapped_key.is_not(None)
    connection.execute(
        sa.update(table).where(*conditions, has_text).values(wrapped_key=bytes(60), sealed=b"")
    )
    if not table.c.wrapped_key.nullable:
        return connection.execute(sa.delete(table).where(*conditions)).rowcount
    emptied = connection.execute(
        sa.update(table)
        .where(*conditions, has_text)
        .values(vault_key=None, wrapped_key=None, sealed=None, expires_at_ns=None)
    )
    return emptied.rowcount


def forget_log(engine: SqlEngine) -> None:
    """Empty SQLite's log beside the file, where shredded keys may still stand."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.sqlalchemy.raw_connection()  # in a transaction it would be refused
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def count(connection: sa.Connection, tables: Sequence[sa.Table]) -> list[dict[str, Any]]:
    """Of each table: records, bytes, and records by the key that wraps them."""
    found = []
    for table in tables:
        rows = connection.execute(
            sa.select(
                table.c.vault_key,
                sa.func.count().label("records"),
                sa.func.sum(sa.func.length(table.c.sealed)).label("bytes"),
                sa.func.min(table.c.created_at_ns).label("oldest"),
            )
            .where(table.c.wrapped_key.is_not(None))
            .group_by(table.c.vault_key)
        ).all()
        found.append(
            {
                "name": table.name,
                "records": sum(row.records for row in rows),
                "bytes": int(sum(row.bytes or 0 for row in rows)),
                "oldest_at_ns": min((row.oldest for row in rows), default=None),
                "by_key": {row.vault_key: row.records for row in rows},
            }
        )
    return found
