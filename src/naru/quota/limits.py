"""How fast a key, team, project or any other scope may go: requests and tokens a minute, and calls at once.

Each rate is a bucket that refills steadily, as OpenAI's are. A slot of a running call is a lease with an end,
never a bare counter: a call that vanishes without giving it back loses it by time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from naru.kernel.clock import Clock
from naru.kernel.errors import RateLimited
from naru.quota.models import Limit, Scope

_MINUTE_S = 60.0
Headers = list[tuple[bytes, bytes]]


class SharedLimits(Protocol):
    """Limits kept where all replicas see them (Redis). Without it each replica gets its share of a limit."""

    async def admit(
        self, call_id: str, limits: Sequence[Limit], tokens: int, lease_s: float
    ) -> tuple[Limit, str, float] | None:
        """Take from all limits or none; None when taken, else the limit that refused, which of its bounds
        (`requests`, `tokens`, `calls`), and the seconds until a retry makes sense."""
        ...

    async def settle(self, call_id: str, limits: Sequence[Limit], extra_tokens: int) -> None:
        """Give the slots back and take (or, below zero, give back) the difference in tokens."""
        ...


class _Bucket:
    """Refills by `size` a minute; may be in debt after a call that took more than it had said."""

    __slots__ = ("at", "level", "rate", "size")

    def __init__(self, size: int, now: float) -> None:
        self.size = float(size)
        self.rate = size / _MINUTE_S
        self.level = float(size)
        self.at = now

    def resize(self, size: int) -> None:
        """Keep what was used, so that changing a limit is no way to start afresh."""
        used = self.size - self.level
        self.size, self.rate = float(size), size / _MINUTE_S
        self.level = self.size - used

    def refill(self, now: float) -> float:
        level = self.level + (now - self.at) * self.rate
        self.at = now
        self.level = level = min(level, self.size)
        return level

    def wait_s(self, amount: float) -> float:
        return (amount - self.level) / self.rate


class _Gate:
    """The state of one limit in this process."""

    __slots__ = ("calls", "leases", "limit", "requests", "tokens")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.requests: _Bucket | None = None
        self.tokens: _Bucket | None = None
        self.calls: int | None = None
        self.leases: dict[str, float] = {}
        """Running calls and when each lease ends, the earliest first."""

    def configure(self, limit: Limit, index: int, replicas: int, now: float) -> None:
        self.limit = limit
        self.requests = _resized(self.requests, _part(limit.requests_per_minute, index, replicas), now)
        self.tokens = _resized(self.tokens, _part(limit.tokens_per_minute, index, replicas), now)
        self.calls = _part(limit.concurrent_calls, index, replicas)

    def expire(self, now: float) -> None:
        leases = self.leases
        while leases:
            first = next(iter(leases))
            if leases[first] > now:
                return
            del leases[first]


class Admission:
    """What one call took. `Limiter.settle` gives the slots back."""

    __slots__ = ("call_id", "gates", "headers", "is_open", "tokens")

    def __init__(self, call_id: str, gates: tuple[_Gate, ...], tokens: int, headers: Headers) -> None:
        self.call_id = call_id
        self.gates = gates
        self.tokens = tokens
        self.headers = headers
        self.is_open = True


class LimitReached(RateLimited):
    """A limit of this key or of what it belongs to.

    Args:
        headers: where the limits stand, as OpenAI says it.
    """

    def __init__(self, message: str, *, retry_after_s: float, headers: Headers) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.headers = headers


class Limiter:
    """All limits of this process. Everything is in memory and at once; nothing waits.

    Args:
        lease_s: how long a slot is kept for a call that is never heard of again.
    """

    def __init__(self, clock: Clock, *, lease_s: float) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._gates: dict[Scope, _Gate] = {}
        self.has_tag_limits = False

    @property
    def is_empty(self) -> bool:
        """Whether there is no limit at all."""
        return not self._gates

    def configure(self, limits: Iterable[Limit], *, index: int = 0, replicas: int = 1) -> None:
        """Take the limits there are now; what was used so far still counts.

        Args:
            index: which of the replicas this is, from 0.
            replicas: among how many each limit is divided.
        """
        now = self._clock.monotonic()
        gates: dict[Scope, _Gate] = {}
        for limit in limits:
            gate = self._gates.get(limit.scope) or _Gate(limit)
            gate.configure(limit, index, replicas, now)
            gates[limit.scope] = gate
        self._gates = gates
        self.has_tag_limits = any(scope.kind == "tag" for scope in gates)

    def admit(self, call_id: str, scopes: Sequence[Scope], tokens: int) -> Admission | None:
        """Take one request, its tokens and a slot from every limit of a call, or nothing at all.

        Args:
            tokens: what the call may use; `settle` corrects it. A call larger than a whole minute's tokens
                passes when the bucket is full, and the next one waits the longer.

        Returns:
            None when no limit applies.

        Raises:
            LimitReached: says which limit, and when to try again.
        """
        gates = [gate for scope in scopes if (gate := self._gates.get(scope)) is not None]
        if not gates:
            return None
        now = self._clock.monotonic()
        refused: tuple[float, str] | None = None
        for gate in gates:
            found = _refusal(gate, tokens, now)
            if found is not None and (refused is None or found[0] > refused[0]):
                refused = found
        if refused is not None:
            raise LimitReached(refused[1], retry_after_s=refused[0], headers=_headers(gates))
        for gate in gates:
            if gate.requests is not None:
                gate.requests.level -= 1
            if gate.tokens is not None:
                gate.tokens.level -= tokens
            if gate.calls is not None:
                gate.leases[call_id] = now + self._lease_s
        return Admission(call_id, tuple(gates), tokens, _headers(gates))

    def settle(self, admission: Admission, tokens: int | None) -> None:
        """The call is over. Giving back twice gives back once.

        Args:
            tokens: what it used; None: nobody knows, so what was taken stays taken.
        """
        if not admission.is_open:
            return
        admission.is_open = False
        for gate in admission.gates:
            gate.leases.pop(admission.call_id, None)
            if gate.tokens is not None and tokens is not None:
                gate.tokens.level -= tokens - admission.tokens


def _resized(bucket: _Bucket | None, size: int | None, now: float) -> _Bucket | None:
    if size is None:
        return None
    if bucket is None:
        return _Bucket(size, now)
    if size != bucket.size:
        bucket.refill(now)
        bucket.resize(size)
    return bucket


def _part(limit: int | None, index: int, replicas: int) -> int | None:
    """This replica's share: the shares of all add up to the limit."""
    if limit is None:
        return None
    return limit // replicas + (1 if index < limit % replicas else 0)


