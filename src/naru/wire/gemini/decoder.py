"""Reads a Gemini stream. It has no terminal event: it ends when each candidate has its finish reason."""

from __future__ import annotations

from naru.wire.base import Frame
from naru.wire.faults import UNREADABLE_EVENT
from naru.wire.gemini.parts import read_parts
from naru.wire.gemini.reply import is_blocked, read_error, read_finish, read_logprobs
from naru.wire.gemini.usage import read_usage
from naru.wire.loose import count_of, find_json, list_of, object_of, text_of
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Json,
    Metered,
    Part,
    Ping,
    Start,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    ToolUse,
)


class GeminiDecoder:
    """One stream. Chunks after the end are still read: their usage counts."""

    __slots__ = ("_finished", "_id", "_is_ended", "_is_started", "_slots", "_usage")

    def __init__(self) -> None:
        self._is_started = False
        self._is_ended = False
        self._id = ""
        self._slots: dict[int, int] = {}
        """Calls so far by candidate; its keys are the candidates seen."""
        self._finished: set[int] = set()
        self._usage: Json = {}

    def decode(self, frame: Frame) -> list[Event]:
        """Events of one frame; an unreadable frame gives a Fault, never an exception."""
        if not frame.data or frame.data == b"[DONE]":
            return [Ping()]
        value = find_json(frame.data)
        chunks = value if isinstance(value, list) else [value]
        events: list[Event] = []
        for chunk in chunks:
            if isinstance(chunk, dict):
                events += self._read_chunk(chunk)
            else:
                events.append(Fault(fault=UNREADABLE_EVENT))
        return events

    def _read_chunk(self, chunk: Json) -> list[Event]:
        if chunk.get("error") is not None:
            return [Fault(fault=read_error(chunk, None))]
        events: list[Event] = []
        if not self._is_started:
            self._is_started = True
            self._id = text_of(chunk.get("responseId")) or ""
            events.append(Start(id=self._id, model=text_of(chunk.get("modelVersion")) or "", created=0))
        for place, candidate in enumerate(list_of(chunk.get("candidates"))):
            if isinstance(candidate, dict):
                events += self._read_candidate(candidate, place)
        if not self._slots and is_blocked(chunk):
            self._slots[0] = 0
            self._finished.add(0)
            events.append(Finish(index=0, reason="content_filter"))
        events += self._meter(chunk.get("usageMetadata"))
        if self._slots and self._finished >= self._slots.keys() and not self._is_ended:
            self._is_ended = True
            events.append(End())
        return events

    def _meter(self, metadata: object) -> list[Event]:
        report = object_of(metadata)
        self._usage.update({name: value for name, value in report.items() if value is not None})
        usage = read_usage(self._usage) if report else None
        return [] if usage is None else [Metered(usage=usage)]

    def _read_candidate(self, candidate: Json, place: int) -> list[Event]:
        found = count_of(candidate.get("index"))
        index = place if found is None else found
        slot = self._slots.setdefault(index, 0)
        parts = read_parts(candidate.get("content"), reply_id=self._id, index=index, slot=slot)
        logprobs = read_logprobs(candidate.get("logprobsResult"))
        events: list[Event] = []
        for part in parts:
            events += self._read_part(part, index, logprobs)
            if isinstance(part, Text):
                logprobs = None  # they belong to the chunk's text: told once
        reason = read_finish(candidate.get("finishReason"), has_tools=self._slots[index] > 0)
        if reason is not None and index not in self._finished:
            self._finished.add(index)
            events.append(Finish(index=index, reason=reason))
        return events

    def _read_part(self, part: Part, index: int, logprobs: Json | None) -> list[Event]:
        match part:
            case Text():
                return [TextDelta(index=index, text=part.text, logprobs=logprobs)]
            case Thinking():
                return [ThinkingDelta(index=index, text=part.text, signature=part.signature)]
            case ToolUse():
                slot = self._slots[index]
                self._slots[index] = slot + 1
                return [
                    ToolStart(index=index, slot=slot, id=part.id, name=part.name, signature=part.signature),
                    ToolDelta(index=index, slot=slot, arguments=part.arguments),
                ]
        return [Ping()]
