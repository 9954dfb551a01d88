"""What every call reserved and cost, written before and after it to a file that outlives a killed process.

The file is mapped into memory: a line is a copy of some hundred bytes, with no system call that could wait
for a disk or give Python's lock away, and it is the system's own page cache, which survives kill -9. A power
cut may lose the last lines; the boot id in each segment tells, and the leases cover it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path

import msgspec

from naru.kernel.errors import ConfigError

_log = logging.getLogger(__name__)
SEGMENT_BYTES = 8 * 1024 * 1024
MAGIC = b"naru-journal-1\n"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
HEADER = len(MAGIC) + 64
_MUCH_BYTES = 1024 * 1024
RESERVE, CHARGE, CALL, CARRY, OPEN = 1, 2, 3, 4, 5

Key = tuple[str, int]
"""Budget and start of its window."""


class Begun(msgspec.Struct, array_like=True):
    """An attempt that was about to be made."""

    attempt_id: str
    nano: int
    keys: tuple[Key, ...]
    facts: bytes
    """What the road knew of the call, in its own words."""
    charged: int | None = None
    """What it cost in the end; None: nobody knows."""
    is_unknown: bool = False


_encode = msgspec.msgpack.Encoder().encode
_write_length = struct.Struct("<I").pack_into


class _Segment:
    """One file, mapped. A line is its length and then its bytes; the length is written last."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                # A hole that finds the disk full when it is written to would kill the process.
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.write(descriptor, bytes(size))
            self.map = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self.map[len(MAGIC) : HEADER] = read_boot_id().ljust(64, b"\0")[:64]
        self.map[: len(MAGIC)] = MAGIC
        self.at = HEADER
        self.ledger_mark = 0
        self._released = 0

    def append(self, line: bytes) -> bool:
        """False when it does not fit."""
        at = self.at
        end = at + 4 + len(line)
        if end + 4 > self.size:
            return False
        self.map[at + 4 : end] = line
        _write_length(self.map, at, len(line))
        self.at = end
        return True

    @property
    def unreleased(self) -> int:
        """Bytes written that still take memory of ours."""
        return self.at - self._released

    def release(self) -> None:
        """Let go of the pages that are full: they stay in the system's cache, and no longer in our memory."""
        full = self.at - self.at % mmap.PAGESIZE
        if full > self._released and hasattr(mmap, "MADV_DONTNEED"):
            self.map.madvise(mmap.MADV_DONTNEED, self._released, full - self._released)
            self._released = full

    def delete(self) -> None:
        self.map.close()
        self.path.unlink(missing_ok=True)


