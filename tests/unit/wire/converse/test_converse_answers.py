"""Converse's answers, whole and streamed, and AWS's binary framing."""

from __future__ import annotations

import itertools
import json
import struct
import subprocess
import sys
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.errors import UpstreamError
from naru.kernel.tokens import Usage
from naru.wire.base import Frame
from naru.wire.converse import ConverseDialect
from naru.wire.converse.reply import read_usage
from naru.wire.eventstream import EventStreamFraming
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Metered,
    Start,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    ToolUse,
    Unknown,
)

DIALECT = ConverseDialect()
USAGE = {"inputTokens": 5, "outputTokens": 3, "totalTokens": 10, "cacheReadInputTokens": 2}
BUCKETS = Usage(input_tokens=5, cache_read_tokens=2, output_tokens=3)


def message(payload: bytes, **headers: str) -> bytes:
    """One AWS event-stream message, as the wire has it."""
    head = b""
    for name, value in headers.items():
        name = ":" + name.replace("_", "-")
        head += struct.pack(f"!B{len(name)}sBH", len(name), name.encode(), 7, len(value)) + value.encode()
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    prelude += struct.pack("!I", crc32(prelude))
    body = prelude + head + payload
    return body + struct.pack("!I", crc32(body))


def event(name: str, payload: dict) -> bytes:
    return message(json.dumps(payload).encode(), message_type="event", event_type=name)


STREAM = [
    ("messageStart", {"role": "assistant", "p": "abc"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "s"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "안녕"}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "a", "name": "f"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"x"'}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": ":1}"}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "b", "name": "g"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolUse": {"input": "{}"}}}),
    ("contentBlockStop", {"contentBlockIndex": 3}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
]
WIRE = b"".join(event(name, payload) for name, payload in STREAM)


def decode(*frames: Frame) -> list:
    decoder = DIALECT.new_decoder()
    return [made for frame in frames for made in decoder.decode(frame)]


def test_a_whole_stream_from_the_wire():
    """Thinking, text and parallel calls; the end comes with the usage, after the reason."""
    framing = EventStreamFraming()
    events = decode(*framing.feed(WIRE))
    assert not framing.has_rest
    assert events == [
        Start(id="", model="", created=0),
        ThinkingDelta(index=0, text="hm"),
        ThinkingDelta(index=0, signature="s"),
        TextDelta(index=0, text="안녕"),
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolDelta(index=0, slot=0, arguments='{"x"'),
        ToolDelta(index=0, slot=0, arguments=":1}"),
        ToolStart(index=0, slot=1, id="b", name="g"),
        ToolDelta(index=0, slot=1, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
        Metered(usage=BUCKETS),
        End(),
    ]


@given(st.lists(st.integers(0, len(WIRE)), max_size=8))
def test_frames_do_not_depend_on_where_reads_fall(cuts):
    """However the network cuts the bytes, the frames are the same, and a rest is seen as one."""
    edges = [0, *sorted(cuts), len(WIRE)]
    framing = EventStreamFraming()
    frames = []
    for a, b in itertools.pairwise(edges):
        frames += framing.feed(WIRE[a:b])
        fed = sum(len(event(*item)) for item in STREAM[: len(frames)])
        assert framing.has_rest == (b > fed)
    assert [(frame.name, json.loads(frame.data)) for frame in frames] == STREAM
    assert all(frame.raw == b"" for frame in frames)


def test_a_damaged_frame_is_a_protocol_error():
    """A wrong checksum, an impossible length and a broken header never pass for content."""
    damaged = bytearray(WIRE)
    damaged[60] ^= 1
    huge = struct.pack("!II", 2**31, 0)
    for stream in (bytes(damaged), huge + struct.pack("!I", crc32(huge)) + b"x", b"HTTP/1.1 500 Oops"):
        with pytest.raises(UpstreamError) as caught:
            EventStreamFraming().feed(stream)
        assert caught.value.code == "upstream_protocol"


def test_botocore_is_loaded_only_for_its_streams():
    """Who has no Bedrock provider does not pay for AWS's library at start."""
    code = "import sys, naru.wire.registry, naru.wire.eventstream; print('botocore' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "payload", "status"),
    [
        ("throttlingException", {"message": "slow down"}, 429),
        ("validationException", {"message": "slow down"}, 400),
        ("serviceUnavailableException", {"message": "slow down"}, 503),
        ("internalServerException", {"message": "slow down"}, 500),
        ("modelStreamErrorException", {"message": "slow down"}, 424),
        ("modelStreamErrorException", {"message": "slow down", "originalStatusCode": 529}, 529),
        ("brandNewException", {"message": "slow down"}, 500),
    ],
)
def test_exceptions_in_the_stream(name, payload, status):
    """Each exception is a fault with the status AWS answers with outside streams."""
    wire = message(json.dumps(payload).encode(), message_type="exception", exception_type=name)
    [made] = decode(*EventStreamFraming().feed(wire))
    assert isinstance(made, Fault)
    assert (made.fault.code, made.fault.message, made.fault.status) == (name, "slow down", status)


def test_an_error_frame_without_payload():
    """Errors of the framing itself have their words in headers."""
    wire = message(b"", message_type="error", error_code="InternalError", error_message="boom")
    [made] = decode(*EventStreamFraming().feed(wire))
    assert (made.fault.code, made.fault.message, made.fault.status) == ("internalError", "boom", 500)


def test_a_stream_without_metadata_has_not_ended():
    """`messageStop` alone is no end: the usage is still to come."""
    events = decode(Frame(b"", "messageStop", b'{"stopReason":"end_turn"}'))
    assert events == [Finish(index=0, reason="stop")]


@pytest.mark.parametrize("data", [b"{", b"[1]", b"\xff", b""])
def test_an_unreadable_frame_is_a_fault(data):
    """Never an exception."""
    [made] = decode(Frame(b"", "contentBlockDelta", data))
    assert isinstance(made, Fault)


def test_a_whole_answer():
    """Blocks become parts, and what is not known here stays whole."""
    reply = DIALECT.decode_reply(
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                        {"reasoningContent": {"redactedContent": "r"}},
                        {"text": "안녕"},
                        {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1}}},
                        {"citationsContent": {"content": [{"text": "cited"}]}},
                        {"guardContent": {"text": {"text": "g"}}},
                    ],
                }
            },
            "stopReason": "tool_use",
            "usage": USAGE,
            "serviceTier": {"type": "flex"},
        }
    )
    [choice] = reply.choices
    assert choice.finish == "tool_calls"
    assert choice.parts == [
        Thinking(text="hm", signature="s"),
        Thinking(redacted="r"),
        Text(text="안녕"),
        ToolUse(id="a", name="f", arguments='{"x":1}'),
        Text(text="cited"),
        Unknown(dialect="converse", raw={"guardContent": {"text": {"text": "g"}}}),
    ]
    assert reply.usage == Usage(input_tokens=5, cache_read_tokens=2, output_tokens=3, service_tier="flex")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("guardrail_intervened", "content_filter"),
        ("malformed_tool_use", "stop"),
        (None, None),
    ],
)
def test_finish_reasons(reason, finish):
    """A filtered answer never reads as a complete one."""
    assert DIALECT.decode_reply({"stopReason": reason}).choices[0].finish == finish


