"""Writes a stream of chat completion chunks that the strictest client accepts.

A role chunk opens each choice, each call is opened by its id and name, each choice ends in one
finish chunk, usage comes alone at the end when asked for, and `[DONE]` once. After an error: nothing.
"""

from __future__ import annotations

from naru.kernel.tokens import Usage
from naru.wire.chat.errors import write_error, write_event
from naru.wire.chat.messages import write_signature
from naru.wire.chat.reply import make_id, write_finish
from naru.wire.chat.request import ChatRequest
from naru.wire.chat.thinking import write_block
from naru.wire.chat.usage import is_known, write_usage
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
    Thinking,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
)

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"


class _ChoiceState:
    __slots__ = ("block_count", "has_calls", "has_refused", "is_finished", "silent_calls", "thought")

    def __init__(self) -> None:
        self.has_calls = False
        self.has_refused = False
        self.is_finished = False
        self.silent_calls: set[int] = set()
        self.thought = ""
        self.block_count = 0


class ChatEncoder:
    """Implements `naru.wire.base.StreamEncoder`. One per stream."""

    def __init__(self, request: Request) -> None:
        self._wants_usage = request.wants_stream_usage
        self._uses_functions = isinstance(request, ChatRequest) and request.uses_functions
        self._head: Json = {
            "id": "chatcmpl-naru",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": request.model,
        }
        self._choices: dict[int, _ChoiceState] = {}
        self._usage: Usage | None = None
        self._is_over = False

    def encode(self, event: Event) -> bytes:
        if self._is_over:
            return b""
        if isinstance(event, TextDelta):
            return self._write(event.index, {"content": event.text}, logprobs=event.logprobs)
        if isinstance(event, ThinkingDelta):
            return self._write_thinking(event)
        if isinstance(event, ToolStart | ToolDelta):
            return self._write_call(event)
        if isinstance(event, RefusalDelta):
            return self._write_refusal(event)
        if isinstance(event, Finish):
            return self._finish(event.index, event.reason)
        return self._write_frame(event)

    def _write_frame(self, event: Start | Metered | Ping | Fault | End) -> bytes:
        """What belongs to no choice."""
        if isinstance(event, Start):
            self._head.update(id=make_id(event.id, "chatcmpl-"), created=event.created)
            self._head["model"] = event.model or self._head["model"]
            return self._open(0)[1]
        if isinstance(event, Metered):
            self._usage = event.usage
            return b""
        if isinstance(event, Ping):
            return PING
        if isinstance(event, End):
            return self._end()
        self._is_over = True
        fault = event.fault
        return write_event(
            write_error(
                type=fault.type or "upstream_error", code=fault.code, message=fault.message, param=None
            )
        )

    def _write_refusal(self, event: RefusalDelta) -> bytes:
        state, opening = self._open(event.index)
        state.has_refused = True
        return opening + self._chunk(event.index, {"refusal": event.text})

    def _open(self, index: int) -> tuple[_ChoiceState, bytes]:
        state = self._choices.get(index)
        if state is not None:
            return state, b""
        state = self._choices[index] = _ChoiceState()
        return state, self._chunk(index, {"role": "assistant", "content": "", "refusal": None})

    def _write(self, index: int, delta: Json, *, logprobs: Json | None = None) -> bytes:
        return self._open(index)[1] + self._chunk(index, delta, logprobs=logprobs)

    def _chunk(
        self, index: int, delta: Json, *, logprobs: Json | None = None, finish_reason: str | None = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        chunk = {**self._head, "choices": [choice]}
        if self._wants_usage:
            chunk["usage"] = None
        return write_event(chunk)

    def _write_thinking(self, event: ThinkingDelta) -> bytes:
        state, opening = self._open(event.index)
        written = opening
        if event.text:
            state.thought += event.text
            written += self._chunk(event.index, {"reasoning_content": event.text})
        if event.signature is not None or event.redacted is not None:
            # The whole block again, with its seal: what a client must send back to keep the thread.
            block = Thinking(text=state.thought, signature=event.signature, redacted=event.redacted)
            written += self._chunk(event.index, {"thinking_blocks": [write_block(block, state.block_count)]})
            state.block_count += 1
            if event.redacted is None:
                state.thought = ""
        return written

    def _write_call(self, event: ToolStart | ToolDelta) -> bytes:
        state, opening = self._open(event.index)
        state.has_calls = True
        function: Json
        if isinstance(event, ToolDelta):
            state.silent_calls.discard(event.slot)
            function = {"arguments": event.arguments}
            call: Json = {"index": event.slot, "function": function}
        else:
            state.silent_calls.add(event.slot)
            function = {"name": event.name, "arguments": ""}
            call = {"index": event.slot, "id": event.id, "type": "function", "function": function}
            call.update(write_signature(event.signature))
        if self._uses_functions:
            # The legacy field holds one call; what a model adds in parallel cannot be said there.
            if event.slot:
                return opening
            return opening + self._chunk(event.index, {"function_call": function})
        return opening + self._chunk(event.index, {"tool_calls": [call]})

    def _finish(self, index: int, reason: FinishReason) -> bytes:
        state, opening = self._open(index)
        if state.is_finished:
            return opening
        state.is_finished = True
        for slot in sorted(state.silent_calls):  # clients parse the arguments of every call as JSON
            opening += self._write_call(ToolDelta(index=index, slot=slot, arguments="{}"))
        word = write_finish(reason, has_refused=state.has_refused, uses_functions=self._uses_functions)
        return opening + self._chunk(index, {}, finish_reason=word)

    def _end(self) -> bytes:
        written = b""
        for index, state in sorted(self._choices.items()):
            if not state.is_finished:
                written += self._finish(index, "tool_calls" if state.has_calls else "stop")
        if self._wants_usage and self._usage is not None and is_known(self._usage):
            written += write_event({**self._head, "choices": [], "usage": write_usage(self._usage)})
        self._is_over = True
        return written + DONE
