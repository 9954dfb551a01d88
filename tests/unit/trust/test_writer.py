"""The writer's thread: bounded, never in anybody's way, and one bad job does not take others with it."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.trust.writer import Job, TrustWriter

TABLE = sa.table("notes", sa.column("text"))


@pytest.fixture
def engine(tmp_path):
    engine = SqliteEngine(tmp_path / FILE_NAME)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (text TEXT UNIQUE)")
    yield engine
    engine.close()


@pytest.fixture
async def writer(engine):
    writer = TrustWriter(engine, max_jobs=50, max_bytes=1000)
    writer.start()
    yield writer
    await writer.stop()


def note(text: str, **more) -> Job:
    return Job(write=lambda connection: connection.execute(sa.insert(TABLE).values(text=text)), **more)


def texts(engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(sa.select(TABLE.c.text)).scalars())


async def test_jobs_are_written_and_told_so(engine, writer):
    ends = []
    for n in range(20):
        assert writer.submit(note(str(n), on_end=ends.append))
    assert writer.flush()
    assert texts(engine) == {str(n) for n in range(20)}
    assert ends == [True] * 20


async def test_a_job_that_fails_takes_no_other_with_it(engine, writer, caplog):
    """A full stop of one, by the database or by itself; nothing of its text is logged."""
    ends = {}

    def fail(_):
        raise ValueError("김민수")

    gate = threading.Event()
    writer.submit(Job(write=lambda _: gate.wait(5)))
    writer.submit(note("a", on_end=lambda ok: ends.update(a=ok)))
    writer.submit(note("a", on_end=lambda ok: ends.update(twice=ok)))
    writer.submit(Job(write=fail, on_end=lambda ok: ends.update(fault=ok)))
    writer.submit(
        Job(write=lambda _: None, prepare=lambda: fail(None), on_end=lambda ok: ends.update(bad=ok))
    )
    writer.submit(note("b", on_end=lambda ok: ends.update(b=ok)))
    gate.set()
    assert writer.flush()
    assert texts(engine) == {"a", "b"}
    assert ends == {"a": True, "twice": False, "fault": False, "bad": False, "b": True}
    assert writer.dropped == 3
    assert "김민수" not in caplog.text


async def test_what_finds_no_place_is_refused_at_once(writer):
    gate = threading.Event()
    writer.submit(Job(write=lambda _: gate.wait(5)))
    assert not writer.submit(note("large", size=1001))
    taken = [writer.submit(note(str(n))) for n in range(60)]
    assert 48 <= sum(taken) <= 51
    assert writer.dropped == 61 - sum(taken)
    gate.set()
    assert writer.flush()


async def test_nothing_is_taken_before_the_start_or_after_the_end(engine):
    writer = TrustWriter(engine)
    assert not writer.submit(note("early"))
    writer.start()
    assert writer.submit(note("in time"))
    await writer.stop()
    assert not writer.submit(note("late"))
    assert texts(engine) == {"in time"}


async def test_sweeps_run_by_themselves_and_one_that_fails_runs_again(engine):
    runs = []
    done = threading.Event()

    def sweep():
        runs.append(1)
        if len(runs) == 1:
            raise OSError("gone")
        done.set()

    writer = TrustWriter(engine, sweeps=(sweep,), sweep_s=0.01)
    writer.start()
    assert done.wait(5)
    await writer.stop()
