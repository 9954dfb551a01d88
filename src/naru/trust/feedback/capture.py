"""Keeps prompt and answer of a call where the team consents: sealed, on the writer's thread, for a time."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.clock import Clock
from naru.trust.feedback import store
from naru.trust.feedback.book import Pair
from naru.trust.feedback.models import RatedCall
from naru.trust.feedback.tables import captures
from naru.trust.vault import LOCK, Sealer
from naru.trust.writer import Job, TrustWriter

_DAY_NS = 86_400 * 10**9


class CaptureQueue:
    """Takes pairs from the road.

    Args:
        capture_days: how long a pair is kept.
    """

    def __init__(
        self, engine: SqlEngine, sealer: Sealer, writer: TrustWriter, clock: Clock, *, capture_days: int
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._writer = writer
        self._clock = clock
        self.capture_days = capture_days

    def put(self, call: RatedCall, read: Callable[[], Pair | None], *, size: int) -> bool:
        """Take one pair. O(1), never blocks; False when there is no place for it.

        Args:
            read: makes the pair, on the thread; None when it cannot be said in OpenAI's words.
            size: bytes that `read` holds in memory.
        """
        plain: list[bytes] = []

        def prepare() -> bool:
            pair = read()
            if pair is not None:
                plain.append(msgspec.json.encode(pair))
            return pair is not None

        def write(connection: sa.Connection) -> None:
            self._engine.lock(connection, LOCK)
            record = self._sealer.seal(captures.name, call.id, plain[0])
            now_ns = self._clock.now_ns()
            store.insert_capture(
                connection,
                {
                    **msgspec.structs.asdict(call),
                    **msgspec.structs.asdict(record),
                    "created_at_ns": now_ns,
                    "expires_at_ns": now_ns + self.capture_days * _DAY_NS,
                },
            )

        return self._writer.submit(Job(write=write, prepare=prepare, size=size))
