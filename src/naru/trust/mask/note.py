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


def add_note(endpoint: str, fields: dict[str, msgspec.Raw], note: str = NOTE) -> None:
    """Puts a note behind the system prompt, or makes one. `completions` and `embeddings` have no place."""
    if endpoint == "chat":
        _add_to_messages(fields, note)
    elif endpoint == "messages":
        fields["system"] = _append(fields.get("system"), "text", note)
    elif endpoint == "responses":
        fields["instructions"] = _append(fields.get("instructions"), "input_text", note)


def _append(raw: msgspec.Raw | None, part: str, note: str) -> msgspec.Raw:
    value: Any = None if raw is None else msgspec.json.decode(raw)
    if isinstance(value, list):
        if part == "input_text":
            value.append({"role": "system", "content": note})
        else:
            value.append({"type": part, "text": note})
    else:
        value = f"{value}\n\n{note}" if value else note
    return msgspec.Raw(_encode(value))


def _add_to_messages(fields: dict[str, msgspec.Raw], note: str) -> None:
    items = _decode_items(fields["messages"])
    first: Any = msgspec.json.decode(items[0]) if items else {}
    if isinstance(first, dict) and first.get("role") in _SYSTEM:
        content = first.get("content")
        if isinstance(content, list):
            content.append({"type": "text", "text": note})
        else:
            first["content"] = f"{content}\n\n{note}" if content else note
        items[0] = msgspec.Raw(_encode(first))
    else:
        items.insert(0, msgspec.Raw(_encode({"role": "system", "content": note})))
    fields["messages"] = msgspec.Raw(_encode(items))


def strip_note(text: str) -> str:
    """A system prompt as the client wrote it, for answers that repeat it."""
    return text.removesuffix(NOTE).removesuffix("\n\n") if text.endswith(NOTE) else text
