"""Verifies a whole log: chain, tree, nodes, head, every checkpoint, and checkpoints kept elsewhere.

It trusts nothing it reads: any value may be of any type, and any row may be missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from naru.audit.chaincheck import ChainCheck, Row, Unreadable
from naru.audit.entry import genesis_hash
from naru.audit.findings import MAX_FINDINGS, Finding, Report
from naru.audit.note import NO_PREVIOUS, Checkpoint, PublicKey, find_signer, note_hash, read_note
from naru.kernel.errors import BadRequest

NODE_LEVEL: Final = 6


class Kept(msgspec.Struct, frozen=True):
    """A checkpoint from elsewhere."""

    place: str
    note: str


class StoredLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log as somebody stored it: a database, or an export."""

    head: Mapping[str, Any] | None
    """The head's columns; None where the head is missing, or an export has none."""
    has_head: bool
    entries: Callable[[], Iterable[Row]]
    checkpoints: Sequence[Row]
    """(number, size, at_ns, note)"""
    nodes: Sequence[Row] | None
    """(level, position, hash); None for an export, which has none."""
    stated_size: int | None = None
    """How many entries an export says it has."""


def verify(
    log: StoredLog, *, keys: Sequence[PublicKey], kept: Sequence[Kept] = (), now_ns: int = 0
) -> Report:
    """Check everything that can be checked. Finds; never raises for what it finds."""
    began = time.perf_counter()
    check = _Verification(log, list(keys), list(kept))
    check.run()
    findings = check.findings
    return Report(
        is_intact=not findings,
        origin=check.origin or "",
        size=check.chain.count,
        root="" if check.chain.tree is None else check.chain.tree.read_root().hex(),
        checkpoints=len(log.checkpoints),
        kept=len(kept),
        covered=check.covered,
        keys=[str(key) for key in keys],
        findings=findings[:MAX_FINDINGS],
        more=max(0, len(findings) - MAX_FINDINGS),
        at_ns=now_ns,
        duration_ms=round((time.perf_counter() - began) * 1000, 1),
    )


