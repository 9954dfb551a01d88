"""Feedback on calls, captured pairs and reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql.chain import before

revision = "0012"
down_revision = before(revision)


def upgrade() -> None:
    """Create the tables of what people say of calls."""
    op.create_table(
        "feedback",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("org", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("project", sa.Text),
        sa.Column("rater", sa.Text, nullable=False),
        sa.Column("thumb", sa.Text),
        sa.Column("score", sa.Float),
        sa.Column("label", sa.Text),
        sa.Column("has_comment", sa.Boolean, nullable=False),
        sa.Column("has_correction", sa.Boolean, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger),
        sa.Column("vault_key", sa.Text),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_call_id", "feedback", ["call_id"])
    op.create_index("ix_feedback_created_at_ns", "feedback", ["created_at_ns"])
    op.create_index("ix_feedback_expires_at_ns", "feedback", ["expires_at_ns"])
    op.create_table(
        "captures",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("org", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("project", sa.Text),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("vault_key", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_captures"),
    )
    op.create_index("ix_captures_expires_at_ns", "captures", ["expires_at_ns"])
    op.create_table(
        "reviews",
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("org", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("scores", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("call_id", name="pk_reviews"),
    )
    op.create_index("ix_reviews_created_at_ns", "reviews", ["created_at_ns"])
