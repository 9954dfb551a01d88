"""Remembers what was found in a text, so that a conversation sent again with every turn is not read again.

Of a text only a digest under a secret of this process is kept, and of what was found in it no letter. Nobody
is served from what another has sent, or the time taken would tell who sent what.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from naru.trust.entity import Entity

_SECRET = os.urandom(32)
_DIGEST_BYTES = 15
"""One more, and Python's memory would give a digest 64 bytes instead of 48."""
_MAX_TEXTS = 16_384
_MAX_FOUND = 64
"""Of one text; a list of customers is looked at again each time."""

Find = Callable[[str], Sequence[Entity]]
T = TypeVar("T")


class Memory(Generic[T]):
    """What is known of texts. Safe to use from many threads at once.

    Args:
        max_texts: of how many recent texts it is kept, at least; twice as many at most.
    """

    def __init__(self, max_texts: int = _MAX_TEXTS) -> None:
        self._max = max_texts
        self._recent: dict[bytes, T] = {}
        self._older: dict[bytes, T] = {}

    def recall(self, text: str, owner: str, find_out: Callable[[], T]) -> T:
        """What is known of a text that `owner` sent, else what `find_out` says.

        What that raises goes through. None is not kept: next time it is found out again.
        """
        said = f"{owner}\0{text}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(said, key=_SECRET, digest_size=_DIGEST_BYTES).digest()
        found = self._recent.get(digest)
        if found is None:
            found = self._older.get(digest)
            if found is None:
                found = find_out()
            if found is not None:
                if len(self._recent) >= self._max:  # two generations, and no lock: a text lost is found anew
                    self._older, self._recent = self._recent, {}
                self._recent[digest] = found
        return found


_FOUND = Memory[Sequence[Entity] | None]()
_numbers = itertools.count()


class Remembered:
    """Detection with a memory: of one set of detectors, which say of a text the same each time.

    Args:
        find: what looks at a text that is not known.
        memory: one for all sets of detectors, so that a thousand teams with words of their own share a bound.
    """

    def __init__(self, find: Find, memory: Memory[Sequence[Entity] | None] = _FOUND) -> None:
        self._find = find
        self._memory = memory
        self._number = next(_numbers)

    def scan(self, text: str, owner: str = "") -> Sequence[Entity]:
        """What is in a text that `owner` sent."""
        many: Sequence[Entity] = ()

        def find_out() -> Sequence[Entity] | None:
            nonlocal many
            many = tuple(self._find(text))
            return many if len(many) <= _MAX_FOUND else None

        found = self._memory.recall(text, f"{self._number}\0{owner}", find_out)
        return many if found is None else found
