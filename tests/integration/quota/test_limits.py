"""Limits on the road: refused as OpenAI refuses, and slots come back however a call ends."""

from __future__ import annotations

import asyncio

from naru.quota import Limit, Scope
from tests.integration.quota.conftest import BODY
from tests.integration.quota.test_races import fire


async def set_limit(naru, **bounds) -> None:
    limit = Limit(scope=Scope("key", "admin"), **bounds)
    await asyncio.to_thread(naru.app._budgets.set_limit, limit, actor="test")
    await naru.app._quota.report()


async def test_requests_beyond_the_limit_are_told_when_to_come_again(launch, http):
    """429 with Retry-After and the six headers; the first answers carry them too."""
    naru = await launch()
    await set_limit(naru, requests_per_minute=2, tokens_per_minute=100_000)
    for left in (b"1", b"0"):
        async with http.post(f"{naru.base}/v1/chat/completions", json=BODY, headers=naru.headers) as answer:
            assert answer.status == 200
            assert answer.headers["x-ratelimit-remaining-requests"] == left.decode()
    async with http.post(f"{naru.base}/v1/chat/completions", json=BODY, headers=naru.headers) as answer:
        assert answer.status == 429
        assert (await answer.json())["error"]["code"] == "rate_limit_exceeded"
        assert 25 <= int(answer.headers["retry-after"]) <= 30
        assert "x-should-retry" not in answer.headers
        assert answer.headers["x-ratelimit-limit-requests"] == "2"
        assert int(answer.headers["x-ratelimit-remaining-tokens"]) < 100_000


async def test_slots_come_back_from_answers_errors_and_clients_that_leave(launch, upstream):
    """Never more than the limit at once, and all of them free afterwards."""
    naru = await launch()
    await set_limit(naru, concurrent_calls=3)
    upstream.script(output_tokens=10, delay_headers_ms=300)
    statuses = await fire(naru, 10, BODY)
    assert (statuses.count(200), statuses.count(429)) == (3, 7)
    upstream.script(error_status=500)
    assert set(await fire(naru, 3, BODY)) == {502}
    upstream.script(delay_headers_ms=60_000)
    leaving = asyncio.create_task(fire(naru, 3, BODY))
    await upstream.wait_active(3)
    leaving.cancel()
    await upstream.wait_aborted(3)
    upstream.script(output_tokens=10)
    async with asyncio.timeout(5):
        while await fire(naru, 3, BODY) != [200] * 3:  # noqa: ASYNC110 - the leaving is seen by the server
            await asyncio.sleep(0.02)
