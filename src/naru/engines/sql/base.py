"""The contract of an SQL engine: synchronous connections, used from threads only, and one migration chain.

Never call it from the event loop (docs/decisions/0003-sync-sql-on-threads.md says why it is not async).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from naru.engines.sql import chain
from naru.kernel.errors import ConfigError, Unavailable

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


MOVING = "moving-"
"""What the step of a database begins with while `move` fills it."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, is locked, full or too slow: the same statement may do later."""

    default_code = "database_unavailable"


class SqlEngine(ABC):
    """Owns the connections to one database. Safe to share between threads.

    Inside `connect` and `begin`, what a later try may mend is raised as `DatabaseUnavailable`, whose cause is
    the driver's error; a fault in a statement or a value stays what SQLAlchemy makes of it.

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
        with self._translated(), self._reader().connect() as connection:
            yield connection

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A write transaction: committed at the end of the block, rolled back on an exception.

        SQLite runs one at a time. PostgreSQL runs them beside each other: what is read to be changed must be
        read `.with_for_update()` (SQLite ignores it), or be changed by one UPDATE that checks for itself, or
        stand behind `lock`.
        """
        with self._translated(), self._writer().begin() as connection:
            yield connection

    @contextmanager
    def begin_unbounded(self) -> Iterator[sa.Connection]:
        """As `begin`, for work that may take longer than a request's statement: migrations, moves."""
        with self.begin() as connection:
            yield connection

    def sync(self) -> None:  # noqa: B027  most servers see to it at every commit
        """What was committed before survives a power cut afterwards."""

    @abstractmethod
    def lock(self, connection: sa.Connection, name: str) -> None:
        """One transaction at a time, over all replicas, from here to its end; others wait.

        Args:
            connection: of `begin`.
            name: what is locked; transactions that lock several do so in one order.
        """

    def is_row_fault(self, error: Exception) -> bool:
        """Whether a value in the statement is at fault, so that no later try will do. Everything else (gone,
        locked, full, read-only, not permitted) somebody can mend, and the same rows are taken then."""
        if not isinstance(error, sa.exc.SQLAlchemyError | Unavailable):
            return True  # Python's own: the value could not even be encoded
        return isinstance(error, sa.exc.DataError | sa.exc.IntegrityError)

    @abstractmethod
    def _writer(self) -> sa.Engine:
        """The engine whose transactions take the write lock when they begin."""

    def _reader(self) -> sa.Engine:
        """The engine whose transactions are snapshots."""
        return self.sqlalchemy

    @abstractmethod
    def _is_temporary(self, error: sa.exc.SQLAlchemyError) -> bool:
        """Whether the same statement may do later."""

    @abstractmethod
    def _unusable(self, error: sa.exc.DBAPIError) -> ConfigError:
        """Why the database cannot be brought up to date, in words for the operator."""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            if not self._is_temporary(error):
                raise
            # Without the driver's text: it may quote the statement, and it names hosts.
            raise DatabaseUnavailable(
                "The database does not answer right now. Try again in a moment.", retry_after_s=1
            ) from error

    def check_server(self) -> None:  # noqa: B027  an embedded database has none
        """Raises ConfigError, in words for the operator, unless the server answers and can be used."""

    def migrate(self) -> None:
        """Bring the database to the newest step of the chain.

        Raises:
            ConfigError: the database was written by a newer Naru, or cannot be opened or written. Nothing is
                changed then.
        """
        try:
            if self._read_revision() == chain.head():
                return  # the usual start; it must not pay for importing Alembic
            with self.begin_unbounded() as connection:
                self.lock(connection, "migrate")
                self._refuse_newer(chain.read_revision(connection))
                chain.upgrade(connection)
        except sa.exc.DBAPIError as error:
            raise self._unusable(error) from None

    @abstractmethod
    def read_facts(self) -> dict[str, str | int | float | bool | None]:
        """What an operator asks of a database first: server, version, size, encryption. Never a password."""

    def read_step(self) -> str | None:
        """The step the database stands at, whatever it is; None when it is empty."""
        with self.connect() as connection:
            return chain.read_revision(connection)

    def count_rows(self) -> dict[str, int]:
        """Rows of each table, by name."""
        with self.connect() as connection:
            tables = sa.inspect(connection).get_table_names()
            return {
                name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
                for name in sorted(tables)
            }

    def check_writable(self) -> None:
        """Write, and change nothing. Raises DatabaseUnavailable, or ConfigError when we may not."""
        version = sa.table("alembic_version", sa.column("version_num"))
        try:
            with self.begin() as connection:
                connection.execute(sa.update(version).values(version_num=version.c.version_num))
        except sa.exc.DBAPIError:
            raise ConfigError("this user may not write there", path=self.place) from None

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
        if revision is not None and revision.startswith(MOVING):
            raise ConfigError(
                "a move into this database is not complete; finish it with `naru database move … --resume`",
                path=self.place,
            )
        if revision is not None and revision not in chain.steps():
            raise ConfigError(
                f"the database was written by a newer Naru (step {revision}; this one knows steps up to "
                f"{chain.head()}); install that version again, or restore a backup made before it",
                path=self.place,
            )
