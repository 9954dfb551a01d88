"""The contract of an SQL engine: synchronous connections, used from threads only, and one migration chain.

Never call it from the event loop (docs/decisions/0003-sync-sql-on-threads.md says why it is not async).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from naru.engines.sql import chain
from naru.kernel.errors import ConfigError

NAMES = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
"""Every constraint has the same name in every database, so that a migration can name it."""

metadata = sa.MetaData(naming_convention=NAMES)
"""The tables of every part. A part declares its own in its `tables.py`; the chain creates them."""


class SqlEngine(ABC):
    """Owns the connections to one database. Safe to share between threads.

    Args:
        engine: the SQLAlchemy engine; closed by `close`.
        place: how to call the database in a message to the operator (a path; never a URL with a password).
    """

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self.sqlalchemy = engine
        self.place = place

    @property
    def dialect(self) -> sa.Dialect:
        """For compiling statements once."""
        return self.sqlalchemy.dialect

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection for reading: one consistent snapshot, nothing committed."""
        with self.sqlalchemy.connect() as connection:
            yield connection

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A write transaction: committed at the end of the block, rolled back on an exception."""
        with self._writer().begin() as connection:
            yield connection

    @abstractmethod
    def _writer(self) -> sa.Engine:
        """The engine whose transactions take the write lock when they begin."""

    def migrate(self) -> None:
        """Bring the database to the newest step of the chain.

        Raises:
            ConfigError: the database was written by a newer Naru, or cannot be opened or written. Nothing is
                changed then.
        """
        try:
            if self._read_revision() == chain.head():
                return  # the usual start; it must not pay for importing Alembic
            with self.begin() as connection:
                self._refuse_newer(chain.read_revision(connection))
                chain.upgrade(connection)
        except sa.exc.DatabaseError as error:
            raise ConfigError(
                f"cannot be used as the database ({error.orig}). Is its folder writable and the disk not "
                "full? If it is damaged, put a backup in its place.",
                path=self.place,
            ) from None

    def require_current(self) -> None:
        """Raises ConfigError unless the database stands exactly at the newest step (for read-only tools)."""
        revision = self._read_revision()
        if revision != chain.head():
            raise ConfigError(
                "the database was written by an older Naru (step "
                f"{revision or 'none'}, this one wants {chain.head()}); start `naru up` once to bring it "
                "up to date",
                path=self.place,
            )

    def close(self) -> None:
        """Close every connection. Do so when the threads that use them have ended."""
        self.sqlalchemy.dispose()

    def _read_revision(self) -> str | None:
        with self.connect() as connection:
            revision = chain.read_revision(connection)
        self._refuse_newer(revision)
        return revision

    def _refuse_newer(self, revision: str | None) -> None:
        if revision is not None and revision not in chain.steps():
            raise ConfigError(
                f"the database was written by a newer Naru (step {revision}; this one knows steps up to "
                f"{chain.head()}); install that version again, or restore a backup made before it",
                path=self.place,
            )
