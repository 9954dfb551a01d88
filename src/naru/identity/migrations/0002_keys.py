"""Organisations, teams, projects and keys, with one default of each so that a key can be made at once."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

from naru.engines.sql import chain

revision = "0002"
down_revision = chain.before(revision)


def upgrade() -> None:
    """Create the tables, the default units, and the one row of the revision."""
    units = op.create_table(
        "units",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text, nullable=False),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_disabled", sa.Boolean, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("deleted_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_units"),
    )
    is_live = sa.text("deleted_at_ns IS NULL")
    op.create_index(
        "uq_units_live_name",
        "units",
        ["parent_id", "name"],
        unique=True,
        sqlite_where=is_live,
        postgresql_where=is_live,
    )
    op.create_index("ix_units_kind_name", "units", ["kind", "name"])
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("project_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.ForeignKeyConstraint(["project_id"], ["units.id"], name="fk_keys_project_id"),
    )
    is_live = sa.text("revoked_at_ns IS NULL")
    op.create_index(
        "uq_keys_live_name",
        "keys",
        ["project_id", "name"],
        unique=True,
        sqlite_where=is_live,
        postgresql_where=is_live,
    )
    op.create_index("ix_keys_revision", "keys", ["revision"])
    op.create_table(
        "key_secrets",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("digest", name="pk_key_secrets"),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="fk_key_secrets_key_id"),
    )
    op.create_index("ix_key_secrets_key_id", "key_secrets", ["key_id"])
    op.create_index("ix_key_secrets_prefix", "key_secrets", ["prefix"])
    op.create_table(
        "identity_revision",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("units_revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_revision"),
    )
    op.execute("INSERT INTO identity_revision (id, revision, units_revision) VALUES (1, 1, 1)")
    row = {"org_id": "org_default", "name": "default", "is_disabled": False, "created_at_ns": time.time_ns()}
    op.bulk_insert(
        units,
        [
            {**row, "id": "org_default", "kind": "org", "parent_id": ""},
            {**row, "id": "team_default", "kind": "team", "parent_id": "org_default"},
            {**row, "id": "proj_default", "kind": "project", "parent_id": "team_default"},
        ],
    )
