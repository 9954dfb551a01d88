"""Checks entries one after the other: their own hashes, the chain between them, and the tree over them.

An altered entry is named itself: its content no longer has the hash that stands with it. One that was
replaced whole, hash included, is named by the entry after it, which carries the old hash on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from naru.audit.entry import Entry, canonical_bytes, canonical_json, chain_hash, entry_bytes
from naru.audit.findings import Finding
from naru.audit.merkle import CompactRange, leaf_hash

COLUMNS: Final = Entry.__struct_fields__
_TYPES: Final = {name: int if name in ("seq", "at_ns") else str for name in COLUMNS}
_MAX_RESOLVED: Final = 64
"""How many altered entries are compared with each other to tell that they were swapped."""

Row = tuple[Any, ...]


class Unreadable(tuple[Any, ...]):
    """A row of which only the key can be read."""

    __slots__ = ()


class ChainCheck:
    """Takes rows in their order; `findings` and `roots` grow.

    Args:
        first_hash: `prev_hash` of the first entry, None where nobody knows it.
        sizes: tree sizes whose root is wanted.
        on_node: told of every inner node as the tree grows.
    """

    def __init__(
        self,
        first_hash: str | None,
        sizes: Collection[int],
        on_node: Callable[[int, int, bytes], None],
    ) -> None:
        self.findings: list[Finding] = []
        self.roots: dict[int, bytes] = {}
        self.tree: CompactRange | None = CompactRange()
        self.last_seq = 0
        self.last_hash: str | None = first_hash
        self.count = 0
        self._sizes = sizes
        self._on_node = on_node
        self._links: set[str] | None = None if first_hash is None else {first_hash}
        self._is_last_sound = True
        self._altered: list[Entry] = []

    def take(self, row: Row) -> None:
        """Check one row."""
        seq = row[0]
        if type(seq) is not int:
            self._find("inserted", f"a row has {seq!r} where the number of an entry should be", None)
            return
        if seq <= self.last_seq:
            self._find("inserted", f"entry {seq} stands here a second time, after entry {self.last_seq}", seq)
            return
        if seq > self.last_seq + 1:
            self._skip(seq)
        self.count += 1
        if isinstance(row, Unreadable):
            self._find("unreadable", f"entry {seq} was altered: the database cannot read it", seq)
            self._lose(seq)
            return
        wrong = _find_wrong_column(row)
        if wrong is not None:
            self._find("altered", f"entry {seq} was altered: {wrong}", seq)
            self._lose(seq)
            return
        self._check(Entry(**dict(zip(COLUMNS, row, strict=True))))

    def finish(self) -> None:
        """Tell of the altered entries, now that those can be compared which may have changed places."""
        homes = self._find_homes()
        for entry in self._altered:
            home = homes.get(entry.seq)
            if home is not None and home != entry.seq:
                self._find("moved", f"the entry that belongs at {home} stands at {entry.seq}", entry.seq)
            else:
                self._find(
                    "altered",
                    f"entry {entry.seq} was altered: its content and its hash do not belong together",
                    entry.seq,
                )
        self._altered.clear()

    def _check(self, entry: Entry) -> None:
        data = entry_bytes(entry)
        computed = chain_hash(data)
        is_sound = computed == entry.entry_hash
        if not is_sound:
            self._altered.append(entry)
        elif self._links is not None and entry.prev_hash not in self._links:
            self._tell_of_broken_link(entry.seq)
        # An altered entry is named already. Whichever of its two hashes the next one carries on is right.
        self._links = {computed, entry.entry_hash}
        self._is_last_sound = is_sound
        self.last_seq, self.last_hash = entry.seq, entry.entry_hash
        if self.tree is None:
            return
        for level, position, hash_ in self.tree.append(leaf_hash(data)):
            self._on_node(level, position, hash_)
        if self.tree.size in self._sizes:
            self.roots[self.tree.size] = self.tree.read_root()

    def _tell_of_broken_link(self, seq: int) -> None:
        if seq == 1:
            self._find("replaced", "entry 1 does not begin this log: it carries on another one", 1)
        elif self._is_last_sound:
            self._find(
                "replaced",
                f"entry {seq - 1} is not the one that entry {seq} carries on: it was replaced, or everything "
                f"from entry {seq} on was",
                seq - 1,
            )
        else:
            self._find("replaced", f"entry {seq} does not carry on entry {seq - 1}", seq)

    def _skip(self, seq: int) -> None:
        first, last = self.last_seq + 1, seq - 1
        some = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        self._find("missing", f"{some} missing", first, last)
        self.tree = None
        self._links = None

    def _lose(self, seq: int) -> None:
        self.last_seq, self.last_hash = seq, None
        self.tree = None
        self._links = None
        self._is_last_sound = False

    def _find(self, kind: Any, what: str, seq: int | None, to_seq: int | None = None) -> None:
        self.findings.append(Finding(kind=kind, what=what, seq=seq, to_seq=to_seq))

    def _find_homes(self) -> dict[int, int]:
        """For each altered entry, the number under which its hash would be right."""
        some = self._altered[:_MAX_RESOLVED]
        near = {entry.seq + step for entry in some for step in (-1, 1)}
        candidates = sorted({entry.seq for entry in some} | near)
        homes = {}
        for entry in some:
            for seq in candidates:
                if chain_hash(_renumbered(entry, seq)) == entry.entry_hash:
                    homes[entry.seq] = seq
                    break
        return homes


def _renumbered(entry: Entry, seq: int) -> bytes:
    return canonical_bytes(
        seq=seq,
        id=entry.id,
        at_ns=entry.at_ns,
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        outcome=entry.outcome,
        facts=entry.facts,
        prev_hash=entry.prev_hash,
    )


def _find_wrong_column(row: Sequence[Any]) -> str | None:
    for name, value in zip(COLUMNS, row, strict=True):
        if type(value) is not _TYPES[name]:
            return f"{name} is of another type"
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                return f"{name} is no text"
    facts = row[COLUMNS.index("facts")]
    if facts == "{}":
        return None
    try:
        found = json.loads(facts)
        is_canonical = isinstance(found, dict) and canonical_json(found) == facts
    except (ValueError, RecursionError):
        is_canonical = False
    return None if is_canonical else "its facts are not canonical JSON"
