"""Gemini's generateContent and streamGenerateContent (events with CRLF, or one long JSON array)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from naru.testing.upstream.sse import SseWriter
from naru.testing.upstream.turn import Json, Piece, Turn

_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
FAULT = {
    "error": {
        "code": 503,
        "message": "The model is overloaded. Please try again later.",
        "status": "UNAVAILABLE",
    }
}


def _usage(turn: Turn, *, sent: int | None = None) -> Json:
    output = turn.output_tokens if sent is None else sent
    usage: Json = {
        "promptTokenCount": turn.all_input_tokens,
        "candidatesTokenCount": output,
        # Gemini's total holds the thoughts; its candidates do not.
        "totalTokenCount": turn.all_input_tokens + output + turn.reasoning_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": turn.all_input_tokens}],
    }
    if turn.script.cache_read_tokens:
        usage["cachedContentTokenCount"] = turn.script.cache_read_tokens
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": turn.script.cache_read_tokens}]
    if turn.reasoning_tokens:
        usage["thoughtsTokenCount"] = turn.reasoning_tokens
    return turn.merge_usage(usage)


def _choices(turn: Turn) -> int:
    settings = turn.body.get("generationConfig")
    asked = settings.get("candidateCount") if isinstance(settings, dict) else None
    return turn.script.n or (asked if isinstance(asked, int) and asked > 0 else 1)


def _args(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _call_parts(turn: Turn) -> list[Json]:
    parts: list[Json] = [
        {"functionCall": {"name": call.name, "args": _args(call.arguments)}} for call in turn.calls
    ]
    if parts:
        # Only the first of parallel calls is signed.
        parts[0]["thoughtSignature"] = turn.script.reasoning_signature
    return parts


def _answer(turn: Turn, candidates: list[Json], usage: Json | None) -> Json:
    answer: Json = {"candidates": candidates}
    if usage is not None:
        answer["usageMetadata"] = usage
    return {**answer, "modelVersion": turn.model, "responseId": turn.id}


def _finish(turn: Turn) -> str:
    return _FINISH.get(turn.finish, turn.finish)


def whole(turn: Turn) -> Json:
    """One GenerateContentResponse."""
    parts: list[Json] = []
    if turn.reasoning:
        parts.append({"text": "".join(turn.reasoning), "thought": True})
    if turn.tokens or not turn.calls:
        parts.append({"text": turn.text or turn.script.refusal or ""})
    parts += _call_parts(turn)
    candidates: list[Json] = [
        {
            "content": {"parts": parts, "role": "model"},
            "finishReason": _finish(turn),
            "index": index,
            "avgLogprobs": -0.125,
        }
        for index in range(_choices(turn))
    ]
    return _answer(turn, candidates, _usage(turn) if turn.wants_usage else None)


def fault(turn: Turn) -> bytes:
    """The in-band error."""
    if turn.query.get("alt") == "sse":
        return SseWriter(turn, is_crlf=True).event(FAULT)
    return b",\r\n" + turn.encode(FAULT) + b"\r\n]"


def stream(turn: Turn) -> Iterator[Piece]:
    """Chunks; there is no terminal event, only a last chunk with a finish reason."""
    sse = SseWriter(turn, is_crlf=True)
    is_array = turn.query.get("alt") != "sse"
    place = turn.script.usage_place
    indexes = range(_choices(turn))
    sent = 0
    is_begun = False
    for part in _stream_parts(turn):
        for index in indexes:
            sent += "thought" not in part
            usage = None
            if place in ("auto", "every-chunk") or (place == "first-and-last" and not is_begun):
                usage = _usage(turn, sent=sent)
            candidate: Json = {"content": {"parts": [part], "role": "model"}, "index": index}
            chunk = _answer(turn, [candidate], usage)
            lead = b",\r\n" if is_begun else b"["
            is_begun = True
            yield Piece("token", lead + turn.encode(chunk) if is_array else sse.event(chunk))
    last: list[Json] = [
        {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": _finish(turn), "index": index}
        for index in indexes
    ]
    chunk = _answer(turn, last, _usage(turn) if turn.wants_usage else None)
    if is_array:
        yield Piece("end", (b",\r\n" if is_begun else b"[") + turn.encode(chunk) + b"\r\n]")
    else:
        yield Piece("end", sse.event(chunk))


def _stream_parts(turn: Turn) -> Iterator[Json]:
    for token in turn.reasoning:
        yield {"text": token, "thought": True}
    for token in turn.tokens or ([turn.script.refusal] if turn.script.refusal else []):
        yield {"text": token}
    # Gemini never cuts a call into fragments.
    yield from _call_parts(turn)