def _refusal(gate: _Gate, tokens: int, now: float) -> tuple[float, str] | None:
    """Seconds to wait and what to say; None when the gate lets the call pass."""
    limit = gate.limit
    of = f"this {limit.scope.kind}"
    if gate.calls is not None:
        gate.expire(now)
        if len(gate.leases) >= gate.calls:
            return 1.0, (
                f"Too many calls at once for {of}: {limit.concurrent_calls} may run at the same time. Try "
                "again when one of them has ended."
            )
    for bucket, amount, what, bound in (
        (gate.requests, 1, "requests", limit.requests_per_minute),
        (gate.tokens, tokens, "tokens", limit.tokens_per_minute),
    ):
        if bucket is None:
            continue
        # One refill for every look; the share of a replica may be nothing at all.
        level = bucket.refill(now)
        wanted = min(float(amount), bucket.size) if bucket.size else 1.0
        if level < wanted:
            wait_s = bucket.wait_s(wanted) if bucket.rate else _MINUTE_S
            return wait_s, (
                f"Too many {what} a minute for {of}: the limit is {bound}. Try again in "
                f"{math.ceil(wait_s)} s."
            )
    return None


def _headers(gates: Sequence[_Gate]) -> Headers:
    """OpenAI's six headers, each pair of the limit with the smallest share left."""
    headers: Headers = []
    for name, buckets in (
        (b"requests", [gate.requests for gate in gates if gate.requests is not None]),
        (b"tokens", [gate.tokens for gate in gates if gate.tokens is not None]),
    ):
        if not buckets:
            continue
        tightest = buckets[0] if len(buckets) == 1 else min(buckets, key=_share_left)
        headers += (
            (b"x-ratelimit-limit-" + name, b"%d" % tightest.size),
            (b"x-ratelimit-remaining-" + name, b"%d" % max(0, tightest.level)),
            (b"x-ratelimit-reset-" + name, _duration(tightest)),
        )
    return headers


def _share_left(bucket: _Bucket) -> float:
    return bucket.level / bucket.size if bucket.size else 0.0


def _duration(bucket: _Bucket) -> bytes:
    """Until the bucket is full, in OpenAI's form: `17ms`, `1.2s`, `6m0s`."""
    seconds = (bucket.size - bucket.level) / bucket.rate if bucket.rate else _MINUTE_S
    if seconds < 1:
        return b"%dms" % math.ceil(seconds * 1000)
    if seconds < _MINUTE_S:
        return f"{seconds:.3f}".rstrip("0").rstrip(".").encode() + b"s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (b"%dh" % hours if hours else b"") + b"%dm%ds" % (minutes, rest)
