"""What every SQL engine promises. A further engine joins by a fixture of its own."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from naru.engines.sql import chain
from naru.engines.sql.base import metadata
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.errors import ConfigError
from naru.metering import tables

SNAPSHOT = Path(__file__).parent / "ddl_sqlite.sql"


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "home" / FILE_NAME


@pytest.fixture
def engine(path):
    engine = SqliteEngine(path)
    yield engine
    engine.close()


def ddl(engine) -> str:
    query = (
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%' ORDER BY type, name"
    )
    with engine.connect() as connection:
        found = connection.exec_driver_sql(query).scalars().all()
    return "".join("\n".join(line.rstrip() for line in sql.splitlines()) + ";\n\n" for sql in found)


def set_revision(engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))


def test_the_chain_leads_to_the_committed_schema(engine):
    """The migrated schema is the committed one; when a step changes it, write the new text there and look."""
    engine.migrate()
    assert ddl(engine) == SNAPSHOT.read_text()


def test_the_tables_in_code_are_the_tables_of_the_chain(engine, tmp_path):
    """What the code reads and writes is what a migrated database has: columns, keys and indexes."""
    assert tables.calls.metadata is metadata
    engine.migrate()
    other = SqliteEngine(tmp_path / "created.db")
    with other.begin() as connection:
        metadata.create_all(connection)
    assert ddl(other) == ddl(engine)
    other.close()


def test_the_chain_is_one_line():
    """Each step names the one before it, and its file's number is its name."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(chain.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, chain.folders())))
    steps = list(reversed(list(ScriptDirectory.from_config(config).walk_revisions())))
    assert [s.revision for s in steps] == list(chain.steps())
    assert [s.down_revision for s in steps] == [None, *chain.steps()[:-1]]


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


def test_starts_at_the_same_time_take_turns(path):
    """Replicas starting together: one migrates, the others wait and find it done."""
    engines = [SqliteEngine(path) for _ in range(4)]
    faults: list[BaseException] = []

    def migrate(engine) -> None:
        try:
            engine.migrate()
        except BaseException as error:  # noqa: BLE001  handed to the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=migrate, args=(e,)) for e in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for engine in engines:
        engine.require_current()
        engine.close()


def test_a_newer_database_is_refused_untouched(engine):
    """Code that is older than the database says so, says how to mend it, and changes nothing."""
    engine.migrate()
    set_revision(engine, "9999")
    before = ddl(engine)
    for ask in (engine.migrate, engine.require_current):
        with pytest.raises(ConfigError, match=r"newer Naru \(step 9999.*install that version"):
            ask()
    assert ddl(engine) == before


def test_a_reader_refuses_a_database_that_is_behind(engine):
    """A tool that only reads does not migrate a database under a running server."""
    with pytest.raises(ConfigError, match="older Naru"):
        engine.require_current()
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_a_write_is_whole_or_not_at_all(engine):
    """An exception inside begin() leaves nothing behind, schema changes included."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n BIGINT)")

    def fail_half_way() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            connection.exec_driver_sql("CREATE TABLE u (n BIGINT)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
        assert sa.inspect(connection).get_table_names() == ["t"]


def test_a_reader_sees_one_moment_and_blocks_nobody(engine):
    """A read that is under way neither sees a later commit nor keeps a writer waiting."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n BIGINT)")
    with engine.connect() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
        with engine.begin() as writer:
            writer.exec_driver_sql("INSERT INTO t VALUES (9007199254740993)")
        assert reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
    with engine.connect() as reader:
        assert reader.exec_driver_sql("SELECT n FROM t").scalar_one() == 9007199254740993


def test_foreign_keys_hold(engine):
    """An attempt without its call is refused by the database itself."""
    engine.migrate()
    names = [c.name for c in tables.attempts.columns if not c.nullable]
    with pytest.raises(sa.exc.IntegrityError, match="FOREIGN KEY"), engine.begin() as connection:
        connection.execute(tables.attempts.insert().values(dict.fromkeys(names, 1)))


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
