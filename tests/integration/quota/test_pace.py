"""Limits through the whole of Naru: what clients are told, slots that come back, and two replicas."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import openai
import pytest

from naru.identity import ADMIN_KEY
from naru.quota import Limit, Scope
from tests.integration.quota.conftest import BODY, CONFIG
from tests.integration.quota.test_limits import set_limit
from tests.integration.quota.test_races import fire

SIX = {
    f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")
}
DURATION = re.compile(r"(\d+h)?(\d+m)?(\d+(\.\d+)?s)?|\d+ms")


async def test_every_answer_says_where_the_limits_stand(launch, http, upstream):
    """Whole, streamed, refused and failed ones: six headers in OpenAI's form, whose figures fit together."""
    naru = await launch()
    await set_limit(naru, requests_per_minute=60, tokens_per_minute=60_000)
    seen = []
    for script, body, status in (
        ({"output_tokens": 10}, BODY, 200),
        ({"output_tokens": 10}, {**BODY, "stream": True}, 200),
        ({"error_status": 500}, BODY, 502),
    ):
        upstream.script(**script)
        async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=naru.headers) as answer:
            await answer.read()
            assert answer.status == status
            assert set(answer.headers) & SIX == SIX
            assert DURATION.fullmatch(answer.headers["x-ratelimit-reset-requests"])
            assert DURATION.fullmatch(answer.headers["x-ratelimit-reset-tokens"])
            assert answer.headers["x-ratelimit-limit-requests"] == "60"
            assert answer.headers["x-ratelimit-limit-tokens"] == "60000"
            assert "retry-after" not in answer.headers
            seen.append(int(answer.headers["x-ratelimit-remaining-requests"]))
    assert seen == sorted(seen, reverse=True)
    assert 56 <= seen[-1] <= 58


async def test_the_sdk_waits_as_long_as_it_is_told_and_passes(launch):
    """A 429 of a limit is OpenAI's to its own SDK: it retries after `retry-after-ms`, and is let in."""
    naru = await launch()
    await set_limit(naru, requests_per_minute=120)
    client = openai.AsyncOpenAI(base_url=f"{naru.base}/v1", api_key=naru.key, max_retries=0, timeout=15)
    fields = {"model": BODY["model"], "max_tokens": 10, "messages": BODY["messages"]}
    async with client:
        async with asyncio.timeout(10):
            while True:
                try:
                    await client.chat.completions.create(**fields)
                except openai.RateLimitError as error:
                    refused = error
                    break
        assert refused.code == "rate_limit_exceeded"
        assert refused.response.headers["retry-after"] == "1"
        assert 0 < int(refused.response.headers["retry-after-ms"]) <= 500
        await client.with_options(max_retries=2).chat.completions.create(**fields)


async def test_tokens_hold_streams_and_embeddings_too(launch, upstream):
    """What a call says it may use is taken at once, and corrected when it ends; whichever its way."""
    naru = await launch()
    await set_limit(naru, tokens_per_minute=1_000)
    body = {**BODY, "max_tokens": 300, "stream": True}
    upstream.script(output_tokens=10, delay_headers_ms=200)
    statuses = await fire(naru, 6, body)
    assert (statuses.count(200), statuses.count(429)) == (3, 3), "while they run, each may use all it said"
    upstream.script(output_tokens=10)
    assert await fire(naru, 1, body) == [200], "they used ten each: the rest came back"
    embed = {"model": "first/embedder", "input": "x" * 3_000}
    assert 429 in await fire(naru, 3, embed, "/v1/embeddings")


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("how", ["leave", "break", "error", "refuse"])
async def test_no_ending_keeps_a_slot(launch, upstream, how, is_stream):
    """Clients that leave in the middle, upstreams that break off or fail, budgets that refuse: twenty times
    as many calls as slots, and afterwards every slot is free."""
    naru = await launch()
    await set_limit(naru, concurrent_calls=4)
    body = {**BODY, "stream": is_stream}
    if how == "leave":
        upstream.script(output_tokens=200, delay_headers_ms=100, delay_token_ms=20)
    elif how == "break":
        upstream.script(output_tokens=50, reset_at_byte=120)
    elif how == "error":
        upstream.script(error_status=503)
    else:
        body["model"] = "nobody/priced" if is_stream else "no-such-model"

    async def one(session) -> None:
        try:
            async with asyncio.timeout(0.05 if how == "leave" else 10):
                async with session.post(f"{naru.base}/v1/chat/completions", json=body) as answer:
                    await answer.read()
        except (TimeoutError, aiohttp.ClientError):
            pass

    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(connector=connector, headers=naru.headers) as session:
        await asyncio.gather(*(one(session) for _ in range(80)))
    async with asyncio.timeout(10):
        while naru.app._road.in_flight:  # noqa: ASYNC110 - the leaving is seen by the server
            await asyncio.sleep(0.01)
    (gate,) = naru.app._quota.limiter._gates.values()
    assert gate.leases == {}
    upstream.script(output_tokens=10)
    assert await fire(naru, 4, BODY) == [200] * 4


async def test_the_narrowest_of_key_team_and_project_holds(launch, http):
    """Three limits of one call; a refusal takes from none, and names whose it is."""
    naru = await launch()
    keys, units = naru.app._keys, naru.app._units

    def plant():
        team, _ = units.create(ADMIN_KEY, "team", "t")
        project, _ = units.create(ADMIN_KEY, "project", "p", parent=team.id)
        return team.id, project.id, keys.create(ADMIN_KEY, "k", project=project.id)

    team, project, made = await asyncio.to_thread(plant)
    for scope, bound in (
        (Scope("key", made.key.id), 50),
        (Scope("team", team), 3),
        (Scope("project", project), 9),
    ):
        limit = Limit(scope=scope, requests_per_minute=bound)
        await asyncio.to_thread(naru.app._budgets.set_limit, limit, actor="test")
    await naru.app._quota.report()
    headers = {"authorization": f"Bearer {made.secret}"}
    answers = []
    for _ in range(6):
        async with http.post(f"{naru.base}/v1/chat/completions", json=BODY, headers=headers) as answer:
            answers.append((answer.status, (await answer.json()).get("error", {}).get("message", "")))
            assert answer.headers["x-ratelimit-limit-requests"] == "3"
    assert [status for status, _ in answers] == [200] * 3 + [429] * 3
    assert "for this team" in answers[-1][1]
    gates = naru.app._quota.limiter._gates
    assert round(gates[Scope("key", made.key.id)].requests.level) in (47, 48)


async def test_two_replicas_never_pass_a_limit_together(tmp_path, upstream, broken):
    """A limit set while both run idle: from the first call on, both together let through what it says."""
    from contextlib import AsyncExitStack

    from tests.integration.conftest import running

    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=0)
    upstream.script(output_tokens=10, delay_headers_ms=1500)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(tmp_path, config))
        other = await stack.enter_async_context(running(tmp_path, config))
        limit = Limit(scope=Scope("key", "admin"), concurrent_calls=6, requests_per_minute=60)
        await asyncio.to_thread(one.app._budgets.set_limit, limit, actor="test")
        async with asyncio.timeout(10):
            while {app._quota._keeper._place for app in (one.app, other.app)} != {(0, 2), (1, 2)}:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        statuses = await asyncio.gather(fire(one, 20, BODY), fire(other, 20, BODY))
        assert [s.count(200) for s in statuses] == [3, 3]
        assert len(upstream.requests) == 6
        upstream.script(output_tokens=10)
        statuses = await asyncio.gather(fire(one, 1, BODY), fire(other, 1, BODY))
        assert statuses == [[200], [200]]
