"""The map of one conversation: value to placeholder and back. It holds personal data and shows none of it.

Numbers are given by first appearance per label and per normalised value, so two ways of writing one phone
are one placeholder, and a history sent again is masked again to the very same text.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import msgspec

from naru.kernel.errors import PayloadTooLarge
from naru.trust.mask import tokens
from naru.trust.mask.normal import normalise

MAX_ENTRIES = 10_000
MAX_CHARS = 8 * 1024 * 1024
_NONCE = re.compile(r"[a-z0-9]{1,3}")


class VaultFull(PayloadTooLarge):
    """More different values than one conversation may hold: nothing is sent rather than sent unmasked."""

    default_code = "too_many_masked_values"


class Entry:
    """One value. Without a repr of its fields on purpose."""

    __slots__ = ("fake", "label", "number", "type", "value")

    def __init__(self, type: str, label: str, number: int, value: str, fake: str | None) -> None:
        self.type = type
        self.label = label
        self.number = number
        self.value = value
        self.fake = fake

    def __repr__(self) -> str:
        return f"Entry({self.label}_{self.number})"


class _Sealed(msgspec.Struct):
    """A snapshot as it is written. Not public: it holds values."""

    nonce: str | None
    entries: list[tuple[str, str, int, str, str | None]]
    bare: list[tuple[str, int]]


class Conversation:
    """What was masked in one conversation.

    Args:
        id: names it; decides by how much dates are shifted, and is never written anywhere.
        nonce: 1 to 3 lower-case letters or digits behind every number (`<PERSON_1_k7>`), so that nobody
            who does not know it can write a placeholder.
        max_entries: different values; one more raises VaultFull.

    Safe to use from several threads: numbers are given under a lock.
    """

    __slots__ = (
        "_bare",
        "_by_key",
        "_by_name",
        "_chars",
        "_counts",
        "_fakes",
        "_lock",
        "_max",
        "id",
        "nonce",
    )

    def __init__(self, id: str, *, nonce: str | None = None, max_entries: int = MAX_ENTRIES) -> None:
        if nonce is not None and not _NONCE.fullmatch(nonce):
            raise ValueError("A nonce is 1 to 3 lower-case letters or digits.")
        self.id = id
        self.nonce = nonce
        self._max = min(max_entries, tokens.MAX_NUMBER)
        self._lock = threading.Lock()
        self._by_key: dict[tuple[str, str], Entry] = {}
        self._by_name: dict[tuple[str, int], Entry] = {}
        self._counts: dict[str, int] = {}
        self._fakes: dict[str, Entry] = {}
        self._bare: set[tuple[str, int]] = set()
        self._chars = 0

    @property
    def is_empty(self) -> bool:
        """Nothing was masked: answers need no restoring."""
        return not self._by_name

    @property
    def count(self) -> int:
        """How many different values. No `len()`: an empty conversation must not be false."""
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"Conversation(entries={self.count})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A conversation is stored by its snapshot, sealed.")

    def mint(self, type: str, value: str, fake: Callable[[int], str | None] | None = None) -> Entry:
        """The entry of a value; made when it is new.

        Args:
            type: of the entity, or LITERAL for text that is not to be read as a placeholder.
            value: as it stood in the text; of one value the first way of writing is what comes back.
            fake: given the number, what stands in the text instead of a placeholder; None for a placeholder.

        Raises:
            VaultFull: it would be one too many.
        """
        label = tokens.label_of(type)
        key = (label, normalise(type, value))
        entry = self._by_key.get(key)
        if entry is not None:
            return entry
        with self._lock:
            entry = self._by_key.get(key)
            if entry is not None:
                return entry
            if len(self._by_name) >= self._max or self._chars + len(value) > MAX_CHARS:
                raise VaultFull("One conversation cannot hold this many personal values. Send less at once.")
            number = self._counts.get(label, 0) + 1
            self._put(Entry(type, label, number, value, fake(number) if fake else None), key)
            return self._by_name[label, number]

    def _put(self, entry: Entry, key: tuple[str, str]) -> None:
        self._counts[entry.label] = max(entry.number, self._counts.get(entry.label, 0))
        self._chars += len(entry.value)
        if entry.fake is not None:
            self._fakes[entry.fake] = entry
        self._by_key[key] = entry
        self._by_name[entry.label, entry.number] = entry

    def write(self, entry: Entry) -> str:
        """What stands in the masked text."""
        return entry.fake or tokens.write(entry.label, entry.number, self.nonce)

    def write_bare(self, entry: Entry) -> str:
        """The same for a place that takes no brackets (the name of a tool or a participant)."""
        return tokens.write(entry.label, entry.number, self.nonce)[1:-1]

    def find(self, label: str, number: int, nonce: str | None) -> Entry | None:
        """The entry a placeholder stands for."""
        return self._by_name.get((label, number)) if nonce == self.nonce else None

    def find_value(self, type: str, value: str) -> Entry | None:
        """The entry of a value, when it was masked before."""
        return self._by_key.get((tokens.label_of(type), normalise(type, value)))

    @property
    def fakes(self) -> dict[str, Entry]:
        """Every fake in use. Not to be changed."""
        return self._fakes

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        return iter(list(self._by_name.values()))

    def shut_bare(self, label: str, number: int) -> None:
        """A user wrote `PERSON_1`, so without its brackets this one is never restored here."""
        if len(self._bare) >= self._max and (label, number) not in self._bare:
            raise VaultFull("The conversation holds too much text that looks like placeholders.")
        self._bare.add((label, number))

    def is_shut_bare(self, label: str, number: int) -> bool:
        """Whether `PERSON_1` without brackets is the user's own text."""
        return (label, number) in self._bare

    def snapshot(self) -> bytes:
        """Everything, to be sealed before it is stored: it holds the values in clear."""
        with self._lock:
            rows = [(e.type, e.label, e.number, e.value, e.fake) for e in self._by_name.values()]
            return msgspec.json.encode(_Sealed(nonce=self.nonce, entries=rows, bare=sorted(self._bare)))

    @classmethod
    def restore(cls, id: str, snapshot: bytes, *, max_entries: int = MAX_ENTRIES) -> Conversation:
        """The conversation a snapshot was taken of.

        Raises:
            ValueError: the bytes are no snapshot. The message holds nothing of them.
        """
        try:
            sealed = msgspec.json.decode(snapshot, type=_Sealed)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ValueError("These bytes are no snapshot of a conversation.") from None
        made = cls(id, nonce=sealed.nonce, max_entries=max_entries)
        for type, label, number, value, fake in sealed.entries:
            made._put(Entry(type, label, number, value, fake), (label, normalise(type, value)))
        made._bare.update(sealed.bare)
        return made
