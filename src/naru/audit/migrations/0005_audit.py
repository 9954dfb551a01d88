"""The audit log: entries, nodes of their tree, checkpoints, the head, and triggers that hold them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql import chain

revision = "0005"
down_revision = chain.before(revision)

_APPEND_ONLY = (("audit_entries", "seq"), ("audit_nodes", None), ("audit_checkpoints", "number"))


def upgrade() -> None:
    """Create the tables and the triggers. Rows come with the first entry."""
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("actor", "action", "target", "outcome", "facts", "prev_hash", "entry_hash")
        ],
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entries"),
    )
    for column in ("action", "actor", "target"):
        op.create_index(f"ix_audit_entries_{column}_seq", "audit_entries", [column, "seq"])
    op.create_index("ix_audit_entries_at_ns", "audit_entries", ["at_ns"])
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name="pk_audit_nodes"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_checkpoints"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("last_hash", sa.Text, nullable=False),
        sa.Column("frontier", sa.Text, nullable=False),
        sa.Column("checkpoint_number", sa.BigInteger, nullable=False),
        sa.Column("checkpoint_size", sa.BigInteger, nullable=False),
        sa.Column("checkpoint_at_ns", sa.BigInteger, nullable=False),
        sa.Column("checkpoint_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _fence_sqlite()
    else:
        _fence_postgres()


def _fence_sqlite() -> None:
    refusal = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    for table, column in _APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refusal}")
        if column is not None:
            newest = f"(SELECT max({column}) FROM {table})"  # noqa: S608 - our own names alone
            op.execute(
                f"CREATE TRIGGER {table}_at_end BEFORE INSERT ON {table} "
                f"WHEN NEW.{column} <= {newest} {refusal}"
            )


def _fence_postgres() -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    for table, _ in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION audit_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            "EXECUTE FUNCTION audit_refuse()"
        )
