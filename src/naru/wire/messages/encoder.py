"""Writes an Anthropic stream: blocks one after another, closed before the next one opens.

Other languages let parallel calls interleave, and none says when a call's arguments are complete. A call is
taken as complete when its arguments are a whole JSON object and something else is being said; until then
what belongs behind it waits, at most `MAX_WAITING` characters.

`message_delta` is held until the end of the stream, because usage comes last: `message_start` says 0
input tokens and the SDKs take the true count from `message_delta`.
"""

from __future__ import annotations

from collections import deque

import msgspec

from naru.kernel.errors import UpstreamError
from naru.kernel.tokens import Usage
from naru.wire.loose import find_json
from naru.wire.messages.errors import write_stream_error
from naru.wire.messages.reply import write_finish
from naru.wire.messages.usage import write_delta_usage
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    FinishReason,
    Json,
    Metered,
    Ping,
    RefusalDelta,
    Request,
    Start,
    TextDelta,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
)
from naru.wire.signatures import mark_call

MAX_WAITING = 4 * 1024 * 1024
_EVENT_SIZE = 64  # what an event costs beside its text, so that empty ones are bounded too

_TEXT, _THINKING, _TOOL = "text", "thinking", "tool"
_Content = TextDelta | RefusalDelta | ThinkingDelta | ToolStart | ToolDelta


class _Waiting(msgspec.Struct):
    """What cannot be sent before the open call is complete: one call by slot, or text and thinking."""

    slot: int | None
    events: list[_Content]


