"""One row a call, one an attempt: who, what, tokens, money; never the text."""

from __future__ import annotations

import asyncio
import contextlib

import openai

USER = [{"role": "user", "content": "planted-prompt-5512"}]


async def test_a_call_is_written_with_all_that_is_known(start, upstream):
    naru = await start(
        f"""
[local]
enabled = false
[providers.openai]
kind = "openai"
base_url = "{upstream.url}/v1"
api_key = "sk-x"
site = "seoul"
[models.small]
targets = ["openai/gpt-4o-mini"]
"""
    )
    upstream.script(reply="planted-answer-8830", input_tokens=1000, cache_read_tokens=500, output_tokens=100)
    async with naru.openai() as client:
        answer = await client.chat.completions.with_raw_response.create(
            model="small", messages=USER, extra_headers={"x-naru-tags": "team=search,env=prod"}
        )
    call = await naru.wait_call()
    assert call.id == answer.headers["x-naru-request-id"]
    assert (call.endpoint, call.model_asked, call.model_served) == ("chat", "small", "gpt-4o-mini")
    assert (call.provider, call.site, call.key_id) == ("openai", "seoul", "admin")
    assert call.tags == {"team": "search", "env": "prod"}
    assert (call.status, call.http_status, call.finish_reason) == ("ok", 200, "stop")
    assert (call.usage.input_tokens, call.usage.cache_read_tokens, call.usage.output_tokens) == (
        1000,
        500,
        100,
    )
    # gpt-4o-mini: 0.15 USD per million fresh, 0.075 cached, 0.60 output.
    assert call.cost.nano_usd == 1000 * 150 + 500 * 75 + 100 * 600
    assert answer.headers["x-naru-cost-usd"] == "0.0002475"
    assert call.duration_ms >= call.first_token_ms > 0
    assert 0 < call.overhead_ms < call.duration_ms
    assert [a.number for a in call.attempts] == [1]


async def test_an_unpriced_model_is_unpriced_and_never_free(naru, upstream):
    async with naru.openai() as client:
        answer = await client.chat.completions.with_raw_response.create(
            model="openai/nobody-priced-this", messages=USER
        )
    assert answer.headers["x-naru-cost-usd"] == "unpriced"
    call = await naru.wait_call()
    assert (call.cost.nano_usd, call.cost.state) == (None, "unpriced")


async def test_an_overlay_in_naru_toml_prices_a_model(start, upstream):
    naru = await start(
        f"""
[local]
enabled = false
[providers.house]
kind = "openai-compatible"
base_url = "{upstream.url}/v1"
api_key = "x"
vendor = "house"
models = ["*"]
[[prices]]
vendor = "house"
model = "big"
valid_from = 2025-01-01
input = 2
output = 8
"""
    )
    upstream.script(input_tokens=10, output_tokens=10)
    async with naru.openai() as client:
        await client.chat.completions.create(model="house/big", messages=USER)
    assert (await naru.wait_call()).cost.nano_usd == 10 * 2000 + 10 * 8000


async def test_no_text_is_kept_anywhere(naru, upstream, caplog):
    upstream.script(reply="planted-answer-8830")
    async with naru.openai() as client:
        await client.chat.completions.create(model="openai/m", messages=USER)
        upstream.script(garbage=True)
        with contextlib.suppress(openai.APIStatusError):
            await client.chat.completions.create(model="openai/m", messages=USER)
    await naru.wait_call(2)
    for path in naru.app.home.rglob("*"):
        if path.is_file():
            content = await asyncio.to_thread(path.read_bytes)
            assert b"planted-prompt-5512" not in content, path
            assert b"planted-answer-8830" not in content, path
    assert "planted" not in caplog.text


async def test_a_thousand_concurrent_calls_are_a_thousand_rows(naru, upstream, http):
    async def one(number: int) -> str:
        body = {"model": "openai/m", "messages": USER, "stream": number % 2 == 0}
        async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=naru.headers) as response:
            await response.read()
            return response.headers["x-naru-request-id"]

    ids = set()
    for _ in range(10):
        ids |= set(await asyncio.gather(*(one(n) for n in range(100))))
    calls = await naru.calls()
    assert {call.id for call in calls} == ids
    assert len(ids) == 1000