class Journal:
    """The journal of this process. `reserve`, `charge` and `record_call` belong to the event loop.

    Args:
        folder: `HOME/journal`.
        owner: this process's name; nobody else writes to its files.
    """

    def __init__(self, folder: Path, owner: str, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._owner = owner
        self._size = segment_bytes
        self._number = 0
        self._lock = lock_file(folder / f"{owner}.lock")
        if self._lock is None:
            raise ConfigError("another process uses this journal", path=str(folder))
        self._segment = self._new_segment()
        self._spare: _Segment | None = None
        self._old: list[_Segment] = []
        self._spent: dict[Key, tuple[int, int]] = {}
        self._open: dict[str, list[Begun]] = {}
        self.lost_lines = 0
        """Lines longer than a segment: a fault in Naru."""

    @property
    def open_calls(self) -> int:
        """Calls that began and have not ended."""
        return len(self._open)

    @property
    def needs_care(self) -> bool:
        """Whether `prepare`, `drop` or `release` would find something worth doing."""
        return self._spare is None or bool(self._old) or self._segment.unreleased >= _MUCH_BYTES

    def reserve(self, call_id: str, attempt_id: str, nano: int, keys: tuple[Key, ...], facts: bytes) -> None:
        """An attempt is about to be made. Returns when that is known to whoever comes after us."""
        begun = Begun(attempt_id, nano, keys, facts)
        self._append((RESERVE, begun))
        attempts = self._open.get(call_id)
        if attempts is None:
            self._open[call_id] = [begun]
        else:
            attempts.append(begun)

    def charge(self, call_id: str, attempt_id: str, nano: int, *, is_unknown: bool) -> None:
        """An attempt has ended, and this is what it counts as in each of its budgets."""
        for begun in self._open.get(call_id, ()):
            if begun.attempt_id == attempt_id and begun.charged is None:
                begun.charged, begun.is_unknown = nano, is_unknown
                add_spent(self._spent, begun.keys, nano, nano if is_unknown else 0)
                self._append((CHARGE, (attempt_id, nano, is_unknown)))
                return

    def record_call(self, call_id: str, call: bytes) -> None:
        """A call has ended; `call` is its row in the ledger, should the ledger lose it."""
        self._open.pop(call_id, None)
        self._append((CALL, (call_id, call)))

    def forget(self, keys: Iterable[Key]) -> None:
        """Windows that are settled with the bank for good."""
        for key in keys:
            self._spent.pop(key, None)

    def prepare(self) -> None:
        """Make the next segment ready. Called from a thread, for it may wait for the disk."""
        if self._spare is None:
            self._spare = self._new_segment()

    def release(self) -> None:
        """Have what is written take no memory of this process. Called from a thread."""
        for segment in [*self._old, self._segment]:
            segment.release()

    def drop(self, *, ledger_recorded: int, ledger_written: int) -> None:
        """Delete old segments whose calls the ledger has written. Called from a thread.

        Args:
            ledger_recorded: calls handed to the ledger so far; marks segments that were closed since.
            ledger_written: calls of those that are committed.
        """
        for segment in list(self._old):
            if segment.ledger_mark < 0:
                segment.ledger_mark = ledger_recorded
            if segment.ledger_mark <= ledger_written:
                self._old.remove(segment)
                segment.delete()

    def close(self, *, is_settled: bool) -> None:
        """The end. `is_settled`: ledger and bank know everything, so nothing needs to stay behind."""
        for segment in [*self._old, self._segment, self._spare]:
            if segment is not None and (is_settled or segment is self._spare):
                segment.delete()
            elif segment is not None:
                segment.map.close()
        self._old, self._spare = [], None
        if is_settled:
            (self._folder / f"{self._owner}.lock").unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _append(self, line: tuple[int, object]) -> None:
        data = _encode(line)
        if self._segment.append(data):
            return
        self._turn()
        if not self._segment.append(data):
            self.lost_lines += 1
            _log.error("a line of %d bytes does not fit into the journal; please report this", len(data))

    def _turn(self) -> None:
        """Go on in the next segment, which begins with what is still open."""
        spare = self._spare
        if spare is None:
            spare = self._new_segment()  # the thread was too slow; better a pause than a lost line
        self._spare = None
        self._segment.ledger_mark = -1
        self._old.append(self._segment)
        self._segment = spare
        carry = [(*key, *spent) for key, spent in self._spent.items()]
        spare.append(_encode((CARRY, carry)))
        for attempts in self._open.values():
            for begun in attempts:
                spare.append(_encode((OPEN, begun)))

    def _new_segment(self) -> _Segment:
        self._number += 1
        return _Segment(self._folder / f"{self._owner}.{self._number:06}", self._size)


def read_boot_id() -> bytes:
    """Changes with every start of the machine; empty where the system has none."""
    with contextlib.suppress(OSError):
        return _BOOT_ID.read_bytes().strip()
    return b""


def add_spent(spent: dict[Key, tuple[int, int]], keys: Iterable[Key], nano: int, unknown: int) -> None:
    """Add an amount to each window."""
    for key in keys:
        known = spent.get(key, (0, 0))
        spent[key] = (known[0] + nano, known[1] + unknown)


def lock_file(path: Path) -> int | None:
    """Hold the file until the process ends; None when another process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
