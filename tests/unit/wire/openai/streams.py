"""Chunks to feed a decoder with, and what an encoder wrote read back."""

from __future__ import annotations

import json

from naru.wire.base import Frame
from naru.wire.sse import SseFraming


def frame(data, name=""):
    """A frame holding `data` as JSON, or as it is when it is bytes."""
    payload = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Frame(b"", name, payload)


def chunk(delta=None, *, index=0, finish=None, **fields):
    """A chat completion chunk."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return frame({"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice], **fields})


def decode_all(decoder, *frames):
    """The events of all frames in order."""
    return [event for item in frames for event in decoder.decode(item)]


def encode_all(encoder, *events):
    """(name, data) of every event written; `[DONE]` stays a string, comments are left out."""
    framing = SseFraming()
    frames = framing.feed(b"".join(encoder.encode(event) for event in events))
    assert not framing.has_rest
    return [
        (item.name, "[DONE]" if item.data == b"[DONE]" else json.loads(item.data))
        for item in frames
        if item.data
    ]
