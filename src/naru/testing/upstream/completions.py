"""OpenAI's older text completions, as vLLM and llama.cpp still serve them."""

from __future__ import annotations

from collections.abc import Iterator

from naru.testing.upstream import chat
from naru.testing.upstream.sse import SseWriter
from naru.testing.upstream.turn import Json, Piece, Turn


def _prompts(turn: Turn) -> int:
    prompt = turn.body.get("prompt")
    return len(prompt) if isinstance(prompt, list) and all(isinstance(p, (str, list)) for p in prompt) else 1


def _logprobs(turn: Turn, tokens: list[str]) -> Json | None:
    wanted = turn.body.get("logprobs")
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        return None
    offsets, at = [], 0
    for token in tokens:
        offsets.append(at)
        at += len(token)
    return {
        "tokens": tokens,
        "token_logprobs": [-0.125] * len(tokens),
        "top_logprobs": [{token: -0.125} for token in tokens],
        "text_offset": offsets,
    }


def _base(turn: Turn) -> Json:
    return {
        "id": f"cmpl-{turn.id}",
        "object": "text_completion",
        "created": turn.created,
        "model": turn.model,
        "system_fingerprint": "fp_5c2a7d91e0",
    }


def whole(turn: Turn) -> Json:
    """One `text_completion`, with `n` choices for each prompt."""
    choices = [
        {
            "text": turn.text,
            "index": index,
            "logprobs": _logprobs(turn, turn.tokens),
            "finish_reason": turn.finish,
        }
        for index in range(turn.n * max(1, _prompts(turn)))
    ]
    answer: Json = {**_base(turn), "choices": choices, "usage": chat.usage(turn)}
    if not turn.wants_usage:
        del answer["usage"]
    return answer


def fault(turn: Turn) -> bytes:
    """The in-band error."""
    return SseWriter(turn).event(chat.FAULT)


def stream(turn: Turn) -> Iterator[Piece]:
    """Text chunks, the usage chunk when asked for, and `[DONE]`."""
    sse = SseWriter(turn)
    base = _base(turn)
    options = turn.body.get("stream_options")
    place = turn.script.usage_place
    has_asked = isinstance(options, dict) and bool(options.get("include_usage"))
    is_final = has_asked and place in ("auto", "final-chunk")
    indexes = range(turn.n * max(1, _prompts(turn)))
    null_usage: Json = {"usage": None} if is_final else {}
    for token in turn.tokens:
        for index in indexes:
            choice = {
                "text": token,
                "index": index,
                "logprobs": _logprobs(turn, [token]),
                "finish_reason": None,
            }
            yield Piece("token", sse.event({**base, "choices": [choice], **null_usage}))
    for index in indexes:
        choice = {"text": "", "index": index, "logprobs": None, "finish_reason": turn.finish}
        with_usage = place in ("in-choices", "every-chunk", "first-and-last") and index == indexes[-1]
        tail: Json = {"usage": chat.usage(turn)} if with_usage else null_usage
        yield Piece("close", sse.event({**base, "choices": [choice], **tail}))
    if is_final:
        yield Piece("close", sse.event({**base, "choices": [], "usage": chat.usage(turn)}))
    yield Piece("end", sse.raw(b"[DONE]"))