class _Verification:
    def __init__(self, log: StoredLog, keys: list[PublicKey], kept: list[Kept]) -> None:
        self._log = log
        self._keys = keys
        self._own = [_Note(row) for row in log.checkpoints]
        self._kept = [(copy, _parse(copy.note)) for copy in kept]
        self.findings: list[Finding] = []
        self.covered = 0
        self.origin = self._find_origin()
        sizes = {note.said.size for note in self._own if note.said is not None}
        sizes |= {said.size for _, said in self._kept if said is not None}
        self._stored_nodes = {} if log.nodes is None else {tuple(row[:2]): row[-1] for row in log.nodes}
        self._bad_nodes: list[tuple[int, int]] = []
        self.chain = ChainCheck(
            None if self.origin is None else genesis_hash(self.origin), sizes, self._check_node
        )

    def run(self) -> None:
        for row in self._log.entries():
            self.chain.take(row)
        self.chain.finish()
        self.findings += self.chain.findings
        self._check_end()
        self._tell_of_nodes()
        self._check_checkpoints()
        self._check_kept()

    def _find(self, kind: Any, what: str, **where: int | None) -> None:
        self.findings.append(Finding(kind=kind, what=what, **where))

    def _find_origin(self) -> str | None:
        """The log's name: as its key says, else as most of its checkpoints do, else as its head does."""
        if self._keys:
            return self._keys[0].name
        said = [note.said.origin for note in self._own if note.said is not None]
        if said:
            return max(set(said), key=said.count)
        origin = (self._log.head or {}).get("origin")
        return origin if isinstance(origin, str) else None

    # --- the head ------------------------------------------------------------------------------------

    def _check_end(self) -> None:
        """What the head says of the end: only it tells of entries cut off after the last checkpoint."""
        head, chain = self._log.head, self.chain
        if head is None:
            if self._log.has_head:
                self._find("head", "the head of the log is missing or cannot be read")
            self._check_stated_size()
            return
        size = head.get("size")
        if type(size) is not int:
            self._find("head", "the head of the log was altered: its size is no number")
        elif size > chain.last_seq:
            first = chain.last_seq + 1
            some = f"entry {first} is" if first == size else f"entries {first} to {size} are"
            self._find(
                "truncated", f"{some} missing: the log's head counts {size} entries", seq=first, to_seq=size
            )
        elif size < chain.last_seq:
            self._find(
                "inserted",
                f"entries after {size} are unknown to the log's head: they were added past it, or the head "
                "was set back",
                seq=size + 1,
                to_seq=chain.last_seq,
            )
        elif chain.last_hash not in (None, head.get("last_hash")) and not self._is_named(size):
            self._find(
                "replaced",
                f"entry {size} is not the last one that the log's head names: it was replaced, or the head "
                "was altered",
                seq=size,
            )
        if head.get("origin") != self.origin:
            self._find("head", "the head of the log was altered: it names another log")
        tree = chain.tree
        if tree is not None and size == tree.size and not self._is_named(size):
            expected = ",".join(hash_.hex() for hash_ in tree.hashes)
            if head.get("frontier") != expected:
                self._find("head", "the head of the log was altered: its tree is not that of the entries")

    def _check_stated_size(self) -> None:
        stated, found = self._log.stated_size, self.chain.last_seq
        if stated is not None and stated > found:
            self._find(
                "truncated",
                f"the export says that it has {stated} entries; those from {found + 1} on are missing",
                seq=found + 1,
                to_seq=stated,
            )

    def _is_named(self, size: int) -> bool:
        """Whether an entry up to `size` is named already: whatever covers it cannot be right then."""
        return any(f.seq is not None and f.seq <= size for f in self.chain.findings)

    # --- nodes ---------------------------------------------------------------------------------------

    def _check_node(self, level: int, position: int, hash_: bytes) -> None:
        if level < NODE_LEVEL or self._log.nodes is None:
            return
        if self._stored_nodes.pop((level, position), None) != hash_.hex():
            self._bad_nodes.append((level, position))

    def _tell_of_nodes(self) -> None:
        if self._log.nodes is None or self.chain.tree is None:
            return
        told: list[tuple[int, int]] = []
        for level, position in sorted(self._bad_nodes):
            first, last = (position << level) + 1, (position + 1) << level
            is_explained = any(f.seq is not None and f.seq <= last and (f.to_seq or f.seq) >= first
                               for f in self.chain.findings)  # fmt: skip
            if is_explained or any(first <= one and other <= last for one, other in told):
                continue
            told.append((first, last))
            self._find(
                "node",
                f"the tree's node over entries {first} to {last} is not that of these entries: it was "
                "altered, or they were rewritten",
                seq=first,
                to_seq=last,
            )
        for key in self._stored_nodes:
            self._find("node", f"the tree has a node that belongs to no entries: {key!r}")

    # --- checkpoints ---------------------------------------------------------------------------------

    def _check_checkpoints(self) -> None:
        expected, previous, last_size, good = 1, NO_PREVIOUS, 0, 0
        known_previous = True
        for note in self._own:
            number = note.number
            if not isinstance(number, int) or isinstance(number, bool) or number < expected:
                self._find("checkpoint", f"a checkpoint has {number!r} where its number should be")
                continue
            if number > expected:
                some = f"checkpoint {expected} is" if number == expected + 1 else (
                    f"checkpoints {expected} to {number - 1} are")  # fmt: skip
                self._find("checkpoint", f"{some} missing", checkpoint=expected)
                known_previous = False
            expected = number + 1
            fault = self._find_fault(note, previous if known_previous else None, last_size)
            if fault is not None:
                self._find("checkpoint", f"checkpoint {number} {fault}", checkpoint=number)
                known_previous = False
                continue
            assert note.said is not None
            previous, known_previous, last_size = note_hash(note.text), True, note.said.size
            if self._check_root(note.said, good, f"checkpoint {number}", number):
                good = note.said.size
        self.covered = good
        self._check_newest(expected - 1)

    def _find_fault(self, note: _Note, previous: str | None, last_size: int) -> str | None:
        said = note.said
        if said is None:
            return "was altered: it cannot be read"
        if find_signer(note.text, self._keys) is None:
            return "was altered, or signed with another key"
        if (said.number, said.size, said.at_ns) != (note.number, note.size, note.at_ns):
            return "was altered: its columns are not what was signed"
        if said.origin != self.origin:
            return "belongs to another log"
        if previous is not None and said.previous != previous:
            return "does not follow the checkpoint before it"
        if said.size <= last_size:
            return f"counts fewer entries ({said.size}) than the checkpoint before it ({last_size})"
        return None

    def _check_root(self, said: Checkpoint, good: int, name: str, number: int | None) -> bool:
        """Compare a signed root with that of the entries. False when it differs."""
        root = self.chain.roots.get(said.size)
        if root == said.root:
            return True
        if said.size > self.chain.last_seq:
            first = self.chain.last_seq + 1
            self._find(
                "truncated",
                f"{name} was signed over {said.size} entries; those from {first} on are missing",
                seq=first,
                to_seq=said.size,
                checkpoint=number,
            )
        elif root is not None and not self._is_named(said.size):
            self._find(
                "rewritten",
                f"{name} was signed over other entries: between {good + 1} and {said.size} some were "
                "rewritten, their hashes included",
                seq=good + 1,
                to_seq=said.size,
                checkpoint=number,
            )
        elif root is None and not self._is_named(said.size):
            self._find("checkpoint", f"{name} cannot be compared: entries are missing", checkpoint=number)
        return False

    def _check_newest(self, newest: int) -> None:
        head = self._log.head
        if head is None:
            return
        last = self._own[-1] if self._own else None
        stated = (head.get("checkpoint_number"), head.get("checkpoint_size"), head.get("checkpoint_at_ns"))
        if stated[0] != newest and isinstance(stated[0], int) and stated[0] > newest:
            self._find(
                "checkpoint",
                f"checkpoints after {newest} are missing: the log's head names number {stated[0]}",
                checkpoint=newest + 1,
            )
        elif last is None:
            if (*stated, head.get("checkpoint_hash")) != (0, 0, 0, NO_PREVIOUS):
                self._find("head", "the head of the log was altered: it names a checkpoint that is not there")
        elif (*stated, head.get("checkpoint_hash")) != (
            last.number,
            last.size,
            last.at_ns,
            note_hash(last.text),
        ) and not any(finding.checkpoint == last.number for finding in self.findings):
            self._find("head", "the head of the log was altered: it names another newest checkpoint")

    def _check_kept(self) -> None:
        own = {note.number: note.text for note in self._own if isinstance(note.number, int)}
        for copy, said in self._kept:
            name = f"the checkpoint kept in {copy.place}"
            if said is None or find_signer(copy.note, self._keys) is None:
                self._find("kept", f"{name} is damaged, or signed with another key")
            elif said.origin != self.origin:
                self._find("kept", f"{name} belongs to another log")
            elif self._check_root(said, 0, f"{name} (number {said.number})", said.number):
                self.covered = max(self.covered, said.size)
                if said.number not in own and (self._log.has_head or said.number < max(own, default=0)):
                    self._find(
                        "checkpoint",
                        f"checkpoint {said.number} is missing from the log; {copy.place} has it",
                        checkpoint=said.number,
                    )
                elif own.get(said.number, copy.note) != copy.note:
                    self._find(
                        "checkpoint",
                        f"the log's checkpoint {said.number} is another than the one kept in {copy.place}",
                        checkpoint=said.number,
                    )


class _Note:
    """One row of checkpoints, whatever it holds."""

    def __init__(self, row: Row) -> None:
        whole = not isinstance(row, Unreadable) and len(row) == 4
        self.number: Any = row[0]
        self.size: Any = row[1] if whole else None
        self.at_ns: Any = row[2] if whole else None
        self.text: str = row[3] if whole and isinstance(row[3], str) else ""
        self.said = _parse(self.text)


def _parse(note: str) -> Checkpoint | None:
    try:
        return read_note(note)
    except BadRequest:
        return None
