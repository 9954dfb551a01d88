"""Events of the Responses API."""

from __future__ import annotations

from collections.abc import Hashable

from naru.trust.mask.answers import Answer, shift_offsets
from naru.trust.mask.rules import Rules
from naru.trust.mask.shapes.shape import Channel, Event, Shape
from naru.trust.mask.text import ARGUMENTS, PLAIN, SEALED, Counters

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


class ResponsesShape(Shape):
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
                if key[1][1] == index and (part is None or key[1][2] in (part, None))
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
