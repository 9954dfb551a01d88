"""Limits, the version replicas watch, and which replicas there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql.chain import before

revision = "0008"
down_revision = before(revision)


def upgrade() -> None:
    """Create the tables; the version starts at 1."""
    op.create_table(
        "limits",
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_value", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger),
        sa.Column("tokens_per_minute", sa.BigInteger),
        sa.Column("concurrent_calls", sa.BigInteger),
        sa.PrimaryKeyConstraint("scope_kind", "scope_value", name="pk_limits"),
    )
    op.create_table(
        "quota_version",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quota_version"),
    )
    op.execute("INSERT INTO quota_version (id, version) VALUES (1, 1)")
    op.create_table(
        "quota_replicas",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("seen_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_quota_replicas"),
    )
