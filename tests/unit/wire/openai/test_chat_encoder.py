"""Chat streams as the official SDK reads them."""

from __future__ import annotations

import json

import pytest
from openai import APIError
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk
from tests.unit.wire.openai.streams import decode_all, encode_all, frame

from naru.kernel.tokens import Usage
from naru.wire.chat import ChatDecoder, ChatDialect, ChatEncoder
from naru.wire.model import (
    End,
    Fault,
    Finish,
    Message,
    Metered,
    Ping,
    RefusalDelta,
    Request,
    Start,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    UpstreamFault,
)

CHAT = ChatDialect()
START = Start(id="msg_1", model="m", created=1)
USAGE = Usage(input_tokens=20, cache_read_tokens=100, output_tokens=16, reasoning_tokens=24)
ASKED = Request(model="m", messages=[], is_stream=True, wants_stream_usage=True)
QUIET = Request(model="m", messages=[], is_stream=True)


def _gather(*events, request=ASKED):
    """What the SDK's own accumulator makes of the stream."""
    state = ChatCompletionStreamState()
    for _, data in encode_all(ChatEncoder(request), *events):
        if data != "[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate(data))
    return state.current_completion_snapshot


def test_the_sdk_gathers_two_choices_with_parallel_calls_and_usage():
    """Mixed fragments of choices and calls end up where they belong."""
    completion = _gather(
        START,
        TextDelta(index=0, text="Let "),
        TextDelta(index=1, text="No."),
        TextDelta(index=0, text="me."),
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolStart(index=0, slot=1, id="b", name="g"),
        ToolDelta(index=0, slot=0, arguments='{"x":'),
        ToolDelta(index=0, slot=0, arguments="1}"),
        Finish(index=1, reason="stop"),
        Finish(index=0, reason="tool_calls"),
        Metered(usage=USAGE),
        End(),
    )
    first, second = completion.choices
    assert (first.message.content, first.finish_reason) == ("Let me.", "tool_calls")
    assert [(c.id, c.function.name, c.function.arguments) for c in first.message.tool_calls] == [
        ("a", "f", '{"x":1}'),
        ("b", "g", "{}"),
    ]
    assert (second.message.content, second.finish_reason) == ("No.", "stop")
    assert completion.usage.prompt_tokens == 120
    assert completion.usage.completion_tokens_details.reasoning_tokens == 24


def test_every_choice_opens_with_its_role_and_done_comes_once():
    """Strict clients index the first delta's role; a second [DONE] would be read as JSON."""
    written = encode_all(
        ChatEncoder(QUIET), START, TextDelta(index=1, text="x"), Finish(index=1, reason="stop"), End(), End()
    )
    seen = set()
    for _, data in written[:-1]:
        for choice in data["choices"]:
            if choice["index"] not in seen:
                assert choice["delta"]["role"] == "assistant"
                seen.add(choice["index"])
    assert seen == {0, 1}
    assert [data for _, data in written].count("[DONE]") == 1


def test_usage_is_written_only_for_who_asked():
    """Clients that index `choices[0]` of every chunk would break on the usage chunk."""
    events = (
        START,
        TextDelta(index=0, text="x"),
        Metered(usage=USAGE),
        Finish(index=0, reason="stop"),
        End(),
    )
    chunks = [data for _, data in encode_all(ChatEncoder(QUIET), *events)[:-1]]
    assert all(data["choices"] and "usage" not in data for data in chunks)
    assert [data["choices"] for _, data in encode_all(ChatEncoder(ASKED), *events)[:-1]].count([]) == 1


def test_unknown_usage_is_not_written_as_zero():
    """An upstream that said nothing was not free."""
    written = encode_all(
        ChatEncoder(ASKED), START, Finish(index=0, reason="stop"), Metered(usage=Usage()), End()
    )
    assert all(data == "[DONE]" or data["choices"] for _, data in written)


