"""The ledger: calls and their attempts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)


def _usage_and_cost() -> list[sa.Column[Any]]:
    return [
        *[sa.Column(name, sa.BigInteger) for name in _TOKENS],
        sa.Column("service_tier", sa.Text),
        sa.Column("is_usage_estimated", sa.Boolean),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("cost_state", sa.Text, nullable=False),
        sa.Column("price_version", sa.Text),
    ]


def upgrade() -> None:
    """Create both tables and the indexes of the console's questions."""
    op.create_table(
        "calls",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("started_at_ns", sa.BigInteger, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("is_stream", sa.Boolean, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("org", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("project", sa.Text),
        sa.Column("user_name", sa.Text),
        sa.Column("tags", sa.Text),
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
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_started_at_ns", "calls", ["started_at_ns"])
    for column in ("model_served", "provider", "status", "team"):
        op.create_index(f"ix_calls_{column}_started_at_ns", "calls", [column, "started_at_ns"])
    op.create_table(
        "attempts",
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
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
        sa.PrimaryKeyConstraint("call_id", "number", name="pk_attempts"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_attempts_call_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
