"""SQLite in WAL mode: one writer, readers that never wait for it, one file of mode 0600."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry

from naru.engines.sql.base import SqlEngine
from naru.kernel.errors import ConfigError

FILE_NAME = "naru.db"
_BUSY_TIMEOUT_MS = 5_000
_TEMPORARY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""Primary result codes that a later try may not meet again."""


class SqliteEngine(SqlEngine):
    """One database file.

    Args:
        path: the file; it and its folder are created when missing.
        busy_timeout_ms: how long a statement waits for another process's lock before it fails.
    """

    def __init__(self, path: Path, *, busy_timeout_ms: int = _BUSY_TIMEOUT_MS) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite opens it: SQLite would create it with the umask's mode, and gives the -wal and
        # -shm files the mode of the database.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)), pool_size=8, hide_parameters=True
        )
        super().__init__(engine, str(path))
        self._write_engine = engine.execution_options(naru_write=True)
        self._busy_timeout_ms = busy_timeout_ms
        sa.event.listen(engine, "connect", self._on_connect)
        sa.event.listen(engine, "begin", _on_begin)

    def lock(self, connection: sa.Connection, name: str) -> None:
        """Nothing to do: a write transaction of SQLite is the only one from its beginning."""

    def sync(self) -> None:
        """As the contract says: NORMAL leaves the log beside the file to the operating system."""
        try:
            descriptor = os.open(f"{self.place}-wal", os.O_RDONLY)
        except FileNotFoundError:
            return  # everything was copied into the database, which syncs it
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def is_row_fault(self, error: Exception) -> bool:
        """As the contract says; the driver calls a value of a type it does not know an interface error."""
        unknown_type = isinstance(error, sa.exc.InterfaceError | sa.exc.ProgrammingError)
        return unknown_type or super().is_row_fault(error)

    def read_facts(self) -> dict[str, str | int | float | bool | None]:
        """As the contract says."""
        with self.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            page_bytes = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
            version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        return {"kind": "sqlite", "place": self.place, "version": version, "bytes": pages * page_bytes}

    def _writer(self) -> sa.Engine:
        return self._write_engine

    def _is_temporary(self, error: sa.exc.SQLAlchemyError) -> bool:
        if isinstance(error, sa.exc.TimeoutError):
            return True  # every connection of the pool is taken
        code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)
        return code & 0xFF in _TEMPORARY

    def _unusable(self, error: sa.exc.DBAPIError) -> ConfigError:
        return ConfigError(
            f"cannot be used as the database ({error.orig}). Is its folder writable and the disk not "
            "full? If it is damaged, put a backup in its place.",
            path=self.place,
        )

    def _on_connect(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind our back
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={self._busy_timeout_ms}")
        _use_wal(cursor, self._busy_timeout_ms / 1000)
        # NORMAL: a crash of the process loses nothing; a power cut may lose the last commits, never the file.
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # 16 MB of log before it is copied back: copying the same index pages less often saves the writer 5 %.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.close()


def _use_wal(cursor: DBAPICursor, timeout_s: float) -> None:
    """Switch a new file to WAL. SQLite does not wait for a lock here, so processes that start together would
    fail where they only need to take turns; a file that is switched stays so."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _on_begin(connection: sa.Connection) -> None:
    # A transaction that starts by reading and then writes can be refused at once under WAL, whatever the
    # busy timeout; one that takes the write lock first waits its turn.
    is_write = connection.get_execution_options().get("naru_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")
