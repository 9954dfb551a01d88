"""The audit log's tables as they are now. The database itself refuses to change or delete a row of them.

The triggers are a second fence, not the proof: who owns the database can drop them. The proof is the chain,
the tree and the checkpoints kept elsewhere.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from naru.engines.sql.base import metadata

entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # canonical JSON, to the byte: not a JSON type
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("entry_hash", sa.Text, nullable=False),
    sa.Index(None, "action", "seq"),
    sa.Index(None, "actor", "seq"),
    sa.Index(None, "target", "seq"),
    sa.Index(None, "at_ns"),
)

nodes = sa.Table(
    "audit_nodes",
    metadata,
    sa.Column("level", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.Text, nullable=False),
)
"""Inner nodes of the tree over complete blocks of entries: a proof reads a few rows, not the whole log."""

checkpoints = sa.Table(
    "audit_checkpoints",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("last_hash", sa.Text, nullable=False),
    sa.Column("frontier", sa.Text, nullable=False),
    sa.Column("checkpoint_number", sa.BigInteger, nullable=False),
    sa.Column("checkpoint_size", sa.BigInteger, nullable=False),
    sa.Column("checkpoint_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checkpoint_hash", sa.Text, nullable=False),
)
"""One row: where the log stands. Whoever appends locks it, so that there is one chain over all replicas."""

APPEND_ONLY: Final = {"audit_entries": "seq", "audit_nodes": None, "audit_checkpoints": "number"}
"""Tables nobody may change, and the column that must grow."""

POSTGRES_FUNCTION: Final = """\
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"""


def sqlite_triggers(table: str, column: str | None) -> list[str]:
    """Refuse UPDATE and DELETE, and an INSERT OR REPLACE, which would delete without a trigger's notice."""
    refusal = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    found = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refusal}"
        for verb in ("UPDATE", "DELETE")
    ]
    if column is not None:
        newest = f"(SELECT max({column}) FROM {table})"  # noqa: S608 - our own names alone
        found.append(
            f"CREATE TRIGGER {table}_at_end BEFORE INSERT ON {table} WHEN NEW.{column} <= {newest} {refusal}"
        )
    return found


def postgres_triggers(table: str) -> list[str]:
    """Refuse UPDATE, DELETE and TRUNCATE."""
    return [
        f"CREATE TRIGGER {table}_no_{name} BEFORE {verbs} ON {table} {scope} EXECUTE FUNCTION audit_refuse()"
        for name, verbs, scope in (
            ("change", "UPDATE OR DELETE", "FOR EACH ROW"),
            ("truncate", "TRUNCATE", "FOR EACH STATEMENT"),
        )
    ]


def _after_create(table: sa.Table, statement: str, dialect: str) -> None:
    ddl = sa.DDL(statement)  # type: ignore[no-untyped-call]  # SQLAlchemy left this one out
    sa.event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def _listen() -> None:
    for table in (entries, nodes, checkpoints):
        for statement in sqlite_triggers(table.name, APPEND_ONLY[table.name]):
            _after_create(table, statement, "sqlite")
        for statement in (POSTGRES_FUNCTION, *postgres_triggers(table.name)):
            _after_create(table, statement, "postgresql")


_listen()
