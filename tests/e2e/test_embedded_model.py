"""The embedded model, asked by the official OpenAI SDK: what `make up` promises with no key, no network."""

import json
import os
import signal

import openai
import pytest
import pytest_asyncio

from naru.hosting import LocalModel, adapt_chat_request, is_available
from naru.settings.model import Local

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ASK = [{"role": "user", "content": "What is the weather in Seoul?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {"type": "object", "properties": {"tz": {"type": "string"}}, "required": ["tz"]},
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model():
    is_there, reason = is_available(Local())
    if not is_there and not os.environ.get("CI"):
        pytest.skip(reason)
    assert is_there, reason
    model = LocalModel(Local())
    await model.start()
    await model.wait_ready(60)
    yield model
    await model.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ask(model):
    """One chat request through the same adapting that the gateway does, answered by the SDK's own types."""
    async with openai.AsyncOpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0) as client:

        async def ask(**fields):
            fields.setdefault("max_tokens", 120)
            body = json.loads(adapt_chat_request(json.dumps({"model": "smollm2", **fields}).encode()))
            extra = {"chat_template_kwargs": body.pop("chat_template_kwargs", {})}
            return await client.chat.completions.create(**body, extra_body=extra)

        yield ask


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(model):
    async with openai.AsyncOpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0) as client:
        yield client


async def test_it_answers_and_counts(ask):
    answer = await ask(messages=[{"role": "user", "content": "Say hello."}])
    assert answer.choices[0].message.content
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_it_streams_and_ends_with_usage(ask):
    stream = await ask(messages=ASK, stream=True, stream_options={"include_usage": True}, max_tokens=16)
    chunks = [chunk async for chunk in stream]
    pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert len(pieces) > 5
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens >= len(pieces)


@pytest.mark.parametrize("parallel", [{}, {"parallel_tool_calls": False}, {"parallel_tool_calls": True}])
async def test_a_required_tool_is_called_with_valid_arguments(ask, parallel):
    """The grammar holds: the function exists and its arguments fit its schema, however small the model."""
    answer = await ask(
        messages=ASK, tools=[WEATHER, CLOCK], tool_choice="required", max_tokens=200, **parallel
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    for call in choice.message.tool_calls:
        arguments = json.loads(call.function.arguments)
        if call.function.name == "get_weather":
            assert isinstance(arguments["city"], str)
            assert set(arguments) <= {"city", "unit"}
        else:
            assert call.function.name == "get_time"
            assert isinstance(arguments["tz"], str)


@pytest.mark.parametrize("name", ["get_weather", "get_time"])
async def test_a_named_tool_is_the_one_called(ask, name):
    choice = {"type": "function", "function": {"name": name}}
    answer = await ask(messages=ASK, tools=[WEATHER, CLOCK], tool_choice=choice)
    assert [call.function.name for call in answer.choices[0].message.tool_calls] == [name]


async def test_a_tool_call_streams(ask):
    """First delta: id and name; the arguments come in pieces that join to JSON; then `tool_calls`."""
    stream = await ask(
        messages=ASK,
        tools=[WEATHER],
        tool_choice="required",
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    deltas = [d for c in chunks if c.choices for d in c.choices[0].delta.tool_calls or ()]
    assert deltas[0].id
    assert deltas[0].function.name == "get_weather"
    assert all(delta.function.name is None for delta in deltas[1:])
    assert len(deltas) > 2
    assert "city" in json.loads("".join(delta.function.arguments or "" for delta in deltas))
    finish = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    assert finish == ["tool_calls"]
    assert chunks[-1].usage.completion_tokens > 0


async def test_a_tool_result_is_read(ask):
    """The second turn of a tool round trip is accepted and answered in words."""
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Seoul"}'},
    }
    messages = [
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny, 20 degrees"},
    ]
    answer = await ask(messages=messages, tools=[WEATHER], tool_choice="none", max_tokens=40)
    assert answer.choices[0].message.content
    assert not answer.choices[0].message.tool_calls


async def test_auto_leaves_the_choice_to_the_model(ask):
    answer = await ask(messages=ASK, tools=[WEATHER], tool_choice="auto", max_tokens=40)
    assert answer.choices[0].message.content or answer.choices[0].message.tool_calls


async def test_a_schema_is_kept(ask):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    response_format = {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": schema}}
    answer = await ask(messages=ASK, response_format=response_format, tools=[WEATHER])
    read = json.loads(answer.choices[0].message.content)
    assert set(read) == {"city", "degrees"}
    assert isinstance(read["degrees"], int)


async def test_logprobs_and_n(ask):
    answer = await ask(messages=ASK, n=2, logprobs=True, top_logprobs=2, max_tokens=4, temperature=1)
    assert len(answer.choices) == 2
    assert len(answer.choices[0].logprobs.content[0].top_logprobs) == 2


async def test_embeddings_stand_beside_generation(client):
    answer = await client.embeddings.create(model="smollm2", input=["나루", "a river crossing"])
    assert [len(item.embedding) for item in answer.data] == [576, 576]
    assert answer.usage.prompt_tokens > 0


async def test_completions_and_models(client):
    answer = await client.completions.create(model="smollm2", prompt="One, two,", max_tokens=4)
    assert answer.choices[0].text
    assert [model.id async for model in await client.models.list()] == ["smollm2"]


async def test_nobody_gets_in_without_the_key(model):
    """Other programs on this machine cannot use the model, nor read its slots."""
    async with openai.AsyncOpenAI(base_url=model.base_url, api_key="guess", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.chat.completions.create(model="smollm2", messages=ASK, max_tokens=1)


async def test_too_long_a_prompt_is_the_clients_error(ask):
    with pytest.raises(openai.BadRequestError, match="context"):
        await ask(messages=[{"role": "user", "content": "word " * 12_000}])


async def test_it_survives_a_crash(model, client):
    """kill -9 of the engine: the same address and key answer again."""
    was_ready = model.pid
    os.kill(was_ready, signal.SIGKILL)
    for _ in range(600):
        try:
            answer = await client.completions.create(model="smollm2", prompt="Hi", max_tokens=1)
            break
        except openai.APIConnectionError:
            await model.wait_ready(60)
    assert answer.usage.completion_tokens == 1
    assert model.pid != was_ready
