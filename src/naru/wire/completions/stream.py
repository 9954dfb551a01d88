"""Streams of legacy completions: the chat stream's frames around plain text."""

from __future__ import annotations

from typing import Any

import msgspec

from naru.kernel.tokens import Usage
from naru.wire.base import Frame
from naru.wire.chat.encoder import DONE, PING
from naru.wire.chat.errors import read_fault, write_error, write_event
from naru.wire.chat.reply import make_id, read_finish, read_int
from naru.wire.chat.usage import Counts, is_known, merge_counts, usage_from_counts, write_usage
from naru.wire.completions.logprobs import columns_from_rows, rows_from_columns
from naru.wire.completions.reply import write_legacy_finish
from naru.wire.completions.request import CompletionsRequest
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Json,
    Metered,
    Ping,
    RefusalDelta,
    Request,
    Start,
    TextDelta,
    UpstreamFault,
)
from naru.wire.repair import decode_repaired


class _Choice(msgspec.Struct):
    index: Any = 0
    text: Any = None
    finish_reason: Any = None
    logprobs: Any = None


class _Chunk(msgspec.Struct):
    id: Any = None
    model: Any = None
    created: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class CompletionsDecoder:
    """Implements `naru.wire.base.StreamDecoder`. One per stream."""

    def __init__(self) -> None:
        self._is_started = False
        self._counts: Counts = {}
        self._finished: set[int] = set()

    def decode(self, frame: Frame) -> list[Event]:
        if not frame.data:
            return [Ping()]
        if frame.data.startswith(b"[DONE]"):
            return [End()]
        try:
            chunk = decode_repaired(_decode_chunk, frame.data)
        except msgspec.DecodeError:
            message = "The upstream sent a stream event that cannot be read."
            return [Fault(fault=UpstreamFault(message=message, code="upstream_protocol"))]
        if chunk.error or frame.name == "error":
            return [Fault(fault=read_fault(chunk.error, None))]
        events: list[Event] = []
        if not self._is_started and (chunk.id or chunk.choices):
            self._is_started = True
            model = chunk.model if isinstance(chunk.model, str) else ""
            reply_id = chunk.id if isinstance(chunk.id, str) else ""
            events.append(Start(id=reply_id, model=model, created=read_int(chunk.created)))
        for choice in chunk.choices or ():
            self._read_choice(choice, events)
        if merge_counts(self._counts, chunk.usage):
            events.append(Metered(usage=usage_from_counts(self._counts)))
        return events

    def _read_choice(self, choice: _Choice, events: list[Event]) -> None:
        index = choice.index if type(choice.index) is int else 0
        if choice.text and type(choice.text) is str:
            logprobs = rows_from_columns(choice.logprobs) if choice.logprobs is not None else None
            events.append(TextDelta(index=index, text=choice.text, logprobs=logprobs))
        reason = read_finish(choice.finish_reason, has_calls=False, has_refused=False)
        if reason is not None and index not in self._finished:
            self._finished.add(index)
            events.append(Finish(index=index, reason=reason))


class CompletionsEncoder:
    """Implements `naru.wire.base.StreamEncoder`. One per stream."""

    def __init__(self, request: Request) -> None:
        self._wants_usage = request.wants_stream_usage
        self._echoed = request.echoed if isinstance(request, CompletionsRequest) else ""
        self._head: Json = {
            "id": "cmpl-naru",
            "object": "text_completion",
            "created": 0,
            "model": request.model,
        }
        self._lengths: dict[int, int] = {}
        self._finished: set[int] = set()
        self._usage: Usage | None = None
        self._is_over = False

    def encode(self, event: Event) -> bytes:
        if self._is_over:
            return b""
        if isinstance(event, TextDelta):
            return self._write(event.index, event.text, event.logprobs)
        if isinstance(event, RefusalDelta):
            return self._write(event.index, event.text, None)
        if isinstance(event, Finish):
            return self._finish(event)
        if isinstance(event, Start):
            self._head.update(id=make_id(event.id, "cmpl-"), created=event.created)
            self._head["model"] = event.model or self._head["model"]
        elif isinstance(event, Metered):
            self._usage = event.usage
        elif isinstance(event, Ping):
            return PING
        elif isinstance(event, Fault | End):
            return self._close(event)
        return b""

    def _write(self, index: int, text: str, logprobs: Json | None) -> bytes:
        start = self._lengths.get(index)
        if start is None:
            start, text = len(self._echoed), self._echoed + text
            self._lengths[index] = len(text)
        else:
            self._lengths[index] = start + len(text)
        return self._chunk(index, text, columns_from_rows(logprobs, start), None)

    def _finish(self, event: Finish) -> bytes:
        if event.index in self._finished:
            return b""
        self._finished.add(event.index)
        opening = self._write(event.index, "", None) if event.index not in self._lengths else b""
        return opening + self._chunk(event.index, "", None, write_legacy_finish(event.reason))

    def _chunk(self, index: int, text: str, logprobs: Json | None, finish_reason: str | None) -> bytes:
        choice = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}
        chunk = {**self._head, "choices": [choice]}
        if self._wants_usage:
            chunk["usage"] = None
        return write_event(chunk)

    def _close(self, event: Fault | End) -> bytes:
        if isinstance(event, Fault):
            self._is_over = True
            fault = event.fault
            return write_event(
                write_error(
                    type=fault.type or "upstream_error", code=fault.code, message=fault.message, param=None
                )
            )
        open_choices = sorted(self._lengths.keys() - self._finished)
        written = b"".join(self._finish(Finish(index=index, reason="stop")) for index in open_choices)
        self._is_over = True
        if self._wants_usage and self._usage is not None and is_known(self._usage):
            written += write_event({**self._head, "choices": [], "usage": write_usage(self._usage)})
        return written + DONE
