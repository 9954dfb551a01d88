"""Budgets, their windows, leases and top-ups, and exchange rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql.chain import before

revision = "0007"
down_revision = before(revision)


def upgrade() -> None:
    """Create the tables of money."""
    op.create_table(
        "budgets",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_value", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("starts_at_ns", sa.BigInteger),
        sa.Column("ends_at_ns", sa.BigInteger),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("warn_percents", sa.Text, nullable=False),
        sa.Column("stop_percent", sa.BigInteger),
        sa.Column("on_unpriced", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("deleted_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
    )
    op.create_index("ix_budgets_scope_kind_scope_value", "budgets", ["scope_kind", "scope_value"])
    op.create_table(
        "budget_windows",
        sa.Column("budget_id", sa.Text, nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
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
        sa.PrimaryKeyConstraint("budget_id", "start_ns", name="pk_budget_windows"),
        sa.ForeignKeyConstraint(
            ["budget_id"], ["budgets.id"], name="fk_budget_windows_budget_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "budget_leases",
        sa.Column("budget_id", sa.Text, nullable=False),
        sa.Column("window_start_ns", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("amount_nano", sa.BigInteger, nullable=False),
        sa.Column("reserved_nano", sa.BigInteger, nullable=False),
        sa.Column("reported_nano", sa.BigInteger, nullable=False),
        sa.Column("reported_unknown_nano", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("budget_id", "window_start_ns", "owner", name="pk_budget_leases"),
        sa.ForeignKeyConstraint(
            ["budget_id", "window_start_ns"],
            ["budget_windows.budget_id", "budget_windows.start_ns"],
            name="fk_budget_leases_budget_id_window_start_ns",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_budget_leases_owner", "budget_leases", ["owner"])
    op.create_table(
        "budget_top_ups",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("budget_id", sa.Text, nullable=False),
        sa.Column("window_start_ns", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount_nano", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budget_top_ups"),
        sa.ForeignKeyConstraint(
            ["budget_id"], ["budgets.id"], name="fk_budget_top_ups_budget_id", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_budget_top_ups_budget_id_window_start_ns", "budget_top_ups", ["budget_id", "window_start_ns"]
    )
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Text, nullable=False),
        sa.Column("usd_per_unit", sa.Text, nullable=False),
        sa.Column("set_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("currency", "valid_from", name="pk_exchange_rates"),
    )
