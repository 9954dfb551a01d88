"""The ledger's two tables as they are now; `migrations/` is how a database gets there.

Text of prompts and answers has no column, on purpose.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from naru.engines.sql.base import metadata
from naru.kernel.tokens import BUCKETS


def _usage_and_cost() -> list[sa.Column[Any]]:
    """Shared columns. `is_usage_estimated` is NULL exactly when there is no usage at all."""
    return [
        *[sa.Column(name, sa.BigInteger) for name in BUCKETS],
        sa.Column("service_tier", sa.Text),
        sa.Column("is_usage_estimated", sa.Boolean),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("cost_state", sa.Text, nullable=False),
        sa.Column("price_version", sa.Text),
    ]


calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("started_at_ns", sa.BigInteger, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("is_stream", sa.Boolean, nullable=False),
    sa.Column("key_id", sa.Text),
    sa.Column("org", sa.Text),
    sa.Column("team", sa.Text),
    sa.Column("project", sa.Text),
    sa.Column("user_name", sa.Text),  # `user` is a reserved word in PostgreSQL
    sa.Column("tags", sa.Text),  # JSON object, NULL when empty
    sa.Column("route", sa.Text),
    sa.Column("model_asked", sa.Text),
    sa.Column("model_served", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("site", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("http_status", sa.BigInteger, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("error_class", sa.Text),
    sa.Column("finish_reason", sa.Text),
    sa.Column("first_token_ms", sa.Double),
    sa.Column("duration_ms", sa.Double, nullable=False),
    sa.Column("overhead_ms", sa.Double),
    *_usage_and_cost(),
    sa.Column("cache", sa.Text, nullable=False),
    sa.Column("masked_count", sa.BigInteger),
    sa.Column("energy_wh", sa.Double),
    sa.Column("energy_source", sa.Text),
    sa.Column("policy", sa.Text),
    sa.Index(None, "started_at_ns"),
    sa.Index(None, "model_served", "started_at_ns"),
    sa.Index(None, "provider", "started_at_ns"),
    sa.Index(None, "status", "started_at_ns"),
    sa.Index(None, "team", "started_at_ns"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("call_id", sa.Text, sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("started_at_ns", sa.BigInteger, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("vendor", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("upstream_status", sa.BigInteger),
    sa.Column("error_code", sa.Text),
    sa.Column("finish_reason", sa.Text),
    sa.Column("first_token_ms", sa.Double),
    sa.Column("duration_ms", sa.Double, nullable=False),
    *_usage_and_cost(),
    sqlite_with_rowid=False,  # read by call only: one tree, clustered as it is read
)
