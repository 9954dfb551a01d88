"""Anthropic's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from naru.testing.upstream.sse import SseWriter
from naru.testing.upstream.turn import Json, Piece, Turn

_STOP = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
FAULT = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def _input_usage(turn: Turn) -> Json:
    script = turn.script
    return {
        "input_tokens": turn.input_tokens,
        "cache_creation_input_tokens": script.cache_write_tokens + script.cache_write_1h_tokens,
        "cache_read_input_tokens": script.cache_read_tokens,
    }


def _start_usage(turn: Turn, output_tokens: int) -> Json:
    return {
        **_input_usage(turn),
        "cache_creation": {
            "ephemeral_5m_input_tokens": turn.script.cache_write_tokens,
            "ephemeral_1h_input_tokens": turn.script.cache_write_1h_tokens,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _output_tokens(turn: Turn) -> int:
    # Anthropic counts thinking as output; the details only say how much of it that was.
    return turn.output_tokens + turn.reasoning_tokens


def _details(turn: Turn) -> Json:
    if not turn.reasoning_tokens:
        return {}
    return {"output_tokens_details": {"thinking_tokens": turn.reasoning_tokens}}


def _arguments(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _call_id(id: str) -> str:
    return "toolu_" + id.removeprefix("call_") if id.startswith("call_") else id


def _stop(turn: Turn) -> str:
    if turn.script.refusal and turn.script.finish_reason is None:
        return "refusal"
    if turn.script.stop_sequence is not None:
        return "stop_sequence"
    return _STOP.get(turn.finish, turn.finish)


def _message(turn: Turn, content: list[Json], stop_reason: str | None, usage: Json) -> Json:
    return {
        "id": f"msg_01{turn.id}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": turn.script.stop_sequence if stop_reason is not None else None,
        "stop_details": None,
        "usage": usage,
    }


def whole(turn: Turn) -> Json:
    """One `message`."""
    content: list[Json] = []
    if turn.script.reasoning_redacted is not None:
        content.append({"type": "redacted_thinking", "data": turn.script.reasoning_redacted})
    if turn.reasoning:
        content.append(
            {
                "type": "thinking",
                "thinking": "".join(turn.reasoning),
                "signature": turn.script.reasoning_signature,
            }
        )
    text = turn.text or turn.script.refusal or ""
    if text or not turn.calls:
        content.append({"type": "text", "text": text})
    content += [
        {"type": "tool_use", "id": _call_id(c.id), "name": c.name, "input": _arguments(c.arguments)}
        for c in turn.calls
    ]
    usage = turn.merge_usage({**_start_usage(turn, _output_tokens(turn)), **_details(turn)})
    answer = _message(turn, content, _stop(turn), usage)
    if not turn.wants_usage:
        del answer["usage"]
    return answer


def fault(turn: Turn) -> bytes:
    """The in-band error: an `error` event."""
    return SseWriter(turn).event(FAULT, "error")


def stream(turn: Turn) -> Iterator[Piece]:
    """`message_start`, a run of events for each block, `message_delta`, `message_stop`; a `ping` early on."""
    sse = SseWriter(turn)
    place = turn.script.usage_place

    def event(type: str, **fields: object) -> bytes:
        return sse.event({"type": type, **fields}, type)

    opening = turn.merge_usage(_start_usage(turn, 1))
    if place in ("none", "final-chunk"):
        # Some servers of this language know their usage only at the end.
        opening = {"input_tokens": 0, "output_tokens": 0}
    yield Piece("open", event("message_start", message=_message(turn, [], None, opening)))
    for index, (start, deltas) in enumerate(_blocks(turn)):
        yield Piece("open", event("content_block_start", index=index, content_block=start))
        if index == 0:
            yield Piece("open", event("ping"))
        for delta in deltas:
            yield Piece("token", event("content_block_delta", index=index, delta=delta))
        yield Piece("close", event("content_block_stop", index=index))
    closing: Json = {**_input_usage(turn), "output_tokens": _output_tokens(turn), **_details(turn)}
    closing = turn.merge_usage(closing)
    if place == "in-choices":
        closing = {"output_tokens": closing["output_tokens"]}
    end: Json = {"stop_reason": _stop(turn), "stop_sequence": turn.script.stop_sequence}
    tail: Json = {"usage": closing} if place != "none" else {}
    yield Piece("close", event("message_delta", delta=end, **tail))
    yield Piece("end", event("message_stop"))


def _blocks(turn: Turn) -> Iterator[tuple[Json, list[Json]]]:
    if turn.script.reasoning_redacted is not None:
        yield {"type": "redacted_thinking", "data": turn.script.reasoning_redacted}, []
    if turn.reasoning:
        deltas: list[Json] = [{"type": "thinking_delta", "thinking": token} for token in turn.reasoning]
        deltas.append({"type": "signature_delta", "signature": turn.script.reasoning_signature})
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    tokens = turn.tokens or ([turn.script.refusal] if turn.script.refusal else [])
    if tokens or not turn.calls:
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": token} for token in tokens]
    for call in turn.calls:
        fragments = [call.arguments] if turn.script.tool_style == "whole" else ["", *call.fragments]
        yield (
            {"type": "tool_use", "id": _call_id(call.id), "name": call.name, "input": {}},
            [{"type": "input_json_delta", "partial_json": fragment} for fragment in fragments],
        )
