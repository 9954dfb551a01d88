"""What must change in a request that goes from an Anthropic client to Anthropic as it is.

Only the model's name; and, in a conversation that another provider has answered part of, the thinking
that is not Anthropic's own: it was shown to the client in Anthropic's shape, and Anthropic refuses it.
"""

from __future__ import annotations

import re

import msgspec

from naru.wire.loose import find_json
from naru.wire.model import Json
from naru.wire.signatures import is_foreign

_NOT_ANTHROPIC = re.compile(rb'"(?:signature|data)"\s*:\s*"(?:"|[a-z]+#)')


def patch_request(fields: dict[str, msgspec.Raw], model: str) -> None:
    """Puts the upstream's model name in, and foreign thinking out."""
    fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    messages = fields.get("messages")
    if messages is None or not _NOT_ANTHROPIC.search(messages):
        return
    value = find_json(bytes(messages))
    if isinstance(value, list):
        kept = [_without_foreign_thinking(message) for message in value]
        fields["messages"] = msgspec.Raw(msgspec.json.encode(kept))


def _without_foreign_thinking(message: object) -> object:
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return message
    content = [block for block in message["content"] if not (isinstance(block, dict) and _is_alien(block))]
    return {**message, "content": content}


def _is_alien(block: Json) -> bool:
    if block.get("type") not in ("thinking", "redacted_thinking"):
        return False
    signature = block.get("signature" if block["type"] == "thinking" else "data")
    return not isinstance(signature, str) or not signature or is_foreign(signature)
