"""PostgreSQL 15 or newer through pg8000, for more than one replica on one database.

Never a password in a message or a log: addresses are shown as host, port and database alone.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.engines.sql.postgres_driver import DRIVER, PARAMSTYLE, Connection, connect, make_tls
from naru.engines.sql.postgres_errors import READ_ONLY, ConnectFailed, failed, sqlstate
from naru.engines.sql.postgres_url import read_address
from naru.kernel.errors import ConfigError

_log = logging.getLogger(__name__)

OLDEST = 150_000
"""The oldest server this is tested with, as `server_version_num` writes it."""
_POOL_WAIT_S = 5.0
_RECYCLE_S = 1_800
_START_STEP_S = 0.25
_REPLY_MARGIN_S = 5.0
"""So much longer than a statement may take, a server may be silent before it counts as gone."""
_ROW_FAULTS = ("22", "23")
"""SQLSTATE classes of a fault in a value: data exceptions and integrity constraints."""


class DatabaseNotReady(ConfigError):
    """The server does not answer yet; the settings may still be right."""


class PostgresEngine(SqlEngine):
    """One database of a PostgreSQL server.

    Args:
        url: as `read_address` takes it (`postgresql://user@host:5432/naru?sslmode=verify-full`).
        pool_size: connections of this process at most; whoever finds none free waits a little.
        statement_timeout_s: after this the server cancels a statement.
        start_wait_s: how long `migrate` waits for a server that does not answer yet.

    Raises:
        ConfigError: the address cannot be read, or a certificate it names.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        statement_timeout_s: float = 30.0,
        start_wait_s: float = 30.0,
    ) -> None:
        self._start_wait_s = start_wait_s
        address = read_address(url)
        tls = make_tls(address)
        # A hanging process must not hold row locks for ever, hence the bound on idle transactions.
        options = (
            f"-c statement_timeout={round(statement_timeout_s * 1000)} "
            f"-c idle_in_transaction_session_timeout={round(statement_timeout_s * 2000)} "
            f"-c bytea_output=hex {address.options}"
        ).strip()
        self._reply_timeout_s = statement_timeout_s + _REPLY_MARGIN_S

        def open_connection() -> Connection:
            return connect(address, tls, options=options, reply_timeout_s=self._reply_timeout_s)

        engine = sa.create_engine(
            f"{DRIVER}://",
            creator=open_connection,
            paramstyle=PARAMSTYLE,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL_WAIT_S,
            pool_pre_ping=True,  # a server that was restarted costs a new connection, not an error
            pool_recycle=_RECYCLE_S,
            pool_use_lifo=True,
            hide_parameters=True,
        )
        super().__init__(engine, address.place)
        self._snapshots = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def lock(self, connection: sa.Connection, name: str) -> None:
        """As the contract says, by an advisory lock of the transaction."""
        digest = hashlib.blake2b(f"naru/{name}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest, "big", signed=True)
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s::bigint)", (key,))

    def is_row_fault(self, error: Exception) -> bool:
        """As the contract says; the server tells by the class of its SQLSTATE."""
        state = sqlstate(error)
        if state is not None:
            return state.startswith(_ROW_FAULTS)
        return super().is_row_fault(error)

    def migrate(self) -> None:
        """As the contract says, and waits a while for a server that starts beside us.

        Raises:
            ConfigError: also when the server does not answer, does not let us in, or is too old.
        """
        deadline = time.monotonic() + self._start_wait_s
        is_told = False
        while True:
            try:
                self.check_server()
                break
            except DatabaseNotReady as error:
                if time.monotonic() > deadline:
                    raise
                if not is_told:
                    _log.warning("waiting for the database: %s", error.message)
                    is_told = True
                time.sleep(_START_STEP_S)
        super().migrate()

    @contextmanager
    def begin_unbounded(self) -> Iterator[sa.Connection]:
        """As the contract says."""
        with self.begin() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            session = connection.connection.driver_connection
            assert isinstance(session, Connection)
            session.wait(None)
            try:
                yield connection
            finally:
                session.wait(self._reply_timeout_s)

    def check_server(self) -> None:
        """As the contract says.

        Raises:
            DatabaseNotReady: a ConfigError that waiting may mend.
        """
        try:
            with self.sqlalchemy.connect() as connection:
                version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
                encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        except sa.exc.DBAPIError as error:
            raise self._unusable(error) from None
        if int(version) < OLDEST:
            raise ConfigError(
                f"this PostgreSQL is too old (version {int(version) // 10_000}); "
                f"Naru needs {OLDEST // 10_000} or newer",
                path=self.place,
            )
        if encoding != "UTF8":
            raise ConfigError(
                f"the database stores text as {encoding}; make one with ENCODING 'UTF8'", path=self.place
            )

    def read_facts(self) -> dict[str, str | int | float | bool | None]:
        """As the contract says."""
        query = (
            "SELECT current_setting('server_version'), pg_database_size(current_database()), "
            "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), current_setting('max_connections'), "
            "pg_is_in_recovery(), extract(epoch FROM clock_timestamp())"
        )
        with self.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            asked_at = time.time()
            row = connection.exec_driver_sql(query).one()
            answered_at = time.time()
        version, size, is_encrypted, connections, is_standby, now_s = row
        ahead_s = float(now_s) - (asked_at + answered_at) / 2
        return {
            "kind": "postgresql",
            "place": self.place,
            "version": version,
            "bytes": size,
            "is_encrypted": is_encrypted,
            "is_standby": is_standby,
            "max_connections": int(connections),
            "clock_ahead_ms": round(ahead_s * 1000),
        }

    def _writer(self) -> sa.Engine:
        return self.sqlalchemy

    def _reader(self) -> sa.Engine:
        return self._snapshots

    def _is_temporary(self, error: sa.exc.SQLAlchemyError) -> bool:
        if isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError):
            return True  # gone, starting, cancelled, deadlocked, out of room; or no connection is free
        is_lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
        return is_lost or sqlstate(error) == READ_ONLY

    def _unusable(self, error: sa.exc.DBAPIError) -> ConfigError:
        # In words of ours: the server's come with names, statements and values.
        cause = error.orig
        known = cause if isinstance(cause, ConnectFailed) else failed(cause or error)
        kind = DatabaseNotReady if known.may_come else ConfigError
        return kind(f"the database server cannot be used: {known.reason}", path=self.place)
