"""Puts the real values back into an answer: whole, or as a stream of the client's language.

Not needed at all where nothing was masked (`Conversation.is_empty`). Nothing is restored that this
conversation did not mask.
"""

from __future__ import annotations

from typing import Any

import msgspec

from naru.trust.mask import sse
from naru.trust.mask.answers import Answer, restore_body
from naru.trust.mask.rules import Rules
from naru.trust.mask.shapes import SHAPES, Shape
from naru.trust.mask.text import Counters
from naru.trust.mask.vault import Conversation

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_DONE = b"[DONE]"


class Restorer:
    """One answer.

    Args:
        endpoint: the client's language: `chat`, `completions`, `responses`, `messages` or `embeddings`.
        conversation: what was masked in its request.
        rules: hosts and tools into which values may come back.

    Attributes:
        counters: `restored`, `unknown` (placeholders nobody wrote here) and `withheld` (inside a URL to a
            host off the list, or in the arguments of a tool off the list).
    """

    __slots__ = ("_answer", "_events", "_shape", "counters")

    def __init__(self, endpoint: str, conversation: Conversation, rules: Rules) -> None:
        self.counters = Counters()
        self._answer = Answer(conversation, rules, self.counters)
        self._events = sse.Events()
        shape = SHAPES.get(endpoint)
        self._shape: Shape | None = None if shape is None else shape(self._answer, rules, self.counters)

    def whole(self, body: bytes) -> bytes:
        """A whole answer restored; the same bytes when nothing was to be restored or it is no JSON."""
        return restore_body(body, self._answer)

    def feed(self, chunk: bytes) -> bytes:
        """What can be sent of a stream once `chunk` has come. Cut it anywhere.

        Raises:
            UpstreamError: one event is over `sse.MAX_EVENT_BYTES`.
        """
        return b"".join([self._read(event) for event in self._events.feed(chunk)])

    def finish(self) -> bytes:
        """The rest at the end of the stream, however it ended: whatever was held back goes out."""
        rest = self._events.rest()
        if not rest.strip():
            return self._close(b"")
        try:
            _decode(sse.read_data(rest))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return self._close(b"") + rest  # cut inside an event: nobody can read that one
        event = self._read(rest.rstrip(b"\r\n") + b"\n\n")
        return event + self._close(b"")

    def _read(self, event: bytes) -> bytes:
        data = sse.read_data(event)
        if not data or self._shape is None:
            return event
        if data == _DONE:
            return self._close(event) + event
        try:
            value = _decode(data)
            self._answer.is_changed = False
            before = self._shape.read(value)
            written = sse.write_data(event, _encode(value)) if self._answer.is_changed else event
        except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError):
            return event
        if not before:
            return written
        return b"".join([_write_event(item, event) for item in before]) + written

    def _close(self, like: bytes) -> bytes:
        if self._shape is None:
            return b""
        return b"".join([_write_event(item, like) for item in self._shape.close()])


def _write_event(value: dict[str, Any], like: bytes) -> bytes:
    end = b"\r\n" if b"\r\n" in like else b"\n"
    kind = value.get("type")
    name = b"event: " + kind.encode() + end if isinstance(kind, str) else b""
    return name + b"data: " + _encode(value) + end + end
