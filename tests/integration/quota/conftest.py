"""A Naru whose models cost a round sum: nothing for input, one micro-USD for each token of output."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from naru.quota import Budget, Scope
from naru.testing.upstream import Script, Upstream
from tests.integration.conftest import Naru

CONFIG = """
[local]
enabled = false

[resilience]
max_retries = {retries}
retry_base_s = 0.001
retry_max_s = 0.01
breaker_failures = 100000
first_token_timeout_s = 20
total_timeout_s = 30

[providers.first]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "sk-x"
vendor = "round"
models = ["*"]
max_connections = 200

[providers.second]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "sk-x"
vendor = "round"
models = ["*"]

[providers.broken]
kind = "openai-compatible"
base_url = "{broken}/v1"
api_key = "sk-x"
vendor = "round"
models = ["*"]

[providers.nobody]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "sk-x"
models = ["*"]

[providers.free]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "sk-x"
vendor = "local"
models = ["*"]

[models.chain]
targets = ["broken/round", "second/round"]

[[prices]]
vendor = "round"
model = "*"
valid_from = 2025-01-01
input = 0
output = 1

[[prices]]
vendor = "round"
model = "embedder"
valid_from = 2025-01-01
input = 1
output = 0
"""

TOKENS = 10
COST = TOKENS * 1000
"""What one call of ten tokens costs, in nano-USD."""
BODY = {"model": "first/round", "max_tokens": TOKENS, "messages": [{"role": "user", "content": "hello"}]}


def new_budget(nano: int, **changes) -> Budget:
    fields = {
        "id": "",
        "scope": Scope("key", "admin"),
        "name": "",
        "period": "day",
        "time_zone": "Asia/Seoul",
        "amount": Decimal(nano) / 10**9,
        "currency": "USD",
    }
    return Budget(**(fields | changes))


async def add_budget(naru: Naru, nano: int, **changes) -> str:
    """Create a budget and wait until the road knows it."""
    book = naru.app._budgets
    budget = await asyncio.to_thread(book.create_budget, new_budget(nano, **changes), actor="test")
    await naru.app._quota.report()
    return budget.id


async def read_standing(naru: Naru, id: str):
    await naru.app._quota.report()
    return await asyncio.to_thread(naru.app._budgets.read_budget, id)


@pytest.fixture
async def broken():
    """Takes every request and hangs up without an answer."""
    async with Upstream(Script(reset_at_byte=-1)) as broken:
        yield broken


@pytest.fixture
async def launch(start, upstream, broken):
    """Starts a Naru in front of the scripted upstreams."""

    async def launch(retries: int = 0) -> Naru:
        upstream.script(output_tokens=TOKENS)
        return await start(CONFIG.format(url=upstream.url, broken=broken.url, retries=retries))

    return launch
