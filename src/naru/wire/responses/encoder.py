"""Writes a stream of Responses events: every item is added, filled and done, and numbered without a gap.

Messages and reasoning close when something else begins; calls stay open to the end of the turn, because
the fragments of parallel calls may come mixed.
"""

from __future__ import annotations

import msgspec

from naru.kernel.tokens import Usage
from naru.wire.chat.encoder import PING
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
    ToolUse,
)
from naru.wire.responses.reasoning import write_reasoning
from naru.wire.responses.reply import (
    close_response,
    item_base,
    write_call,
    write_message,
    write_response,
    write_text,
    write_tier,
    write_usage,
)

_encode = msgspec.json.Encoder().encode


def _write_event(kind: str, sequence_number: int, fields: Json) -> bytes:
    data = {"type": kind, "sequence_number": sequence_number, **fields}
    return b"event: " + kind.encode() + b"\ndata: " + _encode(data) + b"\n\n"


def write_failure(*, type: str, code: str | None, message: str, sequence_number: int) -> bytes:
    """The error event as documented; the nested object is what makes the official SDK raise."""
    error: Json = {"type": type, "code": code, "message": message, "param": None}
    fields: Json = {"code": code, "message": message, "param": None, "error": error}
    return _write_event("error", sequence_number, fields)


class _Item:
    """One item being written. `part` is the number of its open content part."""

    __slots__ = ("id", "index", "kind", "logprobs", "part", "parts", "text", "use")

    def __init__(self, id: str, index: int, kind: str) -> None:
        self.id = id
        self.index = index
        self.kind = kind
        self.part = ""
        self.parts: list[Json] = []
        self.text = ""
        self.logprobs: list[object] = []
        self.use = ToolUse(id="", name="", arguments="")

    def at(self) -> Json:
        return {"item_id": self.id, "output_index": self.index}


