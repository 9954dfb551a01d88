"""Reasoning in chat messages: plain in `reasoning_content`, and whole with its seals in `thinking_blocks`.

A sealed block must go back to its provider unchanged, so a chat client that returns the assistant
message as it got it keeps the thread of thought of a provider whose language is not chat.
"""

from __future__ import annotations

from naru.wire.model import Json, Thinking


def read_thinking(message: Json) -> list[Thinking]:
    """Reasoning of a message; lenient, because every server names it otherwise."""
    blocks = message.get("thinking_blocks")
    if isinstance(blocks, list) and blocks:
        return [thinking for block in blocks if (thinking := _read_block(block)) is not None]
    for key in ("reasoning_content", "reasoning"):
        text = message.get(key)
        if isinstance(text, str) and text:
            return [Thinking(text=text)]
    return []


def _read_block(block: object) -> Thinking | None:
    if not isinstance(block, dict):
        return None
    if block.get("type") == "redacted_thinking":
        data = block.get("data")
        return Thinking(redacted=data) if isinstance(data, str) else None
    text, signature = block.get("thinking"), block.get("signature")
    return Thinking(
        text=text if isinstance(text, str) else "",
        signature=signature if isinstance(signature, str) and signature else None,
    )


def write_block(thinking: Thinking, index: int) -> Json:
    """One entry of `thinking_blocks`. The SDK's accumulator insists on `index`."""
    if thinking.redacted is not None:
        return {"index": index, "type": "redacted_thinking", "data": thinking.redacted}
    return {
        "index": index,
        "type": "thinking",
        "thinking": thinking.text,
        "signature": thinking.signature or "",
    }


def write_thinking(blocks: list[Thinking]) -> Json:
    """The fields of a reply's message."""
    if not blocks:
        return {}
    fields: Json = {}
    text = "".join(block.text for block in blocks)
    if text:
        fields["reasoning_content"] = text
    if any(block.signature or block.redacted is not None for block in blocks):
        fields["thinking_blocks"] = [write_block(block, i) for i, block in enumerate(blocks)]
    return fields


def write_history(blocks: list[Thinking]) -> Json:
    """The fields of an assistant turn sent to an upstream.

    Only unsealed reasoning goes: the servers that show it in the open take it back, and a seal belongs to a
    provider that does not speak chat.
    """
    text = "".join(block.text for block in blocks if not block.signature and block.redacted is None)
    return {"reasoning_content": text} if text else {}
