"""The writer keeps every row of an admitted call, whatever the disk does; the road never waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.metering import LedgerReader, LedgerWriter
from naru.metering.tables import attempts, calls
from naru.settings.model import Ledger

DAY_NS = 86_400 * 1_000_000_000
on_sqlite = pytest.mark.parametrize("open_engine", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize(
    "open_engine", [pytest.param("postgresql", marks=pytest.mark.service)], indirect=True
)


def writer_of(engine, **settings) -> LedgerWriter:
    return LedgerWriter(engine, Ledger(**settings), FrozenClock())


def count(engine, table=calls) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


async def test_a_normal_stop_loses_no_row(engine, make_call, make_attempt):
    """20,000 calls recorded at once and then stop(): each is there, with each of its attempts."""
    writer = writer_of(engine)
    writer.start()
    tries = (make_attempt(1, status="error"), make_attempt(2))
    for number in range(20_000):
        writer.record(make_call(number, attempts=tries if number % 4 == 0 else tries[1:]))
    assert await writer.stop() == 0
    assert (writer.written, writer.pending, writer.failures) == (20_000, 0, 0)
    assert count(engine) == 20_000
    assert count(engine, attempts) == 25_000


async def test_flush_waits_for_what_was_recorded_before_it(engine, make_call):
    """After flush() a reader sees the call, however long the flush interval is."""
    writer = writer_of(engine, flush_interval_s=3600)
    writer.start()
    reader = LedgerReader(engine)
    for number in range(3):
        call = make_call(number)
        writer.record(call)
        async with asyncio.timeout(10):
            await writer.flush()
        assert reader.find_call(call.id) == call
    async with asyncio.timeout(10):
        await writer.flush()  # with nothing to wait for it returns at once
    assert await writer.stop() == 0


async def test_rows_appear_without_flush_or_stop(engine, make_call, wait_for_count):
    """A single call is written after the flush interval, without more calls pushing it out."""
    writer = writer_of(engine, flush_interval_s=0.01)
    writer.start()
    writer.record(make_call())
    await asyncio.to_thread(wait_for_count, 1)
    assert await writer.stop() == 0


async def test_the_same_call_twice_is_one_row(engine, make_call):
    """Recording is idempotent by id: a batch that is tried again cannot count money twice."""
    writer = writer_of(engine)
    writer.start()
    for _ in range(3):
        writer.record(make_call(7))
        await writer.flush()
    assert await writer.stop() == 0
    assert (count(engine), count(engine, attempts)) == (1, 1)


@on_sqlite
async def test_a_locked_database_delays_and_loses_nothing(engine, make_call, ledger_log, tmp_path):
    """Another process holds the write lock: rows wait, the fault is logged once, and all land afterwards."""
    writer = writer_of(engine, flush_interval_s=0.001)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer.start()
    for number in range(50):
        writer.record(make_call(number, user="confidential-name"))
    await asyncio.to_thread(ledger_log.wait_for, "cannot be written")
    assert writer.is_failing
    assert writer.pending == 50
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(20):
        await writer.flush()
    assert count(engine) == 50
    assert not writer.is_failing
    assert writer.failures >= 1
    assert await writer.stop() == 0
    faults = [m for m in ledger_log.messages if "cannot be written" in m]
    assert len(faults) == 1
    assert "confidential-name" not in "".join(ledger_log.messages)


@on_postgres
async def test_a_server_that_is_gone_delays_and_loses_nothing(engine, make_call, ledger_log, postgres_server):
    """PostgreSQL is stopped and comes back: rows wait, the fault is logged once, and all land afterwards."""
    writer = writer_of(engine, flush_interval_s=0.001)
    writer.start()
    writer.record(make_call(1_000))
    await writer.flush()
    await asyncio.to_thread(postgres_server.stop)
    try:
        for number in range(50):
            writer.record(make_call(number, user="confidential-name"))
        await asyncio.to_thread(ledger_log.wait_for, "cannot be written")
        assert writer.is_failing
        assert writer.pending == 50
    finally:
        await asyncio.to_thread(postgres_server.start)
    async with asyncio.timeout(30):
        await writer.flush()
    assert count(engine) == 51
    assert writer.unwritable == 0
    assert await writer.stop() == 0
    faults = [m for m in ledger_log.messages if "cannot be written" in m]
    assert faults == ["the ledger cannot be written (ConnectFailed); rows are kept and retried"]


@on_postgres
async def test_a_table_that_may_not_be_written_loses_nothing(engine, make_call, ledger_log, postgres_server):
    """What an administrator can mend (rights, a failover's read-only server) delays rows and drops none."""
    writer = writer_of(engine, flush_interval_s=0.001)
    writer.start()
    name = engine.place.rpartition("/")[2]
    postgres_server.execute("ALTER TABLE attempts RENAME TO put_away", database=name)
    for number in range(5):
        writer.record(make_call(number))
    await asyncio.to_thread(ledger_log.wait_for, "cannot be written")
    postgres_server.execute("ALTER TABLE put_away RENAME TO attempts", database=name)
    async with asyncio.timeout(20):
        await writer.flush()
    assert (count(engine), count(engine, attempts), writer.unwritable) == (5, 5, 0)
    assert await writer.stop() == 0


async def test_replicas_write_one_ledger(open_engine, engine, make_call):
    """Two writers on one database, and the same batch from both: each call is there once."""
    writers = [writer_of(open_engine(), flush_interval_s=0.001) for _ in range(2)]
    for writer in writers:
        writer.start()
    for number in range(3_000):
        for writer in writers:
            writer.record(make_call(number))
    assert [await writer.stop() for writer in writers] == [0, 0]
    assert (count(engine), count(engine, attempts)) == (3_000, 3_000)


@on_sqlite
async def test_a_full_disk_stops_admission_and_not_the_rows(engine, make_call, ledger_log):
    """When the database cannot grow, `is_full` turns true at the bound; with room again all is written."""
    writer = writer_of(engine, queue_size=1500, flush_interval_s=0.001)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    engine.sqlalchemy.dispose()
    limit = [pages + 2]

    def shrink(connection, _):
        connection.execute(f"PRAGMA max_page_count={limit[0]}")

    sa.event.listen(engine.sqlalchemy, "connect", shrink)
    writer.start()
    for number in range(1499):
        writer.record(make_call(number))
    await asyncio.to_thread(ledger_log.wait_for, "cannot be written")
    assert not writer.is_full
    writer.record(make_call(1499))
    assert writer.is_full
    limit[0] = 1_000_000
    engine.sqlalchemy.dispose()
    async with asyncio.timeout(30):
        await writer.flush()
    assert not writer.is_full
    assert count(engine) == 1500
    assert await writer.stop() == 0


@on_sqlite
async def test_a_stop_that_cannot_write_says_how_many_are_lost(engine, make_call, ledger_log, tmp_path):
    """stop() does not hang on a dead disk: it gives up after its timeout and reports the number."""
    writer = writer_of(engine)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer.start()
    for number in range(5):
        writer.record(make_call(number))
    assert await writer.stop(timeout_s=0.2) == 5
    other.close()
    assert any("5 calls are lost" in m for m in ledger_log.messages)


@pytest.mark.parametrize(
    "strange",
    [{"user": "\ud800"}, {"model_asked": "m\x00m"}, {"tags": {"k": "\udfff"}}, {"masked_count": 2**70}],
    ids=["surrogate", "nul", "tag", "number"],
)
async def test_what_no_database_takes_does_not_stop_the_ledger(engine, make_call, strange):
    """One call with a value that cannot be stored keeps its row, and the rows beside it."""
    writer = writer_of(engine)
    writer.start()
    for number, changes in enumerate(({}, strange, {})):
        writer.record(make_call(number, **changes))
    assert await writer.stop(timeout_s=10) == 0
    assert count(engine) == 3


async def test_a_call_that_is_wrong_in_itself_is_named_and_passed_over(engine, make_call, ledger_log):
    """A fault of ours in one call is logged by id, and every other call is still written."""
    writer = writer_of(engine)
    writer.start()
    for number, changes in enumerate(({}, {"endpoint": None}, {})):
        writer.record(make_call(number, **changes))
    assert await writer.stop(timeout_s=10) == 0
    assert count(engine) == 2
    assert writer.unwritable == 1
    assert any("req_00000001" in m for m in ledger_log.messages)


async def test_a_name_as_long_as_a_body_is_cut(engine, make_call):
    """A client's 20 MB model name does not become a 20 MB row."""
    writer = writer_of(engine)
    writer.start()
    writer.record(make_call(1, model_asked="m" * 20_000_000, user="u" * 5_000))
    assert await writer.stop() == 0
    found = LedgerReader(engine).find_call("req_00000001")
    assert found is not None
    assert len(found.model_asked or "") == 512
    assert len(found.user or "") == 512


async def test_old_rows_are_deleted_and_new_ones_stay(engine, make_call, wait_for_count):
    """Retention removes calls past their days, with their attempts, though calls keep coming."""
    clock = FrozenClock()
    writer = LedgerWriter(engine, Ledger(retention_days=30), clock)
    now_ns = clock.now_ns()
    for number in range(1_200):
        writer.record(make_call(number, started_at_ns=now_ns - 31 * DAY_NS))
    writer.record(make_call(5_000, started_at_ns=now_ns - 29 * DAY_NS))
    writer.start()
    await asyncio.to_thread(wait_for_count, 1)
    assert count(engine, attempts) == 1
    assert await writer.stop() == 0


async def test_a_stopped_writer_can_start_again(engine, make_call):
    """stop() leaves nothing behind that a second start() trips over."""
    writer = writer_of(engine)
    for number in range(2):
        writer.start()
        writer.record(make_call(number))
        assert await writer.stop() == 0
    assert count(engine) == 2
    assert not [t for t in threading.enumerate() if t.name == "naru-ledger"]


_PROGRAM = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
from conftest import new_call
from naru.engines.sql.sqlite import SqliteEngine
from naru.kernel.clock import SystemClock
from naru.metering import LedgerWriter
from naru.settings.model import Ledger
engine = SqliteEngine(pathlib.Path(sys.argv[1]))
engine.migrate()
writer = LedgerWriter(engine, Ledger(queue_size=10**9), SystemClock())
writer.start()
n = 0
while n < int(sys.argv[3]):
    writer.record(new_call(n))
    n += 1
    if n == 3000:
        while writer.written < 1000: pass
        print("some are written", flush=True)
"""


def _run(path, total: int) -> subprocess.Popen[bytes]:
    here = os.path.dirname(__file__)  # noqa: PTH120  goes to a child as plain text
    command = [sys.executable, "-c", _PROGRAM, str(path), here, str(total)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_a_killed_process_leaves_whole_calls(tmp_path):
    """After SIGKILL the file opens, passes SQLite's own check, and no call is there without its attempt."""
    path = tmp_path / FILE_NAME
    with _run(path, 10**9) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"some are written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    engine = SqliteEngine(path)
    engine.require_current()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert count(engine) == count(engine, attempts) >= 1000
    engine.close()


def test_a_program_that_ends_without_stop_still_writes(tmp_path):
    """A process that forgets stop() neither loses rows nor hangs at its end."""
    path = tmp_path / FILE_NAME
    with _run(path, 4_000) as process:
        process.communicate(timeout=30)
        assert process.returncode == 0
    engine = SqliteEngine(path)
    assert count(engine) == 4_000
    engine.close()
