"""The official OpenAI SDK against Naru, with every kind of upstream behind it."""

from __future__ import annotations

import json

import pytest

from naru.testing.upstream import ToolCall
from tests.integration.conftest import PROVIDERS

USER = [{"role": "user", "content": "안녕? How is the river today?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_chat_answer_is_the_upstreams(naru, upstream, provider):
    upstream.script(reply="건너는 강물은 맑아요. Clear.", input_tokens=21, output_tokens=7)
    async with naru.openai() as client:
        answer = await client.chat.completions.create(model=f"{provider}/gpt-4o-mini", messages=USER)
    assert answer.choices[0].message.content == "건너는 강물은 맑아요. Clear."
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (21, 7)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_streamed_chat_says_the_same_as_a_whole_one(naru, upstream, provider):
    upstream.script(reply="강을 건너는 나루 🚣 crosses.", input_tokens=21, output_tokens=9, cut_utf8=True)
    async with naru.openai() as client:
        stream = await client.chat.completions.create(
            model=f"{provider}/gpt-4o-mini",
            messages=USER,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "강을 건너는 나루 🚣 crosses."
    usages = [c.usage for c in chunks if c.usage]
    assert (usages[-1].prompt_tokens, usages[-1].completion_tokens) == (21, 9)
    call = await naru.wait_call()
    assert call.status == "ok"
    assert (call.usage.input_tokens, call.usage.output_tokens) == (21, 9)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_usage_chunk_reaches_a_client_that_did_not_ask(naru, upstream, provider):
    upstream.script(reply="hi", input_tokens=5, output_tokens=1)
    async with naru.openai() as client:
        stream = await client.chat.completions.create(
            model=f"{provider}/gpt-4o-mini", messages=USER, stream=True
        )
        chunks = [chunk async for chunk in stream]
    assert not any(chunk.usage for chunk in chunks)
    assert (await naru.wait_call()).usage.input_tokens == 5


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_parallel_tool_calls_stream_whole(naru, upstream, provider):
    upstream.script(
        reply="",
        tool_calls=[
            ToolCall(name="get_weather", arguments={"city": "서울"}),
            ToolCall(name="get_weather", arguments={"city": 'Bu"san\n'}),
        ],
        fragment_chars=3,
    )
    async with naru.openai() as client:
        stream = await client.chat.completions.create(
            model=f"{provider}/gpt-4o-mini", messages=USER, tools=[WEATHER], stream=True
        )
        calls: dict[int, dict] = {}
        finish = None
        async for chunk in stream:
            for delta in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                call = calls.setdefault(
                    delta.index, {"id": delta.id, "name": delta.function.name, "args": ""}
                )
                call["args"] += delta.function.arguments or ""
            if chunk.choices and chunk.choices[0].finish_reason:
                finish = chunk.choices[0].finish_reason
    assert finish == "tool_calls"
    assert [json.loads(c["args"]) for _, c in sorted(calls.items())] == [
        {"city": "서울"},
        {"city": 'Bu"san\n'},
    ]
    assert all(c["name"] == "get_weather" and c["id"] for c in calls.values())
    assert len({c["id"] for c in calls.values()}) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_tool_results_go_back_to_the_upstream(naru, upstream, provider):
    upstream.script(reply="맑음")
    messages = [
        *USER,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"서울"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny-7731"},
    ]
    async with naru.openai() as client:
        await client.chat.completions.create(
            model=f"{provider}/gpt-4o-mini", messages=messages, tools=[WEATHER]
        )
    sent = upstream.requests[-1].body.decode()
    assert "sunny-7731" in sent
    assert "get_weather" in sent


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_responses_api_works_on_every_upstream(naru, upstream, provider):
    upstream.script(reply="나루입니다", input_tokens=11, output_tokens=3)
    async with naru.openai() as client:
        whole = await client.responses.create(model=f"{provider}/gpt-4o-mini", input="누구세요?")
        stream = await client.responses.create(
            model=f"{provider}/gpt-4o-mini", input="누구세요?", stream=True
        )
        events = [event async for event in stream]
    assert whole.output_text == "나루입니다"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (11, 3)
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "나루입니다"
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "나루입니다"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_legacy_completions_work_on_every_upstream(naru, upstream, provider):
    upstream.script(reply=" upon a time", output_tokens=3)
    async with naru.openai() as client:
        whole = await client.completions.create(model=f"{provider}/gpt-4o-mini", prompt="Once")
        stream = await client.completions.create(model=f"{provider}/gpt-4o-mini", prompt="Once", stream=True)
        text = "".join([c.choices[0].text async for c in stream if c.choices])
    assert whole.choices[0].text == text == " upon a time"


async def test_json_schema_output_reaches_the_upstream_and_comes_back(naru, upstream):
    upstream.script(reply='{"city":"서울"}')
    schema = {"name": "place", "strict": True, "schema": {"type": "object", "properties": {}}}
    async with naru.openai() as client:
        answer = await client.chat.completions.create(
            model="openai/gpt-4o-mini",
            messages=USER,
            response_format={"type": "json_schema", "json_schema": schema},
        )
    assert json.loads(answer.choices[0].message.content) == {"city": "서울"}
    assert upstream.requests[-1].json["response_format"]["json_schema"] == schema


@pytest.mark.parametrize("provider", ["openai", "compatible", "azure", "gemini"])
async def test_several_choices_come_back_in_order(naru, upstream, provider):
    async with naru.openai() as client:
        answer = await client.chat.completions.create(model=f"{provider}/gpt-4o-mini", messages=USER, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


@pytest.mark.parametrize("provider", ["openai", "compatible", "azure"])
async def test_logprobs_come_back(naru, upstream, provider):
    async with naru.openai() as client:
        answer = await client.chat.completions.create(
            model=f"{provider}/gpt-4o-mini", messages=USER, logprobs=True, top_logprobs=2
        )
    assert answer.choices[0].logprobs.content[0].logprob <= 0


@pytest.mark.parametrize("provider", ["compatible", "anthropic", "gemini", "bedrock"])
async def test_reasoning_comes_back_beside_the_text(naru, upstream, provider):
    upstream.script(reply="42", reasoning="여섯 곱하기 일곱")
    async with naru.openai() as client:
        answer = await client.chat.completions.create(
            model=f"{provider}/thinker", messages=USER, reasoning_effort="low"
        )
    assert answer.choices[0].message.reasoning_content == "여섯 곱하기 일곱"
    assert answer.choices[0].message.content == "42"


@pytest.mark.parametrize("provider", ["openai", "compatible", "azure", "gemini"])
async def test_embeddings_come_back_as_vectors_with_usage(naru, upstream, provider):
    async with naru.openai() as client:
        answer = await client.embeddings.create(
            model=f"{provider}/text-embedding-3-small", input=["강", "나루"], encoding_format="float"
        )
    assert [len(item.embedding) for item in answer.data] == [8, 8]
    call = await naru.wait_call()
    assert call.endpoint == "embeddings"
    assert call.status == "ok"


async def test_embeddings_at_a_provider_without_them_are_a_clear_error(naru):
    async with naru.openai() as client:
        with pytest.raises(Exception, match="does not offer embeddings") as caught:
            await client.embeddings.create(model="anthropic/claude", input="강", encoding_format="float")
    assert caught.value.status_code == 400


async def test_unknown_fields_reach_the_upstream_as_the_bytes_they_were(naru, upstream, http):
    body = (
        b'{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi","x_mark":1e2}],'
        b'"x_number":123456789012345678901234567890.10,"x_text":"\\u00e9\\/","x_null":null}'
    )
    async with http.post(f"{naru.base}/v1/chat/completions", data=body, headers=naru.headers) as response:
        assert response.status == 200
    sent = upstream.requests[-1].body
    for part in (b'"x_number":123456789012345678901234567890.10', b'"x_text":"\\u00e9\\/"', b'"x_mark":1e2'):
        assert part in sent
    assert b'"model":"gpt-4o-mini"' in sent


async def test_the_answer_is_byte_for_byte_the_upstreams(naru, upstream, http):
    request = {"model": "openai/gpt-4o-mini", "messages": USER, "stream": True}
    request["stream_options"] = {"include_usage": True}
    upstream.script(reply="같은 바이트 the same bytes", sse=["comments"])
    direct_request = {**request, "model": "gpt-4o-mini"}
    async with http.post(f"{upstream.url}/v1/chat/completions", json=direct_request) as response:
        direct = await response.read()
    async with http.post(f"{naru.base}/v1/chat/completions", json=request, headers=naru.headers) as response:
        through = await response.read()
    assert _without_ids(through) == _without_ids(direct)


def _without_ids(stream: bytes) -> bytes:
    import re

    return re.sub(rb'"(id|created|obfuscation|system_fingerprint)": ?("[^"]*"|\d+)', b"", stream)


async def test_models_lists_what_may_be_asked_for(start, upstream):
    naru = await start(
        f"""
[local]
enabled = false
[providers.up]
kind = "openai-compatible"
base_url = "{upstream.url}/v1"
api_key = "x"
models = ["tiny"]
[models.house]
targets = ["up/tiny"]
"""
    )
    async with naru.openai() as client:
        names = [model.id async for model in await client.models.list()]
        one = await client.models.retrieve("house")
    assert names == ["house", "up/tiny"]
    assert one.id == "house"
    async with naru.anthropic() as client:
        assert [model.id async for model in await client.models.list()] == names


async def test_an_upstream_that_names_no_id_gets_the_requests(naru):
    """Bedrock's Converse says neither id nor model nor time; clients tell answers apart by them."""
    async with naru.openai() as client:
        whole = await client.chat.completions.create(model="bedrock/amazon.nova-lite", messages=USER)
        stream = await client.chat.completions.create(
            model="bedrock/amazon.nova-lite", messages=USER, stream=True
        )
        chunks = [chunk async for chunk in stream]
    calls = await naru.calls()
    assert calls[1].id in whole.id
    assert {calls[0].id in chunk.id for chunk in chunks} == {True}
    assert whole.model == chunks[0].model == "bedrock/amazon.nova-lite"
    assert whole.created > 0
