"""People: accounts, roles, second factors, lock-outs, and what of sessions must be known everywhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from naru.engines.sql import chain

revision = "0003"
down_revision = chain.before(revision)


def upgrade() -> None:
    """Create the tables, and the one row of the version."""
    op.create_table(
        "people",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("must_change_password", sa.Boolean, nullable=False),
        sa.Column("password_expires_at_ns", sa.BigInteger),
        sa.Column("totp_secret", sa.Text),
        sa.Column("totp_pending", sa.Text),
        sa.Column("totp_last_step", sa.BigInteger),
        sa.Column("oidc_issuer", sa.Text),
        sa.Column("oidc_subject", sa.Text),
        sa.Column("is_disabled", sa.Boolean, nullable=False),
        sa.Column("session_epoch", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("last_sign_in_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("email", name="uq_people_email"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name="uq_people_oidc_issuer_oidc_subject"),
    )
    op.create_table(
        "person_roles",
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "org_id", "role", "source", name="pk_person_roles"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_person_roles_person_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "digest", name="pk_recovery_codes"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_recovery_codes_person_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("not_before_ns", sa.BigInteger, nullable=False),
        sa.Column("last_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_last_at_ns", "sign_in_failures", ["last_at_ns"])
    op.create_table(
        "spent_tokens",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_spent_tokens"),
    )
    op.create_index("ix_spent_tokens_until_ns", "spent_tokens", ["until_ns"])
    version = op.create_table(
        "people_version",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people_version"),
    )
    op.bulk_insert(version, [{"id": 1, "version": 0}])
