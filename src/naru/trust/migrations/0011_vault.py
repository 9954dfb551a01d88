"""Named conversations of the sealed vault."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql.chain import before

revision = "0011"
down_revision = before(revision)


def upgrade() -> None:
    """Create the table of conversations."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("org", sa.Text),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("vault_key", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_expires_at_ns", "conversations", ["expires_at_ns"])
