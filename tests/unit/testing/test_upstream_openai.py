"""The official OpenAI SDK finds the upstream's shapes right."""

from __future__ import annotations

import json

import openai
import pytest

from naru.testing.upstream import Script, ToolCall, Upstream
from naru.testing.upstream.script import DEFAULT_REPLY

MESSAGES = [{"role": "user", "content": "서울 날씨 알려줘"}]
WEATHER = ToolCall(name="get_weather", arguments={"city": "서울 ☀️", "unit": "c"})
TIME = ToolCall(name="get_time", arguments='{"zone":"Asia/Seoul"}', id="call_time")


@pytest.fixture
async def client(upstream):
    async with openai.AsyncOpenAI(base_url=upstream.url + "/v1", api_key="k", max_retries=0) as client:
        yield client


async def test_a_whole_answer_has_text_usage_and_an_id_of_its_own(client):
    first = await client.chat.completions.create(model="m", messages=MESSAGES)
    second = await client.chat.completions.create(model="m", messages=MESSAGES)
    assert first.choices[0].message.content == DEFAULT_REPLY
    assert first.choices[0].finish_reason == "stop"
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens > 1
    assert first.id != second.id
    assert first.id.startswith("chatcmpl-")


async def test_a_stream_says_the_same_as_the_whole_and_ends_with_usage(client):
    chunks = [
        chunk
        async for chunk in await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    ]
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) == DEFAULT_REPLY
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 10
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.obfuscation is not None for chunk in chunks)


async def test_usage_is_silent_unless_asked(client):
    stream = await client.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_obfuscation": False}
    )
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.obfuscation is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("style", ["sequential", "interleaved", "whole", "null-ids"])
async def test_parallel_tool_calls_fold_by_index(client, upstream, style):
    """Folded by index, the fragments of each style give the calls back."""
    upstream.script(tool_calls=[WEATHER, TIME], tool_style=style)
    calls: dict[int, dict[str, str]] = {}
    async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or []:
            call = calls.setdefault(delta.index, {"name": delta.function.name, "arguments": ""})
            call["arguments"] += delta.function.arguments
        finish = chunk.choices[0].finish_reason
    assert finish == "tool_calls"
    assert calls[0]["name"] == "get_weather"
    assert json.loads(calls[0]["arguments"]) == WEATHER.arguments
    assert calls[1] == {"name": "get_time", "arguments": TIME.arguments}
    whole = await client.chat.completions.create(model="m", messages=MESSAGES)
    assert whole.choices[0].message.content is None
    assert [call.function.arguments for call in whole.choices[0].message.tool_calls] == [
        calls[0]["arguments"],
        calls[1]["arguments"],
    ]


async def test_the_sdks_own_stream_helper_accumulates_tools_and_text(client, upstream):
    upstream.script(reply="잠시만요.", tool_calls=[WEATHER, TIME])
    async with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        async for _ in stream:
            pass
        message = (await stream.get_final_completion()).choices[0].message
    assert message.content == "잠시만요."
    assert [call.function.name for call in message.tool_calls] == ["get_weather", "get_time"]


async def test_n_logprobs_reasoning_and_refusal(client, upstream):
    upstream.script(tokens=["안녕", "!"], reasoning="생각 중", usage={"total_tokens": 7})
    answer = await client.chat.completions.create(
        model="m", messages=MESSAGES, n=2, logprobs=True, top_logprobs=2
    )
    assert [choice.message.content for choice in answer.choices] == ["안녕!", "안녕!"]
    entry = answer.choices[1].logprobs.content[0]
    assert (entry.token, bytes(entry.bytes).decode(), len(entry.top_logprobs)) == ("안녕", "안녕", 2)
    assert answer.choices[0].message.reasoning_content == "생각 중"
    assert answer.usage.completion_tokens_details.reasoning_tokens == 2
    assert answer.usage.total_tokens == 7
    upstream.script(refusal="I can't help with that.")
    answer = await client.chat.completions.create(model="m", messages=MESSAGES)
    assert answer.choices[0].message.refusal == "I can't help with that."
    assert answer.choices[0].message.content is None


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("final-chunk", "last"),
        ("in-choices", "last"),
        ("every-chunk", "all"),
        ("x_groq", "x_groq"),
        ("first-and-last", "both"),
        ("none", "nowhere"),
    ],
)
async def test_usage_stands_where_it_is_told(client, upstream, place, found):
    upstream.script(tokens=["a", "b"], usage_place=place, input_tokens=5, cache_read_tokens=3)
    stream = await client.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    at = [number for number, chunk in enumerate(chunks) if chunk.usage]
    last = len(chunks) - 1
    expected = {"last": [last], "all": list(range(len(chunks))), "both": [0, last]}
    assert at == expected.get(found, [])
    assert bool(getattr(chunks[-1], "x_groq", None)) == (found == "x_groq")
    assert (chunks[-1].choices == []) == (place == "final-chunk")
    if at:
        assert chunks[-1].usage.prompt_tokens == 8
        assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 3
        assert chunks[-1].usage.completion_tokens == 2


