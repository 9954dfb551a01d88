"""A move takes everything, or says what it did not; the source is only read; a broken one goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from naru.cli.database import app
from naru.engines.sql.base import DatabaseUnavailable
from naru.engines.sql.move import move
from naru.engines.sql.registry import open_url
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.errors import ConfigError
from naru.metering.tables import attempts, calls
from tests.contract.engines.conftest import POSTGRES
from tests.services import PASSWORD

CALLS = 2_000
KOREAN = "한강 나루터에서 🛶 'x'; DROP TABLE calls; --"


def some_value(column: sa.Column, number: int, draw: random.Random):
    if column.nullable and draw.random() < 0.3:
        return None
    if isinstance(column.type, sa.Boolean):
        return draw.random() < 0.5
    if isinstance(column.type, sa.Integer):
        return number if column.primary_key else draw.randrange(2**40)
    if isinstance(column.type, sa.Float):
        return draw.random() * 1e6
    if isinstance(column.type, sa.LargeBinary):
        return draw.randbytes(20)
    return f"{column.name}_{number:08d}" if column.primary_key else f"{KOREAN} {number} {draw.random()}"


def fill(engine, number_of_calls: int) -> None:
    """Rows in every table there is."""
    draw = random.Random(3)
    tables = sa.MetaData()
    tables.reflect(engine.sqlalchemy)
    keys: dict[str, list] = {}
    for table in tables.sorted_tables:
        if table.name == "alembic_version":
            continue
        size = number_of_calls if table.name in {"calls", "attempts"} else 40
        start = 1_000  # beside the rows that migrations have put there
        rows = []
        for number in range(start, start + size):
            row = {column.name: some_value(column, number, draw) for column in table.columns}
            for column in table.columns:
                for key in column.foreign_keys:
                    parents = keys[f"{key.column.table.name}.{key.column.name}"]
                    row[column.name] = parents[number % len(parents)]
            rows.append(row)
        for column in table.columns:
            keys[f"{table.name}.{column.name}"] = [row[column.name] for row in rows]
        with engine.begin() as connection:
            connection.execute(sa.insert(table), rows)


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    return new_source(tmp_path_factory.mktemp("source") / FILE_NAME, CALLS)


def new_source(path: Path, number: int) -> Path:
    engine = SqliteEngine(path)
    engine.migrate()
    fill(engine, number)
    with engine.begin() as connection:
        connection.execute(sa.update(calls).where(calls.c.id == "id_00001007").values(user_name="a\0b"))
    engine.close()
    return path


@pytest.fixture
def source(filled):
    engine = SqliteEngine(filled)
    yield engine
    engine.close()


@pytest.fixture(params=["sqlite", POSTGRES])
def target_url(request, tmp_path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_server").create_database()
    return f"sqlite:///{tmp_path / 'target.db'}"


@pytest.fixture
def target(target_url):
    engine = open_url(target_url)
    yield engine
    engine.close()


def content(engine, table, **where) -> list:
    with engine.connect() as connection:
        query = sa.select(table).filter_by(**where).order_by(*table.primary_key.columns)
        return [tuple(row) for row in connection.execute(query)]


@pytest.mark.slow
def test_everything_is_moved_and_compared(target, tmp_path):
    """Each of 20,000 calls, each attempt, each row of every other table; sums are equal."""
    source = SqliteEngine(new_source(tmp_path / FILE_NAME, 20_000))
    before = source.count_rows()
    report = move(source, target)
    assert report.is_equal
    assert target.count_rows() == source.count_rows() == before
    target.require_current()
    of = {comparison.table: comparison for comparison in report.tables}
    assert of.keys() == before.keys() - {"alembic_version"}
    assert of["calls"].target.rows == 20_000
    with source.connect() as connection:
        cost = connection.execute(sa.select(sa.func.sum(calls.c.cost_nano_usd))).scalar_one()
    assert of["calls"].target.sums["cost_nano_usd"] == cost > 0
    assert of["calls"].target.sums["output_tokens"] > 0
    for table in (calls, attempts):
        found = content(target, table)
        if target.dialect.name == "postgresql":
            assert report.replaced == 1
            assert content(target, calls, id="id_00001007")[0][8] == "a?b"
            found = [tuple("a\0b" if value == "a?b" else value for value in row) for row in found]
        assert found == content(source, table)
    source.close()


@pytest.mark.slow
def test_a_move_needs_the_memory_of_a_few_rows(source, target, monkeypatch):
    """However many there are: 4,000 rows, of which a chunk is 50, would take 28 MB."""
    monkeypatch.setattr("naru.engines.sql.move._CHUNK", 50)
    tracemalloc.start()
    try:
        assert move(source, target).is_equal
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("target_url", [POSTGRES], indirect=True)
def test_there_is_a_way_back(source, target, tmp_path):
    """From PostgreSQL to SQLite again: the same rows as at the beginning."""
    assert move(source, target).is_equal
    back = SqliteEngine(tmp_path / "back.db")
    assert move(target, back).is_equal
    assert back.count_rows() == source.count_rows()
    assert content(back, attempts) == content(source, attempts)
    back.close()


def test_a_target_that_is_in_use_is_refused_untouched(source, target):
    """Whatever is in it, empty tables included: nothing is overwritten, with --resume neither."""
    target.migrate()
    for is_resumed in (False, True):
        with pytest.raises(ConfigError, match="not empty"):
            move(source, target, is_resumed=is_resumed)
    target.require_current()


def test_a_foreign_database_is_refused(source, target):
    """Somebody else's tables are not ours to write beside."""
    with target.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (n BIGINT)")
    with pytest.raises(ConfigError, match="not empty"):
        move(source, target)
    assert target.count_rows() == {"theirs": 0}


