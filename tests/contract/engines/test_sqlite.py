"""What SQLite promises beyond the contract: whose files they are, and how little a start costs."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from naru.engines.sql.base import DatabaseUnavailable
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "home" / FILE_NAME


@pytest.fixture
def engine(path):
    engine = SqliteEngine(path, busy_timeout_ms=20)
    yield engine
    engine.close()


def test_migrating_twice_changes_nothing_and_imports_nothing(path):
    """The second start finds the database current without loading the migration library."""
    program = (
        "import sys, pathlib; from naru.engines.sql.sqlite import SqliteEngine\n"
        "e = SqliteEngine(pathlib.Path(sys.argv[1])); e.migrate(); e.close(); print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program, path], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert said == ["True\n", "False\n"]


def test_a_lock_of_another_is_no_fault_of_ours(engine, path):
    """While another process holds the write lock, writing is refused for now and reading goes on."""
    engine.migrate()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable) as caught, engine.begin():
        pass
    assert caught.value.status == 503
    assert not engine.is_row_fault(caught.value)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM calls").scalar_one() == 0
    other.close()


def test_only_the_owner_may_read_the_files(engine, path):
    """The database and what SQLite puts beside it are mode 0600, in a folder nobody else may list."""
    engine.migrate()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == dict.fromkeys([FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_open_to_others_is_closed(path):
    """A database copied with wide permissions is narrowed when it is opened."""
    path.parent.mkdir()
    path.touch(mode=0o644)
    SqliteEngine(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
