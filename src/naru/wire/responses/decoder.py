"""Reads a stream of Responses events. A `.done` event repeats what the deltas said, or stands alone.

It also runs over a copy of every stream that passes through. What each part has shown so far is counted,
so that a part whose deltas never came is told once, from its `.done`, its item, or the final response.
"""

from __future__ import annotations

from typing import Any

import msgspec

from naru.wire.base import Frame
from naru.wire.chat.errors import read_fault
from naru.wire.chat.reply import read_int
from naru.wire.chat.usage import read_usage
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Json,
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
from naru.wire.repair import decode_repaired
from naru.wire.responses.reasoning import read_reasoning
from naru.wire.responses.reply import read_call, read_finish


class _Event(msgspec.Struct):
    type: Any = None
    output_index: Any = 0
    content_index: Any = 0
    summary_index: Any = 0
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    logprobs: Any = None
    item: Any = None
    response: Any = None
    error: Any = None


_decode_event = msgspec.json.Decoder(_Event).decode
_PART_GAP = "\n\n"  # between two parts of a summary, as in a whole reply


class ResponsesDecoder:
    """Implements `naru.wire.base.StreamDecoder`. One per stream."""

    def __init__(self) -> None:
        self._is_started = False
        self._has_refused = False
        self._told: set[tuple[int, int]] = set()
        self._thought: dict[int, int] = {}
        self._slots: dict[int, int] = {}
        self._closed: set[int] = set()
        self._readers = {
            "response.output_text.delta": self._read_text,
            "response.output_text.done": self._read_text,
            "response.refusal.delta": self._read_refusal,
            "response.refusal.done": self._read_refusal,
            "response.function_call_arguments.delta": self._read_arguments,
            "response.function_call_arguments.done": self._read_arguments,
            "response.reasoning_summary_text.delta": self._read_thinking,
            "response.reasoning_summary_text.done": self._read_thinking,
            "response.reasoning_text.delta": self._read_thinking,
            "response.reasoning_text.done": self._read_thinking,
            "response.output_item.added": self._open_item,
            "response.output_item.done": self._close_item,
            "response.created": self._start,
            "response.queued": self._start,
            "response.in_progress": self._start,
            "response.completed": self._finish,
            "response.incomplete": self._finish,
            "response.failed": self._fail,
            "response.cancelled": self._fail,
        }

    def decode(self, frame: Frame) -> list[Event]:
        if not frame.data:
            return [Ping()]
        if frame.data.startswith(b"[DONE]"):  # some compatible servers add it; the end has been told
            return []
        try:
            event = decode_repaired(_decode_event, frame.data)
        except msgspec.DecodeError:
            message = "The upstream sent a stream event that cannot be read."
            return [Fault(fault=UpstreamFault(message=message, code="upstream_protocol"))]
        kind = event.type if isinstance(event.type, str) else frame.name
        events: list[Event] = []
        reader = self._readers.get(kind)
        if reader is not None:
            reader(event, events)
        elif kind == "error" or event.error:
            events.append(
                Fault(fault=read_fault(event.error or decode_repaired(msgspec.json.decode, frame.data), None))
            )
        return events

    def _start(self, event: _Event, events: list[Event]) -> None:
        response = _dict(event.response)
        if not self._is_started:
            self._is_started = True
            reply_id, model = response.get("id"), response.get("model")
            events.append(
                Start(
                    id=reply_id if isinstance(reply_id, str) else "",
                    model=model if isinstance(model, str) else "",
                    created=read_int(response.get("created_at")),
                )
            )

    def _is_news(self, event: _Event) -> bool:
        """Whether this is a delta, or a `.done` whose deltas never came."""
        key = (_int(event.output_index), _int(event.content_index))
        if event.delta is None and key in self._told:
            return False
        self._told.add(key)
        return True

    def _read_text(self, event: _Event, events: list[Event]) -> None:
        text = event.text if event.delta is None else event.delta
        if isinstance(text, str) and text and self._is_news(event):
            rows = event.logprobs
            logprobs: Json | None = {"content": rows} if isinstance(rows, list) and rows else None
            events.append(TextDelta(index=0, text=text, logprobs=logprobs))

    def _read_refusal(self, event: _Event, events: list[Event]) -> None:
        text = event.refusal if event.delta is None else event.delta
        if isinstance(text, str) and text and self._is_news(event):
            self._has_refused = True
            events.append(RefusalDelta(index=0, text=text))

    def _read_arguments(self, event: _Event, events: list[Event]) -> None:
        text = event.arguments if event.delta is None else event.delta
        slot = self._slots.get(_int(event.output_index))
        if slot is not None and isinstance(text, str) and text and self._is_news(event):
            events.append(ToolDelta(index=0, slot=slot, arguments=text))

    def _read_thinking(self, event: _Event, events: list[Event]) -> None:
        text = event.text if event.delta is None else event.delta
        if not isinstance(text, str) or not text:
            return
        output, part = _int(event.output_index), _int(event.summary_index) or _int(event.content_index)
        if event.delta is None and self._thought.get(output, -1) >= part:
            return
        gap = _PART_GAP if 0 <= self._thought.get(output, -1) < part else ""
        self._thought[output] = part
        events.append(ThinkingDelta(index=0, text=gap + text))

    def _open_item(self, event: _Event, events: list[Event]) -> None:
        item, output = _dict(event.item), _int(event.output_index)
        if item.get("type") == "function_call" and output not in self._slots:
            self._slots[output] = len(self._slots)
            use = read_call(item)
            events.append(ToolStart(index=0, slot=self._slots[output], id=use.id, name=use.name))

    def _close_item(self, event: _Event, events: list[Event]) -> None:
        item, output = _dict(event.item), _int(event.output_index)
        if output in self._closed:
            return
        self._closed.add(output)
        if item.get("type") == "function_call":
            self._open_item(event, events)
            event.arguments = read_call(item).arguments
            self._read_arguments(event, events)
        elif item.get("type") == "reasoning":
            self._seal(item, output, events)
        elif item.get("type") == "message":
            content = item.get("content")
            for number, part in enumerate(content if isinstance(content, list) else []):
                rest = _Event(output_index=output, content_index=number)
                rest.text, rest.refusal = _dict(part).get("text"), _dict(part).get("refusal")
                self._read_text(rest, events)
                self._read_refusal(rest, events)

    def _seal(self, item: Json, output: int, events: list[Event]) -> None:
        thinking = read_reasoning(item)
        if thinking.text and output not in self._thought:
            events.append(ThinkingDelta(index=0, text=thinking.text))
        if thinking.signature is not None or thinking.redacted is not None:
            events.append(ThinkingDelta(index=0, signature=thinking.signature, redacted=thinking.redacted))

    def _finish(self, event: _Event, events: list[Event]) -> None:
        self._start(event, events)
        response = _dict(event.response)
        output = response.get("output")
        for number, item in enumerate(output if isinstance(output, list) else []):
            self._close_item(_Event(output_index=number, item=item), events)
        self._read_usage(response, events)
        reason = read_finish(response, has_calls=bool(self._slots), has_refused=self._has_refused)
        events += [Finish(index=0, reason=reason), End()]

    def _fail(self, event: _Event, events: list[Event]) -> None:
        response = _dict(event.response)
        self._read_usage(response, events)
        events.append(Fault(fault=read_fault(response.get("error"), None)))

    def _read_usage(self, response: Json, events: list[Event]) -> None:
        usage = read_usage(response.get("usage"), response.get("service_tier"))
        if usage is not None:
            events.append(Metered(usage=usage))


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