def test_reasoning_can_be_sent_back_as_the_sdk_gathered_it():
    """The seals of a thought survive stream, accumulator and next request."""
    completion = _gather(
        START,
        ThinkingDelta(index=0, text="Count "),
        ThinkingDelta(index=0, text="them."),
        ThinkingDelta(index=0, signature="s1"),
        ThinkingDelta(index=0, redacted="d"),
        TextDelta(index=0, text="25"),
        Finish(index=0, reason="stop"),
        End(),
    )
    message = completion.choices[0].message.to_dict()
    assert message["reasoning_content"] == "Count them."
    request = CHAT.decode_request({"model": "m", "messages": [message]})
    assert request.messages == [
        Message(
            role="assistant",
            parts=[Thinking(text="Count them.", signature="s1"), Thinking(redacted="d"), Text(text="25")],
        )
    ]


def test_a_client_of_legacy_functions_is_answered_in_kind():
    """It would not look at `tool_calls`."""
    request = CHAT.decode_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "functions": [{"name": "f"}],
            "stream": True,
        }
    )
    events = (
        START,
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolDelta(index=0, slot=0, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
        End(),
    )
    choice = _gather(*events, request=request).choices[0]
    assert (choice.message.function_call.name, choice.message.function_call.arguments) == ("f", "{}")
    assert choice.finish_reason == "function_call"


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([Finish(index=0, reason="length")], "length"),
        ([Finish(index=0, reason="pause")], "stop"),
        ([Finish(index=0, reason="refusal")], "content_filter"),
        ([RefusalDelta(index=0, text="No."), Finish(index=0, reason="refusal")], "stop"),
        ([], "stop"),
        ([ToolStart(index=0, slot=0, id="a", name="f")], "tool_calls"),
    ],
)
def test_every_choice_ends_in_one_of_openais_finish_reasons(events, reason):
    """Also when the upstream ended well without saying why."""
    assert _gather(START, *events, End()).choices[0].finish_reason == reason


def test_after_an_error_nothing_is_written():
    """No finish reason, no [DONE]: a broken answer must not look like a whole one."""
    fault = Fault(fault=UpstreamFault(message="Busy", code="overloaded"))
    written = encode_all(ChatEncoder(ASKED), START, TextDelta(index=0, text="x"), fault, End())
    assert written[-1][1]["error"] == {
        "message": "Busy",
        "type": "upstream_error",
        "param": None,
        "code": "overloaded",
    }
    assert all(not choice["finish_reason"] for _, data in written[:-1] for choice in data["choices"])


def test_a_keep_alive_stays_a_comment():
    """It keeps the connection open and no client reads it."""
    assert ChatEncoder(QUIET).encode(Ping()) == b": ping\n\n"


def test_the_sdk_raises_on_the_stream_error():
    """A client of a broken stream finds out."""
    import httpx2
    from openai import OpenAI

    body = CHAT.encode_stream_error(
        status=502, type="upstream_error", code="upstream_error", message="Broke off.", request_id="r"
    )
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )
    with (
        httpx2.Client(transport=transport) as http,
        OpenAI(api_key="k", base_url="http://naru.test", http_client=http, max_retries=0) as client,
    ):
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        with pytest.raises(APIError, match="Broke off"):
            list(stream)


def test_what_is_encoded_is_decoded_the_same():
    """Chat to chat through the model changes nothing."""
    events = [
        Start(id="chatcmpl-1", model="m", created=1),
        ThinkingDelta(index=0, text="a"),
        TextDelta(index=0, text="b", logprobs={"content": [{"token": "b", "logprob": -1}]}),
        ToolStart(index=0, slot=0, id="a", name="f", signature="gemini#s"),
        ToolDelta(index=0, slot=0, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
        Metered(
            usage=Usage(
                input_tokens=1,
                cache_read_tokens=0,
                input_audio_tokens=0,
                output_tokens=2,
                reasoning_tokens=0,
                output_audio_tokens=0,
            )
        ),
        End(),
    ]
    written = encode_all(ChatEncoder(ASKED), *events)
    frames = [frame(b"[DONE]" if data == "[DONE]" else json.dumps(data).encode()) for _, data in written]
    assert decode_all(ChatDecoder(), *frames) == events
