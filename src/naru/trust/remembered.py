"""Remembers what was found in a text, so that a conversation sent again with every turn is not read again.

Of a text only a digest under a secret of this process is kept, and of what was found in it types and places:
no letter of it. Nobody is served from what another has sent, or the time taken would tell who sent what.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence

from naru.trust.entity import Entity

_SECRET = os.urandom(32)
_MAX_TEXTS = 16_384
_MAX_FOUND = 64
"""Of one text; a list of customers is looked at again each time."""

Find = Callable[[str], Sequence[Entity]]


class Remembered:
    """Detection with a memory, of one set of detectors. Safe to call from many threads at once.

    Args:
        find: what looks at a text that is not known.
        max_texts: of how many recent texts the outcome is kept, at least; twice as many at most.
    """

    def __init__(self, find: Find, *, max_texts: int = _MAX_TEXTS) -> None:
        self._find = find
        self._max = max_texts
        self._recent: dict[bytes, Sequence[Entity]] = {}
        self._older: dict[bytes, Sequence[Entity]] = {}

    def scan(self, text: str, owner: str = "") -> Sequence[Entity]:
        """What is in a text that `owner` sent. What detection raises goes through, and is not remembered."""
        said = f"{owner}\0{text}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(said, key=_SECRET, digest_size=16).digest()
        found = self._recent.get(digest)
        if found is not None:
            return found
        found = self._older.get(digest)
        if found is None:
            found = tuple(self._find(text))
            if len(found) > _MAX_FOUND:
                return found
        if len(self._recent) >= self._max:  # two generations, and no lock: a text lost is looked at again
            self._older, self._recent = self._recent, {}
        self._recent[digest] = found
        return found
