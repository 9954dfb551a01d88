"""PostgreSQL 15 or newer through psycopg, for more than one replica on one database.

Never a password in a message or a log: addresses are shown as host, port and database alone.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine.interfaces import ExceptionContext

from naru.engines.sql.base import SqlEngine
from naru.kernel.errors import ConfigError

_log = logging.getLogger(__name__)

OLDEST = 150_000
"""The oldest server this is tested with, as libpq numbers versions."""
_CONNECT_S = 5
_POOL_WAIT_S = 5.0
_RECYCLE_S = 1_800
_START_STEP_S = 0.25
_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A server that went away without a word is noticed after half a minute, not after two hours."""
_READ_ONLY = "25006"
_DATABASE_FAULTS = ("22", "23")
"""SQLSTATE classes of a fault in a value: data exceptions and integrity constraints."""


class DatabaseNotReady(ConfigError):
    """The server does not answer yet; the settings may still be right."""


class PostgresEngine(SqlEngine):
    """One database of a PostgreSQL server.

    Args:
        url: as libpq reads it (`postgresql://user@host:5432/naru?sslmode=verify-full`), TLS, several hosts
            and service files included.
        pool_size: connections of this process at most; whoever finds none free waits a little.
        statement_timeout_s: after this the server cancels a statement.
        start_wait_s: how long `migrate` waits for a server that does not answer yet.

    Raises:
        ConfigError: libpq cannot read the address.
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
        given = _parse(url)
        place = _place(given)
        # A hanging process must not hold row locks for ever, hence the bound on idle transactions.
        options = (
            f"-c statement_timeout={round(statement_timeout_s * 1000)} "
            f"-c idle_in_transaction_session_timeout={round(statement_timeout_s * 2000)}"
        )
        arguments: dict[str, Any] = {
            "connect_timeout": _CONNECT_S,
            "application_name": "naru",
            "client_encoding": "utf8",
            **_KEEPALIVES,
            **given,
            "options": f"{options} {given.get('options') or ''}".strip(),
            # Types change with the values, so what is prepared would pile up unused on the server.
            "prepare_threshold": None,
        }

        def connect() -> psycopg.Connection[Any]:
            return psycopg.connect(**arguments)

        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL_WAIT_S,
            pool_pre_ping=True,  # a server that was restarted costs a new connection, not an error
            pool_recycle=_RECYCLE_S,
            pool_use_lifo=True,
            hide_parameters=True,
        )
        super().__init__(engine, place)
        self._snapshots = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        sa.event.listen(engine, "handle_error", _leave_standby)

    def lock(self, connection: sa.Connection, name: str) -> None:
        """As the contract says, by an advisory lock of the transaction."""
        digest = hashlib.blake2b(f"naru/{name}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest, "big", signed=True)
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (key,))

    def is_row_fault(self, error: Exception) -> bool:
        """As the contract says; the server tells by the class of its SQLSTATE."""
        state = _sqlstate(error)
        if state is not None:
            return state.startswith(_DATABASE_FAULTS)
        # Raised by the driver before the server saw it: a type it does not know.
        unknown_type = isinstance(error, sa.exc.ProgrammingError) and not error.connection_invalidated
        return unknown_type or super().is_row_fault(error)

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
            yield connection

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
            reason, may_come = _explain(error)
            kind = DatabaseNotReady if may_come else ConfigError
            raise kind(f"the database server cannot be used: {reason}", path=self.place) from None
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
        return is_lost or _sqlstate(error) == _READ_ONLY


def _parse(url: str) -> dict[str, Any]:
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError(
            "is not an address of PostgreSQL; write postgresql://user@host:5432/database",
            path="the database URL",
        )
    try:
        return conninfo_to_dict(url)
    except psycopg.Error:
        # libpq's own words quote pieces of the URL, a password maybe.
        raise ConfigError(
            "cannot be read; write postgresql://user:password@host:5432/database, and any of @ : / ? # % "
            "in the password as %40 %3A %2F %3F %23 %25",
            path="the database URL",
        ) from None


def _place(given: dict[str, Any]) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "").split(",")
    ports = str(given.get("port") or "").split(",")
    if len(ports) < len(hosts):
        ports += [ports[-1]] * (len(hosts) - len(ports))
    pairs = [f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=False)]
    return f"postgresql://{','.join(pairs)}/{given.get('dbname') or ''}"


def _sqlstate(error: BaseException) -> str | None:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else None


_REASONS = {
    "28P01": ("it refuses the password", False),
    "28000": ("its pg_hba.conf does not let this user in from here", False),
    "3D000": ("it has no such database; create it, or correct the name", False),
    "42501": ("this user may not do that there", False),
    "53300": ("it has no connection free; raise its max_connections or lower database.pool_size", True),
    "57P03": ("it is starting up or shutting down", True),
}
_SIGNS = {
    "password authentication failed": _REASONS["28P01"],
    "no pg_hba.conf entry": _REASONS["28000"],
    "no password supplied": ("it asks for a password, and none was given", False),
    "too many clients": _REASONS["53300"],
    "remaining connection slots": _REASONS["53300"],
    "starting up": _REASONS["57P03"],
    "shutting down": _REASONS["57P03"],
    "refused": ("nothing listens at this address", True),
    "timeout": ("nobody answers at this address", True),
    "No such file": ("there is no socket at this address", True),
    "translate host name": ("this host name is not known", True),
    "resolve host": ("this host name is not known", True),
    "does not exist": ("it has no such database or user; create it, or correct the name", False),
    "certificate": ("its certificate is not trusted; see sslmode and sslrootcert", False),
    "does not support SSL": ("it offers no TLS, and the URL asks for it (sslmode)", False),
}
"""What libpq says of a connection that failed, for it gives no code; whether waiting may help."""


def _explain(error: sa.exc.DBAPIError) -> tuple[str, bool]:
    """Why a connection failed, in words of ours: libpq's come with addresses and names."""
    known = _REASONS.get(_sqlstate(error) or "")
    if known is not None:
        return known
    text = str(error.orig)
    return next((said for sign, said in _SIGNS.items() if sign in text), (type(error.orig).__name__, True))


def _leave_standby(context: ExceptionContext) -> None:
    # After a failover the pool may hold connections to what is now a standby: without this for half an hour.
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True