class MessagesEncoder:
    """One stream. Raises UpstreamError(code="upstream_protocol") when more waits than is bounded."""

    __slots__ = (
        "_arguments",
        "_finish",
        "_has_tools",
        "_is_ended",
        "_is_signed",
        "_is_started",
        "_kind",
        "_next_index",
        "_queue",
        "_request",
        "_slot",
        "_usage",
        "_waiting_size",
    )

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_started = False
        self._is_ended = False
        self._next_index = 0
        self._kind: str | None = None
        """Kind of the open block, None between blocks."""
        self._slot: int | None = None
        """Slot of the open call."""
        self._arguments: list[str] = []
        """The open call's arguments so far: what tells that it is complete."""
        self._is_signed = False
        """True after the open thinking block got its signature: what follows is another block."""
        self._queue: deque[_Waiting] = deque()
        self._waiting_size = 0
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._has_tools = False

    def encode(self, event: Event) -> bytes:
        """Bytes to send now, maybe empty."""
        if self._is_ended or getattr(event, "index", 0) != 0:
            return b""  # a message holds one answer, the first
        match event:
            case TextDelta() | RefusalDelta() | ThinkingDelta() | ToolStart() | ToolDelta():
                return self._begin(None) + self._take(event)
            case Start():
                return self._begin(event)
            case Metered():
                self._usage = event.usage
            case Finish():
                self._finish = event
                return self._begin(None) + self._drain()
            case Ping():
                return b'event: ping\ndata: {"type": "ping"}\n\n' if self._is_started else b""
            case End():
                return self._begin(None) + self._drain() + self._end()
            case Fault():
                self._is_ended = True
                return write_stream_error(
                    status=event.fault.status or 502,
                    type=event.fault.type or "upstream_error",
                    code=event.fault.code,
                    message=event.fault.message,
                    request_id=None,
                )
        return b""

    def _begin(self, start: Start | None) -> bytes:
        if self._is_started:
            return b""
        self._is_started = True
        message: Json = {
            "id": (start.id if start else "") or "msg_0",
            "type": "message",
            "role": "assistant",
            "model": (start.model if start else "") or self._request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return _write("message_start", {"message": message})

    def _end(self) -> bytes:
        self._is_ended = True
        reason: FinishReason | None = self._finish.reason if self._finish else None
        sequence = self._finish.stop_sequence if self._finish else None
        stop_reason = write_finish(reason, stop_sequence=sequence, has_tools=self._has_tools)
        delta: Json = {"stop_reason": stop_reason, "stop_sequence": sequence}
        return _write("message_delta", {"delta": delta, "usage": write_delta_usage(self._usage)}) + _write(
            "message_stop", {}
        )

    # --- order -----------------------------------------------------------------------------------

    def _take(self, event: _Content) -> bytes:
        """Sends what may be sent now and keeps the rest in order."""
        slot = event.slot if isinstance(event, ToolStart | ToolDelta) else None
        if not self._queue and (self._kind != _TOOL or slot == self._slot):
            return self._say(event)
        self._wait(slot, event)
        return self._advance()

    def _wait(self, slot: int | None, event: _Content) -> None:
        if slot == self._slot and self._kind == _TOOL:
            waiting = None
        elif slot is None:
            waiting = self._queue[-1] if self._queue and self._queue[-1].slot is None else None
        else:
            waiting = next((item for item in self._queue if item.slot == slot), None)
        if waiting is None:
            waiting = _Waiting(slot, [])
            if slot == self._slot and self._kind == _TOOL:
                self._queue.appendleft(waiting)
            else:
                self._queue.append(waiting)
        waiting.events.append(event)
        self._waiting_size += _size(event)
        if self._waiting_size > MAX_WAITING:
            raise UpstreamError(
                "The upstream interleaved more tool calls than can be put in order.", code="upstream_protocol"
            )

    def _advance(self) -> bytes:
        """Sends what waits, as long as the calls before it are complete."""
        sent = b""
        while self._queue:
            waiting = self._queue[0]
            if self._kind == _TOOL and waiting.slot != self._slot and not self._is_call_complete():
                break
            self._queue.popleft()
            for event in waiting.events:
                self._waiting_size -= _size(event)
                sent += self._say(event)
        return sent

    def _drain(self) -> bytes:
        """Sends all that waits, since nothing more will come, and closes the last block."""
        sent = b""
        while self._queue:
            for event in self._queue.popleft().events:
                sent += self._say(event)
        self._waiting_size = 0
        return sent + self._close()

    def _is_call_complete(self) -> bool:
        arguments = "".join(self._arguments)
        self._arguments = [arguments]
        if not arguments.rstrip().endswith("}"):
            return False
        return isinstance(find_json(arguments.encode("utf-8", "replace")), dict)

    # --- blocks ----------------------------------------------------------------------------------

    def _say(self, event: _Content) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                opened = b"" if self._kind == _TEXT else self._open(_TEXT, {"type": "text", "text": ""})
                return opened + self._delta({"type": "text_delta", "text": event.text})
            case ThinkingDelta():
                return self._think(event)
            case ToolStart():
                return self._call(event)
        if self._kind != _TOOL or event.slot != self._slot:
            return b""  # its block is closed: only white space can follow a whole object
        self._arguments.append(event.arguments)
        return self._delta({"type": "input_json_delta", "partial_json": event.arguments})

    def _think(self, event: ThinkingDelta) -> bytes:
        if event.redacted is not None:
            block: Json = {"type": "redacted_thinking", "data": event.redacted}
            return self._open("redacted", block) + self._close()
        sent = b""
        if self._kind != _THINKING or (self._is_signed and event.text):
            sent = self._open(_THINKING, {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            sent += self._delta({"type": "thinking_delta", "thinking": event.text})
        if event.signature is not None:
            self._is_signed = True
            sent += self._delta({"type": "signature_delta", "signature": event.signature})
        return sent

    def _call(self, event: ToolStart) -> bytes:
        sent = b""
        if event.signature is not None:
            sent = self._open(_THINKING, {"type": "thinking", "thinking": "", "signature": ""})
            sent += self._delta({"type": "signature_delta", "signature": mark_call(event.signature)})
        block: Json = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
        sent += self._open(_TOOL, block)
        self._slot = event.slot
        self._arguments = []
        self._has_tools = True
        return sent

    def _open(self, kind: str, block: Json) -> bytes:
        closed = self._close()
        self._kind = kind
        self._is_signed = False
        opened = _write("content_block_start", {"index": self._next_index, "content_block": block})
        return closed + opened

    def _close(self) -> bytes:
        if self._kind is None:
            return b""
        self._kind = self._slot = None
        self._next_index += 1
        return _write("content_block_stop", {"index": self._next_index - 1})

    def _delta(self, delta: Json) -> bytes:
        return _write("content_block_delta", {"index": self._next_index, "delta": delta})


def _size(event: _Content) -> int:
    match event:
        case ToolDelta():
            size = len(event.arguments)
        case ToolStart():
            size = len(event.name) + len(event.signature or "")
        case ThinkingDelta():
            size = len(event.text) + len(event.signature or event.redacted or "")
        case _:
            size = len(event.text)
    return size + _EVENT_SIZE


def _write(name: str, fields: Json) -> bytes:
    data = msgspec.json.encode({"type": name, **fields})
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
