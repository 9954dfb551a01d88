"""What people say of calls, what was captured with consent, and what waits for a person's judgement.

Text is in none of the columns but sealed, with its own key wrapped by the operator's.
"""

from __future__ import annotations

import sqlalchemy as sa

from naru.engines.sql.base import metadata

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
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
    # Comment and correction; null where there are none, and again when their time is over.
    sa.Column("expires_at_ns", sa.BigInteger),
    sa.Column("vault_key", sa.Text),
    sa.Column("wrapped_key", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    sa.Index(None, "call_id"),
    sa.Index(None, "created_at_ns"),
    sa.Index(None, "expires_at_ns"),
)

captures = sa.Table(
    "captures",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # of the call
    sa.Column("org", sa.Text),
    sa.Column("team", sa.Text),
    sa.Column("project", sa.Text),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
    sa.Column("vault_key", sa.Text, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index(None, "expires_at_ns"),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("call_id", sa.Text, primary_key=True),
    sa.Column("org", sa.Text),
    sa.Column("team", sa.Text),
    sa.Column("kinds", sa.Text, nullable=False),  # JSON array
    sa.Column("scores", sa.Text, nullable=False),  # JSON object: kind to score
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("decision", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at_ns", sa.BigInteger),
    sa.Index(None, "created_at_ns"),
)
