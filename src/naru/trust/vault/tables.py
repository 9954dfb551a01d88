"""The table of named conversations: hashes, wrapped keys and sealed bytes, not one value in clear."""

from __future__ import annotations

import sqlalchemy as sa

from naru.engines.sql.base import metadata

conversations = sa.Table(
    "conversations",
    metadata,
    # HMAC of owner and name under the key file's index key: nobody can try names without it.
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("org", sa.Text),
    # Counts the versions: two replicas that mask in one conversation at once notice each other by it.
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
    sa.Column("vault_key", sa.Text, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index(None, "expires_at_ns"),
)
