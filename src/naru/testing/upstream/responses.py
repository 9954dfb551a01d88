"""OpenAI's responses."""

from __future__ import annotations

from collections.abc import Iterator

from naru.testing.upstream.sse import SseWriter
from naru.testing.upstream.turn import Call, Json, Piece, Turn

_PADDING = "a7Kq0ZxWm3Rt5Lp9"
_ECHOED: tuple[tuple[str, object], ...] = (
    ("background", False),
    ("instructions", None),
    ("max_output_tokens", None),
    ("max_tool_calls", None),
    ("metadata", {}),
    ("parallel_tool_calls", True),
    ("previous_response_id", None),
    ("prompt_cache_key", None),
    ("safety_identifier", None),
    ("store", True),
    ("temperature", 1.0),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_logprobs", 0),
    ("top_p", 1.0),
    ("truncation", "disabled"),
    ("user", None),
)


def _usage(turn: Turn) -> Json:
    output = turn.output_tokens + turn.reasoning_tokens
    return turn.merge_usage(
        {
            "input_tokens": turn.all_input_tokens,
            "input_tokens_details": {
                "cached_tokens": turn.script.cache_read_tokens,
                "cache_write_tokens": turn.script.cache_write_tokens,
            },
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "total_tokens": turn.all_input_tokens + output,
        }
    )


def _response(turn: Turn, status: str, output: list[Json], *, error: Json | None = None) -> Json:
    incomplete = None
    if status == "incomplete":
        reason = "max_output_tokens" if turn.finish == "length" else turn.finish
        incomplete = {"reason": reason}
    is_over = status in ("completed", "incomplete")
    response: Json = {
        "id": f"resp_{turn.id}",
        "object": "response",
        "created_at": turn.created,
        "status": status,
        "completed_at": turn.created if status == "completed" else None,
        "error": error,
        "incomplete_details": incomplete,
        "model": turn.model,
        "output": output,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default" if is_over else "auto",
        "text": turn.body.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "usage": _usage(turn) if is_over and turn.wants_usage else None,
    }
    for name, default in _ECHOED:
        response[name] = turn.body.get(name, default)
    return response


def _logprobs(turn: Turn, tokens: list[str]) -> list[Json]:
    if not turn.script.logprobs:
        return []
    return [
        {"token": token, "logprob": -0.125, "bytes": list(token.encode()), "top_logprobs": []}
        for token in tokens
    ]


def _reasoning_item(turn: Turn, *, is_done: bool = True) -> Json:
    summary = [{"type": "summary_text", "text": "".join(turn.reasoning)}] if is_done else []
    item: Json = {"id": f"rs_{turn.id}", "type": "reasoning", "summary": summary}
    include = turn.body.get("include")
    if is_done and isinstance(include, list) and "reasoning.encrypted_content" in include:
        item["encrypted_content"] = turn.script.reasoning_signature
    return item


def _message_item(turn: Turn, *, is_done: bool = True) -> Json:
    return {
        "id": f"msg_{turn.id}",
        "type": "message",
        "status": "completed" if is_done else "in_progress",
        "content": [_text_part(turn)] if is_done else [],
        "role": "assistant",
    }


def _text_part(turn: Turn, *, is_done: bool = True) -> Json:
    if turn.script.refusal is not None:
        return {"type": "refusal", "refusal": turn.script.refusal if is_done else ""}
    return {
        "type": "output_text",
        "annotations": [],
        "logprobs": _logprobs(turn, turn.tokens) if is_done else [],
        "text": turn.text if is_done else "",
    }


def _call_item(call: Call, *, is_done: bool = True) -> Json:
    return {
        "id": f"fc_{call.id}",
        "type": "function_call",
        "status": "completed" if is_done else "in_progress",
        "arguments": call.arguments if is_done else "",
        "call_id": call.id,
        "name": call.name,
    }


def _has_message(turn: Turn) -> bool:
    return bool(turn.tokens or turn.script.refusal is not None or not turn.calls)


def _status(turn: Turn) -> str:
    return "incomplete" if turn.finish in ("length", "content_filter") else "completed"


def _output(turn: Turn) -> list[Json]:
    output = [_reasoning_item(turn)] if turn.reasoning else []
    if _has_message(turn):
        output.append(_message_item(turn))
    return output + [_call_item(call) for call in turn.calls]


def whole(turn: Turn) -> Json:
    """One `response`."""
    return _response(turn, _status(turn), _output(turn))


