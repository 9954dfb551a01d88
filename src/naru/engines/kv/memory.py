"""The store of one Naru alone: a dictionary. Everything in it ends with the process."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from naru.engines.kv.base import Facts, KeyValue, Lease, Reply, Script
from naru.kernel.clock import Clock
from naru.kernel.ids import new_id

_PURGE = 8
"""Expired keys removed with each write: more than a write can add, so that memory follows what is alive."""


class _State:
    """Keys with their end; the `State` of scripts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[object, int | None]] = {}
        self._ends: list[tuple[int, str]] = []
        self.now_ms = 0

    def __len__(self) -> int:
        return len(self._values)

    def at_now(self) -> _State:
        self.now_ms = int(self._clock.monotonic() * 1000)
        return self

    def read(self, key: str) -> object:
        found = self._values.get(key)
        if found is None:
            return None
        value, end_ms = found
        if end_ms is not None and end_ms <= self.now_ms:
            del self._values[key]
            return None
        return value

    def end_ms(self, key: str) -> int | None:
        found = self._values.get(key)
        return None if found is None else found[1]

    def write(self, key: str, value: object, ttl_ms: int | None) -> None:
        self._purge()
        end_ms = None if ttl_ms is None else self.now_ms + ttl_ms
        if end_ms is not None and self.end_ms(key) != end_ms:
            heapq.heappush(self._ends, (end_ms, key))
        self._values[key] = value, end_ms

    def drop(self, key: str) -> None:
        self._values.pop(key, None)

    def _purge(self) -> None:
        for _ in range(_PURGE):
            if not self._ends or self._ends[0][0] > self.now_ms:
                return
            _, key = heapq.heappop(self._ends)
            self.read(key)  # looking at what has expired removes it


class MemoryKeyValue(KeyValue):
    """Belongs to one event loop; nothing waits, so each method is atomic as it stands."""

    def __init__(self, clock: Clock) -> None:
        self._state = _State(clock)
        self._generation = new_id("gen")

    def __len__(self) -> int:
        return len(self._state)

    @property
    def is_shared(self) -> bool:
        """Never."""
        return False

    @property
    def is_available(self) -> bool:
        """Always."""
        return True

    async def get(self, key: str) -> bytes | None:
        """As the contract says."""
        return _text(self._state.at_now().read(key))

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """As the contract says."""
        self._state.at_now().write(key, value, _ms(ttl_s))

    async def delete(self, *keys: str) -> int:
        """As the contract says."""
        state = self._state.at_now()
        there = [key for key in dict.fromkeys(keys) if state.read(key) is not None]
        for key in there:
            state.drop(key)
        return len(there)

    async def incr(self, key: str, by: int = 1, *, ttl_s: float) -> int:
        """As the contract says."""
        state = self._state.at_now()
        before = state.read(key)
        value = by if before is None else int(_text(before) or b"") + by
        end_ms = None if before is None else state.end_ms(key)
        state.write(key, b"%d" % value, _ms(ttl_s) if end_ms is None else end_ms - state.now_ms)
        return value

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, *, ttl_s: float | None = None
    ) -> bool:
        """As the contract says."""
        state = self._state.at_now()
        if _text(state.read(key)) != expected:
            return False
        if value is None:
            state.drop(key)
        else:
            state.write(key, value, _ms(ttl_s))
        return True

    async def acquire(self, key: str, holder: str, *, limit: int, ttl_s: float) -> Lease:
        """As the contract says."""
        leases = self._leases(key)
        if holder not in leases and len(leases) >= limit:
            return Lease(is_held=False, holders=len(leases))
        self._hold(key, leases, holder, ttl_s)
        return Lease(is_held=True, holders=len(leases))

    async def renew(self, key: str, holder: str, *, ttl_s: float) -> bool:
        """As the contract says."""
        leases = self._leases(key)
        if holder not in leases:
            return False
        self._hold(key, leases, holder, ttl_s)
        return True

    async def release(self, key: str, holder: str) -> bool:
        """As the contract says."""
        leases = self._leases(key)
        was_held = leases.pop(holder, None) is not None
        if not leases:
            self._state.drop(key)
        return was_held

    async def holders(self, key: str) -> int:
        """As the contract says."""
        return len(self._leases(key))

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Reply:
        """As the contract says."""
        encoded = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        return script.python(self._state.at_now(), keys, encoded)

    async def generation(self) -> str:
        """As the contract says."""
        return self._generation

    async def read_facts(self) -> Facts:
        """As the contract says."""
        return {"kind": "memory", "place": "this process", "keys": len(self._state)}

    async def close(self) -> None:
        """Nothing to close."""

    def _leases(self, key: str) -> dict[str, int]:
        """Those of a key that have not ended."""
        state = self._state.at_now()
        found = state.read(key)
        if found is None:
            return {}
        leases = _leases(found)
        for holder in [h for h, end_ms in leases.items() if end_ms <= state.now_ms]:
            del leases[holder]
        return leases

    def _hold(self, key: str, leases: dict[str, int], holder: str, ttl_s: float) -> None:
        state = self._state
        leases[holder] = state.now_ms + (_ms(ttl_s) or 0)
        state.write(key, leases, max(leases.values()) - state.now_ms)


def _leases(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise TypeError("this key holds no leases")
    return value


def _text(value: object) -> bytes | None:
    if value is not None and not isinstance(value, bytes):
        raise TypeError("this key holds no text")
    return value


def _ms(ttl_s: float | None) -> int | None:
    return None if ttl_s is None else max(1, round(ttl_s * 1000))
