"""Frames out of bytes, wherever the reads fall."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.kernel.errors import UpstreamError
from naru.wire.sse import SseFraming

_BLOCKS = (
    'data: {"a":1}',
    "data:no space",
    "event: message_start\ndata: {}",
    "event: x\ndata: one\ndata: two",
    ": keep-alive",
    "id: 7\nretry: 10\ndata: 안녕하세요",
    "data",
    "data: a\rb: c",
    "",
)


@st.composite
def _streams(draw):
    blocks = draw(st.lists(st.sampled_from(_BLOCKS), min_size=1, max_size=6))
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    stream = "".join(block.replace("\n", end) + end + end for block in blocks)
    return (draw(st.sampled_from((b"", b"\xef\xbb\xbf"))) + stream.encode(), draw(st.data()))


def _feed_cut(stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    framing, frames = SseFraming(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        frames += framing.feed(stream[start:end])
    return framing, frames


@settings(deadline=None)  # the machine may be slow; only the outcome is promised
@given(_streams())
def test_no_byte_is_lost_or_changed_however_the_stream_is_cut(case):
    """All frames' bytes and the rest are the input, for every line ending and every cut."""
    stream, data = case
    framing, frames = _feed_cut(stream, data)
    assert b"".join(frame.raw for frame in frames) + framing.rest == stream
    assert not framing.has_rest


@pytest.mark.parametrize("stream", [b"\n" * 3, b"data: a\n\n\n", b"data: a\n\n\n\n\n"])
def test_a_newline_too_many_is_kept(stream):
    """Of three newlines the last belongs to what comes next."""
    framing = SseFraming()
    assert b"".join(frame.raw for frame in framing.feed(stream)) + framing.rest == stream


@settings(deadline=None)
@given(_streams())
def test_the_same_events_are_read_however_the_stream_is_cut(case):
    """Names and data do not depend on where the reads fall."""
    stream, data = case
    _, cut = _feed_cut(stream, data)
    whole = SseFraming().feed(stream)
    read = [[(f.name, f.data) for f in frames if f.name or f.data] for frames in (cut, whole)]
    assert read[0] == read[1]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_kept(chunks):
    """Garbage from an upstream is framed without a loss and without an exception."""
    framing = SseFraming()
    frames = [frame for chunk in chunks for frame in framing.feed(chunk)]
    assert b"".join(frame.raw for frame in frames) + framing.rest == b"".join(chunks)


@pytest.mark.parametrize(
    ("raw", "name", "data"),
    [
        (b"data: x\n\n", "", b"x"),
        (b"data:x\n\n", "", b"x"),
        (b"data:  x\n\n", "", b" x"),
        (b"event: ping\ndata: {}\n\n", "ping", b"{}"),
        (b"data: {}\nevent: ping\n\n", "ping", b"{}"),
        (b"event: ping\r\ndata: {}\r\n\r\n", "ping", b"{}"),
        (b"event: ping\rdata: {}\r\r", "ping", b"{}"),
        (b"data: one\ndata: two\n\n", "", b"one\ntwo"),
        (b": comment\n\n", "", b""),
        (b"\xef\xbb\xbfdata: x\n\n", "", b"x"),
        (b"event: e\nid: 1\ndata: x\n\n", "e", b"x"),
    ],
)
def test_an_event_is_read_as_the_standard_says(raw, name, data):
    """One frame with its name, its data and its own bytes."""
    assert SseFraming().feed(raw) == [(raw, name, data)]


def test_several_events_in_one_read_become_several_frames():
    """Servers flush as they like."""
    frames = SseFraming().feed(b"data: 1\n\n: hi\n\ndata: 2\n\n")
    assert [frame.data for frame in frames] == [b"1", b"", b"2"]


def test_a_cut_stream_is_known_by_its_rest():
    """EOF inside an event must never look like an end."""
    framing = SseFraming()
    assert framing.feed(b"data: 1\n\ndata: 2") == [(b"data: 1\n\n", "", b"1")]
    assert framing.has_rest
    assert framing.flush() == []


def test_a_last_event_without_its_blank_line_can_still_be_read():
    """Some servers close the connection right after `data: [DONE]` and one newline."""
    framing = SseFraming()
    assert framing.feed(b"data: [DONE]\n") == []
    assert framing.flush() == [(b"data: [DONE]\n", "", b"[DONE]")]
    assert not framing.has_rest


@pytest.mark.parametrize("end", [b"", b"\n\n", b"\r\n\r\n", b"\n\ndata: 2\n\n"])
def test_an_oversize_event_is_refused(end):
    """No upstream fills the memory with one event, finished or not."""
    framing = SseFraming(max_event_bytes=64)
    with pytest.raises(UpstreamError) as caught:
        framing.feed(b"data: " + b"x" * 100 + end)
    assert caught.value.code == "upstream_protocol"


def test_an_oversize_event_in_small_reads_is_refused():
    """The bound holds for the sum of the reads."""
    framing = SseFraming(max_event_bytes=64)
    for _ in range(4):
        assert framing.feed(b"data: 1234567890") == []
    with pytest.raises(UpstreamError):
        framing.feed(b"data: 1234567890")
