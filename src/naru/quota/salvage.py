"""Reads the journal of a process that is gone: what it had spent, and which calls it never ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from naru.quota.journal import (
    CALL,
    CHARGE,
    HEADER,
    MAGIC,
    OPEN,
    RESERVE,
    Begun,
    Key,
    add_spent,
    lock_file,
    read_boot_id,
)

_decode_line = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw]).decode
_decode_begun = msgspec.msgpack.Decoder(Begun).decode
_decode_charge = msgspec.msgpack.Decoder(tuple[str, int, bool]).decode
_decode_call = msgspec.msgpack.Decoder(tuple[str, bytes]).decode
_decode_carry = msgspec.msgpack.Decoder(list[tuple[str, int, int, int]]).decode


class Remains(msgspec.Struct):
    """What the journal of a process that is gone says."""

    owner: str
    is_complete: bool
    """False when the machine went down with the process: the last lines may be missing."""
    spent: dict[Key, tuple[int, int]]
    """By window: everything charged, and the unknown share of it; unfinished attempts count as unknown."""
    unfinished: list[list[Begun]]
    """Attempts of each call that never ended, by call."""
    calls: list[bytes]
    """Ended calls, as the road wrote them; the ledger may lack the last ones."""


def list_dead(folder: Path) -> list[str]:
    """Owners with a journal whose process is gone."""
    dead = []
    for path in sorted(folder.glob("*.lock")):
        descriptor = lock_file(path)
        if descriptor is not None:
            os.close(descriptor)
            dead.append(path.name.removesuffix(".lock"))
    return dead


class Salvage:
    """The journal of a process that is gone, kept from others while it is read. Use as a context."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner
        self._lock: int | None = None

    def __enter__(self) -> Remains | None:
        """What it says; None when the process lives, or another one reads it now."""
        path = self._folder / f"{self._owner}.lock"
        if path.exists():
            self._lock = lock_file(path)
        return None if self._lock is None else _read(self._folder, self._owner)

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def delete(self) -> None:
        """Everything in it has reached the bank and the ledger."""
        for path in self._folder.glob(f"{self._owner}.*"):
            path.unlink(missing_ok=True)


class _Reader:
    """Follows the lines of all segments in order."""

    def __init__(self) -> None:
        self.spent: dict[Key, tuple[int, int]] = {}
        self.attempts: dict[str, Begun] = {}
        self.calls: list[bytes] = []
        self.ended: set[str] = set()

    def take(self, line: bytes) -> None:
        kind, body = _decode_line(line)
        if kind in (RESERVE, OPEN):
            begun = _decode_begun(body)
            self.attempts[begun.attempt_id] = begun
        elif kind == CHARGE:
            attempt_id, nano, is_unknown = _decode_charge(body)
            begun = self.attempts[attempt_id]
            if begun.charged is None:
                begun.charged, begun.is_unknown = nano, is_unknown
                add_spent(self.spent, begun.keys, nano, nano if is_unknown else 0)
        elif kind == CALL:
            call_id, call = _decode_call(body)
            self.ended.add(call_id)
            self.calls.append(call)
        else:
            self.spent = {(id, start): (nano, unknown) for id, start, nano, unknown in _decode_carry(body)}

    def find_unfinished(self) -> list[list[Begun]]:
        """Attempts of calls that never ended; those without a charge are charged all they had reserved: the
        upstream may have worked for us."""
        unfinished: dict[str, list[Begun]] = {}
        for begun in self.attempts.values():
            call_id = begun.attempt_id.rpartition(".")[0]
            if call_id in self.ended:
                continue
            if begun.charged is None:
                add_spent(self.spent, begun.keys, begun.nano, begun.nano)
            unfinished.setdefault(call_id, []).append(begun)
        return list(unfinished.values())


def _read(folder: Path, owner: str) -> Remains:
    reader = _Reader()
    is_complete = True
    boot_id = read_boot_id()
    for path in sorted(folder.glob(f"{owner}.[0-9]*")):
        data = path.read_bytes()
        if not data.startswith(MAGIC):
            continue  # made, and killed before the first line
        wrote_at = data[len(MAGIC) : HEADER].rstrip(b"\0")
        is_complete &= bool(boot_id) and wrote_at == boot_id
        for line in _lines(data):
            reader.take(line)
    unfinished = reader.find_unfinished()
    return Remains(owner, is_complete, reader.spent, unfinished, reader.calls)


def _lines(data: bytes) -> Iterator[bytes]:
    at = HEADER
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        if not length or at + 4 + length > len(data):
            return
        yield data[at + 4 : at + 4 + length]
        at += 4 + length
