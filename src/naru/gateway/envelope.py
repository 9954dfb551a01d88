"""What the road itself reads of a request: the few fields it acts on, typed; all others stay raw bytes.

A body is checked in full (JSON, UTF-8, depth) but only its top level is taken apart, so a field nobody
here knows reaches the upstream as the very bytes the client sent.
"""

from __future__ import annotations

import re

import msgspec

from naru.kernel.errors import BadRequest

MAX_MODEL_NAME = 4096
"""Characters. Long enough for any ARN; test upstreams are scripted through it."""


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[msgspec.Raw] | None = None


class _Common(msgspec.Struct, kw_only=True):
    model: str
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None


class _Chat(_Common, kw_only=True):
    messages: list[_Message]
    stream_options: _StreamOptions | None = None
    tools: list[dict[str, msgspec.Raw]] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None


class _Completions(_Common, kw_only=True):
    prompt: str | list[str | int | list[int]]
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    n: int | None = None
    best_of: int | None = None


class _Responses(_Common, kw_only=True):
    input: str | list[dict[str, msgspec.Raw]] | None = None
    tools: list[dict[str, msgspec.Raw]] | None = None
    max_output_tokens: int | None = None


class _Messages(_Common, kw_only=True):
    messages: list[_Message]
    max_tokens: int
    tools: list[dict[str, msgspec.Raw]] | None = None


class _Embeddings(msgspec.Struct, kw_only=True):
    model: str
    input: str | list[str | int | list[int]]


_ENVELOPES: dict[str, msgspec.json.Decoder[_Common | _Embeddings]] = {
    "chat": msgspec.json.Decoder(_Chat),
    "completions": msgspec.json.Decoder(_Completions),
    "responses": msgspec.json.Decoder(_Responses),
    "messages": msgspec.json.Decoder(_Messages),
    "embeddings": msgspec.json.Decoder(_Embeddings),
}
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)


class Envelope(msgspec.Struct):
    """A request body, opened just far enough."""

    fields: dict[str, msgspec.Raw]
    """Every top-level field as the client wrote it."""
    model: str
    is_stream: bool
    max_output_tokens: int | None
    answers: int = 1
    """How many answers are made, and paid for."""


def _invalid(error: msgspec.ValidationError) -> BadRequest:
    match = _WHERE.match(str(error))
    path = (match["path"] if match else None) or ""
    param = path.lstrip(".").replace("[...]", "").replace("[", ".").replace("]", "") or None
    what = match["what"] if match else str(error)
    missing = re.fullmatch(r"Object missing required field `(.+)`", what)
    if missing:
        name = f"{param}.{missing[1]}" if param else missing[1]
        return BadRequest(f"`{name}` is required.", code="missing_required_parameter", param=name)
    shown = f"`{param}`: {what}" if param else what
    return BadRequest(f"{shown}.", code="invalid_type", param=param)


def open_envelope(endpoint: str, body: bytes) -> Envelope:
    """Read the body of a request to `endpoint`.

    Raises:
        BadRequest: codes `invalid_json`, `invalid_utf8`, `nesting_too_deep`, `missing_required_parameter`,
            `invalid_type`, `invalid_value`; `param` names the field at fault.
    """
    try:
        if not body.isascii():
            body.decode()
        fields = _FIELDS.decode(body)
        typed = _ENVELOPES[endpoint].decode(body)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (byte {error.start}).", code="invalid_utf8") from None
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except msgspec.DecodeError as error:
        what = "it is empty" if not body else str(error).removeprefix("JSON is malformed: ")
        raise BadRequest(f"The body is not valid JSON: {what}.", code="invalid_json") from None
    except RecursionError:
        raise BadRequest(
            "The body is nested too deeply. Flatten it to fewer than 1,000 levels.", code="nesting_too_deep"
        ) from None
    if not typed.model or len(typed.model) > MAX_MODEL_NAME:
        raise BadRequest(
            f"`model` must have 1 to {MAX_MODEL_NAME} characters.", code="invalid_value", param="model"
        )
    messages = getattr(typed, "messages", None)
    if messages is not None and not messages:
        raise BadRequest("`messages` must not be empty.", code="invalid_value", param="messages")
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"):
        value = getattr(typed, name, None)
        if value is not None and value < 1:
            raise BadRequest(f"`{name}` must be at least 1.", code="invalid_value", param=name)
    return Envelope(
        fields=fields,
        model=typed.model,
        is_stream=bool(getattr(typed, "stream", False)),
        max_output_tokens=getattr(typed, "max_tokens", None)
        or getattr(typed, "max_completion_tokens", None)
        or getattr(typed, "max_output_tokens", None),
        answers=_count_answers(typed),
    )


def _count_answers(typed: _Common | _Embeddings) -> int:
    answers = getattr(typed, "n", None) or 1
    if isinstance(typed, _Completions):
        answers = max(answers, typed.best_of or 1)
        prompt = typed.prompt
        if isinstance(prompt, list) and not isinstance(prompt[0] if prompt else 0, int):
            answers *= len(prompt)
    return answers
