"""One request as the providers' languages see it, and the pieces of which an answer to it is made."""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from naru.testing.upstream.script import Script, split_tokens

Json = dict[str, Any]

ID_MARK = "naruupstreamidnaruupstre"
"""Stands for the request's id in an answer that is kept for reuse; 24 characters, as the id has."""

_TEXT_FIELDS = ("messages", "input", "prompt", "contents", "system", "systemInstruction", "instructions")


class Piece(NamedTuple):
    """Some bytes of a body, and what they are: only a `token` is paced and counted, only an `end` is the
    terminal event. A `stall` has no bytes and never ends."""

    kind: Literal["open", "token", "close", "end", "stall"]
    data: bytes


class Call(NamedTuple):
    """A tool call ready to be written."""

    id: str
    name: str
    arguments: str
    fragments: list[str]


class Turn:
    """What a language needs to write an answer; everything it says is decided here, once."""

    def __init__(
        self,
        *,
        script: Script,
        body: Json,
        model: str,
        is_stream: bool,
        created: int,
        query: Mapping[str, str],
        is_azure: bool = False,
        echo: str | None = None,
    ) -> None:
        self.script = script
        self.body = body
        self.model = script.served_model or model
        self.is_stream = is_stream
        self.created = created
        self.query = query
        self.is_azure = is_azure
        self.id = ID_MARK
        self.tokens = split_tokens(echo) if echo is not None else script.text_tokens
        self.finish = script.finish_reason or ("tool_calls" if script.tool_calls else "stop")
        limit = _limit(body)
        if script.honour_max_tokens and limit is not None and limit < len(self.tokens):
            self.tokens = self.tokens[:limit]
            self.finish = script.finish_reason or "length"
        self.text = "".join(self.tokens)
        self.reasoning = split_tokens(script.reasoning) if script.reasoning else []
        asked_n = body.get("n")
        self.n = script.n or (asked_n if isinstance(asked_n, int) and asked_n > 0 else 1)
        self.calls = [
            Call(
                # No mark inside: it would change a Bedrock frame under its checksum.
                call.id or f"call_{number:02d}scripted{crc32(call.name.encode()):014d}",
                call.name,
                call.arguments_json,
                _cut(call.arguments_json, script.fragment_chars),
            )
            for number, call in enumerate(script.tool_calls)
        ]
        fragments = sum(len(call.fragments) for call in self.calls)
        self.input_tokens = script.input_tokens if script.input_tokens is not None else _crude_count(body)
        self.reasoning_tokens = (
            script.reasoning_tokens if script.reasoning_tokens is not None else len(self.reasoning)
        )
        self.output_tokens = (
            script.output_tokens
            if script.output_tokens is not None
            else (len(self.tokens) + fragments + (1 if script.refusal else 0)) * self.n
        )

    @property
    def all_input_tokens(self) -> int:
        """Fresh, read from and written to the cache: what OpenAI and Gemini call the prompt."""
        script = self.script
        return (
            self.input_tokens
            + script.cache_read_tokens
            + script.cache_write_tokens
            + script.cache_write_1h_tokens
        )

    @property
    def wants_usage(self) -> bool:
        """False when the script hides usage altogether."""
        return self.script.usage_place != "none"

    def merge_usage(self, usage: Json) -> Json:
        """`usage` with the script's own fields laid over it."""
        return _merge(usage, self.script.usage) if self.script.usage else usage

    def encode(self, value: object) -> bytes:
        """JSON as providers send it: raw UTF-8, unless the script wants escapes."""
        if self.script.ascii:
            return json.dumps(value, separators=(",", ":")).encode()
        return msgspec.json.encode(value)


def _limit(body: Json) -> int | None:
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        if isinstance(body.get(name), int):
            return int(body[name])
    for group, name in (("generationConfig", "maxOutputTokens"), ("inferenceConfig", "maxTokens")):
        settings = body.get(group)
        if isinstance(settings, dict) and isinstance(settings.get(name), int):
            return int(settings[name])
    return None


def _cut(text: str, size: int) -> list[str]:
    size = max(1, size)
    return [text[i : i + size] for i in range(0, len(text), size)]


def _crude_count(body: Json) -> int:
    # Four characters a token, as everyone's rule of thumb has it; it need only be stable and plausible.
    return max(1, sum(_characters(body.get(name)) for name in _TEXT_FIELDS) // 4)


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(_characters(item) for item in value)
    if isinstance(value, dict):
        return sum(_characters(item) for item in value.values())
    return 0


def _merge(base: Json, over: Mapping[str, Any]) -> Json:
    merged = dict(base)
    for name, value in over.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
