"""Which text an event of a stream carries, and what event carries a held-back rest.

Every text has its own state, named by its choice or item and its channel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from naru.trust.mask.answers import Answer
from naru.trust.mask.rules import Rules
from naru.trust.mask.text import PLAIN, Counters, TextRestorer

Event = dict[str, Any]
Key = tuple[Any, ...]
"""Names a text of a stream; each language has its own parts of it."""


class Channel:
    """One text of a stream.

    Attributes:
        template: makes an event that carries more of this text.
    """

    __slots__ = ("restorer", "template")

    def __init__(self, restorer: TextRestorer, template: Event) -> None:
        self.restorer = restorer
        self.template = template


class Shape(ABC):
    """One client language: its channels, and their flushing."""

    def __init__(self, answer: Answer, rules: Rules, counters: Counters) -> None:
        self._answer = answer
        self._rules = rules
        self._counters = counters
        self._channels: dict[Key, Channel] = {}

    @abstractmethod
    def read(self, event: Event) -> list[Event]:
        """Restores `event` in place (the answer's `is_changed` says so); returns what goes out before it."""

    @abstractmethod
    def _write_rest(self, channel: Channel, rest: str) -> Event:
        """An event that carries `rest`."""

    def close(self) -> list[Event]:
        """What is still held back, as events."""
        events = self._release(list(self._channels))
        self._channels.clear()
        return events

    def _feed(self, key: Key, text: str, template: Event, kind: str = PLAIN, *, may: bool = True) -> str:
        channel = self._channels.get(key)
        if channel is None:
            restorer = self._answer.restorer(kind, may_restore=may)
            channel = self._channels[key] = Channel(restorer, template)
        made = channel.restorer.feed(text)
        if made != text:
            self._answer.is_changed = True
        return made

    def _release(self, keys: list[Key]) -> list[Event]:
        events = []
        for key in keys:
            channel = self._channels[key]
            rest = channel.restorer.flush()
            if rest:
                events.append(self._write_rest(channel, rest))
        return events
