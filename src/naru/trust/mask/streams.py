"""Which text an event carries, in each client language, and what event carries a held-back rest.

A `Shape` changes one decoded event in place and says what has to go out before it. Every text has its own
state, named by its choice or item and its channel.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

from naru.trust.mask.answers import Answer, shift_offsets
from naru.trust.mask.rules import Rules
from naru.trust.mask.text import ARGUMENTS, PLAIN, SEALED, Counters, TextRestorer

Event = dict[str, Any]


class Channel:
    """One text of a stream.

    Attributes:
        template: makes an event that carries more of this text.
    """

    __slots__ = ("restorer", "template")

    def __init__(self, restorer: TextRestorer, template: Event) -> None:
        self.restorer = restorer
        self.template = template


class Shape(Protocol):
    """One language."""

    def read(self, event: Event) -> list[Event]:
        """Restores `event` in place (the answer's `is_changed` says so); returns what goes out before it."""
        ...

    def close(self) -> list[Event]:
        """What is still held back, as events."""
        ...


class _Base:
    """Channels, and their flushing. Subclasses say how a rest is written."""

    def __init__(self, answer: Answer, rules: Rules, counters: Counters) -> None:
        self._answer = answer
        self._rules = rules
        self._counters = counters
        self._channels: dict[Hashable, Channel] = {}

    def _feed(self, key: Hashable, text: str, template: Event, kind: str = PLAIN, *, may: bool = True) -> str:
        channel = self._channels.get(key)
        if channel is None:
            restorer = self._answer.restorer(kind, may_restore=may)
            channel = self._channels[key] = Channel(restorer, template)
        made = channel.restorer.feed(text)
        if made != text:
            self._answer.is_changed = True
        return made

    def _write_rest(self, channel: Channel, rest: str) -> Event:
        raise NotImplementedError

    def _release(self, keys: list[Hashable]) -> list[Event]:
        events = []
        for key in keys:
            channel = self._channels[key]
            rest = channel.restorer.flush()
            if rest:
                events.append(self._write_rest(channel, rest))
        return events

    def close(self) -> list[Event]:
        events = self._release(list(self._channels))
        self._channels.clear()
        return events


_CHAT_TEXTS = {"content": PLAIN, "refusal": PLAIN, "reasoning_content": SEALED, "reasoning": SEALED}
_LEGACY = -1
"""The slot of `function_call`, which has none."""


class ChatShape(_Base):
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
        own: set[Hashable] = set()
        if isinstance(choice.get("text"), str):
            self._say(choice, "text", (index, "text"), own)
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._read_delta(delta, index, own)
        if self._is_over:
            rest = [key for key in self._channels if key[0] == index and key not in own]  # type: ignore[index]
            self._before += self._release(rest)

    def _say(
        self,
        holder: Event,
        name: str,
        key: Hashable,
        own: set[Hashable],
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

    def _read_delta(self, delta: Event, index: int, own: set[Hashable]) -> None:
        for name, item in delta.items():
            if isinstance(item, str):
                if name in _CHAT_TEXTS:
                    self._say(delta, name, (index, name), own, _CHAT_TEXTS[name])
                elif name != "role":
                    delta[name] = self._answer.text(item)
            elif isinstance(item, list | dict):
                self._read_inner(name, item, index, own)

    def _read_inner(self, name: str, item: Any, index: int, own: set[Hashable]) -> None:
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

    def _read_call(self, call: Event, index: int, slot: int, own: set[Hashable]) -> None:
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


_BLOCK_TEXTS = {
    "text_delta": ("text", PLAIN),
    "thinking_delta": ("thinking", SEALED),
    "input_json_delta": ("partial_json", ARGUMENTS),
}


class MessagesShape(_Base):
    """Anthropic's events: blocks, one after another."""

    def __init__(self, answer: Answer, rules: Rules, counters: Counters) -> None:
        super().__init__(answer, rules, counters)
        self._blocks: dict[int, Event] = {}

    def read(self, event: Event) -> list[Event]:
        kind = event.get("type")
        if kind == "content_block_delta":
            self._read_delta(event)
            return []
        if kind == "ping":
            return []
        index = event.get("index", 0)
        if kind == "content_block_start":
            return self._start(event, index)
        if kind == "content_block_stop":
            return self._release([key for key in self._channels if key[0] == index])  # type: ignore[index]
        before = self.close() if kind in ("message_delta", "message_stop", "error") else []
        self._answer.walk(event)
        return before

    def _start(self, event: Event, index: int) -> list[Event]:
        before = self._release([key for key in self._channels if key[0] == index])  # type: ignore[index]
        self._channels = {key: item for key, item in self._channels.items() if key[0] != index}  # type: ignore[index]
        block = event.get("content_block")
        if not isinstance(block, dict):
            return before
        self._blocks[index] = {"type": block.get("type"), "name": block.get("name")}
        for delta_type, (name, kind) in _BLOCK_TEXTS.items():
            if block.get("type") == name and isinstance(block.get(name), str) and block[name]:
                template = {"index": index, "delta_type": delta_type, "name": name}
                block[name] = self._feed((index, name), block[name], template, kind)
                return before
        self._answer.walk(block)
        return before

    def _read_delta(self, event: Event) -> None:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return
        index = event.get("index", 0)
        known = _BLOCK_TEXTS.get(delta.get("type", ""))
        if known is None:
            if delta.get("type") != "signature_delta":
                self._answer.walk(delta)
            return
        name, kind = known
        text = delta.get(name)
        if not isinstance(text, str):
            return
        block = self._blocks.get(index, {})
        may = True
        if kind == ARGUMENTS:
            may = self._rules.may_restore_into(str(block.get("type")), str(block.get("name") or ""))
        template = {"index": index, "delta_type": delta["type"], "name": name}
        delta[name] = self._feed((index, name), text, template, kind, may=may)

    def _write_rest(self, channel: Channel, rest: str) -> Event:
        at = channel.template
        delta = {"type": at["delta_type"], at["name"]: rest}
        return {"type": "content_block_delta", "index": at["index"], "delta": delta}


_HOSTED = {
    "response.mcp_call_arguments.delta": "mcp_call",
    "response.code_interpreter_call_code.delta": "code_interpreter_call",
}
_DELTAS: dict[str, str] = {
    "response.function_call_arguments.delta": ARGUMENTS,
    "response.mcp_call_arguments.delta": ARGUMENTS,
}
_BYTES = frozenset(
    ["response.audio.delta", "response.output_audio.delta", "response.image_generation_call.partial_image"]
)
_WHERE = ("item_id", "output_index", "content_index", "summary_index")
_WHOLE_TEXTS = ("text", "refusal", "arguments", "input", "code", "transcript")


class ResponsesShape(_Base):
    """Events of the Responses API. What goes out in between is numbered into the sequence."""

    def __init__(self, answer: Answer, rules: Rules, counters: Counters) -> None:
        super().__init__(answer, rules, counters)
        self._items: dict[Hashable, tuple[str, str]] = {}
        self._shift = 0
        self._has_deltas = False

    def read(self, event: Event) -> list[Event]:
        before = self._read(event)
        number = event.get("sequence_number")
        if isinstance(number, int):
            for extra in before:
                extra["sequence_number"] = number + self._shift
                self._shift += 1
            if self._shift:
                event["sequence_number"] = number + self._shift
                self._answer.is_changed = True
        return before

    def _read(self, event: Event) -> list[Event]:
        kind = event.get("type")
        kind = kind if isinstance(kind, str) else ""
        delta = event.get("delta")
        if kind in _BYTES:
            return []
        if kind.endswith(".delta") and isinstance(delta, str):
            return self._read_delta(event, kind, delta)
        before: list[Event] = []
        if kind.endswith(".done"):
            before = self._finish(event, kind)
        elif kind in (
            "response.completed",
            "response.incomplete",
            "response.failed",
            "response.cancelled",
            "error",
        ):
            before = self.close()
        elif kind == "response.output_item.added":
            self._note_item(event)
        self._counters.is_counting = not self._has_deltas
        try:
            self._read_whole(event, kind)
        finally:
            self._counters.is_counting = True
        return before

    def _read_delta(self, event: Event, kind: str, delta: str) -> list[Event]:
        self._has_deltas = True
        place = tuple(event.get(name) for name in _WHERE)
        call, name = self._items.get(event.get("output_index"), ("", ""))
        may = True
        if kind in _HOSTED:
            may = self._rules.may_restore_into(_HOSTED[kind], name)
        elif kind.startswith(("response.function_call_arguments", "response.custom_tool_call_input")):
            may = self._rules.may_restore_into(call or "function_call", name)
        template = {
            key: item for key, item in event.items() if key not in ("delta", "logprobs", "obfuscation")
        }
        if "logprobs" in event:
            template["logprobs"] = []
        text_kind = SEALED if kind.startswith("response.reasoning") else _DELTAS.get(kind, PLAIN)
        event["delta"] = self._feed((kind[:-6], place), delta, template, text_kind, may=may)
        return []

    def _note_item(self, event: Event) -> None:
        item = event.get("item")
        if isinstance(item, dict):
            self._items[event.get("output_index")] = (str(item.get("type")), str(item.get("name") or ""))

    def _finish(self, event: Event, kind: str) -> list[Event]:
        """What is held of the text that ends here: this one, or all of an item."""
        place = tuple(event.get(name) for name in _WHERE)
        if kind in (
            "response.output_item.done",
            "response.content_part.done",
            "response.reasoning_summary_part.done",
        ):
            index, part = event.get("output_index"), event.get("content_index")
            keys = [
                key
                for key in self._channels
                if key[1][1] == index and (part is None or key[1][2] in (part, None))  # type: ignore[index]
            ]
        else:
            keys = [key for key in self._channels if key == (kind[:-5], place)]
        return self._release(keys)

    def _read_whole(self, event: Event, kind: str) -> None:
        """Events that repeat a text, an item or the answer."""
        if kind == "response.output_text.annotation.added":
            self._answer.walk(event.get("annotation"))
            place = tuple(event.get(name) for name in _WHERE)
            channel = self._channels.get(("response.output_text", place))
            if channel is not None and isinstance(event.get("annotation"), dict):
                shift_offsets([event["annotation"]], channel.restorer.edits)
            return
        call, name = self._items.get(event.get("output_index"), ("", ""))
        for key, item in event.items():
            if key in _WHOLE_TEXTS and isinstance(item, str):
                if key in ("arguments", "input", "code"):
                    hosted = _HOSTED.get(kind.replace(".done", ".delta"))
                    may = self._rules.may_restore_into(
                        hosted or call or "function_call", str(event.get("name") or name)
                    )
                    event[key] = self._answer.text(
                        item, ARGUMENTS if key == "arguments" else PLAIN, may_restore=may
                    )
                else:
                    text_kind = SEALED if kind.startswith("response.reasoning") else PLAIN
                    event[key] = self._answer.text(item, text_kind)
            elif key in ("item", "part", "response", "name", "message", "error"):
                event[key] = self._answer.walk(item)

    def _write_rest(self, channel: Channel, rest: str) -> Event:
        return {**channel.template, "delta": rest}
