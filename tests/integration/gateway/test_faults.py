"""Upstreams that are slow, broken or busy: nothing is lost, nothing is tried twice in silence."""

from __future__ import annotations

import asyncio
import time

import openai
import pytest

USER = [{"role": "user", "content": "hi"}]
ONE = """
[local]
enabled = false
[resilience]
retry_base_s = 0.01
retry_max_s = 0.5
max_retries = {retries}
breaker_failures = 3
breaker_open_s = 60
first_token_timeout_s = 0.3
idle_timeout_s = 0.3
total_timeout_s = {total}
[providers.first]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "sk-first-secret-0123456789"
models = ["*"]
[providers.second]
kind = "openai-compatible"
base_url = "{other}/v1"
api_key = "sk-second-secret-0123456789"
models = ["*"]
[models.chain]
targets = ["first/a", "second/b"]
[models.single]
targets = ["first/a"]
"""


@pytest.fixture
async def other():
    from naru.testing.upstream import Upstream

    async with Upstream() as other:
        other.script(reply="from the second")
        yield other


@pytest.fixture
def launch(start, upstream, other):
    async def launch(retries: int = 2, total: float = 5):
        return await start(ONE.format(url=upstream.url, other=other.url, retries=retries, total=total))

    return launch


async def ask(naru, model="single", **options):
    async with naru.openai() as client:
        return await client.chat.completions.with_raw_response.create(model=model, messages=USER, **options)


async def collect(naru, model="single"):
    """Text of a stream and the error that ended it, if one did."""
    text, error = "", None
    async with naru.openai() as client:
        stream = await client.chat.completions.create(model=model, messages=USER, stream=True)
        try:
            async for chunk in stream:
                text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        except openai.APIError as caught:
            error = caught
    return text, error


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_a_passing_error_is_retried(launch, upstream, status):
    naru = await launch()
    upstream.script(error_status=status, error_times=2)
    answer = await ask(naru)
    assert answer.headers["x-naru-attempts"] == "3"
    call = await naru.wait_call()
    assert [a.upstream_status for a in call.attempts] == [status, status, 200]
    assert [a.status for a in call.attempts] == ["error", "error", "ok"]


@pytest.mark.parametrize("status", [400, 422])
async def test_an_error_of_the_request_is_neither_retried_nor_passed_on(launch, upstream, other, status):
    naru = await launch()
    upstream.script(error_status=status)
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru, "chain")
    assert caught.value.status_code == status
    assert len(upstream.requests) == 1
    assert len(other.requests) == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_wrong_credentials_of_ours_are_not_the_clients_fault(launch, upstream, other, status):
    naru = await launch()
    upstream.script(error_status=status)
    answer = await ask(naru, "chain")
    assert answer.parse().choices[0].message.content == "from the second"
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru, "single")
    assert caught.value.status_code == 502
    assert caught.value.body["code"] == "upstream_auth"


@pytest.mark.parametrize("form", ["seconds", "date", "retry-after-ms", "x-ms-retry-after-ms"])
async def test_every_form_of_retry_after_is_waited_for(launch, upstream, form):
    naru = await launch()
    wait_s = 0.3 if form.endswith("ms") else 1
    # A date has whole seconds: up to one second less than said is right.
    upstream.script(error_status=429, retry_after=wait_s, retry_after_form=form, error_times=1)
    naru.app._road.rules = _with_patience(naru.app._road.rules, 2.0)
    started = time.monotonic()
    await ask(naru)
    waited = time.monotonic() - started
    assert waited >= (0 if form == "date" else wait_s * 0.95)
    assert len(upstream.requests) == 2


def _with_patience(rules, max_s):
    import dataclasses

    import msgspec

    return dataclasses.replace(rules, retries=msgspec.structs.replace(rules.retries, max_s=max_s))


async def test_a_retry_after_beyond_our_patience_fails_over_at_once(launch, upstream, other):
    naru = await launch()
    upstream.script(error_status=429, retry_after=30)
    started = time.monotonic()
    answer = await ask(naru, "chain")
    assert time.monotonic() - started < 5
    assert answer.headers["x-naru-provider"] == "second"
    assert len(upstream.requests) == 1


async def test_a_busy_upstream_is_told_to_the_client_with_retry_after(launch, upstream):
    naru = await launch(retries=0)
    upstream.script(error_status=429, retry_after=7)
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(naru)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response.headers["x-should-retry"] == "false"


