"""Chunks of chat completions, and of the text completions of old."""

from __future__ import annotations

from typing import Any

from naru.trust.mask.answers import Answer, shift_offsets
from naru.trust.mask.rules import Rules
from naru.trust.mask.shapes.shape import Channel, Event, Key, Shape
from naru.trust.mask.text import ARGUMENTS, PLAIN, SEALED, Counters

_CHAT_TEXTS = {"content": PLAIN, "refusal": PLAIN, "reasoning_content": SEALED, "reasoning": SEALED}
_LEGACY = -1
"""The slot of `function_call`, which has none."""


class ChatShape(Shape):
    """Chat completion chunks, and the text completions of old. Templates are (head, place of the text)."""

    def __init__(self, answer: Answer, rules: Rules, counters: Counters) -> None:
        super().__init__(answer, rules, counters)
        self._calls: dict[tuple[int, int], tuple[object, str]] = {}
        self._before: list[Event] = []
        self._head: Event = {}
        self._is_over = False

    def read(self, event: Event) -> list[Event]:
        choices = event.get("choices")
        if not isinstance(choices, list):
            before = self.close() if "error" in event else []
            self._answer.walk(event)
            return before
        self._before = []
        if not self._head:
            self._head = {key: item for key, item in event.items() if key not in ("choices", "usage")}
        for choice in choices:
            if isinstance(choice, dict):
                self._read_choice(choice, choice.get("index", 0))
        return self._before

    def _read_choice(self, choice: Event, index: int) -> None:
        self._is_over = choice.get("finish_reason") is not None
        own: set[Key] = set()
        if isinstance(choice.get("text"), str):
            self._say(choice, "text", (index, "text"), own)
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._read_delta(delta, index, own)
        if self._is_over:
            rest = [key for key in self._channels if key[0] == index and key not in own]
            self._before += self._release(rest)

    def _say(
        self,
        holder: Event,
        name: str,
        key: Key,
        own: set[Key],
        kind: str = PLAIN,
        *,
        may: bool = True,
    ) -> None:
        """The text `holder[name]`; where the choice ends in this very event, all of it."""
        own.add(key)
        made = self._feed(key, holder[name], {"at": key}, kind, may=may)
        if self._is_over:
            rest = self._channels[key].restorer.flush()
            if rest:
                made += rest
                self._answer.is_changed = True
        holder[name] = made

    def _read_delta(self, delta: Event, index: int, own: set[Key]) -> None:
        for name, item in delta.items():
            if isinstance(item, str):
                if name in _CHAT_TEXTS:
                    self._say(delta, name, (index, name), own, _CHAT_TEXTS[name])
                elif name != "role":
                    delta[name] = self._answer.text(item)
            elif isinstance(item, list | dict):
                self._read_inner(name, item, index, own)

    def _read_inner(self, name: str, item: Any, index: int, own: set[Key]) -> None:
        if name == "tool_calls":
            for call in item:
                if isinstance(call, dict):
                    self._read_call(call, index, call.get("index", 0), own)
        elif name == "function_call":
            self._read_call({"function": item}, index, _LEGACY, own)
        elif name == "audio" and isinstance(item, dict):
            if isinstance(item.get("transcript"), str):
                self._say(item, "transcript", (index, "audio"), own)
        else:
            self._answer.walk(item)
            if name == "annotations" and (index, "content") in self._channels:
                shift_offsets(item, self._channels[index, "content"].restorer.edits)

    def _read_call(self, call: Event, index: int, slot: int, own: set[Key]) -> None:
        for kind, name in (("function", "arguments"), ("custom", "input")):
            inner = call.get(kind)
            if not isinstance(inner, dict):
                continue
            key = (index, kind, slot)
            if inner.get("name"):
                inner["name"] = self._answer.text(str(inner["name"]))
                last = self._calls.get((index, slot))
                if key in self._channels and last != (call.get("id"), inner["name"]):
                    self._before += self._release([key])  # some servers number every call 0
                    del self._channels[key]
                self._calls[index, slot] = (call.get("id"), inner["name"])
            if isinstance(inner.get(name), str):
                tool = self._calls.get((index, slot), (None, ""))[1]
                may = self._rules.may_restore_into(kind, tool)
                self._say(inner, name, key, own, ARGUMENTS if kind == "function" else PLAIN, may=may)

    def _write_rest(self, channel: Channel, rest: str) -> Event:
        head, at = self._head, channel.template["at"]
        index, name = at[0], at[1]
        if name == "text":
            choice: Event = {"text": rest, "index": index, "logprobs": None, "finish_reason": None}
            return {**head, "choices": [choice]}
        if name == "audio":
            delta: Event = {"audio": {"transcript": rest}}
        elif name in ("function", "custom"):
            inner = {"arguments" if name == "function" else "input": rest}
            delta = (
                {"function_call": inner}
                if at[2] == _LEGACY
                else {"tool_calls": [{"index": at[2], name: inner}]}
            )
        else:
            delta = {name: rest}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return {**head, "choices": [choice]}
