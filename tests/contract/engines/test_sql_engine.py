"""What every SQL engine promises. What one of them promises besides stands in a file of its name."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from naru.engines.sql import chain
from naru.engines.sql.base import metadata
from naru.kernel.errors import ConfigError
from naru.metering import tables
from tests.contract.engines.ddl import SNAPSHOTS, import_tables, read_ddl


def together(*works) -> list[BaseException]:
    """Runs each in a thread of its own; what went wrong in them."""
    faults: list[BaseException] = []

    def run(work) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  handed to the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return faults


def unordered(ddl: str) -> list[list[str]]:
    """Table by table, whatever the order in which constraints were written down."""
    return [sorted(line.strip(" \t,") for line in block.splitlines()) for block in ddl.split("\n\n")]


def set_revision(engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_the_chain_leads_to_the_committed_schema(engine):
    """The migrated schema is the committed one. After a new step: python -m tests.contract.engines.ddl"""
    engine.migrate()
    assert read_ddl(engine) == SNAPSHOTS[engine.dialect.name].read_text()


def test_the_tables_in_code_are_the_tables_of_the_chain(engine):
    """What the code reads and writes is what a migrated database has: columns, keys and indexes."""
    import_tables()
    engine.migrate()
    migrated = read_ddl(engine)
    with engine.begin() as connection:
        found = sa.MetaData()
        found.reflect(connection)
        found.drop_all(connection)
    with engine.begin() as connection:
        metadata.create_all(connection)
    assert unordered(read_ddl(engine)) == unordered(migrated)


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


def test_starts_at_the_same_time_take_turns(open_engine):
    """Replicas starting together: one migrates, the others wait and find it done."""
    engines = [open_engine() for _ in range(4)]
    assert together(*(engine.migrate for engine in engines)) == []
    for engine in engines:
        engine.require_current()


def test_a_newer_database_is_refused_untouched(engine):
    """Code that is older than the database says so, says how to mend it, and changes nothing."""
    engine.migrate()
    set_revision(engine, "9999")
    before = read_ddl(engine)
    for ask in (engine.migrate, engine.require_current):
        with pytest.raises(ConfigError, match=r"newer Naru \(step 9999.*install that version"):
            ask()
    assert read_ddl(engine) == before


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


def test_what_is_read_for_update_is_nobody_elses_to_change(open_engine):
    """Replicas that read a number, add one and write it back lose no addition."""
    engine = open_engine()
    counter = sa.Table("counter", sa.MetaData(), sa.Column("n", sa.BigInteger))
    with engine.begin() as connection:
        counter.create(connection)
        connection.execute(counter.insert().values(n=0))
    engines = [open_engine() for _ in range(4)]

    def add(engine) -> None:
        for _ in range(25):
            with engine.begin() as connection:
                n = connection.execute(sa.select(counter.c.n).with_for_update()).scalar_one()
                connection.execute(counter.update().values(n=n + 1))

    assert together(*(lambda engine=engine: add(engine) for engine in engines)) == []
    with engine.connect() as connection:
        assert connection.execute(sa.select(counter.c.n)).scalar_one() == 100


def test_a_lock_lets_one_transaction_in_at_a_time(open_engine):
    """Between lock() and the end of the transaction no other replica is there; other names do not wait."""
    engines = [open_engine() for _ in range(4)]
    with engines[0].begin() as connection:
        connection.exec_driver_sql("CREATE TABLE chain (n BIGINT)")

    def append(engine) -> None:
        for _ in range(10):
            with engine.begin() as connection:
                engine.lock(connection, "chain")
                n = connection.exec_driver_sql("SELECT count(*) FROM chain").scalar_one()
                connection.exec_driver_sql(f"INSERT INTO chain VALUES ({n})")

    assert together(*(lambda engine=engine: append(engine) for engine in engines)) == []
    with engines[0].connect() as connection:
        found = connection.exec_driver_sql("SELECT n FROM chain ORDER BY n").scalars().all()
    assert found == list(range(40))


def test_foreign_keys_hold(engine):
    """An attempt without its call is refused by the database itself."""
    engine.migrate()
    columns = [c for c in tables.attempts.columns if not c.nullable]
    values = {c.name: 1 if isinstance(c.type, sa.BigInteger | sa.Double) else "1" for c in columns}
    with (
        pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key") as caught,
        engine.begin() as connection,
    ):
        connection.execute(tables.attempts.insert().values(values))
    assert engine.is_row_fault(caught.value)


def test_errors_show_no_value(engine):
    """A statement that fails is told without what it was to write: it may be somebody's name."""
    engine.migrate()
    with pytest.raises(sa.exc.IntegrityError) as caught, engine.begin() as connection:
        connection.execute(tables.calls.insert().values(id="confidential-name"))
    assert "confidential-name" not in str(caught.value).split("DETAIL")[0]


def test_a_statement_that_is_wrong_stays_an_error_of_its_own(engine):
    """A fault of ours is not passed off as a database that is busy."""
    for ask in (engine.connect, engine.begin):
        with pytest.raises(sa.exc.DBAPIError) as caught, ask() as connection:
            connection.exec_driver_sql("SELECT nothing FROM nowhere")
        assert not engine.is_row_fault(caught.value)


def test_facts_tell_what_runs_and_no_password(engine):
    """Kind, place and version, for the operator."""
    facts = engine.read_facts()
    assert facts["kind"] == {"sqlite": "sqlite", "postgresql": "postgresql"}[engine.dialect.name]
    assert facts["version"]
    assert facts["bytes"]
    assert "kept-out" not in str(facts)
