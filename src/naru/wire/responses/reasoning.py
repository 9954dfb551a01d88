"""Reasoning items: shown text in `summary`, and the seal that must go back in `encrypted_content`.

Other providers' seals travel in `encrypted_content` behind a mark, so that a client which returns items
as it got them keeps their thread of thought; OpenAI's own are held together with their item's id.
"""

from __future__ import annotations

from naru.wire.model import Json, Thinking
from naru.wire.signatures import find_openai, mark_openai

_FOREIGN = "naru#"
_REDACTED = "naru-redacted#"


def read_reasoning(item: Json) -> Thinking:
    """A reasoning item as a client sends it back or as OpenAI sends it out."""
    seal = item.get("encrypted_content")
    text = read_shown(item)
    if not isinstance(seal, str) or not seal:
        return Thinking(text=text)
    if seal.startswith(_FOREIGN):
        return Thinking(text=text, signature=seal.removeprefix(_FOREIGN))
    if seal.startswith(_REDACTED):
        return Thinking(redacted=seal.removeprefix(_REDACTED))
    return Thinking(text=text, signature=mark_openai(f"{item.get('id') or ''}:{seal}"))


def read_shown(item: Json) -> str:
    """The text a reasoning item shows: its summary, else the reasoning itself."""
    for key in ("summary", "content"):
        parts = item.get(key)
        if isinstance(parts, list):
            texts = [
                part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
            ]
            if any(texts):
                return "\n\n".join(texts)
    return ""


def write_reasoning(thinking: Thinking, item_id: str) -> Json:
    """A reasoning item for a client."""
    item: Json = {"id": item_id, "type": "reasoning", "summary": []}
    own = find_openai(thinking.signature)
    if thinking.redacted is not None:
        item["encrypted_content"] = _REDACTED + thinking.redacted
    elif own is not None:
        item["id"], _, item["encrypted_content"] = own.partition(":")
    elif thinking.signature:
        item["encrypted_content"] = _FOREIGN + thinking.signature
    if thinking.text:
        item["summary"] = [{"type": "summary_text", "text": thinking.text}]
    return item


def write_own_reasoning(thinking: Thinking) -> Json | None:
    """A reasoning item for OpenAI itself, None when the thought is another provider's or was never sealed."""
    own = find_openai(thinking.signature)
    if own is None:
        return None
    item_id, _, seal = own.partition(":")
    summary = [{"type": "summary_text", "text": thinking.text}] if thinking.text else []
    return {"type": "reasoning", "id": item_id, "summary": summary, "encrypted_content": seal}