def test_a_source_that_is_behind_is_refused(target, tmp_path):
    """A move is no upgrade: the source is not changed."""
    empty = SqliteEngine(tmp_path / "empty.db")
    with pytest.raises(ConfigError, match="older Naru"):
        move(empty, target)
    assert empty.count_rows() == {}
    empty.close()


class Broken(Exception):
    pass


def break_off(table: str, done: int, total: int) -> None:
    if table == "calls" and done >= 1_000:
        raise Broken


def test_a_move_that_broke_off_goes_on(source, target):
    """Half of it is there: no Naru starts on it, and --resume completes it as if nothing had been."""
    with pytest.raises(Broken):
        move(source, target, on_progress=break_off)
    for ask in (target.require_current, target.migrate):
        with pytest.raises(ConfigError, match="--resume"):
            ask()
    with pytest.raises(ConfigError, match="--resume"):
        move(source, target)
    assert move(source, target, is_resumed=True).is_equal
    target.require_current()
    assert target.count_rows() == source.count_rows()


def test_a_row_that_changed_between_two_tries_is_corrected(filled, target, tmp_path):
    """Somebody went on working between the break and the second try: the target has what the source has."""
    path = tmp_path / FILE_NAME
    path.write_bytes(filled.read_bytes())
    source = SqliteEngine(path)
    with pytest.raises(Broken):
        move(source, target, on_progress=break_off)
    with source.begin() as connection:
        connection.execute(sa.update(calls).where(calls.c.id == "id_00001000").values(cost_nano_usd=17))
    assert move(source, target, is_resumed=True).is_equal
    assert content(target, calls, id="id_00001000") == content(source, calls, id="id_00001000")
    source.close()


def test_what_is_written_meanwhile_is_found_and_the_target_stays_closed(filled, target, tmp_path):
    """A Naru still runs on the source: its row is missed, said so, and nobody starts on the target."""
    path = tmp_path / FILE_NAME
    path.write_bytes(filled.read_bytes())
    source, running = SqliteEngine(path), SqliteEngine(path)

    def write(table: str, done: int, total: int) -> None:
        if (table, done) == ("calls", CALLS):
            late = {column.name: some_value(column, 99_999_999, random.Random(1)) for column in calls.columns}
            with running.begin() as connection:
                connection.execute(sa.insert(calls).values(late))

    report = move(source, target, on_progress=write)
    assert not report.is_equal
    wrong = [comparison for comparison in report.tables if not comparison.is_equal]
    assert [(c.table, c.source.rows - c.target.rows) for c in wrong] == [("calls", 1)]
    with pytest.raises(ConfigError, match="--resume"):
        target.require_current()
    assert move(source, target, is_resumed=True).is_equal
    for engine in (source, running):
        engine.close()


# --- as a command ----------------------------------------------------------------------------------------


def run(*arguments: str, **environ: str):
    return CliRunner().invoke(app, list(arguments), env=environ)


def test_the_command_prints_the_comparison(filled, target_url, target):
    """Counts and sums of both sides beside each other, and no password."""
    arguments = ("move", "--from", f"sqlite:///{filled}", "--to", "env:NARU_TARGET")
    result = run(*arguments, NARU_TARGET=target_url)
    assert result.exit_code == 0, result.output
    lines = {line.split("  ")[0].strip(): line.split() for line in result.stdout.splitlines() if line}
    assert lines["calls rows"][-2:] == ["2,000", "2,000"]
    assert any(line.strip().startswith("cost_nano_usd") for line in result.stdout.splitlines())
    assert "calls" in result.stderr
    assert PASSWORD not in result.output
    assert "DIFFERS" not in result.stdout
    again = run(*arguments, NARU_TARGET=target_url)
    assert again.exit_code != 0
    assert "not empty" in str(again.exception)
    target.require_current()


