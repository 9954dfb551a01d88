"""The official Anthropic SDK finds the upstream's shapes right."""

from __future__ import annotations

import anthropic
import pytest

from naru.testing.upstream import ToolCall
from naru.testing.upstream.script import DEFAULT_REPLY

ASK = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "안녕하세요"}]}


@pytest.fixture
async def client(upstream):
    async with anthropic.AsyncAnthropic(base_url=upstream.url, api_key="k", max_retries=0) as client:
        yield client


async def test_whole_and_stream_agree_to_the_last_token(client, upstream):
    upstream.script(
        reply="네 🚣",
        reasoning="어디 보자",
        reasoning_signature="c2ln",
        tool_calls=[ToolCall(name="f", arguments={"도시": "서울"}), ToolCall(name="g", arguments="")],
        input_tokens=11,
        cache_read_tokens=5,
        cache_write_tokens=3,
        cache_write_1h_tokens=2,
    )
    whole = await client.messages.create(**ASK)
    async with client.messages.stream(**ASK) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_message()
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]
    for left, right in zip(whole.content, final.content, strict=True):
        assert left.to_dict() == right.to_dict()
    assert whole.content[0].signature == "c2ln"
    assert whole.content[2].input == {"도시": "서울"}
    assert final.stop_reason == whole.stop_reason == "tool_use"
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert (whole.usage.input_tokens, whole.usage.cache_read_input_tokens) == (11, 5)
    assert whole.usage.cache_creation_input_tokens == 5
    assert whole.usage.cache_creation.ephemeral_1h_input_tokens == 2
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"


async def test_the_raw_stream_has_the_real_order_of_events(ask, upstream):
    """Ping and all: this order is what the provider documents."""
    heard = await ask(upstream, "/v1/messages", {**ASK, "stream": True}, tokens=["a", "b"])
    names = [line[7:] for line in heard.body.decode().split("\n") if line.startswith("event: ")]
    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


async def test_the_default_is_a_cheerful_end_of_turn(client):
    answer = await client.messages.create(**ASK)
    assert answer.content[0].text == DEFAULT_REPLY
    assert answer.stop_reason == "end_turn"


async def test_redacted_thinking_and_stop_sequences(client, upstream):
    upstream.script(reasoning_redacted="b3BhcXVl", stop_sequence="END", reply="x")
    whole = await client.messages.create(**ASK)
    async with client.messages.stream(**ASK) as stream:
        streamed = await stream.get_final_message()
    for answer in (whole, streamed):
        assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "END")
        assert [block.type for block in answer.content] == ["redacted_thinking", "text"]
        assert answer.content[0].data == "b3BhcXVl"


async def test_length_is_said_in_the_providers_words(client, upstream):
    upstream.script(finish_reason="length")
    assert (await client.messages.create(**ASK)).stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, anthropic.RateLimitError),
        (529, anthropic.InternalServerError),
        (401, anthropic.AuthenticationError),
    ],
)
async def test_errors_are_the_ones_the_sdk_knows(client, upstream, status, error):
    upstream.script(error_status=status)
    with pytest.raises(error) as caught:
        await client.messages.create(**ASK)
    assert caught.value.body["type"] == "error"


async def test_an_in_band_error_raises_in_the_sdk(client, upstream):
    upstream.script(inband_error_after_tokens=1)
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        async with client.messages.stream(**ASK) as stream:
            await stream.get_final_message()


async def test_models_and_token_count(client, upstream):
    upstream.script(models=["claude-x"], input_tokens=77)
    assert [model.id async for model in client.models.list()] == ["claude-x"]
    counted = await client.messages.count_tokens(model="m", messages=ASK["messages"])
    assert counted.input_tokens == 77


@pytest.mark.parametrize(("place", "start", "end"), [("final-chunk", 0, 9), ("first-and-last", 9, 9)])
async def test_usage_may_come_only_at_the_end(client, upstream, place, start, end):
    upstream.script(usage_place=place, input_tokens=9)
    stream = await client.messages.create(**ASK, stream=True)
    events = {event.type: event async for event in stream}
    assert events["message_start"].message.usage.input_tokens == start
    assert events["message_delta"].usage.input_tokens == end
