"""The tables of policies and custom words as they are now; `migrations/` is how a database gets there.

Words are personal data: they stand here sealed, and nothing else of them but a name and a count.
"""

from __future__ import annotations

import sqlalchemy as sa

from naru.engines.sql.base import metadata

trust_policies = sa.Table(
    "trust_policies",
    metadata,
    sa.Column("scope_kind", sa.Text, primary_key=True),  # org, team or project
    sa.Column("scope_value", sa.Text, primary_key=True),
    sa.Column("org_id", sa.Text, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),  # JSON of policy.Rules
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
)

trust_words = sa.Table(
    "trust_words",
    metadata,
    sa.Column("scope_kind", sa.Text, primary_key=True),  # org or team
    sa.Column("scope_value", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("org_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # dictionary or pattern
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),  # AES-256-GCM, bound to `id`
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
)

trust_revision = sa.Table(
    "trust_revision",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("policies", sa.BigInteger, nullable=False),
    sa.Column("words", sa.BigInteger, nullable=False),
)
"""One row, raised by each change; every replica asks for it twice a second. Whoever raises it holds its lock
until the end of the transaction, so that changes are seen in their order."""
