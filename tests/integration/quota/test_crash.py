"""kill -9 at any moment: no spending is lost and none counted twice, and replicas share a budget exactly."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.audit import NoAudit
from naru.kernel.clock import SystemClock
from naru.metering import LedgerReader
from naru.quota import BudgetBook
from naru.testing.upstream import Script
from tests.integration.quota.conftest import BODY, CONFIG, COST, TOKENS, new_budget
from tests.integration.quota.test_races import fire

SLOW = Script(output_tokens=TOKENS, delay_headers_ms=60_000)


class Process:
    """A `naru up` of its own, and how to call it."""

    def __init__(self, process, port: int, key: str) -> None:
        self.process = process
        self.base = f"http://127.0.0.1:{port}"
        self.headers = {"authorization": f"Bearer {key}"}

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@asynccontextmanager
async def spawned(folder: Path, home: Path, config: str):
    path = folder / "naru.toml"
    path.write_text(config)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "naru", "up", "--config", path, "--home", home, "--port", str(port)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    assert process.returncode is None, "naru up ended"
                await asyncio.sleep(0.02)
        yield Process(process, port, (home / "admin.key").read_text().strip())
    finally:
        if process.returncode is None:
            process.terminate()
            assert await process.wait() == 0, "a stop in good order"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def book(home):
    """The administration of the same database, in this process; what others see within a second."""
    engine = SqliteEngine(home / FILE_NAME)
    engine.migrate()
    book = BudgetBook(engine, SystemClock(), NoAudit())
    book.engine = engine
    yield book
    engine.close()


def read_calls(book):
    return LedgerReader(book.engine).list_calls(limit=2000)


async def wait_for(condition, what: str):
    async with asyncio.timeout(10):
        while not (found := condition()):  # noqa: ASYNC110 - what other processes do has no event here
            await asyncio.sleep(0.02)
    assert found, what
    return found


@pytest.mark.parametrize(
    "is_stream", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["whole", "stream"]
)
async def test_killed_in_the_middle_of_calls(tmp_path, home, book, upstream, broken, is_stream):
    """Each call in flight at kill -9 is in the ledger as unknown, with its reserved amount counted as spent;
    what is left pays for exactly so many calls more."""
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=0)
    id = book.create_budget(new_budget(100 * COST), actor="test").id
    body = {**BODY, "stream": is_stream}
    upstream.script(output_tokens=TOKENS)
    async with spawned(tmp_path, home, config) as naru:
        assert await fire(naru, 20, body) == [200] * 20
        upstream.script(SLOW)
        hanging = asyncio.create_task(fire(naru, 30, body))
        await wait_for(lambda: len(upstream.requests) == 50, "all calls are at the upstream")
        await naru.kill()
        with pytest.raises(aiohttp.ClientError):
            await hanging
    upstream.script(output_tokens=TOKENS)
    async with spawned(tmp_path, home, config) as naru:
        calls = read_calls(book)
        unknown = [call for call in calls if call.status == "unknown"]
        assert len(unknown) == 30
        assert {(call.cost.state, call.cost.nano_usd) for call in unknown} == {("unknown", COST)}
        assert len([call for call in calls if call.status == "ok"]) == 20
        standing = book.read_budget(id)
        assert (standing.window.spent_nano, standing.window.unknown_nano) == (50 * COST, 30 * COST)
        assert (standing.reserved_nano, standing.left_nano) == (0, 50 * COST)
        statuses = await fire(naru, 200, body)
        assert (statuses.count(200), statuses.count(429)) == (50, 150)
    assert book.read_budget(id).window.spent_nano == 100 * COST
    assert list((home / "journal").iterdir()) == [], "a stop in good order leaves no journal"


@pytest.mark.slow
async def test_killed_in_the_middle_of_a_race(tmp_path, home, book, upstream, broken):
    """A thousand calls, a kill at some point, and the rest: the upstream never serves more than 100."""
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=1)
    id = book.create_budget(new_budget(100 * COST), actor="test").id
    upstream.script(output_tokens=TOKENS, delay_headers_ms=30)
    async with spawned(tmp_path, home, config) as naru:
        racing = asyncio.create_task(fire(naru, 500, BODY))
        await wait_for(lambda: len(upstream.requests) >= 20, "calls are under way")
        await naru.kill()
        await asyncio.gather(racing, return_exceptions=True)
    async with spawned(tmp_path, home, config) as naru:
        await fire(naru, 500, BODY)
    assert len(upstream.requests) <= 100
    standing = book.read_budget(id)
    calls = read_calls(book)
    assert standing.window.spent_nano == sum(call.cost.nano_usd or 0 for call in calls) == 100 * COST
    assert (standing.reserved_nano, standing.left_nano) == (0, 0)


async def test_two_processes_share_one_budget(tmp_path, home, book, upstream, broken):
    """On one database, 1,000 calls at two processes: exactly 100 are paid for, whoever got them."""
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=0)
    id = book.create_budget(new_budget(100 * COST), actor="test").id
    upstream.script(output_tokens=TOKENS)
    async with spawned(tmp_path, home, config) as one, spawned(tmp_path, home, config) as other:
        statuses = await asyncio.gather(fire(one, 500, BODY), fire(other, 500, BODY))
    served = statuses[0].count(200) + statuses[1].count(200)
    assert served == len(upstream.requests) == 100
    standing = book.read_budget(id)
    assert (standing.window.spent_nano, standing.reserved_nano, standing.left_nano) == (100 * COST, 0, 0)


@pytest.mark.slow
async def test_a_survivor_returns_the_lease_of_the_dead(tmp_path, home, book, upstream, broken):
    """On a shared home the other process settles for the killed one, once its lease has run out."""
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=0) + "\n[quota]\nlease_ttl_s = 2\n"
    id = book.create_budget(new_budget(100 * COST), actor="test").id
    async with spawned(tmp_path, home, config) as survivor, spawned(tmp_path, home, config) as victim:
        upstream.script(SLOW)
        hanging = asyncio.create_task(fire(victim, 10, BODY))
        await wait_for(lambda: len(upstream.requests) == 10, "all calls are at the upstream")
        await victim.kill()
        await asyncio.gather(hanging, return_exceptions=True)
        await wait_for(lambda: book.read_budget(id).window.unknown_nano == 10 * COST, "the lease came back")
        standing = book.read_budget(id)
        assert (standing.window.spent_nano, standing.left_nano) == (10 * COST, 90 * COST)
        upstream.script(output_tokens=TOKENS)
        statuses = await fire(survivor, 200, BODY)
        assert statuses.count(200) == 90
        assert [call.status for call in read_calls(book)].count("unknown") == 10


@pytest.mark.service
async def test_two_replicas_on_postgresql(tmp_path, postgres_server, upstream, broken):
    """Two homes, one database: 1,000 calls with retries at both, one replica killed in the middle, and no
    more than 100 are ever paid for; started again it settles what it held, and everything adds up."""
    from naru.engines.sql.postgres import PostgresEngine

    url = postgres_server.create_database()
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=1) + (
        f'\n[quota]\nlease_ttl_s = 4\n\n[database]\nurl_file = "{tmp_path / "url"}"\n'
    )
    (tmp_path / "url").write_text(url)
    engine = PostgresEngine(url)
    engine.migrate()
    book = BudgetBook(engine, SystemClock(), NoAudit())
    id = book.create_budget(new_budget(100 * COST), actor="test").id
    upstream.script(output_tokens=TOKENS, delay_headers_ms=20)
    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    async with spawned(homes[0], homes[0] / "home", config) as one:
        async with spawned(homes[1], homes[1] / "home", config) as other:
            racing = [asyncio.create_task(fire(naru, 500, BODY)) for naru in (one, other)]
            await wait_for(lambda: len(upstream.requests) >= 30, "both are under way")
            await other.kill()
            await asyncio.gather(*racing, return_exceptions=True)
        assert len(upstream.requests) <= 100
        async with spawned(homes[1], homes[1] / "home", config) as other:
            await asyncio.gather(fire(one, 200, BODY), fire(other, 200, BODY))
    assert len(upstream.requests) <= 100
    standing = book.read_budget(id)
    spent = sum(call.cost.nano_usd or 0 for call in LedgerReader(engine).list_calls(limit=5000))
    assert standing.window.spent_nano == spent == 100 * COST
    assert (standing.reserved_nano, standing.left_nano) == (0, 0)
    engine.close()


@pytest.mark.service
async def test_two_replicas_on_postgresql_pay_for_exactly_a_hundred(
    tmp_path, postgres_server, upstream, broken
):
    """Nobody dies: exactly 100 of 1,000, streamed and whole."""
    from naru.engines.sql.postgres import PostgresEngine

    url = postgres_server.create_database()
    (tmp_path / "url").write_text(url)
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=0) + (
        f'\n[database]\nurl_file = "{tmp_path / "url"}"\n'
    )
    engine = PostgresEngine(url)
    engine.migrate()
    book = BudgetBook(engine, SystemClock(), NoAudit())
    id = book.create_budget(new_budget(100 * COST), actor="test").id
    upstream.script(output_tokens=TOKENS)
    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    async with (
        spawned(homes[0], homes[0] / "home", config) as one,
        spawned(homes[1], homes[1] / "home", config) as other,
    ):
        statuses = await asyncio.gather(fire(one, 500, BODY), fire(other, 500, {**BODY, "stream": True}))
    assert statuses[0].count(200) + statuses[1].count(200) == len(upstream.requests) == 100
    standing = book.read_budget(id)
    assert (standing.window.spent_nano, standing.left_nano) == (100 * COST, 0)
    engine.close()
