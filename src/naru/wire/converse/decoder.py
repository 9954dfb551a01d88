"""Reads a ConverseStream. Usage comes in `metadata`, after `messageStop`: only then has the stream ended."""

from __future__ import annotations

from naru.wire.base import Frame
from naru.wire.converse.reply import read_exception, read_finish, read_usage
from naru.wire.faults import UNREADABLE_EVENT
from naru.wire.loose import count_of, find_json, object_of, text_of
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


class ConverseDecoder:
    """One stream. The frame's name tells the event, as AWS keeps it outside the payload."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        """Slot of each call, by the block's index."""

    def decode(self, frame: Frame) -> list[Event]:
        """Events of one frame; an unreadable frame gives a Fault, never an exception."""
        if not frame.data and not frame.name:
            return [Ping()]
        event = find_json(frame.data)
        if frame.name.endswith(("Exception", "Error")):
            return [Fault(fault=read_exception(frame.name, object_of(event)))]
        if not isinstance(event, dict):
            return [Fault(fault=UNREADABLE_EVENT)]
        match frame.name:
            case "contentBlockDelta":
                return self._read_delta(event)
            case "contentBlockStart":
                return self._start_block(event)
            case "messageStart":
                return [Start(id="", model="", created=0)]
            case "messageStop":
                more = object_of(event.get("additionalModelResponseFields"))
                reason = read_finish(event.get("stopReason")) or "stop"
                sequence = text_of(more.get("stop_sequence"))
                return [Finish(index=0, reason=reason, stop_sequence=sequence)]
            case "metadata":
                usage = read_usage(event.get("usage"), event.get("serviceTier"))
                return [End()] if usage is None else [Metered(usage=usage), End()]
        return []

    def _start_block(self, event: Json) -> list[Event]:
        call = object_of(object_of(event.get("start")).get("toolUse"))
        if not call or call.get("type") == "server_tool_use":
            return []
        slot = len(self._slots)
        self._slots[count_of(event.get("contentBlockIndex")) or 0] = slot
        id, name = text_of(call.get("toolUseId")) or "", text_of(call.get("name")) or ""
        return [ToolStart(index=0, slot=slot, id=id, name=name)]

    def _read_delta(self, event: Json) -> list[Event]:
        delta = object_of(event.get("delta"))
        if text := text_of(delta.get("text")):
            return [TextDelta(index=0, text=text)]
        slot = self._slots.get(count_of(event.get("contentBlockIndex")) or 0)
        if slot is not None and (arguments := text_of(object_of(delta.get("toolUse")).get("input"))):
            return [ToolDelta(index=0, slot=slot, arguments=arguments)]
        reasoning = object_of(delta.get("reasoningContent"))
        if text := text_of(reasoning.get("text")):
            return [ThinkingDelta(index=0, text=text)]
        if signature := text_of(reasoning.get("signature")):
            return [ThinkingDelta(index=0, signature=signature)]
        if redacted := text_of(reasoning.get("redactedContent")):
            return [ThinkingDelta(index=0, redacted=redacted)]
        return []
