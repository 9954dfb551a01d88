"""However many calls come at once, a budget pays for what it pays for: overspend 0."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.integration.quota.conftest import BODY, COST, TOKENS, add_budget, read_standing


async def fire(naru, count: int, body, path: str = "/v1/chat/completions") -> list[int]:
    """`count` calls at once; their statuses."""
    connector = aiohttp.TCPConnector(limit=300)
    async with aiohttp.ClientSession(connector=connector, headers=naru.headers) as session:

        async def one() -> int:
            async with session.post(naru.base + path, json=body) as answer:
                await answer.read()
                return answer.status

        return await asyncio.gather(*(one() for _ in range(count)))


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_thousand_at_once_spend_exactly_what_there_is(launch, is_stream):
    """A budget for 100 of 1,000 concurrent calls lets exactly 100 pass."""
    naru = await launch()
    id = await add_budget(naru, 100 * COST)
    statuses = await fire(naru, 1000, {**BODY, "stream": is_stream})
    assert statuses.count(200) == 100
    assert statuses.count(429) == 900
    standing = await read_standing(naru, id)
    assert standing.window.spent_nano == 100 * COST
    assert (standing.reserved_nano, standing.left_nano, standing.window.overruns) == (0, 0, 0)
    calls = await naru.calls()
    assert sum(call.cost.nano_usd or 0 for call in calls) == 100 * COST


async def test_every_scope_of_a_call_is_held_to_or_none(launch):
    """Two budgets of one call, the smaller decides; nothing is spent in one without the other."""
    naru = await launch()
    large = await add_budget(naru, 80 * COST, name="large")
    small = await add_budget(naru, 30 * COST, period="month", name="small")
    statuses = await fire(naru, 200, BODY)
    assert statuses.count(200) == 30
    for id in (large, small):
        standing = await read_standing(naru, id)
        assert standing.window.spent_nano == 30 * COST
        assert standing.reserved_nano == 0


async def test_retries_and_fallbacks_are_paid_for_too(launch):
    """A failed attempt whose cost nobody knows keeps its money, and the next one reserves its own."""
    naru = await launch(retries=1)
    id = await add_budget(naru, 150 * COST)
    statuses = await fire(naru, 100, {**BODY, "model": "chain"})
    standing = await read_standing(naru, id)
    calls = await naru.calls()
    charged = sum(a.cost.nano_usd or 0 for call in calls for a in call.attempts)
    assert standing.window.spent_nano == charged <= 150 * COST
    assert standing.window.unknown_nano == sum(
        a.cost.nano_usd for call in calls for a in call.attempts if a.cost.state == "unknown"
    )
    assert 0 < statuses.count(200) <= 75
    assert set(statuses) <= {200, 429}


async def test_embeddings_are_paid_for(launch, upstream):
    """The same step for every route: input alone costs here."""
    naru = await launch()
    upstream.script(input_tokens=40)
    body = {"model": "first/embedder", "input": "x" * 40}
    size = len(b'{"model": "first/embedder", "input": "' + b"x" * 40 + b'"}')
    reserved = (size // 2 + 1) * 1000
    id = await add_budget(naru, reserved + 9 * 40_000)
    statuses = await fire(naru, 30, body, "/v1/embeddings")
    standing = await read_standing(naru, id)
    assert statuses.count(200) >= 5
    assert standing.window.spent_nano == statuses.count(200) * 40_000 <= reserved + 9 * 40_000


async def test_an_overrun_is_charged_and_counted(launch, upstream):
    """More tokens than were reserved are spent all the same, and seen."""
    naru = await launch()
    upstream.script(output_tokens=TOKENS * 5)
    id = await add_budget(naru, 100 * COST)
    assert await fire(naru, 1, BODY) == [200]
    standing = await read_standing(naru, id)
    assert standing.window.spent_nano == 5 * COST
    assert (standing.window.overrun_nano, standing.window.overruns) == (4 * COST, 1)
    assert standing.left_nano == 95 * COST


async def test_a_stop_says_whose_budget_and_when_it_renews(launch, http):
    """429 insufficient_quota, never to be retried by an SDK, and not a word on amounts."""
    naru = await launch()
    await add_budget(naru, COST // 2)
    async with http.post(f"{naru.base}/v1/chat/completions", json=BODY, headers=naru.headers) as answer:
        error = (await answer.json())["error"]
    assert answer.status == 429
    assert answer.headers["x-should-retry"] == "false"
    assert error["code"] == error["type"] == "insufficient_quota"
    assert "daily budget of this key" in error["message"]
    assert "T00:00:00+09:00" in error["message"]
    assert "5000" not in error["message"]
    assert "0.00" not in error["message"]


async def test_an_unpriced_model_is_refused_unless_allowed(launch, http):
    """Under a budget a model without a price is 403 `unpriced_model`; `allow` lets it pass."""
    naru = await launch()
    body = {**BODY, "model": "nobody/priced-this"}
    assert await fire(naru, 1, body) == [200]
    id = await add_budget(naru, 10 * COST, name="strict")
    async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=naru.headers) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "unpriced_model")
    await asyncio.to_thread(naru.app._budgets.delete_budget, id, actor="test")
    id = await add_budget(naru, 10 * COST, on_unpriced="allow")
    assert await fire(naru, 1, body) == [200]
    assert (await read_standing(naru, id)).window.spent_nano == 0


async def test_a_model_that_costs_nothing_goes_on_when_the_budget_is_spent(launch, upstream):
    """The machine's own models reserve 0."""
    naru = await launch()
    await add_budget(naru, COST)
    assert await fire(naru, 1, BODY) == [200]
    assert await fire(naru, 1, BODY) == [429]
    assert await fire(naru, 1, {**BODY, "model": "free/any"}) == [200]


async def test_no_budget_no_refusal(launch):
    """Without a budget nothing is held back (a fault others have had)."""
    naru = await launch()
    assert set(await fire(naru, 50, BODY)) == {200}
