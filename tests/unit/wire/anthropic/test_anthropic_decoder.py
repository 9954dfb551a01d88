"""Anthropic streams read into events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.wire.base import Frame
from naru.wire.messages import MessagesDialect
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Metered,
    Ping,
    Start,
    TextDelta,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_TYPES = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
]
_KEYS = ["message", "content_block", "delta", "usage", "index", "error", "type", "id", "text", "input"]
_BLOCK_TYPES = ["text", "thinking", "tool_use", "redacted_thinking", "input_json_delta", "signature_delta"]


def frame(event: dict) -> Frame:
    data = json.dumps(event).encode()
    return Frame(b"event: x\ndata: " + data + b"\n\n", event.get("type", ""), data)


def decode(*events: dict) -> list[Event]:
    decoder = MessagesDialect().new_decoder()
    return [made for event in events for made in decoder.decode(frame(event))]


def start(**usage: object) -> dict:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
    return {"type": "message_start", "message": {**message, "usage": usage}}


def block(index: int, **content: object) -> dict:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **change: object) -> dict:
    return {"type": "content_block_delta", "index": index, "delta": change}


def last_usage(events: list[Event]) -> Usage:
    return [event.usage for event in events if isinstance(event, Metered)][-1]


def test_a_whole_stream():
    """Thinking, text and two calls come out in order, calls numbered from 0."""
    events = decode(
        start(input_tokens=3, output_tokens=1),
        block(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="s"),
        {"type": "content_block_stop", "index": 0},
        block(1, type="text", text=""),
        delta(1, type="text_delta", text="hi"),
        {"type": "content_block_stop", "index": 1},
        block(2, type="tool_use", id="a", name="f", input={}),
        delta(2, type="input_json_delta", partial_json=""),
        delta(2, type="input_json_delta", partial_json='{"x"'),
        delta(2, type="input_json_delta", partial_json=":1}"),
        {"type": "content_block_stop", "index": 2},
        block(3, type="tool_use", id="b", name="g", input={}),
        {"type": "content_block_stop", "index": 3},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    )
    assert events == [
        Start(id="msg_1", model="claude", created=0),
        Metered(usage=Usage(input_tokens=3, output_tokens=1)),
        ThinkingDelta(index=0, text="hm"),
        ThinkingDelta(index=0, signature="s"),
        TextDelta(index=0, text="hi"),
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolDelta(index=0, slot=0, arguments='{"x"'),
        ToolDelta(index=0, slot=0, arguments=":1}"),
        ToolStart(index=0, slot=1, id="b", name="g"),
        Finish(index=0, reason="tool_calls"),
        Metered(usage=Usage(input_tokens=3, output_tokens=9)),
        End(),
    ]


def test_usage_is_replaced_never_summed():
    """Output is cumulative, a missing field keeps its value, a null one too."""
    events = decode(
        start(input_tokens=10, cache_read_input_tokens=4, output_tokens=1),
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5, "input_tokens": None}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 8, "cache_read_input_tokens": 6},
        },
    )
    assert last_usage(events) == Usage(input_tokens=10, cache_read_tokens=6, output_tokens=8)


def test_cache_writes_beyond_the_breakdown_count_as_five_minutes():
    """A server tool may raise the total after the breakdown was sent: the rest is billed at the default."""
    events = decode(
        start(
            input_tokens=1,
            output_tokens=1,
            cache_creation_input_tokens=100,
            cache_creation={"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70},
        ),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2, "cache_creation_input_tokens": 150},
        },
    )
    usage = last_usage(events)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (80, 70)


def test_a_provider_side_tool_is_no_call_of_the_client():
    """The input of a server tool must not come out as a call, nor as arguments of one."""
    events = decode(
        start(input_tokens=1, output_tokens=1),
        block(0, type="server_tool_use", id="srv", name="web_search", input={}),
        delta(0, type="input_json_delta", partial_json='{"query":"x"}'),
        {"type": "content_block_stop", "index": 0},
        block(1, type="web_search_tool_result", tool_use_id="srv", content=[]),
        {"type": "content_block_stop", "index": 1},
    )
    assert all(isinstance(event, Start | Metered | Ping) for event in events)
    assert Ping() in events  # the client is kept patient meanwhile


def test_arguments_that_come_whole_with_the_start_are_not_lost():
    """Some compatible servers put the finished input into `content_block_start` and send no delta."""
    events = decode(
        block(0, type="tool_use", id="a", name="f", input={"x": 1}),
        {"type": "content_block_stop", "index": 0},
    )
    assert events == [
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolDelta(index=0, slot=0, arguments='{"x":1}'),
    ]


@pytest.mark.parametrize(
    ("type", "status"),
    [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("new_error", None)],
)
def test_an_error_event_is_a_fault_with_the_status_its_type_stands_for(type, status):
    """So that the road can tell a retryable error from a hopeless one without an HTTP status."""
    [event] = decode({"type": "error", "error": {"type": type, "message": "m"}})
    assert isinstance(event, Fault)
    assert (event.fault.type, event.fault.status, event.fault.message) == (type, status, "m")


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe", b"[" * 100_000, b"1", b"null"])
def test_an_unreadable_frame_is_a_fault(data):
    """Broken JSON, invalid UTF-8 and absurd nesting end in a Fault, not in an exception."""
    [event] = MessagesDialect().new_decoder().decode(Frame(data, "", data))
    assert isinstance(event, Fault)


def test_half_an_emoji_does_not_end_the_stream():
    """Some servers cut a surrogate pair over two deltas, which is not strict JSON: the text goes on."""
    data = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\ud83d"}}'
    [event] = MessagesDialect().new_decoder().decode(Frame(data, "", data))
    assert isinstance(event, TextDelta)
    assert event.text.startswith("a")


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(_KEYS),
            JSON
            | st.sampled_from(_TYPES + _BLOCK_TYPES)
            | st.dictionaries(
                st.sampled_from([*_KEYS, "partial_json", "stop_reason", "usage"]),
                JSON | st.sampled_from(_BLOCK_TYPES),
                max_size=4,
            ),
            max_size=5,
        ),
        max_size=6,
    )
)
def test_no_json_makes_the_decoder_raise(frames):
    """Whatever an upstream sends is events, maybe none."""
    decoder = MessagesDialect().new_decoder()
    for event in frames:
        assert all(isinstance(made, Event) for made in decoder.decode(frame(event)))
