"""Reads a stream of chat completion chunks, from any server that calls itself OpenAI-compatible.

It also runs over a copy of every stream that passes through, so a plain text chunk must cost little:
only the structure is typed, odd leaves are looked at when they are there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from naru.wire.base import Frame
from naru.wire.chat.errors import read_fault
from naru.wire.chat.messages import read_signature
from naru.wire.chat.reply import make_call_id, read_arguments, read_finish, read_int, read_text
from naru.wire.chat.thinking import read_thinking
from naru.wire.chat.usage import Counts, merge_counts, usage_from_counts
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
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


class _Delta(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking_blocks: Any = None
    tool_calls: Any = None
    function_call: Any = None


class _Choice(msgspec.Struct):
    index: Any = 0
    delta: _Delta | None = None
    finish_reason: Any = None
    logprobs: Any = None
    usage: Any = None


class _Chunk(msgspec.Struct):
    id: Any = None
    model: Any = None
    created: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    x_groq: Any = None
    service_tier: Any = None
    error: Any = None
    object: Any = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class _ToolCall:
    """One call being streamed: which slot it has and what still waits for its name."""

    __slots__ = ("id", "is_started", "pending", "slot")

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.id = ""
        self.is_started = False
        self.pending = ""


class _ChoiceState:
    __slots__ = ("by_index", "calls", "has_refused", "is_finished")

    def __init__(self) -> None:
        self.calls: list[_ToolCall] = []
        self.by_index: dict[int, _ToolCall] = {}
        self.has_refused = False
        self.is_finished = False


class ChatDecoder:
    """Implements `naru.wire.base.StreamDecoder`. One per stream."""

    def __init__(self) -> None:
        self._id = ""
        self._is_started = False
        self._counts: Counts = {}
        self._service_tier: str | None = None
        self._choices: dict[int, _ChoiceState] = {}

    def decode(self, frame: Frame) -> list[Event]:
        data = frame.data
        if not data:
            return [Ping()]
        if data.startswith(b"[DONE]"):
            return [End()]
        try:
            chunk = decode_repaired(_decode_chunk, data)
        except msgspec.DecodeError:
            return [self._read_odd(data)]
        if chunk.error or chunk.object == "error" or frame.name == "error":
            return [self._read_odd(data)]
        events: list[Event] = []
        if not self._is_started and (chunk.id or chunk.choices):
            # Azure's first chunk has neither: it only reports on the prompt's content filter.
            self._start(chunk, events)
        for choice in chunk.choices or ():
            self._read_choice(choice, events)
        if chunk.usage is not None or chunk.x_groq is not None:
            self._read_usage(chunk, events)
        if type(chunk.service_tier) is str:
            self._service_tier = chunk.service_tier
        return events

    def _start(self, chunk: _Chunk, events: list[Event]) -> None:
        self._is_started = True
        self._id = chunk.id if isinstance(chunk.id, str) else ""
        model = chunk.model if isinstance(chunk.model, str) else ""
        events.append(Start(id=self._id, model=model, created=read_int(chunk.created)))

    def _read_odd(self, data: bytes) -> Event:
        try:
            body = decode_repaired(msgspec.json.decode, data)
        except msgspec.DecodeError:
            body = None
        if isinstance(body, dict) and (body.get("error") or "choices" not in body):
            return Fault(fault=read_fault(body.get("error") or body, None))
        message = "The upstream sent a stream event that cannot be read."
        return Fault(fault=UpstreamFault(message=message, code="upstream_protocol"))

    def _read_usage(self, chunk: _Chunk, events: list[Event]) -> None:
        if type(chunk.service_tier) is str:
            self._service_tier = chunk.service_tier
        has_any = False
        if type(chunk.x_groq) is dict:
            has_any = merge_counts(self._counts, chunk.x_groq.get("usage"))
        if merge_counts(self._counts, chunk.usage) or has_any:
            events.append(Metered(usage=usage_from_counts(self._counts, self._service_tier)))

    def _read_choice(self, choice: _Choice, events: list[Event]) -> None:
        index = choice.index if type(choice.index) is int else 0
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _ChoiceState()
        delta = choice.delta
        if delta is not None:
            if delta.reasoning_content or delta.reasoning or delta.thinking_blocks:
                self._read_thinking(delta, index, events)
            if delta.content or choice.logprobs:
                _read_text(choice, delta.content, index, events)
            if delta.refusal and type(delta.refusal) is str:
                state.has_refused = True
                events.append(RefusalDelta(index=index, text=delta.refusal))
            if delta.tool_calls or delta.function_call:
                self._read_calls(delta, index, state, events)
        if choice.finish_reason and not state.is_finished:
            reason = read_finish(
                choice.finish_reason, has_calls=bool(state.calls), has_refused=state.has_refused
            )
            if reason is not None:
                state.is_finished = True
                events.append(Finish(index=index, reason=reason))
        if choice.usage is not None and merge_counts(self._counts, choice.usage):  # Moonshot puts it here
            events.append(Metered(usage=usage_from_counts(self._counts, self._service_tier)))

    def _read_thinking(self, delta: _Delta, index: int, events: list[Event]) -> None:
        text = delta.reasoning_content or delta.reasoning
        if type(text) is str and text:
            events.append(ThinkingDelta(index=index, text=text))
        for block in read_thinking({"thinking_blocks": delta.thinking_blocks}):
            if block.signature is not None or block.redacted is not None:
                events.append(ThinkingDelta(index=index, signature=block.signature, redacted=block.redacted))
            elif not text and block.text:
                events.append(ThinkingDelta(index=index, text=block.text))

    def _read_calls(self, delta: _Delta, index: int, state: _ChoiceState, events: list[Event]) -> None:
        if type(delta.tool_calls) is list:
            for call in delta.tool_calls:
                if type(call) is dict:
                    self._read_call(call, index, state, events)
        elif type(delta.function_call) is dict:
            self._read_call({"index": 0, "function": delta.function_call}, index, state, events)

    def _read_call(self, delta: dict[str, Any], index: int, state: _ChoiceState, events: list[Event]) -> None:
        function = delta.get("function")
        function = function if type(function) is dict else {}
        call = self._find_call(delta, index, state)
        name, arguments = function.get("name"), read_arguments(function.get("arguments"))
        if not call.is_started:
            if type(name) is not str or not name:
                call.pending += arguments
                return
            call.is_started = True
            events.append(
                ToolStart(index=index, slot=call.slot, id=call.id, name=name, signature=read_signature(delta))
            )
            arguments, call.pending = call.pending + arguments, ""
        if arguments:
            events.append(ToolDelta(index=index, slot=call.slot, arguments=arguments))

    def _find_call(self, delta: dict[str, Any], index: int, state: _ChoiceState) -> _ToolCall:
        """The call a fragment belongs to. Its `index` says, unless a server numbers every call 0 or not at
        all: then an id that is new means a new call, and a fragment without one belongs to the latest."""
        call_id = delta.get("id")
        call_id = call_id if type(call_id) is str else ""
        number = delta.get("index")
        if type(number) is int:
            call = state.by_index.get(number)
        else:
            number = len(state.calls) if call_id or not state.calls else state.calls[-1].slot
            call = next((c for c in state.calls if c.id == call_id), None) if call_id else None
            if call is None and not call_id and state.calls:
                call = state.calls[-1]
        if call is None or (call_id and call.is_started and call.id != call_id):
            call = _ToolCall(len(state.calls))
            call.id = call_id or make_call_id(self._id, index, call.slot)
            state.calls.append(call)
            state.by_index[number] = call
        elif call_id and not call.is_started:
            call.id = call_id
        return call


def _read_text(choice: _Choice, content: object, index: int, events: list[Event]) -> None:
    text = content if isinstance(content, str) else read_text(content)
    logprobs = choice.logprobs if type(choice.logprobs) is dict else None
    if text or logprobs:
        events.append(TextDelta(index=index, text=text, logprobs=logprobs))
