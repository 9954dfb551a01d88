"""The tables of organisations and keys as they are now; `migrations/0002_keys.py` is how a database gets
there."""

from __future__ import annotations

import sqlalchemy as sa

from naru.engines.sql.base import metadata

units = sa.Table(
    "units",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent_id", sa.Text, nullable=False),  # "" for an organisation: null would not be unique
    sa.Column("org_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_disabled", sa.Boolean, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("deleted_at_ns", sa.BigInteger),  # the ledger still names it, so the row stays
)
sa.Index(
    "uq_units_live_name",
    units.c.parent_id,
    units.c.name,
    unique=True,
    sqlite_where=units.c.deleted_at_ns.is_(None),
    postgresql_where=units.c.deleted_at_ns.is_(None),
)
sa.Index(None, units.c.kind, units.c.name)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project_id", sa.Text, sa.ForeignKey("units.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("models", sa.Text, nullable=False),  # JSON, as the three below
    sa.Column("endpoints", sa.Text, nullable=False),
    sa.Column("sites", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("is_disabled", sa.Boolean, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger),
    sa.Column("revoked_at_ns", sa.BigInteger),
    sa.Column("last_used_at_ns", sa.BigInteger),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Index(None, "revision"),
)
sa.Index(
    "uq_keys_live_name",
    keys.c.project_id,
    keys.c.name,
    unique=True,
    sqlite_where=keys.c.revoked_at_ns.is_(None),
    postgresql_where=keys.c.revoked_at_ns.is_(None),
)

key_secrets = sa.Table(
    "key_secrets",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # SHA-256, hexadecimal
    sa.Column("key_id", sa.Text, sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger),  # of one from before a rotation
    sa.Index(None, "key_id"),
    sa.Index(None, "prefix"),
)

identity_revision = sa.Table(
    "identity_revision",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("units_revision", sa.BigInteger, nullable=False),
)
"""One row, raised by each change a keyring must learn of; every replica asks for it twice a second. Whoever
raises it holds it until the end, so changes happen one after the other and none is overtaken unseen."""
