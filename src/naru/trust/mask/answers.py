"""Restores whole values of an answer: a body that came in one piece, or an event that repeats the whole text.

Every string is restored but what is sealed or only describes tokens: `logprobs` stay as the model's own
(masked) tokens, because a restored value has no log probability; ids, usage and signatures stay too.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import msgspec

from naru.trust.mask.note import strip_note
from naru.trust.mask.rules import Rules
from naru.trust.mask.text import ARGUMENTS, PLAIN, SEALED, Counters, TextRestorer
from naru.trust.mask.vault import Conversation

_SEALED_KEYS = frozenset(
    [
        "id",
        "object",
        "model",
        "logprobs",
        "usage",
        "signature",
        "encrypted_content",
        "encrypted_index",
        "call_id",
        "tool_call_id",
        "tool_use_id",
        "item_id",
        "system_fingerprint",
        "service_tier",
        "role",
        "type",
        "status",
        "finish_reason",
        "stop_reason",
        "b64_json",
        "embedding",
        "thought_signature",
        "extra_content",
        "obfuscation",
    ]
)
_BLOBS = frozenset(["redacted_thinking", "base64"])
_THOUGHTS = frozenset(["thinking", "reasoning_content", "reasoning"])
_ARGUMENTS = frozenset(["arguments", "input", "action", "actions", "query", "queries", "code", "operation"])
_THOUGHT_PARTS = frozenset(["summary_text", "reasoning_text"])
_OFFSETS = ("start_index", "end_index", "index")
_CALLS = frozenset(
    [
        "function_call",
        "custom_tool_call",
        "mcp_call",
        "mcp_approval_request",
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "computer_call",
        "image_generation_call",
        "local_shell_call",
        "tool_use",
        "server_tool_use",
        "mcp_tool_use",
        "shell_call",
        "apply_patch_call",
        "tool_search_call",
    ]
)


class Answer:
    """Restores values in place, in the objects of one answer."""

    __slots__ = ("_conversation", "_counters", "_rules", "is_changed")

    def __init__(self, conversation: Conversation, rules: Rules, counters: Counters) -> None:
        self._conversation = conversation
        self._rules = rules
        self._counters = counters
        self.is_changed = False

    def restorer(self, kind: str = PLAIN, *, may_restore: bool = True) -> TextRestorer:
        """For one text that comes in pieces."""
        return TextRestorer(
            self._conversation, self._rules, self._counters, kind=kind, may_restore=may_restore
        )

    def text(self, text: str, kind: str = PLAIN, *, may_restore: bool = True) -> str:
        """One whole text."""
        return self._restore(text, kind, may_restore=may_restore)[0]

    def _restore(
        self, text: str, kind: str, *, may_restore: bool = True
    ) -> tuple[str, list[tuple[int, int]]]:
        restorer = self.restorer(kind, may_restore=may_restore)
        made = strip_note(restorer.feed(text) + restorer.flush())
        if made != text:
            self.is_changed = True
        return made, restorer.edits

    def walk(self, value: Any, *, may_restore: bool = True) -> Any:
        """`value` with everything in it restored; objects and lists are changed in place."""
        if isinstance(value, str):
            return self.text(value, may_restore=may_restore)
        if isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, str | list | dict):
                    value[number] = self.walk(item, may_restore=may_restore)
        elif isinstance(value, dict):
            self._walk_object(value, may_restore=may_restore)
        return value

    def _walk_object(self, value: dict[str, Any], *, may_restore: bool) -> None:
        kind = value.get("type")
        if kind in _CALLS or "function" in value or "custom" in value or "arguments" in value:
            self._walk_call(value, kind if isinstance(kind, str) else "function", may_restore=may_restore)
            return
        for key, item in list(value.items()):
            if key in _SEALED_KEYS or (key == "data" and (kind in _BLOBS or "format" in value)):
                continue
            if isinstance(item, str):
                if key in _THOUGHTS or (key == "text" and kind in _THOUGHT_PARTS):
                    value[key] = self.text(item, SEALED)
                    continue
                made, edits = self._restore(item, PLAIN, may_restore=may_restore)
                value[key] = made
                if edits and key in ("text", "content") and "annotations" in value:
                    shift_offsets(value["annotations"], edits)
            elif isinstance(item, list | dict):
                self.walk(item, may_restore=may_restore)

    def _walk_call(self, value: dict[str, Any], kind: str, *, may_restore: bool) -> None:
        """A tool call, or the wrapper around its function."""
        for key, item in list(value.items()):
            if key in _SEALED_KEYS:
                continue
            if key in ("function", "custom", "function_call") and isinstance(item, dict):
                self._walk_call(item, key if key != "function_call" else "function", may_restore=may_restore)
            elif key == "name":
                value[key] = self.text(item) if isinstance(item, str) else item
            elif key in _ARGUMENTS:
                may = may_restore and self._rules.may_restore_into(kind, str(value.get("name") or kind))
                if key == "arguments" and isinstance(item, str):
                    value[key] = self.text(item, ARGUMENTS, may_restore=may)
                else:
                    value[key] = self._walk_data(item, may_restore=may)
            elif isinstance(item, str | list | dict):
                value[key] = self.walk(item, may_restore=may_restore)

    def _walk_data(self, value: Any, *, may_restore: bool) -> Any:
        """A tool's arguments as an object: names of fields too."""
        if isinstance(value, str):
            return self.text(value, may_restore=may_restore)
        if isinstance(value, list):
            return [self._walk_data(item, may_restore=may_restore) for item in value]
        if isinstance(value, dict):
            return {
                self.text(key, may_restore=may_restore): self._walk_data(item, may_restore=may_restore)
                for key, item in value.items()
            }
        return value


def shift_offsets(annotations: Any, edits: list[tuple[int, int]]) -> None:
    """Moves places in the masked text (of citations) to where they are in the restored one."""
    ends = [read for read, _ in edits]

    def move(place: int) -> int:
        at = bisect_right(ends, place)
        return place + (edits[at - 1][1] - edits[at - 1][0] if at else 0)

    for item in annotations if isinstance(annotations, list) else []:
        if isinstance(item, dict):
            inner = item.get("url_citation")
            for holder in (item, inner if isinstance(inner, dict) else {}):
                for key in _OFFSETS:
                    if isinstance(holder.get(key), int):
                        holder[key] = move(holder[key])


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def restore_body(body: bytes, answer: Answer) -> bytes:
    """A whole answer; the same bytes when nothing in it changed or it is no JSON."""
    try:
        value = _decode(body)
        made = answer.walk(value)
        return _encode(made) if answer.is_changed else body
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError, RecursionError, OverflowError):
        return body
