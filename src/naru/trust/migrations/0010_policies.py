"""Policies of organisations, teams and projects, custom words (sealed), and the number replicas watch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql.chain import before

revision = "0010"
down_revision = before(revision)


def upgrade() -> None:
    """Create the tables; the revision starts at 1."""
    op.create_table(
        "trust_policies",
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_value", sa.Text, nullable=False),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_kind", "scope_value", name="pk_trust_policies"),
    )
    op.create_table(
        "trust_words",
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_value", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_kind", "scope_value", "name", name="pk_trust_words"),
    )
    op.create_table(
        "trust_revision",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("policies", sa.BigInteger, nullable=False),
        sa.Column("words", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trust_revision"),
    )
    op.execute("INSERT INTO trust_revision (id, policies, words) VALUES (1, 1, 1)")
