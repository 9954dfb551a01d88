"""Events of Anthropic's messages."""

from __future__ import annotations

from naru.trust.mask.answers import Answer
from naru.trust.mask.rules import Rules
from naru.trust.mask.shapes.shape import Channel, Event, Shape
from naru.trust.mask.text import ARGUMENTS, PLAIN, SEALED, Counters

_BLOCK_TEXTS = {
    "text_delta": ("text", PLAIN),
    "thinking_delta": ("thinking", SEALED),
    "input_json_delta": ("partial_json", ARGUMENTS),
}


class MessagesShape(Shape):
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
            return self._release([key for key in self._channels if key[0] == index])
        before = self.close() if kind in ("message_delta", "message_stop", "error") else []
        self._answer.walk(event)
        return before

    def _start(self, event: Event, index: int) -> list[Event]:
        before = self._release([key for key in self._channels if key[0] == index])
        self._channels = {key: item for key, item in self._channels.items() if key[0] != index}
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
