"""A whole Naru on a real socket, in front of a real scripted upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import anthropic
import openai
import pytest

from naru.app import App
from naru.engines.sql.sqlite import FILE_NAME
from naru.metering import Call, LedgerReader
from naru.server import bind, new_server
from naru.settings import load
from naru.testing.upstream import Upstream
from tests.databases import place

CONFIG = """
[local]
enabled = false

[resilience]
retry_base_s = 0.01
retry_max_s = 0.5
first_token_timeout_s = 5
idle_timeout_s = 5
total_timeout_s = 10

[providers.openai]
kind = "openai"
base_url = "{url}/v1"
api_key = "sk-upstream-secret-0123456789"
models = ["*"]

[providers.compatible]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "sk-upstream-secret-0123456789"
models = ["*"]

[providers.azure]
kind = "azure"
base_url = "{url}"
api_version = "2024-10-21"
api_key = "azure-upstream-secret-0123456789"
models = ["*"]

[providers.anthropic]
kind = "anthropic"
base_url = "{url}"
api_key = "sk-ant-upstream-secret-0123456789"
models = ["*"]

[providers.gemini]
kind = "gemini"
base_url = "{url}/v1beta"
api_key = "AIza-upstream-secret-0123456789"
models = ["*"]

[providers.bedrock]
kind = "bedrock"
base_url = "{url}"
region = "us-east-1"
api_key = "bedrock-upstream-secret-0123456789"
models = ["*"]
"""

PROVIDERS = ("openai", "compatible", "azure", "anthropic", "gemini", "bedrock")


class Naru:
    """One running Naru and ways to use it."""

    def __init__(self, app: App, port: int, config_path: Path) -> None:
        self.app = app
        self.port = port
        self.config_path = config_path
        self.base = f"http://127.0.0.1:{port}"
        self.key = app.admin_key
        self.headers = {"authorization": f"Bearer {self.key}"}

    def openai(self, **options: object) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"{self.base}/v1", api_key=self.key, **{"max_retries": 0, "timeout": 15, **options}
        )

    def anthropic(self, **options: object) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(
            base_url=self.base, api_key=self.key, **{"max_retries": 0, "timeout": 15, **options}
        )

    async def calls(self) -> list[Call]:
        """Everything in the ledger, newest first, with attempts."""
        await self.app._ledger.flush()
        reader = LedgerReader(self.app._engine)
        calls = await asyncio.to_thread(reader.list_calls, limit=1000)
        return [await asyncio.to_thread(reader.find_call, call.id) for call in calls]

    async def wait_call(self, number: int = 1) -> Call:
        """The newest call once `number` are in the ledger; a stream is written when it has ended."""
        async with asyncio.timeout(10):
            while len(calls := await self.calls()) < number:  # noqa: ASYNC110 - the ledger is a thread
                await asyncio.sleep(0.01)
        return calls[0]


@asynccontextmanager
async def running(tmp_path: Path, config: str) -> AsyncIterator[Naru]:
    path = tmp_path / "naru.toml"
    path.write_text(config)
    home = tmp_path / "home"
    place(home / FILE_NAME)
    app = App(load(path, {}), home=home, config_path=path, environ={})
    await app.start()
    listener = bind("127.0.0.1", 0)
    server = new_server(app)
    # What `serve` does, without its signal handlers and its waits of a tenth of a second.
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([listener])
    try:
        yield Naru(app, listener.getsockname()[1], path)
    finally:
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
        await app.stop()
        listener.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[Naru]]]:
    """Starts a Naru on a configuration of the test's own."""
    async with AsyncExitStack() as stack:

        async def start(config: str) -> Naru:
            return await stack.enter_async_context(running(tmp_path, config))

        yield start


@pytest.fixture
async def naru(upstream: Upstream, tmp_path: Path) -> AsyncIterator[Naru]:
    async with running(tmp_path, CONFIG.format(url=upstream.url)) as naru:
        yield naru


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
