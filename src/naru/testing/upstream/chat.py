"""OpenAI's chat completions, as api.openai.com, Azure and the servers that copy them send it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from naru.testing.upstream.sse import SseWriter
from naru.testing.upstream.turn import Call, Json, Piece, Turn

_SAFE = {"filtered": False, "severity": "safe"}
_FILTERS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), _SAFE)
_PADDING = "a7Kq0ZxWm3Rt5Lp9Vb2Nc8Yd"
FAULT = {
    "error": {
        "message": "The server had an error while processing your request. Sorry about that!",
        "type": "server_error",
        "param": None,
        "code": None,
    }
}


def usage(turn: Turn, *, sent: int | None = None) -> Json:
    """OpenAI's usage object; `sent` counts only so many output tokens (for usage that grows)."""
    output = turn.output_tokens + turn.reasoning_tokens if sent is None else sent
    prompt_details: Json = {"cached_tokens": turn.script.cache_read_tokens, "audio_tokens": 0}
    if turn.script.cache_write_tokens:
        prompt_details["cache_write_tokens"] = turn.script.cache_write_tokens
    return turn.merge_usage(
        {
            "prompt_tokens": turn.all_input_tokens,
            "completion_tokens": output,
            "total_tokens": turn.all_input_tokens + output,
            "prompt_tokens_details": prompt_details,
            "completion_tokens_details": {
                "reasoning_tokens": turn.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }
    )


def logprobs(turn: Turn, tokens: list[str]) -> Json | None:
    """Log probabilities of `tokens` in OpenAI's shape, or None when nobody asked."""
    wanted = turn.script.logprobs
    if wanted is None:
        wanted = turn.body.get("logprobs") is True
    if not wanted:
        return None
    top = turn.body.get("top_logprobs")
    count = top if isinstance(top, int) else 0
    content = []
    for token in tokens:
        entry = {"token": token, "logprob": -0.125, "bytes": list(token.encode())}
        others = [
            {"token": f"{token}{i or ''}", "logprob": -0.125 - i, "bytes": list(token.encode())}
            for i in range(count)
        ]
        content.append({**entry, "top_logprobs": others})
    return {"content": content, "refusal": None}


def whole(turn: Turn) -> Json:
    """One `chat.completion`."""
    choices = []
    for index in range(turn.n):
        has_text = bool(turn.tokens) or not (turn.calls or turn.script.refusal)
        message: Json = {
            "role": "assistant",
            "content": turn.text if has_text else None,
            "refusal": turn.script.refusal,
            "annotations": [],
        }
        if turn.reasoning:
            message[turn.script.reasoning_field] = "".join(turn.reasoning)
        if turn.calls:
            message["tool_calls"] = [
                {
                    "id": _call_id(call, index),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in turn.calls
            ]
        choice: Json = {
            "index": index,
            "message": message,
            "logprobs": logprobs(turn, turn.tokens),
            "finish_reason": turn.finish,
        }
        if turn.is_azure:
            choice["content_filter_results"] = _FILTERS
        choices.append(choice)
    answer: Json = {
        "id": f"chatcmpl-{turn.id}",
        "object": "chat.completion",
        "created": turn.created,
        "model": turn.model,
        "choices": choices,
        "usage": usage(turn),
        "service_tier": "default",
        "system_fingerprint": "fp_5c2a7d91e0",
    }
    if turn.is_azure:
        answer["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _FILTERS}]
    if not turn.wants_usage:
        del answer["usage"]
    return answer


def fault(turn: Turn) -> bytes:
    """The in-band error."""
    return SseWriter(turn).event(FAULT)


def stream(turn: Turn) -> Iterator[Piece]:
    """The chunks, the usage where the script wants it, and `[DONE]`."""
    return _ChatStream(turn).pieces()


class _ChatStream:
    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._sse = SseWriter(turn)
        options = turn.body.get("stream_options")
        options = options if isinstance(options, dict) else {}
        place = turn.script.usage_place
        self._place = "final-chunk" if place == "auto" else place
        self._has_asked = bool(options.get("include_usage"))
        self._is_obfuscated = options.get("include_obfuscation") is not False and not turn.is_azure
        self._sent = 0
        self._base = {
            "id": f"chatcmpl-{turn.id}",
            "object": "chat.completion.chunk",
            "created": turn.created,
            "model": turn.model,
            "service_tier": "default",
            "system_fingerprint": "fp_5c2a7d91e0",
        }

    def pieces(self) -> Iterator[Piece]:
        turn = self._turn
        if turn.is_azure:
            yield Piece("open", self._prompt_filters())
        has_text = bool(turn.tokens) or not (turn.calls or turn.script.refusal)
        for index in range(turn.n):
            delta: Json = {"role": "assistant", "content": "" if has_text else None, "refusal": None}
            yield Piece("open", self._chunk(index, delta, is_first=index == 0))
        for delta in self._deltas():
            for index in range(turn.n):
                self._sent += 1
                said = delta.get("content")
                yield Piece("token", self._chunk(index, delta, tokens=[said] if said else None))
        for index in range(turn.n):
            for call in self._tool_deltas(index):
                self._sent += 1
                yield Piece("token", self._chunk(index, {"tool_calls": [call]}))
        for index in range(turn.n):
            yield Piece("close", self._chunk(index, {}, finish=turn.finish, is_last=index == turn.n - 1))
        if self._place == "final-chunk" and self._has_asked:
            last: Json = {**self._base, "choices": [], "usage": usage(turn)}
            if self._is_obfuscated:
                last["obfuscation"] = ""
            yield Piece("close", self._sse.event(last))
        yield Piece("end", self._sse.raw(b"[DONE]"))

    def _prompt_filters(self) -> bytes:
        # Azure opens with a chunk without choices, its other fields empty.
        blank = {"id": "", "created": 0, "model": "", "object": "", "choices": []}
        filters = [{"prompt_index": 0, "content_filter_results": _FILTERS}]
        return self._sse.event({**self._base, **blank, "prompt_filter_results": filters})

    def _deltas(self) -> Iterator[Json]:
        turn = self._turn
        for token in turn.reasoning:
            yield {turn.script.reasoning_field: token}
        for token in turn.tokens:
            yield {"content": token}
        if turn.script.refusal:
            yield {"refusal": turn.script.refusal}

    def _chunk(
        self,
        index: int,
        delta: Json,
        *,
        finish: str | None = None,
        tokens: list[str] | None = None,
        is_first: bool = False,
        is_last: bool = False,
    ) -> bytes:
        turn = self._turn
        choice: Json = {
            "index": index,
            "delta": delta,
            "logprobs": logprobs(turn, tokens) if tokens else None,
            "finish_reason": finish,
        }
        if turn.is_azure:
            choice["content_filter_results"] = _FILTERS if tokens else {}
        chunk: Json = {**self._base, "choices": [choice]}
        if self._place == "final-chunk" and self._has_asked:
            chunk["usage"] = None
        elif self._place == "every-chunk":
            chunk["usage"] = usage(turn) if is_last else usage(turn, sent=self._sent)
        elif self._place in ("in-choices", "first-and-last") and is_last:
            chunk["usage"] = usage(turn)
        elif self._place == "first-and-last" and is_first:
            chunk["usage"] = usage(turn, sent=0)
        elif self._place == "x_groq" and is_last:
            chunk["x_groq"] = {"id": f"req_{turn.id}", "usage": usage(turn)}
        if self._is_obfuscated:
            # OpenAI pads small chunks to one size so that an onlooker learns nothing of the tokens.
            said = delta.get("content")
            chunk["obfuscation"] = _PADDING[: max(1, 14 - len(said if isinstance(said, str) else ""))]
        return self._sse.event(chunk)

    def _tool_deltas(self, index: int) -> Iterator[Json]:
        runs = [self._tool_run(slot, call, index) for slot, call in enumerate(self._turn.calls)]
        if self._turn.script.tool_style == "interleaved":
            for step in zip_longest(*runs):
                yield from (delta for delta in step if delta is not None)
        else:
            for run in runs:
                yield from run

    def _tool_run(self, slot: int, call: Call, index: int) -> list[Json]:
        style = self._turn.script.tool_style
        place = 0 if style == "index-zero" else slot
        head: Json = {"index": place, "id": _call_id(call, index), "type": "function"}
        if style == "whole":
            return [{**head, "function": {"name": call.name, "arguments": call.arguments}}]
        rest: Json = {"index": place}
        name: Json = {}
        if style == "null-ids":
            rest, name = {"index": place, "id": None, "type": "function"}, {"name": None}
        return [
            {**head, "function": {"name": call.name, "arguments": ""}},
            *({**rest, "function": {**name, "arguments": fragment}} for fragment in call.fragments),
        ]


def _call_id(call: Call, index: int) -> str:
    return call.id if index == 0 else f"{call.id}_{index}"