def fault(turn: Turn) -> bytes:
    """The in-band error: an `error` event, then `response.failed`."""
    sse = SseWriter(turn)
    message = "An error occurred while processing your request."
    error = {"code": "server_error", "message": message}
    failed = _response(turn, "failed", [], error=error)
    return sse.event({"type": "error", "sequence_number": 9000, **error, "param": None}, "error") + sse.event(
        {"type": "response.failed", "sequence_number": 9001, "response": failed}, "response.failed"
    )


def stream(turn: Turn) -> Iterator[Piece]:
    """The events of each output item between `response.created` and `response.completed`."""
    return _ResponseStream(turn).pieces()


class _ResponseStream:
    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._sse = SseWriter(turn)
        self._number = -1
        options = turn.body.get("stream_options")
        self._is_obfuscated = not (isinstance(options, dict) and options.get("include_obfuscation") is False)

    def _event(self, type: str, **fields: object) -> bytes:
        self._number += 1
        return self._sse.event({"type": type, "sequence_number": self._number, **fields}, type)

    def _delta(self, type: str, delta: str, **fields: object) -> Piece:
        padding = {"obfuscation": _PADDING[: max(1, 14 - len(delta))]} if self._is_obfuscated else {}
        return Piece("token", self._event(type, **fields, delta=delta, **padding))

    def pieces(self) -> Iterator[Piece]:
        turn = self._turn
        begun = _response(turn, "in_progress", [])
        yield Piece("open", self._event("response.created", response=begun))
        yield Piece("open", self._event("response.in_progress", response=begun))
        at = 0
        if turn.reasoning:
            yield from self._reasoning(at)
            at += 1
        if _has_message(turn):
            yield from self._message(at)
            at += 1
        for call in turn.calls:
            yield from self._call(call, at)
            at += 1
        status = _status(turn)
        end = _response(turn, status, _output(turn))
        yield Piece("end", self._event(f"response.{status}", response=end))

    def _reasoning(self, at: int) -> Iterator[Piece]:
        turn = self._turn
        where = {"item_id": f"rs_{turn.id}", "output_index": at, "summary_index": 0}
        part = {"type": "summary_text", "text": ""}
        opened = _reasoning_item(turn, is_done=False)
        yield Piece("open", self._event("response.output_item.added", output_index=at, item=opened))
        yield Piece("open", self._event("response.reasoning_summary_part.added", **where, part=part))
        for token in turn.reasoning:
            yield self._delta("response.reasoning_summary_text.delta", token, **where)
        text = "".join(turn.reasoning)
        yield Piece("close", self._event("response.reasoning_summary_text.done", **where, text=text))
        part = {"type": "summary_text", "text": text}
        yield Piece("close", self._event("response.reasoning_summary_part.done", **where, part=part))
        done = _reasoning_item(turn)
        yield Piece("close", self._event("response.output_item.done", output_index=at, item=done))

    def _message(self, at: int) -> Iterator[Piece]:
        turn = self._turn
        where = {"item_id": f"msg_{turn.id}", "output_index": at, "content_index": 0}
        opened = _message_item(turn, is_done=False)
        yield Piece("open", self._event("response.output_item.added", output_index=at, item=opened))
        part = _text_part(turn, is_done=False)
        yield Piece("open", self._event("response.content_part.added", **where, part=part))
        if turn.script.refusal is not None:
            yield self._delta("response.refusal.delta", turn.script.refusal, **where)
            done = self._event("response.refusal.done", **where, refusal=turn.script.refusal)
        else:
            for token in turn.tokens:
                logprobs = _logprobs(turn, [token])
                yield self._delta("response.output_text.delta", token, **where, logprobs=logprobs)
            logprobs = _logprobs(turn, turn.tokens)
            done = self._event("response.output_text.done", **where, text=turn.text, logprobs=logprobs)
        yield Piece("close", done)
        part = _text_part(turn)
        yield Piece("close", self._event("response.content_part.done", **where, part=part))
        item = _message_item(turn)
        yield Piece("close", self._event("response.output_item.done", output_index=at, item=item))

    def _call(self, call: Call, at: int) -> Iterator[Piece]:
        where = {"item_id": f"fc_{call.id}", "output_index": at}
        opened = _call_item(call, is_done=False)
        yield Piece("open", self._event("response.output_item.added", output_index=at, item=opened))
        fragments = [call.arguments] if self._turn.script.tool_style == "whole" else call.fragments
        for fragment in fragments:
            yield self._delta("response.function_call_arguments.delta", fragment, **where)
        done = self._event("response.function_call_arguments.done", **where, arguments=call.arguments)
        yield Piece("close", done)
        item = _call_item(call)
        yield Piece("close", self._event("response.output_item.done", output_index=at, item=item))
