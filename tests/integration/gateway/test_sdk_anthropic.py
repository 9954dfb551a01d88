"""The official Anthropic SDK against Naru, with every kind of upstream behind it."""

from __future__ import annotations

import pytest

from naru.testing.upstream import ToolCall
from tests.integration.conftest import PROVIDERS

USER = [{"role": "user", "content": "안녕? How is the river today?"}]
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_message_is_the_upstreams(naru, upstream, provider):
    upstream.script(reply="건너는 강물은 맑아요.", input_tokens=21, output_tokens=7)
    async with naru.anthropic() as client:
        answer = await client.messages.create(model=f"{provider}/claude", max_tokens=100, messages=USER)
    assert answer.content[0].text == "건너는 강물은 맑아요."
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 7)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_streamed_message_accumulates_to_the_whole_one(naru, upstream, provider):
    upstream.script(reply="강을 건너는 나루 🚣 crosses.", input_tokens=21, output_tokens=9, cut_utf8=True)
    async with (
        naru.anthropic() as client,
        client.messages.stream(model=f"{provider}/claude", max_tokens=100, messages=USER) as stream,
    ):
        message = await stream.get_final_message()
    assert message.content[0].text == "강을 건너는 나루 🚣 crosses."
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 9
    call = await naru.wait_call()
    assert call.status == "ok"
    assert (call.usage.input_tokens, call.usage.output_tokens) == (21, 9)


@pytest.mark.parametrize("style", ["sequential", "interleaved", "whole"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_parallel_tool_use_accumulates(naru, upstream, provider, style):
    upstream.script(
        reply="",
        tool_calls=[
            ToolCall(name="get_weather", arguments={"city": "서울"}),
            ToolCall(name="get_weather", arguments={"city": 'Bu"san\n'}),
        ],
        tool_style=style,
    )
    async with (
        naru.anthropic() as client,
        client.messages.stream(
            model=f"{provider}/claude", max_tokens=100, messages=USER, tools=[WEATHER]
        ) as stream,
    ):
        message = await stream.get_final_message()
    uses = [block for block in message.content if block.type == "tool_use"]
    assert [block.input for block in uses] == [{"city": "서울"}, {"city": 'Bu"san\n'}]
    assert message.stop_reason == "tool_use"
    assert len({block.id for block in uses}) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_tool_results_system_and_images_go_to_the_upstream(naru, upstream, provider):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}},
                {"type": "text", "text": "Where is this?"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "서울"}}
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny-7731"}],
        },
    ]
    async with naru.anthropic() as client:
        await client.messages.create(
            model=f"{provider}/claude",
            max_tokens=100,
            system="system-4417",
            messages=messages,
            tools=[WEATHER],
        )
    sent = upstream.requests[-1].body.decode()
    for planted in ("sunny-7731", "system-4417", pixel, "get_weather"):
        assert planted in sent


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "compatible", "gemini"])
async def test_thinking_streams_before_the_text(naru, upstream, provider):
    upstream.script(reply="42", reasoning="여섯 곱하기 일곱")
    async with (
        naru.anthropic() as client,
        client.messages.stream(
            model=f"{provider}/claude",
            max_tokens=4000,
            messages=USER,
            thinking={"type": "enabled", "budget_tokens": 1024},
        ) as stream,
    ):
        message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "여섯 곱하기 일곱"
    assert message.content[1].text == "42"


async def test_cached_input_is_counted_apart(naru, upstream):
    upstream.script(input_tokens=10, cache_read_tokens=200, cache_write_tokens=30, output_tokens=5)
    async with naru.anthropic() as client:
        await client.messages.create(model="anthropic/claude-sonnet-4-5", max_tokens=10, messages=USER)
    usage = (await naru.wait_call()).usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens) == (10, 200, 30)


async def test_errors_have_anthropics_shape(naru):
    async with naru.anthropic() as client:
        with pytest.raises(Exception, match="does not exist") as caught:
            await client.messages.create(model="nowhere", max_tokens=10, messages=USER)
    assert caught.value.status_code == 404
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert caught.value.body["request_id"].startswith("req_")