async def test_a_spent_quota_fails_over_without_a_retry(launch, upstream, other):
    naru = await launch()
    upstream.script(error_status=429, error_kind="insufficient_quota")
    answer = await ask(naru, "chain")
    assert answer.headers["x-naru-provider"] == "second"
    assert len(upstream.requests) == 1


async def test_the_retry_budget_stops_a_storm(launch, upstream):
    naru = await launch()
    upstream.script(error_status=503)
    naru.app._circuits.configure(failures=10_000, open_s=1)
    for _ in range(40):
        with pytest.raises(openai.APIStatusError):
            await ask(naru)
    # 40 calls, 10 in reserve and a fifth of the calls: far fewer than the 80 retries max_retries allows.
    assert 40 + 10 <= len(upstream.requests) <= 40 + 10 + 8 + 1


async def test_a_circuit_opens_and_the_chain_goes_around(launch, upstream, other):
    naru = await launch(retries=0)
    upstream.script(error_status=500)
    for _ in range(5):
        assert (await ask(naru, "chain")).headers["x-naru-provider"] == "second"
    assert len(upstream.requests) == 3
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru, "single")
    assert caught.value.status_code == 503
    assert caught.value.body["code"] == "circuit_open"
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_a_refused_connection_fails_over(start, other):
    naru = await start(ONE.format(url="http://127.0.0.1:9", other=other.url, retries=0, total=5))
    assert (await ask(naru, "chain")).headers["x-naru-provider"] == "second"
    call = await naru.wait_call()
    assert call.attempts[0].error_code == "upstream_refused"
    assert call.attempts[0].cost.state == "none"
    assert call.cost.state == "unpriced"


async def test_a_slow_first_token_fails_over_before_the_client_sees_anything(launch, upstream, other):
    naru = await launch()
    upstream.script(delay_first_ms=5_000)
    text, error = await collect(naru, "chain")
    assert (text, error) == ("from the second", None)
    call = await naru.wait_call()
    assert [a.error_code for a in call.attempts] == ["first_token_timeout", None]
    assert call.attempts[0].cost.state == "unknown"


async def test_a_slow_first_token_without_another_target_is_a_504(launch, upstream):
    naru = await launch()
    upstream.script(delay_first_ms=5_000)
    with pytest.raises(openai.APIStatusError) as caught:
        await collect(naru)
    assert caught.value.status_code == 504
    assert len(upstream.requests) == 1
    await upstream.wait_idle()


async def test_the_total_timeout_covers_all_attempts(launch, upstream):
    naru = await launch(total=0.4)
    upstream.script(delay_first_ms=5_000)
    started = time.monotonic()
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru, "chain")
    assert caught.value.status_code == 504
    assert caught.value.body["code"] == "total_timeout"
    assert time.monotonic() - started < 3


async def test_a_clients_own_deadline_wins(launch, upstream):
    naru = await launch()
    upstream.script(delay_first_ms=5_000)
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru, extra_headers={"x-naru-timeout-ms": "200"})
    assert caught.value.body["code"] == "total_timeout"


async def test_silence_inside_a_stream_ends_it_with_an_error_event(launch, upstream):
    naru = await launch()
    upstream.script(tokens=["one ", "two ", "three"], stall_after_tokens=2)
    text, error = await collect(naru)
    assert text == "one two "
    assert "silent" in str(error)
    call = await naru.wait_call()
    assert (call.status, call.error_code) == ("partial", "idle_timeout")
    assert call.usage.is_estimated
    await upstream.wait_aborted()


async def test_a_stream_error_before_content_is_retried(launch, upstream):
    naru = await launch()
    upstream.script(inband_error_after_tokens=0, error_times=1, reply="well again")
    text, error = await collect(naru)
    assert (text, error) == ("well again", None)
    assert len(upstream.requests) == 2


async def test_a_stream_error_after_content_is_told_and_never_retried(launch, upstream, other):
    naru = await launch()
    upstream.script(tokens=["one ", "two ", "three"], inband_error_after_tokens=2)
    text, error = await collect(naru, "chain")
    assert text == "one two "
    assert error is not None
    assert len(upstream.requests) == 1
    assert len(other.requests) == 0
    assert (await naru.wait_call()).status == "partial"


@pytest.mark.parametrize("fault", ["reset_at_byte", "close_at_byte"])
async def test_a_cut_stream_is_partial_and_the_client_is_told(launch, upstream, fault):
    naru = await launch()
    upstream.script(tokens=200, **{fault: 5_000})
    text, error = await collect(naru)
    assert text
    assert error is not None
    call = await naru.wait_call()
    assert call.status == "partial"
    assert call.error_code in ("upstream_truncated", "upstream_reset")
    assert call.usage.is_estimated
    assert call.usage.output_tokens > 0


