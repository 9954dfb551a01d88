"""State in SQL: SQLite embedded; the same SQLAlchemy Core code is meant for PostgreSQL.

The contract is `base.SqlEngine`. Only the composition root and the CLI name an adapter.
"""
