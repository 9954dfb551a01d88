"""The neutral model every language is read into and written from when client and upstream differ.

It keeps what any of the languages can say (thinking signatures, cache marks, parallel tools, log
probabilities). A field nobody here knows stays in `extra`, untouched, and is written out again at the
top level of the upstream's request.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from naru.kernel.tokens import Usage

Json = dict[str, object]
Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause"]
"""`pause`: the upstream stopped to let a long turn be continued (Anthropic `pause_turn`)."""


# --- content ---------------------------------------------------------------------------------------


class Text(msgspec.Struct, kw_only=True):
    """Plain text. `cache_control` is Anthropic's prompt-cache mark, passed on where it can be."""

    text: str
    cache_control: Json | None = None
    citations: list[Json] | None = None


class Image(msgspec.Struct, kw_only=True):
    """An image by address, or by base64 `data` with its `media_type`; exactly one of the two is set."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: str | None = None
    cache_control: Json | None = None


class Audio(msgspec.Struct, kw_only=True):
    """Base64 audio; `format` as OpenAI names it (`wav`, `mp3`)."""

    data: str
    format: str


class File(msgspec.Struct, kw_only=True):
    """A document: base64 `data`, an address, or an id the upstream knows."""

    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    filename: str | None = None
    cache_control: Json | None = None


class Thinking(msgspec.Struct, kw_only=True):
    """Reasoning shown by the model. `signature` and `redacted` must go back to the provider unchanged."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    """Opaque data of a redacted block; then `text` is empty."""


class ToolUse(msgspec.Struct, kw_only=True):
    """A call the assistant wants made. `arguments` is JSON text as the model wrote it, maybe empty."""

    id: str
    name: str
    arguments: str
    signature: str | None = None
    """Gemini's thought signature of this call, to be sent back unchanged."""
    cache_control: Json | None = None


class ToolResult(msgspec.Struct, kw_only=True):
    """What a call returned; stands in a user turn."""

    id: str
    parts: list[Part]
    is_error: bool = False
    name: str | None = None
    """The tool's name when the client said it; Gemini and some others need it (else found by `id`)."""
    cache_control: Json | None = None


class Refusal(msgspec.Struct, kw_only=True):
    """The model's own words of refusal (OpenAI keeps them apart from text)."""

    text: str


class Unknown(msgspec.Struct, kw_only=True):
    """A part of a kind not modelled here: written out unchanged in its own language, refused in another."""

    dialect: str
    raw: Json


Part = Text | Image | Audio | File | Thinking | ToolUse | ToolResult | Refusal | Unknown


class Message(msgspec.Struct, kw_only=True):
    """One turn. Tool results stand in `user` turns; `developer` reads as `system`."""

    role: Role
    parts: list[Part]
    name: str | None = None


# --- request ---------------------------------------------------------------------------------------


class Tool(msgspec.Struct, kw_only=True):
    """A function the model may call. `parameters` is JSON Schema, None when it takes nothing."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    is_strict: bool | None = None
    cache_control: Json | None = None


class HostedTool(msgspec.Struct, kw_only=True):
    """A tool the provider runs itself (web search, code): kept in its own language, refused in others."""

    dialect: str
    raw: Json


class ToolChoice(msgspec.Struct, kw_only=True):
    """`required` = some tool, `tool` = the one called `name`."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None


class ResponseFormat(msgspec.Struct, kw_only=True):
    """What shape the answer's text must have."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: Json | None = None
    is_strict: bool | None = None
    description: str | None = None


class Reasoning(msgspec.Struct, kw_only=True):
    """How hard to think: OpenAI says an effort, Anthropic and Gemini a number of tokens."""

    effort: str | None = None
    budget_tokens: int | None = None
    is_enabled: bool | None = None
    summary: str | None = None


class Request(msgspec.Struct, kw_only=True):
    """One generation request. `model` is what the client asked; the upstream's name is given when written."""

    model: str
    messages: list[Message]
    tools: list[Tool | HostedTool] = []
    tool_choice: ToolChoice | None = None
    is_parallel: bool | None = None
    """Whether several tools may be called in one turn; None when the client did not say."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = []
    n: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    wants_logprobs: bool | None = None
    top_logprobs: int | None = None
    format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    service_tier: str | None = None
    user: str | None = None
    is_stream: bool = False
    wants_stream_usage: bool = False
    """The client itself asked for the usage chunk (chat and completions)."""
    extra: Json = {}


# --- reply -----------------------------------------------------------------------------------------


class Choice(msgspec.Struct, kw_only=True):
    """One answer. `logprobs` in OpenAI's chat shape: {"content": [...], "refusal": [...]}."""

    index: int
    parts: list[Part]
    finish: FinishReason | None
    stop_sequence: str | None = None
    logprobs: Json | None = None


class Reply(msgspec.Struct, kw_only=True):
    """A whole answer. `created` is unix seconds (0 when the upstream has no such field)."""

    id: str
    model: str
    created: int
    choices: list[Choice]
    usage: Usage
    extra: Json = {}


class Summary(msgspec.Struct, kw_only=True):
    """What metering needs of a whole answer that passes through untouched."""

    id: str | None
    model: str | None
    usage: Usage | None
    finish: FinishReason | None
    output_chars: int
    """Characters of text, reasoning and tool arguments: the base of an estimate when usage is missing."""


class UpstreamFault(msgspec.Struct, kw_only=True):
    """An error as an upstream worded it; `status` None for one inside a stream that names no status."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    status: int | None = None


# --- stream ----------------------------------------------------------------------------------------
# A decoder turns frames into these, an encoder turns these into client bytes. `index` is the choice;
# `slot` numbers the tool calls of one choice from 0 in order of appearance.


class Start(msgspec.Struct, kw_only=True):
    """First sign of life; carries no content."""

    id: str
    model: str
    created: int


class TextDelta(msgspec.Struct, kw_only=True):
    index: int
    text: str
    logprobs: Json | None = None


class ThinkingDelta(msgspec.Struct, kw_only=True):
    """Reasoning text, or (`signature`/`redacted`) the opaque mark that closes a block."""

    index: int
    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class RefusalDelta(msgspec.Struct, kw_only=True):
    index: int
    text: str


class ToolStart(msgspec.Struct, kw_only=True):
    index: int
    slot: int
    id: str
    name: str
    signature: str | None = None


class ToolDelta(msgspec.Struct, kw_only=True):
    """A fragment of the JSON text of a call's arguments."""

    index: int
    slot: int
    arguments: str


class Finish(msgspec.Struct, kw_only=True):
    index: int
    reason: FinishReason
    stop_sequence: str | None = None


class Metered(msgspec.Struct, kw_only=True):
    """Usage so far. Cumulative: a later one replaces an earlier one, never adds to it."""

    usage: Usage


class Fault(msgspec.Struct, kw_only=True):
    """An error inside the stream."""

    fault: UpstreamFault


class Ping(msgspec.Struct, kw_only=True):
    """Keep-alive, comment, or a frame that means nothing in another language."""


class End(msgspec.Struct, kw_only=True):
    """The terminal event (`[DONE]`, `message_stop`, `response.completed`). A stream without it is cut."""


Event = (
    Start
    | TextDelta
    | ThinkingDelta
    | RefusalDelta
    | ToolStart
    | ToolDelta
    | Finish
    | Metered
    | Fault
    | Ping
    | End
)
