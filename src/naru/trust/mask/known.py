"""Finds again, by their letters alone, values that were found once.

`이름: 김민수` is found by its label; `김민수는` in a later answer may not be, and what left masked once must
not follow unmasked. Linear in the text: each word is looked up, however many values there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from naru.trust.mask.vault import Entry

_MIN_LENGTH = 5
_MIN_NAME = 3
_FEW = 24
_HEAD = 3
_MAX_BUCKET = 64
_WORD = re.compile(r"\w+")


def _is_wordy(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _is_hangul(char: str) -> bool:
    return "가" <= char <= "힣"


class KnownValues:
    """The values worth looking for among some entries."""

    __slots__ = ("_by_head", "_few")

    def __init__(self, entries: Iterable[Entry]) -> None:
        kept = [entry for entry in entries if _is_distinct(entry)]
        self._few = kept if len(kept) <= _FEW else []
        self._by_head: dict[str, list[Entry]] = {}
        if len(kept) > _FEW:
            for entry in kept:
                head = entry.value[:_HEAD]
                self._by_head.setdefault(head, []).append(entry)
                if len(entry.value) >= 2 * _HEAD:
                    self._by_head.setdefault(entry.value[: 2 * _HEAD], []).append(entry)

    @property
    def is_empty(self) -> bool:
        return not self._few and not self._by_head

    def find(self, text: str) -> Iterator[tuple[int, int, Entry]]:
        """Every place where a value stands by itself, in no order; places may overlap."""
        for entry in self._few:
            value = entry.value
            at = text.find(value)
            while at >= 0:
                if _stands_alone(text, at, value):
                    yield at, at + len(value), entry
                at = text.find(value, at + 1)
        if not self._by_head:
            return
        for word in _WORD.finditer(text):
            at = word.start()
            long = self._by_head.get(text[at : at + 2 * _HEAD])
            short = self._by_head.get(text[at : at + _HEAD])
            for bucket in (long, short):
                for entry in (bucket or ())[:_MAX_BUCKET]:
                    if text.startswith(entry.value, at) and _stands_alone(text, at, entry.value):
                        yield at, at + len(entry.value), entry


def _is_distinct(entry: Entry) -> bool:
    """Long enough not to be some other word by chance."""
    if entry.type == "LITERAL":
        return False
    size = len(entry.value)
    return size >= _MIN_NAME if entry.type == "PERSON" and _is_hangul(entry.value[0]) else size >= _MIN_LENGTH


def _stands_alone(text: str, at: int, value: str) -> bool:
    before = text[at - 1] if at else ""
    after = text[at + len(value) : at + len(value) + 1]
    if (_is_wordy(value[0]) and _is_wordy(before)) or (_is_hangul(value[0]) and _is_hangul(before)):
        return False
    return not (_is_wordy(value[-1]) and _is_wordy(after))