async def test_a_forgotten_done_is_partial_and_the_client_has_everything(launch, upstream):
    naru = await launch()
    upstream.script(reply="all of it", forget_done=True, output_tokens=3)
    text, error = await collect(naru)
    assert (text, error) == ("all of it", None)
    call = await naru.wait_call()
    assert (call.status, call.error_code) == ("partial", "upstream_truncated")
    assert call.usage.output_tokens == 3


@pytest.mark.parametrize("fault", [{"garbage": True}, {"empty_body": True}, {"reset_at_byte": 20}])
async def test_an_unreadable_whole_answer_is_not_passed_on(launch, upstream, other, fault):
    naru = await launch(retries=0)
    upstream.script(**fault)
    assert (await ask(naru, "chain")).headers["x-naru-provider"] == "second"
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru, "single")
    assert caught.value.status_code in (502, 503)


async def test_an_error_object_under_200_is_an_error(launch, upstream):
    naru = await launch(retries=0)
    upstream.script(inband_error_after_tokens=0)
    with pytest.raises(openai.APIStatusError):
        await ask(naru)


async def test_a_proxys_html_page_is_a_clean_error(launch, upstream):
    naru = await launch(retries=0)
    upstream.script(html_error=True)
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru)
    assert "<" not in caught.value.body["message"]


async def test_a_redirect_is_never_followed(launch, upstream, other):
    naru = await launch(retries=0)
    upstream.script(redirect=f"{other.url}/v1/chat/completions")
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru)
    assert caught.value.body["code"] == "upstream_redirect"
    assert len(other.requests) == 0


async def test_no_secret_and_no_address_of_an_upstream_comes_out(launch, upstream, caplog):
    naru = await launch(retries=0)
    host = upstream.url.removeprefix("http://")
    upstream.script(
        error_status=500,
        error_message=f"key sk-first-secret-0123456789 failed at {upstream.url}/v1 ({host})",
    )
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(naru)
    seen = caught.value.response.text + caplog.text
    assert "sk-first" not in seen
    assert host not in seen


async def test_gzip_and_odd_but_legal_streams_are_read(launch, upstream):
    naru = await launch()
    for odd in (
        {"gzip": True},
        {"sse": ["crlf"]},
        {"sse": ["cr"]},
        {"sse": ["tight", "comments"]},
        {"sse": ["bom", "ids"]},
        {"split_writes": 1},
        {"done_after_error": False, "usage_place": "every-chunk"},
        {"usage_place": "in-choices"},
        {"usage_place": "x_groq"},
    ):
        upstream.script(reply="나루 at the river", output_tokens=4, **odd)
        before = len(await naru.calls())
        assert await collect(naru) == ("나루 at the river", None), odd
        call = await naru.wait_call(before + 1)
        assert (call.status, call.usage.output_tokens, call.usage.is_estimated) == ("ok", 4, False), odd


async def test_missing_usage_is_estimated_and_marked_so(launch, upstream):
    naru = await launch()
    upstream.script(reply="one two three four", usage_place="none")
    await collect(naru)
    usage = (await naru.wait_call()).usage
    assert usage.is_estimated
    assert usage.output_tokens > 0
    assert usage.input_tokens > 0


async def test_an_upstream_that_must_not_be_asked_for_usage_is_not(start, upstream):
    """Some servers refuse `stream_options`; then tokens are estimated."""
    naru = await start(
        ONE.format(url=upstream.url, other=upstream.url, retries=0, total=5).replace(
            'models = ["*"]', 'models = ["*"]\nsupports_stream_usage = false'
        )
    )
    async with (
        naru.anthropic() as client,
        client.messages.stream(model="single", max_tokens=9, messages=USER) as stream,
    ):
        await stream.get_final_message()
    await collect(naru)
    assert [("stream_options" in request.json) for request in upstream.requests] == [False, False]


async def test_a_last_event_without_its_blank_line_still_counts(start):
    """Some servers end with `data: [DONE]` and one line feed."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        chunk = (
            b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
        )
        body = chunk + b"data: [DONE]\n"
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body)
            + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        naru = await start(ONE.format(url=url, other=url, retries=0, total=5))
        assert await collect(naru) == ("hi", None)
        assert (await naru.wait_call()).status == "ok"
