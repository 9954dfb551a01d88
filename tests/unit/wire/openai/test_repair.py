"""Almost-JSON from upstreams is read, and never ends a stream that could go on."""

from __future__ import annotations

import msgspec
import pytest

from naru.wire.chat import ChatDecoder
from naru.wire.model import Fault, TextDelta
from naru.wire.repair import decode_repaired
from naru.wire.sse import SseFraming


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":"\\ud83d\\ude00"}', "😀"),
        (b'{"a":"x\\ud83d"}', "x?"),
        (b'{"a":"x\xff"}', "x\N{REPLACEMENT CHARACTER}"),
        (b'{"a":"x\x01y"}', "x\x01y"),
        (b'{"a":-Infinity}', -9999.0),
        (b'{"a":NaN}', None),
    ],
)
def test_what_can_be_read_is_read(data, value):
    """Strict JSON unchanged; the rest as near as it can be said."""
    assert decode_repaired(msgspec.json.decode, data) == {"a": value}


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b"[" * 100_000, b"\xff"])
def test_what_cannot_be_read_is_refused_in_one_way(data):
    """One exception to catch, whatever was wrong."""
    with pytest.raises(msgspec.DecodeError):
        decode_repaired(msgspec.json.decode, data)


def test_an_emoji_split_over_two_chunks_does_not_end_the_stream():
    """A copy is decoded beside a stream that passes untouched: a fault there would break it."""
    stream = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n'
    decoder = ChatDecoder()
    events = [event for frame in SseFraming().feed(stream) for event in decoder.decode(frame)]
    assert not any(isinstance(event, Fault) for event in events)
    assert events[-1] == TextDelta(index=0, text="?")