class ResponsesEncoder:
    """Implements `naru.wire.base.StreamEncoder`. One per stream; only the first choice is written."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._reply = Start(id="", model=request.model, created=0)
        self._sequence = 0
        self._is_started = False
        self._is_over = False
        self._open: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self._output: dict[int, Json] = {}
        self._item_count = 0
        self._has_refused = False
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        if self._is_over or getattr(event, "index", 0) != 0:
            return b""
        if isinstance(event, TextDelta):
            return self._say("output_text", event.text, event.logprobs)
        if isinstance(event, RefusalDelta):
            self._has_refused = True
            return self._say("refusal", event.text, None)
        if isinstance(event, ThinkingDelta):
            return self._think(event)
        if isinstance(event, ToolStart):
            return self._call(event)
        if isinstance(event, ToolDelta):
            return self._argue(event)
        return self._mark(event)

    def _mark(self, event: Start | Finish | Metered | Ping | Fault | End) -> bytes:
        if isinstance(event, Start):
            self._reply = event
            return self._start()
        if isinstance(event, Metered):
            self._usage = event.usage
            return b""
        if isinstance(event, Ping):
            return PING
        if isinstance(event, Finish):
            self._finish = self._finish or event.reason
            return self._start() + self._close_all()
        if isinstance(event, End):
            return self._end()
        self._is_over = True
        fault = event.fault
        return write_failure(
            type=fault.type or "upstream_error",
            code=fault.code,
            message=fault.message,
            sequence_number=self._sequence,
        )

    def _write(self, kind: str, fields: Json) -> bytes:
        written = _write_event(kind, self._sequence, fields)
        self._sequence += 1
        return written

    def _response(self, status: str) -> Json:
        return write_response(
            self._request,
            id=self._reply.id,
            model=self._reply.model,
            created=self._reply.created,
            status=status,
            output=[item for _, item in sorted(self._output.items())],
        )

    def _start(self) -> bytes:
        if self._is_started:
            return b""
        self._is_started = True
        response = self._response("in_progress")
        written = self._write("response.created", {"response": response})
        return written + self._write("response.in_progress", {"response": response})

    def _add(self, kind: str, prefix: str, item: Json) -> tuple[_Item, bytes]:
        opening = self._start()
        added = _Item(f"{prefix}_{item_base(self._reply.id)}_{self._item_count}", self._item_count, kind)
        self._item_count += 1
        fields: Json = {"output_index": added.index, "item": {**item, "id": added.id}}
        return added, opening + self._write("response.output_item.added", fields)

    # --- messages ---

    def _say(self, part: str, text: str, logprobs: Json | None) -> bytes:
        written = b""
        item = self._open
        if item is None or item.kind != "message":
            written += self._close_open()
            item, added = self._add("message", "msg", write_message("", "in_progress", []))
            written += added
            self._open = item
        if item.part != part:
            written += self._close_part(item) + self._open_part(item, part)
        item.text += text
        where: Json = {**item.at(), "content_index": len(item.parts), "delta": text}
        if part == "output_text":
            rows = logprobs.get("content") if logprobs is not None else None
            rows = rows if isinstance(rows, list) else []
            item.logprobs += rows
            where["logprobs"] = rows
        return written + self._write(f"response.{part}.delta", where)

    def _open_part(self, item: _Item, part: str) -> bytes:
        item.part = part
        content = write_text("", []) if part == "output_text" else {"type": "refusal", "refusal": ""}
        where: Json = {**item.at(), "content_index": len(item.parts), "part": content}
        return self._write("response.content_part.added", where)

    def _close_part(self, item: _Item) -> bytes:
        if not item.part:
            return b""
        where: Json = {**item.at(), "content_index": len(item.parts)}
        if item.part == "output_text":
            content = write_text(item.text, item.logprobs)
            done: Json = {"text": item.text, "logprobs": item.logprobs}
        else:
            content = {"type": "refusal", "refusal": item.text}
            done = {"refusal": item.text}
        written = self._write(f"response.{item.part}.done", where | done)
        written += self._write("response.content_part.done", where | {"part": content})
        item.parts.append(content)
        item.part, item.text, item.logprobs = "", "", []
        return written

    # --- reasoning ---

    def _think(self, event: ThinkingDelta) -> bytes:
        written = b""
        item = self._open
        if item is None or item.kind != "reasoning":
            written += self._close_open()
            item, added = self._add("reasoning", "rs", {"id": "", "type": "reasoning", "summary": []})
            written += added
            self._open = item
        if event.text:
            where: Json = {**item.at(), "summary_index": 0}
            if not item.text:
                part = {"type": "summary_text", "text": ""}
                written += self._write("response.reasoning_summary_part.added", where | {"part": part})
            item.text += event.text
            written += self._write("response.reasoning_summary_text.delta", where | {"delta": event.text})
        if event.signature is not None or event.redacted is not None:
            written += self._close_reasoning(item, event)
            self._open = None
        return written

    def _close_reasoning(self, item: _Item, seal: ThinkingDelta | None) -> bytes:
        written = b""
        if item.text:
            where: Json = {**item.at(), "summary_index": 0}
            part = {"type": "summary_text", "text": item.text}
            written += self._write("response.reasoning_summary_text.done", where | {"text": item.text})
            written += self._write("response.reasoning_summary_part.done", where | {"part": part})
        thinking = Thinking(
            text=item.text,
            signature=seal.signature if seal is not None else None,
            redacted=seal.redacted if seal is not None else None,
        )
        return written + self._done(item, {**write_reasoning(thinking, item.id), "id": item.id})

    # --- calls ---

    def _call(self, event: ToolStart) -> bytes:
        written = self._close_open()
        use = ToolUse(id=event.id, name=event.name, arguments="")
        item, added = self._add("call", "fc", write_call("", "in_progress", use))
        item.use = use
        self._calls[event.slot] = item
        return written + added

    def _argue(self, event: ToolDelta) -> bytes:
        item = self._calls.get(event.slot)
        if item is None:
            return b""
        item.use.arguments += event.arguments
        where: Json = {**item.at(), "delta": event.arguments}
        return self._write("response.function_call_arguments.delta", where)

    def _close_call(self, item: _Item) -> bytes:
        written = b""
        if not item.use.arguments:  # a call without arguments is still a JSON object to who runs it
            item.use.arguments = "{}"
            written += self._write("response.function_call_arguments.delta", {**item.at(), "delta": "{}"})
        where: Json = {**item.at(), "name": item.use.name, "arguments": item.use.arguments}
        written += self._write("response.function_call_arguments.done", where)
        return written + self._done(item, write_call(item.id, self._status(), item.use))

    # --- closing ---

    def _status(self) -> str:
        return "incomplete" if self._finish == "length" else "completed"

    def _done(self, item: _Item, written: Json) -> bytes:
        self._output[item.index] = written
        return self._write("response.output_item.done", {"output_index": item.index, "item": written})

    def _close_open(self) -> bytes:
        item, self._open = self._open, None
        if item is None:
            return b""
        if item.kind == "reasoning":
            return self._close_reasoning(item, None)
        written = self._close_part(item)
        return written + self._done(item, write_message(item.id, self._status(), item.parts))

    def _close_all(self) -> bytes:
        written = self._close_open()
        for _, item in sorted(self._calls.items()):
            written += self._close_call(item)
        self._calls.clear()
        return written

    def _end(self) -> bytes:
        written = self._start() + self._close_all()
        self._is_over = True
        response = self._response("completed")
        close_response(response, self._finish or "stop", has_refused=self._has_refused)
        if self._usage is not None:
            response["usage"] = write_usage(self._usage)
            write_tier(response, self._usage)
        return written + self._write(f"response.{response['status']}", {"response": response})
