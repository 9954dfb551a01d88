"""What the upstream is told to do: one frozen value, no behaviour.

A script travels three ways: in Python, in the header `x-upstream-script`, or inside the model's name
(`scripted:{json}`), so that a test can command the upstream through a gateway that passes only the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

DEFAULT_REPLY = "Hello! 안녕하세요, 나루입니다 🚣 How can I help you today?"
_FILLER = ("The ", "ferry ", "crosses ", "the ", "river, ", "나루를 ", "건넙니다 ", "🚣 ")
_WORD = re.compile(r"\s*\S+|\s+")

UsagePlace = Literal["auto", "final-chunk", "in-choices", "every-chunk", "x_groq", "first-and-last", "none"]
RetryAfterForm = Literal["seconds", "date", "retry-after-ms", "x-ms-retry-after-ms", "detail"]
ToolStyle = Literal["sequential", "interleaved", "whole", "null-ids", "index-zero"]
SseStyle = Literal["crlf", "lf", "cr", "tight", "multiline", "comments", "ids", "bom"]
Framing = Literal["auto", "chunked", "close", "length"]


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call the scripted model makes. `arguments` may be JSON text, even broken on purpose, or an object."""

    name: str
    arguments: str | dict[str, Any] = "{}"
    id: str | None = None

    @property
    def arguments_json(self) -> str:
        """The arguments as the text that goes over the wire."""
        if isinstance(self.arguments, str):
            return self.arguments
        return msgspec.json.encode(self.arguments).decode()


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One behaviour of the upstream. The default is a small, cheerful, well-formed answer at once."""

    # --- what is said
    reply: str | None = None
    """Text of the answer."""
    tokens: Sequence[str] | int | None = None
    """The answer as exactly these tokens, or as so many made-up ones."""
    n: int | None = None
    """Choices; the request's own `n` when None."""
    tool_calls: Sequence[ToolCall] = ()
    tool_style: ToolStyle = "sequential"
    """How a stream cuts tool calls: `whole` in one chunk each, `null-ids` repeats `id: null` in each
    fragment, `index-zero` gives every parallel call index 0 (as some servers wrongly do)."""
    fragment_chars: int = 8
    """Characters of a tool call's arguments in one fragment."""
    reasoning: str | None = None
    reasoning_signature: str = "EqQBCkYIBxgCKkB0aGUgZmVycnkgY3Jvc3Nlcw=="
    reasoning_redacted: str | None = None
    """Opaque data of a redacted block, base64 (Anthropic, Bedrock), before any other reasoning."""
    reasoning_field: str = "reasoning_content"
    """Where chat completions put reasoning text (`reasoning` at OpenRouter and newer vLLM)."""
    refusal: str | None = None
    """OpenAI's refusal text, in the place of the answer."""
    finish_reason: str | None = None
    """`stop`, `length`, `tool_calls` or `content_filter` are said in each provider's own words; any other
    text goes out as it is."""
    stop_sequence: str | None = None
    """The stop sequence at which the model stopped: Anthropic says which, the others only `stop`."""
    logprobs: bool | None = None
    """Send log probabilities; None: when the request asks for them."""
    echo: bool = False
    """Answer with a JSON text of what was received: `method`, `path`, `query`, `headers`, `body`."""
    models: Sequence[str] = ("gpt-scripted", "claude-scripted", "gemini-scripted")
    served_model: str | None = None
    """The model named in the answer; the one asked for when None."""
    dimensions: int = 8
    """Length of an embedding when the request does not say."""
    honour_max_tokens: bool = False
    """Cut the answer at the request's token limit and finish with `length`."""

    # --- what it is said to cost: disjoint buckets, summed the way each provider sums them
    input_tokens: int | None = None
    """Fresh input; a crude count of the request's text when None."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int | None = None
    """Output without reasoning; the number of tokens sent when None."""
    reasoning_tokens: int | None = None
    usage: Mapping[str, Any] = {}
    """Merged deeply into the provider's own usage object."""
    usage_place: UsagePlace = "auto"

    # --- when it is said
    delay_headers_ms: float = 0
    delay_first_ms: float = 0
    """Between the headers and the first token; a whole answer waits as long before its headers."""
    delay_token_ms: float = 0
    """Between two tokens of a stream."""
    delay_write_ms: float = 0
    """Between two writes; with `split_writes` this is a slow body."""
    stall_after_tokens: int | None = None
    """Never say anything again after so many tokens; a whole answer stalls in the middle of its body
    (with 0, before its headers)."""

    # --- how the bytes go wrong
    reset_at_byte: int | None = None
    """Send so many bytes of the body, then reset the connection; with -1, before the headers."""
    close_at_byte: int | None = None
    """Send so many bytes of the body, then end it. A stream then has no length and no chunks, so nothing in
    HTTP says that it was cut, unless `framing` says otherwise. With -1 it closes before the headers."""
    framing: Framing = "auto"
    hang_up: bool = False
    """Close the connection after the answer without having said so: the next request on it is lost."""
    cut_utf8: bool = False
    """Write in pieces that end inside every multi-byte character and inside every event."""
    truncate_utf8: bool = False
    """End the body inside the last multi-byte character."""
    split_writes: int | None = None
    """Bytes in one write."""
    gzip: bool = False
    ascii: bool = False
    """Escape everything beyond ASCII in JSON (surrogate pairs included)."""
    sse: Sequence[SseStyle] = ()
    """Legal but rare ways to write events."""

    # --- how the answer goes wrong
    error_status: int | None = None
    error_kind: str | None = None
    """`insufficient_quota`, `context_length_exceeded`, `overloaded`, `invalid_api_key`, `model_not_found`,
    `content_filter`; told from the status when None."""
    error_message: str | None = None
    error_body: str | dict[str, Any] | None = None
    """In the place of the provider's own error object."""
    error_headers: Mapping[str, str] = {}
    error_times: int | None = None
    """Only the first so many requests of this script fail, in whatever way it says; then all is well."""
    retry_after: float | None = None
    """Seconds, said with the error in the form below."""
    retry_after_form: RetryAfterForm = "seconds"
    should_retry: bool | None = None
    """OpenAI's `x-should-retry`."""
    html_error: bool = False
    """The error is a proxy's HTML page (502 unless `error_status` says otherwise)."""
    inband_error_after_tokens: int | None = None
    """An error inside the stream, in the provider's form; a whole answer is a 200 with an error object."""
    done_after_error: bool = False
    forget_done: bool = False
    """Leave the terminal event out; HTTP itself ends correctly."""
    garbage: bool = False
    """Invalid JSON: the whole body, or one event after the first token (Bedrock: a wrong checksum)."""
    empty_body: bool = False
    redirect: str | None = None
    """Answer 302 to this address."""
    content_type: str | None = None
    headers: Mapping[str, str] = {}
    """More headers on every answer."""
    huge_event_bytes: int | None = None
    """One token of this size between the others."""
    api_key: str | None = None
    """Refuse with 401 any request that does not carry this key in the provider's way."""

    def __post_init__(self) -> None:
        # Objects do as well, as in JSON.
        calls = tuple(msgspec.convert(call, ToolCall) for call in self.tool_calls)
        msgspec.structs.force_setattr(self, "tool_calls", calls)

    @property
    def is_prompt(self) -> bool:
        """True when an answer may be written at once and unchanged: the fast road of the benches."""
        return not (
            self.delay_headers_ms
            or self.delay_first_ms
            or self.delay_token_ms
            or self.delay_write_ms
            or self.stall_after_tokens is not None
            or self.reset_at_byte is not None
            or self.close_at_byte is not None
            or self.framing != "auto"
            or self.hang_up
            or self.cut_utf8
            or self.truncate_utf8
            or self.split_writes
            or self.gzip
        )

    @property
    def is_error(self) -> bool:
        """True when the script asks for an HTTP error or a redirect."""
        return self.error_status is not None or self.html_error or self.redirect is not None

    @property
    def healed(self) -> Script:
        """The same script without its faults: what follows when `error_times` is used up."""
        return msgspec.structs.replace(
            self,
            error_status=None,
            html_error=False,
            redirect=None,
            stall_after_tokens=None,
            reset_at_byte=None,
            close_at_byte=None,
            hang_up=False,
            truncate_utf8=False,
            inband_error_after_tokens=None,
            forget_done=False,
            garbage=False,
            empty_body=False,
        )

    @property
    def text_tokens(self) -> list[str]:
        """The answer's text, token by token; none where only tools are called or the model refuses."""
        if isinstance(self.tokens, int):
            tokens = [_FILLER[i % len(_FILLER)] for i in range(self.tokens)]
        elif self.tokens is not None:
            tokens = list(self.tokens)
        elif self.reply is not None:
            tokens = split_tokens(self.reply)
        elif self.tool_calls or self.refusal is not None:
            tokens = []
        else:
            tokens = split_tokens(DEFAULT_REPLY)
        if self.huge_event_bytes is not None:
            tokens.insert(min(1, len(tokens)), "x" * self.huge_event_bytes)
        return tokens


def split_tokens(text: str) -> list[str]:
    """Words with the space before them; joined again they are the text."""
    return _WORD.findall(text)


def overlay(base: Script, text: str | bytes) -> Script:
    """`base` with the fields that the JSON object `text` names. Raises msgspec.MsgspecError, a ValueError."""
    named = msgspec.json.decode(text, type=dict[str, Any])
    changed = msgspec.convert(named, Script)
    return msgspec.structs.replace(base, **{name: getattr(changed, name) for name in named})
