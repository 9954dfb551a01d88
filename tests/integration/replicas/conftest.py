"""Several Narus as operators run them: processes of `naru up`, one PostgreSQL, one Redis, a balancer."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import openai
import pytest

from naru.testing.upstream import Upstream
from tests.integration.replicas.balancer import Balancer
from tests.services import PostgresServer

CONFIG = """
[local]
enabled = false

[database]
url_env = "NARU_DATABASE_URL"

[redis]
url_env = "NARU_REDIS_URL"
prefix = "{prefix}"

[secrets]
folder = "{folder}"

[resilience]
retry_base_s = 0.01

[providers.scripted]
kind = "openai-compatible"
base_url = "{upstream}/v1"
models = ["*"]

[models.fast]
targets = ["scripted/gpt-4o"]
"""


class Replica:
    """One process of `naru up`, with a HOME of its own."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.port = 0

    async def read_port(self) -> None:
        async with asyncio.timeout(60):
            while line := await self.process.stdout.readline():
                if found := re.search(rb"http://127\.0\.0\.1:(\d+)", line):
                    self.port = int(found[1])
                    return
        raise AssertionError(f"it ended early: {self.log.read_text()}")

    def send(self, signal: signal.Signals) -> None:
        self.process.send_signal(signal)

    async def wait(self) -> int:
        async with asyncio.timeout(40):
            # Read to the end, or a full pipe would keep it from ending.
            await self.process.stdout.read()
            return await self.process.wait()


class Cluster:
    """The replicas and what stands behind them."""

    def __init__(self, folder: Path, server: PostgresServer, redis_url: str, upstream: Upstream) -> None:
        self.folder = folder
        self.database_url = database_url = server.create_database()
        self._server = server
        self.upstream = upstream
        self.config = folder / "naru.toml"
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        self.config.write_text(CONFIG.format(prefix=folder.name, folder=self.secrets, upstream=upstream.url))
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "NARU_DATABASE_URL": database_url,
            "NARU_REDIS_URL": redis_url,
        }
        self.replicas: list[Replica] = []

    async def start(self, number: int = 2) -> list[Replica]:
        """Further replicas, all at once, as an orchestrator does it."""
        new = []
        for _ in range(number):
            index = len(self.replicas)
            log = self.folder / f"replica-{index}.log"
            with log.open("wb") as file:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "naru", "up", "--port", "0", "--config", self.config,
                    "--home", self.folder / f"home-{index}",
                    cwd=self.folder, env=self.environ, stdout=asyncio.subprocess.PIPE, stderr=file,
                )  # fmt: skip
            self.replicas.append(Replica(process, log))
            new.append(self.replicas[-1])
        await asyncio.gather(*(replica.read_port() for replica in new))
        return new

    async def stop(self) -> None:
        for replica in self.replicas:
            if replica.process.returncode is None:
                replica.send(signal.SIGTERM)
        for replica in self.replicas:
            await replica.wait()

    @property
    def key(self) -> str:
        return (self.secrets / "admin.key").read_text().strip()

    def client(self, port: int, **options: object) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key=self.key, **{"timeout": 30, **options}
        )

    async def ledger(self) -> dict[str, str]:
        """Status of each call that is written, by id."""

        def read() -> dict[str, str]:
            database = self.database_url.rpartition("/")[2]
            return dict(self._server.execute("SELECT id, status FROM calls", database=database))

        return await asyncio.to_thread(read)

    async def wait_written(self, ids: set[str], *, timeout_s: float = 20) -> dict[str, str]:
        """The ledger, once it has these calls."""
        async with asyncio.timeout(timeout_s):
            while not ids <= (found := await self.ledger()).keys():  # noqa: ASYNC110 - other processes write
                await asyncio.sleep(0.05)
        return found


async def call(client: openai.AsyncOpenAI, *, is_stream: bool = False) -> str:
    """One call to its end; its id in the ledger."""
    ask = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}
    if is_stream:
        answer = await client.chat.completions.with_raw_response.create(**ask, stream=True)
        text = [chunk async for chunk in answer.parse()]
        assert text
    else:
        answer = await client.chat.completions.with_raw_response.create(**ask)
        assert answer.parse().choices[0].message.content
    return answer.headers["x-naru-request-id"]


async def until_stopped(client: openai.AsyncOpenAI, stop: asyncio.Event, ids: list[str]) -> None:
    """One call after the other; every second is a stream."""
    while not stop.is_set():
        ids.append(await call(client, is_stream=len(ids) % 2 == 1))


@pytest.fixture
async def cluster(tmp_path, postgres_server, redis_server) -> AsyncIterator[Cluster]:
    async with Upstream() as upstream:
        cluster = Cluster(tmp_path, postgres_server, redis_server.url, upstream)
        yield cluster
        await cluster.stop()


@pytest.fixture
async def balancer(cluster) -> AsyncIterator[Balancer]:
    """In front of two running replicas."""
    replicas = await cluster.start(2)
    async with Balancer([replica.port for replica in replicas]) as balancer:
        yield balancer


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A browser: it keeps cookies, of an address in numbers too."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session
