"""Budgets and limits."""

from __future__ import annotations

from pydantic import Field

from naru.settings.table import RESTART, Seconds, Table


class Quota(Table):
    """Budgets and limits. They themselves live in the database (`naru budget`, `naru limit`)."""

    default_output_tokens: int = Field(
        4096,
        ge=1,
        le=10_000_000,
        description="Reserved under a budget for an answer whose length the request does not bound.",
    )
    lease_ttl_s: Seconds = Field(
        15,
        ge=2,
        description="How long money lent to a process waits when the process falls silent.",
        json_schema_extra=RESTART,
    )
