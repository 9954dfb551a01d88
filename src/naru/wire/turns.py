"""Turns as Anthropic, Gemini and Bedrock want them: user first, strictly alternating, tool results leading.

System and developer messages are lifted out of the conversation, wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple
from zlib import crc32

from naru.kernel.errors import BadRequest
from naru.wire.loose import find_json
from naru.wire.model import (
    Json,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

# Said for the user where a language demands that the user speak first and the client's history does not.
OPENING = "."
_FOREIGN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_ID = 64  # Bedrock's limit, the narrowest


class Turn(NamedTuple):
    """All that one side said before the other spoke."""

    role: Literal["user", "assistant"]
    parts: list[Part]


def split_system(
    messages: list[Message], is_own: Callable[[Thinking], bool]
) -> tuple[list[Text], list[Turn]]:
    """The system prompt and the turns.

    Left out are empty texts and thinking that is not the upstream's own, since all three languages refuse
    them. Where there is nothing but a system prompt, it is said by the user.

    Args:
        messages: the conversation.
        is_own: whether the upstream takes this thinking back.

    Raises:
        BadRequest: a system prompt is not text.
    """
    system: list[Text] = []
    turns: list[Turn] = []
    for number, message in enumerate(messages):
        parts = [part for part in message.parts if not _is_left_out(part, is_own)]
        if message.role == "system":
            system += _only_text(parts, f"messages.{number}.content")
        elif parts and turns and turns[-1].role == message.role:
            turns[-1].parts.extend(parts)
        elif parts:
            turns.append(Turn(message.role, parts))
    if not turns and system:
        return [], [Turn("user", list(system))]
    if not turns or turns[0].role != "user":
        turns.insert(0, Turn("user", [Text(text=OPENING)]))
    for turn in turns:
        if turn.role == "user":
            turn.parts.sort(key=lambda part: not isinstance(part, ToolResult))
    return system, turns


def _only_text(parts: list[Part], where: str) -> list[Text]:
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) < len(parts):
        raise BadRequest("A system message can hold only text for this model's provider.", param=where)
    return texts


def _is_left_out(part: Part, is_own: Callable[[Thinking], bool]) -> bool:
    match part:
        case Text() | Refusal():
            return not part.text
        case Thinking():
            return not is_own(part)
    return False


def used_tools(turns: list[Turn]) -> list[str]:
    """Names of the tools that were called so far."""
    calls = (part for turn in turns for part in turn.parts if isinstance(part, ToolUse))
    return list(dict.fromkeys(call.name for call in calls))


def read_arguments(call: ToolUse) -> Json:
    """A call's arguments as the object these languages want.

    Arguments that a model once wrote wrongly stay visible to it under one key, so that the conversation
    in which it is told so can go on.
    """
    if not call.arguments.strip():
        return {}
    value = find_json(call.arguments.encode("utf-8", "replace"))
    return value if isinstance(value, dict) else {"invalid_json": call.arguments}


def portable_id(id: str) -> str:
    """`id` where it has only letters, digits, `_` and `-`, else a stable stand-in that has."""
    if id and len(id) <= _LONGEST_ID and not _FOREIGN_ID.search(id):
        return id
    return f"{_FOREIGN_ID.sub('_', id)[:40]}_{crc32(id.encode('utf-8', 'replace')):08x}"


def output_chars(parts: list[Part]) -> int:
    """Characters the model wrote: the base of an estimate when usage is missing."""
    chars = 0
    for part in parts:
        match part:
            case Text() | Thinking() | Refusal():
                chars += len(part.text)
            case ToolUse():
                chars += len(part.arguments)
    return chars