def test_the_command_speaks_json(filled, target_url):
    """For scripts: every table with both tallies."""
    result = run("move", "--from", f"sqlite:///{filled}", "--to", target_url, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["is_equal"]
    assert {"table": "calls", "is_equal": True}.items() <= next(
        t for t in said["tables"] if t["table"] == "calls"
    ).items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "sqlite:///nowhere.db", "--to", "sqlite:///b.db"], "no such file"),
        (["--from", "mysql://a", "--to", "sqlite:///b.db"], "neither sqlite:///PATH nor postgresql://"),
        (["--from", "env:NARU_NOT_SET", "--to", "sqlite:///b.db"], "not set"),
    ],
)
def test_a_wrong_address_is_explained(arguments, said, tmp_path, monkeypatch):
    """Before anything is made."""
    monkeypatch.chdir(tmp_path)
    assert said in str(run("move", *arguments).exception)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_move_goes_on(filled, target_url, target):
    """kill -9 in the middle; the same command with --resume makes it whole."""
    command = [sys.executable, "-m", "naru", "database", "move", "--from", f"sqlite:///{filled}", "--to"]
    environ = os.environ | {"NARU_TARGET": target_url}
    with subprocess.Popen([*command, "env:NARU_TARGET"], env=environ, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.split()[:2] == [b"calls", b"1,000"]:
                break
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    with pytest.raises(ConfigError, match="--resume"):
        target.require_current()
    done = subprocess.run(
        [*command, "env:NARU_TARGET", "--resume"], env=environ, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    target.require_current()
    assert target.count_rows()["attempts"] == CALLS


def test_a_source_that_goes_away_is_unavailable(source, target):
    """The disk refuses in the middle: said so, and the target waits for --resume."""

    def fail(table: str, done: int, total: int) -> None:
        if table == "calls":
            raise DatabaseUnavailable("gone")

    with pytest.raises(DatabaseUnavailable):
        move(source, target, on_progress=fail)
    assert move(source, target, is_resumed=True).is_equal


def config_for(tmp_path, url: str | None, more: str = "") -> list[str]:
    path = tmp_path / "naru.toml"
    database = "" if url is None else f'[database]\nurl = "{url}"\n'
    path.write_text(f'{database}{more}\n[providers.p]\nkind = "openai"\napi_key_env = "NOT_SET_HERE"\n')
    return ["--config", str(path), "--home", str(tmp_path)]


def test_info_needs_no_providers_key(filled, tmp_path):
    """An administrator's shell has the database's address and not the providers' keys."""
    home = tmp_path
    (home / FILE_NAME).write_bytes(filled.read_bytes())
    said = json.loads(run("info", *config_for(tmp_path, None), "--json").stdout)
    assert said["kind"] == "sqlite"
    assert said["rows"]["calls"] == CALLS
    assert said["step"] == open_url(f"sqlite:///{home / FILE_NAME}").read_step()


def test_a_home_without_a_database_stays_without(tmp_path):
    """Looking makes nothing."""
    for command in ("info", "check"):
        result = run(command, *config_for(tmp_path, None))
        assert result.exit_code != 0
        assert "no database here yet" in f"{result.output}{result.exception}"
    assert [path.name for path in tmp_path.iterdir()] == ["naru.toml"]


@pytest.mark.service
def test_check_tells_what_replicas_need(postgres_server, redis_server, tmp_path):
    """A line for each thing that must be so, and exit 1 when one is not."""
    url = postgres_server.create_database()
    engine = open_url(url)
    engine.migrate()
    redis = f'[redis]\nurl = "{redis_server.url}"\n'
    result = run("check", *config_for(tmp_path, url, redis))
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * 4
    assert PASSWORD not in result.output
    broken = run("check", *config_for(tmp_path, url, redis.replace(PASSWORD, "wrong-and-secret")))
    assert broken.exit_code == 1
    assert "fail  Redis cannot be used (AuthenticationError)" in broken.stdout
    assert "wrong-and-secret" not in broken.output
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    engine.close()
    behind = run("check", *config_for(tmp_path, url))
    assert behind.exit_code == 1
    assert "older Naru" in behind.stdout