COUNT = st.none() | st.integers(0, 10**6)


@given(
    fresh=COUNT,
    read=COUNT,
    written=COUNT,
    output=COUNT,
    details=st.lists(st.tuples(st.sampled_from(["5m", "1h", "?"]), st.integers(0, 100)), max_size=3),
)
def test_buckets_sum_to_what_was_billed(fresh, read, written, output, details):
    """Every token stands in one bucket; the details split the writes and add none."""
    known = sum(count for ttl, count in details if ttl != "?")
    total = None if written is None else written + known
    usage = read_usage(
        {
            "inputTokens": fresh,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": total,
            "outputTokens": output,
            "cacheDetails": [{"ttl": ttl, "inputTokens": count} for ttl, count in details],
        }
    )
    if usage is None:
        assert fresh is read is total is output is None
        return
    assert usage.total_input_tokens == (fresh or 0) + (read or 0) + (known if total is None else total)
    assert usage.total_output_tokens == (output or 0)


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["delta", "start", "toolUse", "text", "usage", "contentBlockIndex", "output", "content"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([name for name, _ in STREAM] + ["xException", ""]), _JSON)
def test_no_json_makes_the_decoder_raise(name, value):
    """Whatever an upstream sends is events, maybe none, and a whole body a reply."""
    data = json.dumps(value).encode()
    assert all(isinstance(made, Event) for made in decode(Frame(b"", name, data)))
    DIALECT.summarize(data)
    assert DIALECT.decode_fault(500, data).message
    if isinstance(value, dict):
        DIALECT.decode_reply(value)


def test_faults():
    """The exception's name is found in the body; HTML and silence give a sentence of ours."""
    fault = DIALECT.decode_fault(429, b'{"__type":"com.amazon#ThrottlingException","Message":"slow"}')
    assert (fault.code, fault.message, fault.status) == ("throttlingException", "slow", 429)
    assert DIALECT.decode_fault(403, b'{"message":"expired"}').message == "expired"
    for body in (b"", b"<html>internal</html>"):
        assert (
            DIALECT.decode_fault(502, body).message == "The upstream answered 502 without a readable error."
        )


def test_the_summary():
    """Usage, reason and characters of a whole answer."""
    body = {"output": {"message": {"content": [{"text": "안녕"}]}}, "stopReason": "end_turn", "usage": USAGE}
    summary = DIALECT.summarize(json.dumps(body).encode())
    assert (summary.usage, summary.finish, summary.output_chars) == (BUCKETS, "stop", 2)
