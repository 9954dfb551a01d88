"""The tables of people as they are now; `migrations/0003_people.py` is how a database gets there."""

from __future__ import annotations

import sqlalchemy as sa

from naru.engines.sql.base import metadata

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("must_change_password", sa.Boolean, nullable=False),
    sa.Column("password_expires_at_ns", sa.BigInteger),  # of a one-time password
    sa.Column("totp_secret", sa.Text),  # sealed
    sa.Column("totp_pending", sa.Text),  # sealed; shown as a QR code and not confirmed yet
    sa.Column("totp_last_step", sa.BigInteger),  # a code counts once
    sa.Column("oidc_issuer", sa.Text),
    sa.Column("oidc_subject", sa.Text),
    sa.Column("is_disabled", sa.Boolean, nullable=False),
    sa.Column("session_epoch", sa.BigInteger, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("last_sign_in_at_ns", sa.BigInteger),
    sa.UniqueConstraint("oidc_issuer", "oidc_subject"),
)

person_roles = sa.Table(
    "person_roles",
    metadata,
    sa.Column("person_id", sa.Text, sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("org_id", sa.Text, primary_key=True),  # `*` is every organisation, so no foreign key
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("person_id", sa.Text, sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
)

sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),  # digest of an account's or a source's name
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("not_before_ns", sa.BigInteger, nullable=False),
    sa.Column("last_at_ns", sa.BigInteger, nullable=False),
    sa.Index(None, "last_at_ns"),
)

spent_tokens = sa.Table(
    "spent_tokens",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # of a session signed out, or of a sign-in flow used
    sa.Column("until_ns", sa.BigInteger, nullable=False),
    sa.Index(None, "until_ns"),
)

people_version = sa.Table(
    "people_version",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
"""One row, raised by each change that sessions must learn of: replicas ask for it once a second."""
