"""Which database it is: SQLite in HOME unless the settings name a server. For app.py and the CLI alone."""

from __future__ import annotations

from pathlib import Path

from naru.engines.sql.base import SqlEngine
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.errors import ConfigError
from naru.settings.model import Database


def open_engine(database: Database, home: Path) -> SqlEngine:
    """The engine of these settings; not connected yet.

    Raises:
        ConfigError: the address cannot be read.
    """
    if database.url is None:
        return SqliteEngine(home / FILE_NAME)
    return _open_postgres(
        database.url.get_secret_value(),
        pool_size=database.pool_size,
        statement_timeout_s=database.statement_timeout_s,
    )


def find_engine(database: Database, home: Path) -> SqlEngine | None:
    """As `open_engine`, but None where it would make a new SQLite file: for tools that only look."""
    if database.url is None and not (home / FILE_NAME).is_file():
        return None
    return open_engine(database, home)


def open_url(url: str, *, must_exist: bool = False) -> SqlEngine:
    """The engine at `sqlite:///path` (three slashes and a path as the shell would take it) or
    `postgresql://…`.

    Args:
        must_exist: do not make a SQLite file that is not there.

    Raises:
        ConfigError: it is neither, cannot be read, or is not there.
    """
    scheme, separator, rest = url.partition(":///")
    if scheme == "sqlite" and separator and rest:
        if must_exist and not Path(rest).is_file():
            raise ConfigError("there is no such file", path=rest)
        return SqliteEngine(Path(rest))
    if url.startswith(("postgresql://", "postgres://")):
        return _open_postgres(url, pool_size=4, statement_timeout_s=30)
    raise ConfigError(
        "is neither sqlite:///PATH nor postgresql://user@host:5432/database", path="the database URL"
    )


def _open_postgres(url: str, *, pool_size: int, statement_timeout_s: float) -> SqlEngine:
    from naru.engines.sql.postgres import PostgresEngine  # noqa: PLC0415  a start on SQLite needs no driver

    return PostgresEngine(url, pool_size=pool_size, statement_timeout_s=statement_timeout_s)
