"""The contract of a store of small values that expire. Asynchronous: it may be asked on the road.

Everything is atomic over all replicas, and every time is the store's own clock's, so that replicas whose
clocks differ agree on what has expired. Nothing in it may be needed to know what was spent: that is SQL's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from naru.kernel.errors import Unavailable

Reply = int | bytes | None | list["int | bytes | None"]
Facts = dict[str, str | int | float | bool | None]


class StoreUnavailable(Unavailable):
    """The store does not answer. Nobody knows whether what was asked has been done."""

    default_code = "store_unavailable"


class Lease(NamedTuple):
    """The answer to `acquire`."""

    is_held: bool
    holders: int
    """How many hold one now, this one included when it does."""


class State(Protocol):
    """What the Python half of a script works on, in one piece."""

    now_ms: int

    def read(self, key: str) -> object:
        """The value of a key; None when there is none or it has expired."""
        ...

    def write(self, key: str, value: object, ttl_ms: int | None) -> None:
        """Set a key; it expires `ttl_ms` from now (never when None)."""
        ...

    def drop(self, key: str) -> None:
        """Remove a key."""
        ...


class Script(NamedTuple):
    """One atomic step of the caller's own, in the language of each adapter. Both halves must agree: whoever
    writes one runs the same tests on both.

    The Lua half sees KEYS and ARGV (text) as Redis gives them. The Python half gets the state and the same
    two lists. Keys must expire, and only the keys that are passed may be touched.
    """

    lua: str
    python: Callable[[State, Sequence[str], Sequence[bytes]], Reply]


class KeyValue(ABC):
    """A store. Every method raises `StoreUnavailable` when it does not answer in time, and then the caller
    decides: refuse (fail closed), or go on with a bounded share of its own."""

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether other replicas see it."""

    @property
    @abstractmethod
    def is_available(self) -> bool:
        """False from a failed call until one succeeds again. Asks nobody."""

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """The value, None when there is none or it has expired."""

    @abstractmethod
    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """Set a value, which expires after `ttl_s`."""

    @abstractmethod
    async def delete(self, *keys: str) -> int:
        """Remove keys of any kind; how many there were."""

    @abstractmethod
    async def incr(self, key: str, by: int = 1, *, ttl_s: float) -> int:
        """Add to a counter and give its new value. The counter expires `ttl_s` after its first addition,
        however often it is added to."""

    @abstractmethod
    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, *, ttl_s: float | None = None
    ) -> bool:
        """Set `key` to `value` (None removes it) if it is `expected` (None: not there); whether it was."""

    @abstractmethod
    async def acquire(self, key: str, holder: str, *, limit: int, ttl_s: float) -> Lease:
        """Hold one of `limit` places until released or until `ttl_s` from now. Asking again renews, and
        succeeds though the limit has sunk. Who vanishes loses the place by time."""

    @abstractmethod
    async def renew(self, key: str, holder: str, *, ttl_s: float) -> bool:
        """Hold it until `ttl_s` from now; False when it was lost, and nothing is taken then."""

    @abstractmethod
    async def release(self, key: str, holder: str) -> bool:
        """Give the place back; whether it was still held."""

    @abstractmethod
    async def holders(self, key: str) -> int:
        """How many places are held."""

    @abstractmethod
    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Reply:
        """Run one atomic step of the caller's own."""

    @abstractmethod
    async def generation(self) -> str:
        """A name that lives as long as the store's content. Another one than before: everything in it was
        lost in between (a restart without persistence), so what was counted there counts from nothing."""

    @abstractmethod
    async def read_facts(self) -> Facts:
        """What an operator asks first: kind, place, version. Never a password."""

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""
