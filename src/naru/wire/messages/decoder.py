"""Reads an Anthropic stream. Blocks that only Anthropic's own clients understand come out as nothing."""

from __future__ import annotations

from naru.wire.base import Frame
from naru.wire.faults import UNREADABLE_EVENT
from naru.wire.loose import compact, count_of, find_json, object_of, text_of
from naru.wire.messages.errors import read_error
from naru.wire.messages.reply import read_finish
from naru.wire.messages.usage import merge_usage, read_usage
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Json,
    Metered,
    Ping,
    Start,
    TextDelta,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
)


class MessagesDecoder:
    """One stream. Usage is kept as one merged report, since `message_delta` repeats only part of it."""

    __slots__ = ("_is_finished", "_slots", "_usage", "_whole_inputs")

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        """Slot of each `tool_use` block, by the block's index."""
        self._whole_inputs: dict[int, Json] = {}
        """Inputs that came whole in `content_block_start`, as some compatible servers send them."""
        self._usage: Json = {}
        self._is_finished = False

    def decode(self, frame: Frame) -> list[Event]:
        """Events of one frame; an unreadable frame gives a Fault, never an exception."""
        if not frame.data or frame.data == b"[DONE]":
            return [Ping()]
        event = find_json(frame.data)
        if not isinstance(event, dict):
            return [Fault(fault=UNREADABLE_EVENT)]
        match event.get("type") or frame.name:
            case "content_block_delta":
                return self._read_delta(event)
            case "content_block_start":
                return self._start_block(event)
            case "content_block_stop":
                return self._stop_block(event)
            case "message_start":
                return self._start(object_of(event.get("message")))
            case "message_delta":
                return self._finish(event)
            case "message_stop":
                return [End()]
            case "error":
                return [Fault(fault=read_error(event, None))]
        return [Ping()]

    def _start(self, message: Json) -> list[Event]:
        events: list[Event] = [
            Start(id=text_of(message.get("id")) or "", model=text_of(message.get("model")) or "", created=0)
        ]
        return events + self._meter(message.get("usage"))

    def _meter(self, report: object) -> list[Event]:
        merge_usage(self._usage, report)
        usage = read_usage(self._usage)
        return [] if usage is None else [Metered(usage=usage)]

    def _start_block(self, event: Json) -> list[Event]:
        block = object_of(event.get("content_block"))
        match block.get("type"):
            case "text" if text := text_of(block.get("text")):
                return [TextDelta(index=0, text=text)]
            case "thinking" if text := text_of(block.get("thinking")):
                return [ThinkingDelta(index=0, text=text)]
            case "redacted_thinking":
                return [ThinkingDelta(index=0, redacted=text_of(block.get("data")) or "")]
            case "tool_use":
                index, slot = count_of(event.get("index")) or 0, len(self._slots)
                self._slots[index] = slot
                if given := object_of(block.get("input")):
                    self._whole_inputs[index] = given
                name = text_of(block.get("name")) or ""
                return [ToolStart(index=0, slot=slot, id=text_of(block.get("id")) or "", name=name)]
        return []

    def _read_delta(self, event: Json) -> list[Event]:
        delta = object_of(event.get("delta"))
        match delta.get("type"):
            case "text_delta" if text := text_of(delta.get("text")):
                return [TextDelta(index=0, text=text)]
            case "thinking_delta" if text := text_of(delta.get("thinking")):
                return [ThinkingDelta(index=0, text=text)]
            case "signature_delta" if signature := text_of(delta.get("signature")):
                return [ThinkingDelta(index=0, signature=signature)]
            case "input_json_delta" if arguments := text_of(delta.get("partial_json")):
                index = count_of(event.get("index")) or 0
                if index in self._slots:  # else it is the input of a tool the provider runs itself
                    self._whole_inputs.pop(index, None)
                    return [ToolDelta(index=0, slot=self._slots[index], arguments=arguments)]
                return [Ping()]  # keeps the client patient while the provider's tool runs
        return []

    def _stop_block(self, event: Json) -> list[Event]:
        index = count_of(event.get("index")) or 0
        given = self._whole_inputs.pop(index, None)
        if given is None:
            return []
        return [ToolDelta(index=0, slot=self._slots[index], arguments=compact(given))]

    def _finish(self, event: Json) -> list[Event]:
        delta = object_of(event.get("delta"))
        events: list[Event] = []
        reason = read_finish(delta.get("stop_reason"))
        if reason is not None and not self._is_finished:
            self._is_finished = True
            events.append(Finish(index=0, reason=reason, stop_sequence=text_of(delta.get("stop_sequence"))))
        return events + self._meter(event.get("usage"))
