"""Tells the model what placeholders are. The same words every time, so provider prompt caches still match."""

from __future__ import annotations

from typing import Any

import msgspec

NOTE = (
    "Tokens of the form <TYPE_N> (an upper-case word, an underscore, a number, in angle brackets) stand for"
    " real values that are not shown to you. Copy them verbatim, brackets included, wherever the value"
    " belongs; do not translate, split, renumber, explain or invent them."
)
_SYSTEM = ("system", "developer")
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def add_note(endpoint: str, fields: dict[str, msgspec.Raw]) -> None:
    """Puts the note behind the system prompt, or makes one. `completions` and `embeddings` have no place."""
    if endpoint == "chat":
        _add_to_messages(fields)
    elif endpoint == "messages":
        fields["system"] = _append(fields.get("system"), "text")
    elif endpoint == "responses":
        fields["instructions"] = _append(fields.get("instructions"), "input_text")


def _append(raw: msgspec.Raw | None, part: str) -> msgspec.Raw:
    value: Any = None if raw is None else msgspec.json.decode(raw)
    if isinstance(value, list):
        if part == "input_text":
            value.append({"role": "system", "content": NOTE})
        else:
            value.append({"type": part, "text": NOTE})
    else:
        value = f"{value}\n\n{NOTE}" if value else NOTE
    return msgspec.Raw(_encode(value))


def _add_to_messages(fields: dict[str, msgspec.Raw]) -> None:
    items = _decode_items(fields["messages"])
    first: Any = msgspec.json.decode(items[0]) if items else {}
    if isinstance(first, dict) and first.get("role") in _SYSTEM:
        content = first.get("content")
        if isinstance(content, list):
            content.append({"type": "text", "text": NOTE})
        else:
            first["content"] = f"{content}\n\n{NOTE}" if content else NOTE
        items[0] = msgspec.Raw(_encode(first))
    else:
        items.insert(0, msgspec.Raw(_encode({"role": "system", "content": NOTE})))
    fields["messages"] = msgspec.Raw(_encode(items))


def strip_note(text: str) -> str:
    """A system prompt as the client wrote it, for answers that repeat it."""
    return text.removesuffix(NOTE).removesuffix("\n\n") if text.endswith(NOTE) else text
