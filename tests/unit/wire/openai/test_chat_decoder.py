"""Chat streams as the servers that call themselves compatible really send them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire.openai.streams import chunk, decode_all, frame

from naru.kernel.tokens import Usage
from naru.wire.chat import ChatDecoder
from naru.wire.completions import CompletionsDecoder
from naru.wire.model import (
    End,
    Fault,
    Finish,
    Metered,
    Ping,
    RefusalDelta,
    Start,
    TextDelta,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    UpstreamFault,
)
from naru.wire.responses import ResponsesDecoder

START = Start(id="chatcmpl-1", model="m", created=1)
S = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
METERED = Metered(usage=Usage(input_tokens=9, output_tokens=3))


def test_a_plain_stream_is_start_text_finish_usage_end():
    """The everyday case."""
    usage = frame({"id": "chatcmpl-1", "choices": [], "usage": S})
    frames = [
        chunk({"role": "assistant", "content": ""}, usage=None),
        frame(b""),
        chunk({"content": "Hi"}),
        chunk(finish="stop"),
        usage,
        frame(b"[DONE]"),
    ]
    assert decode_all(ChatDecoder(), *frames) == [
        START,
        Ping(),
        TextDelta(index=0, text="Hi"),
        Finish(index=0, reason="stop"),
        METERED,
        End(),
    ]


@pytest.mark.parametrize(
    "last",
    [
        chunk(finish="stop", usage=S),
        chunk(finish="stop", x_groq={"id": "x", "usage": S}),
        frame({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": S}]}),
        frame({"choices": [], "usage": S}),
    ],
)
def test_usage_is_found_wherever_it_is_put(last):
    """In the last chunk with choices, beside it, inside a choice, or alone."""
    events = decode_all(ChatDecoder(), chunk({"content": "Hi"}), last)
    assert [event for event in events if isinstance(event, Metered)] == [METERED]


def test_usage_on_every_chunk_is_cumulative():
    """The last report stands for all; a field that turns null keeps its value."""
    reports = [
        {"prompt_tokens": 9, "completion_tokens": 1},
        {"prompt_tokens": None, "completion_tokens": 2},
        {"completion_tokens": 3, "total_tokens": 12},
    ]
    events = decode_all(ChatDecoder(), *(chunk({"content": "x"}, usage=usage) for usage in reports))
    assert [event for event in events if isinstance(event, Metered)][-1] == METERED


def test_the_tier_that_was_served_is_part_of_the_usage():
    """It decides the price."""
    events = decode_all(ChatDecoder(), chunk({"content": "x"}, service_tier="flex", usage=S))
    assert events[-1].usage.service_tier == "flex"


def test_azures_first_chunk_without_choices_starts_nothing():
    """Its id and model are empty; the stream starts with the next."""
    filters = frame({"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": []})
    assert decode_all(ChatDecoder(), filters, chunk({"content": "x"}))[0] == START


def _call(index=0, id=None, name=None, arguments=None, **fields):
    call = {"function": {"name": name, "arguments": arguments}, **fields}
    if index is not None:
        call["index"] = index
    if id is not None:
        call["id"] = id
    return chunk({"tool_calls": [call]})


_TWO_CALLS = [
    ToolStart(index=0, slot=0, id="a", name="f"),
    ToolDelta(index=0, slot=0, arguments="{}"),
    ToolStart(index=0, slot=1, id="b", name="g"),
    ToolDelta(index=0, slot=1, arguments="[]"),
]


@pytest.mark.parametrize(
    "frames",
    [
        [_call(0, "a", "f", ""), _call(0, arguments="{}"), _call(1, "b", "g"), _call(1, arguments="[]")],
        [_call(0, "a", "f", "{}"), _call(0, "b", "g", "[]")],
        [_call(None, "a", "f", "{}"), _call(None, "b", "g", "[]")],
        [
            _call(None, "a", "f"),
            _call(None, arguments="{}"),
            _call(None, "b", "g"),
            _call(None, arguments="[]"),
        ],
        [_call(0, "a", "f"), _call(0, "a", "f", "{}"), _call(1, "b", "g"), _call(1, "b", "", "[]")],
        [_call(3, "a", "f", "{}"), _call(7, "b", "g", "[]")],
        [_call(0, "a"), _call(0, None, "f", "{}"), _call(1, "b", "g", "[]")],
    ],
    ids=["standard", "all_zero", "unnumbered_whole", "unnumbered_cut", "repeated_id", "gaps", "name_later"],
)
def test_parallel_calls_are_told_apart_however_they_are_numbered(frames):
    """Calls are never merged, split or lost."""
    assert decode_all(ChatDecoder(), *frames)[1:] == _TWO_CALLS


def test_a_call_without_an_id_gets_one_that_stays():
    """Clients send it back with the result, so it has to be there and unique in the conversation."""
    events = decode_all(ChatDecoder(), _call(0, None, "f", "{}"), _call(1, "", "g", "[]"))
    assert [e.id for e in events if isinstance(e, ToolStart)] == ["call_1_0_0", "call_1_0_1"]


def test_arguments_sent_as_an_object_become_json_text():
    """Ollama once sent objects."""
    events = decode_all(ChatDecoder(), _call(0, "a", "f", {"x": 1}))
    assert events[-1] == ToolDelta(index=0, slot=0, arguments='{"x":1}')


def test_stop_after_calls_is_corrected():
    """Clients run tools only when the finish reason says so."""
    events = decode_all(ChatDecoder(), _call(0, "a", "f", "{}"), chunk(finish="stop"), chunk(finish="stop"))
    assert events[-1] == Finish(index=0, reason="tool_calls")
    assert sum(isinstance(event, Finish) for event in events) == 1


def test_a_legacy_function_call_reads_as_a_call():
    """Old servers stream `function_call`."""
    frames = [
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
        chunk(finish="function_call"),
    ]
    assert decode_all(ChatDecoder(), *frames)[1:] == [
        ToolStart(index=0, slot=0, id="call_1_0_0", name="f"),
        ToolDelta(index=0, slot=0, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
    ]


@pytest.mark.parametrize(
    ("delta", "events"),
    [
        ({"reasoning_content": "a"}, [ThinkingDelta(index=0, text="a")]),
        ({"reasoning": "a"}, [ThinkingDelta(index=0, text="a")]),
        ({"reasoning": "a", "reasoning_content": "a"}, [ThinkingDelta(index=0, text="a")]),
        (
            {"thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": "s"}]},
            [ThinkingDelta(index=0, signature="s")],
        ),
        (
            {"thinking_blocks": [{"type": "redacted_thinking", "data": "d"}]},
            [ThinkingDelta(index=0, redacted="d")],
        ),
        ({"refusal": "No."}, [RefusalDelta(index=0, text="No.")]),
        ({"content": [{"type": "text", "text": "a"}]}, [TextDelta(index=0, text="a")]),
        ({"content": None}, []),
        ({"content": 7, "tool_calls": "x", "refusal": {}}, []),
    ],
)
def test_a_delta_is_read_by_any_of_its_names(delta, events):
    """Servers name reasoning differently; what has the wrong type is left out, not fatal."""
    assert decode_all(ChatDecoder(), chunk(delta))[1:] == events


def test_log_probabilities_ride_on_their_text():
    """Also on a chunk whose text is empty."""
    logprobs = {"content": [{"token": "x", "logprob": -1}]}
    choice = {"index": 1, "delta": {"content": ""}, "logprobs": logprobs}
    events = decode_all(ChatDecoder(), frame({"id": "chatcmpl-1", "choices": [choice]}))
    assert events[1:] == [TextDelta(index=1, text="", logprobs=logprobs)]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (
            {"error": {"message": "Busy", "type": "server_error", "code": "overloaded", "param": None}},
            UpstreamFault(message="Busy", type="server_error", code="overloaded"),
        ),
        (
            {"error": {"message": "Slow down", "code": 429}},
            UpstreamFault(message="Slow down", code="429", status=429),
        ),
        ({"error": "Broken"}, UpstreamFault(message="Broken")),
        (
            {"object": "error", "message": "Too long", "code": 400},
            UpstreamFault(message="Too long", code="400", status=400),
        ),
        ([{"error": {"message": "m", "status": "UNAVAILABLE", "code": 503}}], None),
        (b"<html>", None),
        (b'{"choices":"x"}', None),
        (b"{", None),
        (b"\xff", None),
    ],
)
def test_an_error_inside_the_stream_is_a_fault(data, fault):
    """In any shape, even unreadable, and never an exception: an empty success would be billed as one."""
    [event] = ChatDecoder().decode(frame(data))
    assert isinstance(event, Fault)
    assert event.fault == fault if fault is not None else event.fault.message


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
_delta = st.dictionaries(
    st.sampled_from(("content", "refusal", "reasoning", "thinking_blocks", "tool_calls", "function_call")),
    _json,
    max_size=3,
)
_chunks = st.fixed_dictionaries(
    {},
    optional={
        "id": _json,
        "created": _json,
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": _json,
                    "delta": _delta,
                    "finish_reason": _json,
                    "logprobs": _json,
                    "text": _json,
                },
            ),
            max_size=2,
        ),
        "usage": _json,
        "x_groq": _json,
        "type": st.sampled_from(
            (
                "response.created",
                "response.output_text.delta",
                "response.output_item.added",
                "response.output_item.done",
                "response.function_call_arguments.done",
                "response.reasoning_text.delta",
                "response.completed",
                "response.failed",
                "error",
            )
        ),
        "response": _json,
        "item": st.dictionaries(st.sampled_from(("type", "id", "content", "summary", "arguments")), _json)
        | st.fixed_dictionaries({"type": st.sampled_from(("message", "function_call", "reasoning"))}),
        "delta": _json,
        "output_index": _json,
        "summary_index": _json,
        "error": _json,
    },
)


@pytest.mark.parametrize("decoder", [ChatDecoder, CompletionsDecoder, ResponsesDecoder])
@settings(deadline=None)
@given(st.lists(_chunks, max_size=3))
def test_no_stream_however_odd_breaks_a_decoder(decoder, chunks):
    """A decoder also reads copies of streams that pass through: an exception there would break them."""
    made = decoder()
    for item in chunks:
        for event in made.decode(frame(json.dumps(item).encode())):
            assert type(event).__module__ == "naru.wire.model"
