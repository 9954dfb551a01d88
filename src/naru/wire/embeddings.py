"""OpenAI embeddings: what the road must know of a request, and the usage out of an answer.

Requests and answers pass untouched: vectors are large, and nothing here is worth rewriting.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from naru.kernel.errors import BadRequest
from naru.wire.chat.usage import read_usage
from naru.wire.fields import Fields
from naru.wire.model import Json, Summary
from naru.wire.repair import decode_repaired

MAX_INPUTS = 2048
"""OpenAI's own bound on the inputs of one request."""


class EmbeddingsRequest(NamedTuple):
    """What an estimate stands on: `input_chars` of text, `input_tokens` of inputs given as token ids."""

    model: str
    input_count: int
    input_chars: int
    input_tokens: int


def decode_embeddings_request(body: Json) -> EmbeddingsRequest:
    """Raises BadRequest with `param` naming the field at fault."""
    fields = Fields(body)
    model = fields.required_string("model")
    value = fields.take("input")
    if value is None:
        raise fields.missing("input")
    if isinstance(value, str):
        items: list[object] = [value]
    elif isinstance(value, list) and value and all(type(item) is int for item in value):
        items = [value]
    elif isinstance(value, list):
        items = value
    else:
        raise fields.wrong("input", "a string, an array of strings, or arrays of token ids")
    if not items or len(items) > MAX_INPUTS:
        raise BadRequest(f"input must hold 1 to {MAX_INPUTS} items, not {len(items)}.", param="input")
    chars = tokens = 0
    for i, item in enumerate(items):
        if isinstance(item, str) and item:
            chars += len(item)
        elif isinstance(item, list) and item and all(type(token) is int for token in item):
            tokens += len(item)
        else:
            raise BadRequest(
                f"input.{i} must be a string that is not empty, or an array of token ids.", param=f"input.{i}"
            )
    fields.integer("dimensions", minimum=1)
    encoding = fields.string("encoding_format")
    if encoding not in (None, "float", "base64"):
        raise fields.wrong("encoding_format", "float or base64")
    return EmbeddingsRequest(model, len(items), chars, tokens)


class _Body(msgspec.Struct):
    model: Any = None
    usage: Any = None


_decode_body = msgspec.json.Decoder(_Body).decode


def summarize_embeddings(body: bytes) -> Summary:
    """What metering needs of an answer; the vectors are skipped, not read. Never raises."""
    try:
        parsed = decode_repaired(_decode_body, body)
    except msgspec.DecodeError:
        return Summary(id=None, model=None, usage=None, finish=None, output_chars=0)
    raw = parsed.usage
    if isinstance(raw, dict) and raw.get("prompt_tokens") is None:
        raw = {**raw, "prompt_tokens": raw.get("total_tokens")}  # all there is was input
    usage = read_usage(raw)
    if usage is not None and usage.output_tokens is None:
        # An embedding has no output; saying so keeps it from being shown as unknown.
        usage = msgspec.structs.replace(usage, output_tokens=0)
    return Summary(
        id=None,
        model=parsed.model if isinstance(parsed.model, str) else None,
        usage=usage,
        finish="stop" if usage is not None else None,
        output_chars=0,
    )