async def test_responses_whole_and_streamed_agree(client, upstream):
    upstream.script(reply="네, 나루입니다 🚣", reasoning="짧게 답하자", tool_calls=[WEATHER])
    whole = await client.responses.create(model="m", input="hi")
    async with client.responses.stream(model="m", input="hi") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert final.output_text == whole.output_text == "네, 나루입니다 🚣"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert json.loads(final.output[2].arguments) == WEATHER.arguments
    assert final.usage == whole.usage
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert "response.reasoning_summary_text.delta" in kinds


async def test_responses_cut_by_length_are_incomplete(client, upstream):
    upstream.script(honour_max_tokens=True, tokens=50)
    answer = await client.responses.create(model="m", input="hi", max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage.output_tokens == 16


async def test_completions_and_models(client, upstream):
    upstream.script(tokens=["one ", "two"], models=["a", "b"])
    answer = await client.completions.create(model="m", prompt="count")
    stream = await client.completions.create(model="m", prompt="count", stream=True)
    assert answer.choices[0].text == "one two"
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "one two"
    assert [model.id async for model in client.models.list()] == ["a", "b"]


async def test_embeddings_are_the_same_in_base64_and_in_floats(client):
    packed = await client.embeddings.create(model="e", input=["가", "나"], dimensions=4)
    floats = await client.embeddings.create(
        model="e", input=["가", "나"], dimensions=4, encoding_format="float"
    )
    assert [len(item.embedding) for item in packed.data] == [4, 4]
    for left, right in zip(packed.data, floats.data, strict=True):
        assert left.embedding == pytest.approx(right.embedding, abs=1e-6)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert packed.usage.prompt_tokens >= 1


async def test_an_in_band_error_raises_in_the_sdk(client, upstream):
    upstream.script(inband_error_after_tokens=2)
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    said = [(await anext(stream)).choices[0].delta.content for _ in range(3)]
    assert said == ["", "Hello!", " 안녕하세요,"]
    with pytest.raises(openai.APIError, match="had an error while processing"):
        await anext(stream)


async def test_responses_that_fail_inside_say_so_twice(client, upstream):
    """An `error` event and `response.failed`; the SDK hands both on and raises for neither."""
    upstream.script(inband_error_after_tokens=1)
    events = [event async for event in await client.responses.create(model="m", input="x", stream=True)]
    assert [event.type for event in events[-2:]] == ["error", "response.failed"]
    assert events[-1].response.status == "failed"
    assert events[-1].response.error.code == "server_error"


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"error_status": 401}, openai.AuthenticationError, "invalid_api_key"),
        ({"error_status": 404, "error_kind": "model_not_found"}, openai.NotFoundError, "model_not_found"),
        ({"error_status": 429}, openai.RateLimitError, "rate_limit_exceeded"),
        (
            {"error_status": 429, "error_kind": "insufficient_quota"},
            openai.RateLimitError,
            "insufficient_quota",
        ),
        (
            {"error_status": 400, "error_kind": "context_length_exceeded"},
            openai.BadRequestError,
            "context_length_exceeded",
        ),
        ({"error_status": 500}, openai.InternalServerError, None),
        ({"html_error": True}, openai.InternalServerError, None),
    ],
)
async def test_errors_are_the_ones_the_sdk_knows(client, upstream, fields, error, code):
    upstream.script(**fields)
    with pytest.raises(error) as caught:
        await client.chat.completions.create(model="m", messages=MESSAGES)
    assert caught.value.code == code


async def test_azure_needs_a_version_and_adds_its_filters(upstream):
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=upstream.url, api_key="k", api_version="2026-05-01", max_retries=0
    ) as client:
        stream = await client.chat.completions.create(model="dep loy", messages=MESSAGES, stream=True)
        chunks = [chunk async for chunk in stream]
        answer = await client.chat.completions.create(model="dep", messages=MESSAGES)
    assert chunks[0].choices == []
    assert chunks[0].prompt_filter_results[0]["prompt_index"] == 0
    assert "".join(c.choices[0].delta.content or "" for c in chunks[1:]) == DEFAULT_REPLY
    assert answer.choices[0].content_filter_results["hate"]["severity"] == "safe"
    assert upstream.requests[0].headers["api-key"] == "k"
    assert upstream.requests[0].query == {"api-version": "2026-05-01"}


async def test_a_key_is_asked_for_when_the_script_says_so():
    async with Upstream(Script(api_key="right")) as upstream:
        for key in ("wrong", "right"):
            async with openai.AsyncOpenAI(
                base_url=upstream.url + "/v1", api_key=key, max_retries=0
            ) as client:
                if key == "right":
                    assert await client.chat.completions.create(model="m", messages=MESSAGES)
                else:
                    with pytest.raises(openai.AuthenticationError):
                        await client.chat.completions.create(model="m", messages=MESSAGES)
