"""The tables of budgets, limits and leases as they are now; `migrations/` is how a database gets there.

Invariant: in each window spent + the amounts of all leases never exceeds the limit because of a grant.
"""

from __future__ import annotations

import sqlalchemy as sa

from naru.engines.sql.base import metadata

budgets = sa.Table(
    "budgets",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("scope_kind", sa.Text, nullable=False),
    sa.Column("scope_value", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("starts_at_ns", sa.BigInteger),
    sa.Column("ends_at_ns", sa.BigInteger),
    sa.Column("amount", sa.Text, nullable=False),  # exact decimal text
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("warn_percents", sa.Text, nullable=False),  # JSON array
    sa.Column("stop_percent", sa.BigInteger),
    sa.Column("on_unpriced", sa.Text, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("deleted_at_ns", sa.BigInteger),
    sa.Index(None, "scope_kind", "scope_value"),
)

budget_windows = sa.Table(
    "budget_windows",
    metadata,
    sa.Column("budget_id", sa.Text, sa.ForeignKey("budgets.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("start_ns", sa.BigInteger, primary_key=True),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    sa.Column("amount_nano", sa.BigInteger, nullable=False),
    sa.Column("stop_nano", sa.BigInteger),
    sa.Column("usd_per_unit", sa.Text, nullable=False),
    sa.Column("spent_nano", sa.BigInteger, nullable=False),
    sa.Column("unknown_nano", sa.BigInteger, nullable=False),
    sa.Column("overrun_nano", sa.BigInteger, nullable=False),
    sa.Column("overruns", sa.BigInteger, nullable=False),
    sa.Column("warned_percent", sa.BigInteger, nullable=False),
    sa.Column("stopped_at_ns", sa.BigInteger),
)

budget_leases = sa.Table(
    "budget_leases",
    metadata,
    sa.Column("budget_id", sa.Text, primary_key=True),
    sa.Column("window_start_ns", sa.BigInteger, primary_key=True),
    sa.Column("owner", sa.Text, primary_key=True),
    # Money this process may still spend: unreserved, reserved, and spent but not yet reported.
    sa.Column("amount_nano", sa.BigInteger, nullable=False),
    sa.Column("reserved_nano", sa.BigInteger, nullable=False),
    # What it has reported of its spending in this window, ever: a recovery adds the rest, exactly once.
    sa.Column("reported_nano", sa.BigInteger, nullable=False),
    sa.Column("reported_unknown_nano", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["budget_id", "window_start_ns"],
        ["budget_windows.budget_id", "budget_windows.start_ns"],
        ondelete="CASCADE",
    ),
    sa.Index(None, "owner"),
)

budget_top_ups = sa.Table(
    "budget_top_ups",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("budget_id", sa.Text, sa.ForeignKey("budgets.id", ondelete="CASCADE"), nullable=False),
    sa.Column("window_start_ns", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount_nano", sa.BigInteger, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
    sa.Index(None, "budget_id", "window_start_ns"),
)

exchange_rates = sa.Table(
    "exchange_rates",
    metadata,
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("valid_from", sa.Text, primary_key=True),  # ISO date
    sa.Column("usd_per_unit", sa.Text, nullable=False),
    sa.Column("set_at_ns", sa.BigInteger, nullable=False),
)

limits = sa.Table(
    "limits",
    metadata,
    sa.Column("scope_kind", sa.Text, primary_key=True),
    sa.Column("scope_value", sa.Text, primary_key=True),
    sa.Column("requests_per_minute", sa.BigInteger),
    sa.Column("tokens_per_minute", sa.BigInteger),
    sa.Column("concurrent_calls", sa.BigInteger),
)

quota_version = sa.Table(
    "quota_version",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)
"""One row, counted up by every change of a budget or limit: how replicas notice."""

quota_replicas = sa.Table(
    "quota_replicas",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("seen_at_ns", sa.BigInteger, nullable=False),
)
"""Processes alive now; limits are divided among them."""
