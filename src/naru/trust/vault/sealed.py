"""Named conversations that outlive the process and are shared by replicas: sealed in the database.

New values are written down before the request that holds them leaves, so two replicas never give one number
to two values; whatever cannot be read or written gets placeholders with a nonce of their own instead.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.clock import Clock
from naru.kernel.errors import NaruError
from naru.trust.mask import Conversation
from naru.trust.vault import store
from naru.trust.vault.seal import Sealer
from naru.trust.vault.tables import conversations
from naru.trust.writer import Job, TrustWriter

_log = logging.getLogger(__name__)

T = TypeVar("T")
PURPOSE = "conversations"
_THREADS = 2
_MAX_WAITING = 256
_TIMEOUT_S = 2.0
_NONCE_SIGNS = "abcdefghjkmnpqrstvwxyz"
# Not a secret: it keeps placeholders of an unknown past apart from new ones.
_pick = random.Random().choices  # noqa: S311


class _Kept(msgspec.Struct):
    """What is sealed of a conversation."""

    id: str
    snapshot: bytes


class _Held:
    """A conversation in memory and what of it is in the database."""

    __slots__ = ("conversation", "expires_at_ns", "is_pending", "lock", "org", "saved", "version")

    def __init__(self, conversation: Conversation, org: str | None, version: int, expires_at_ns: int) -> None:
        self.conversation = conversation
        self.org = org
        self.version = version
        self.saved = conversation.count if version else 0
        self.expires_at_ns = expires_at_ns
        self.is_pending = False
        """On its way into the database: memory knows more."""
        self.lock = asyncio.Lock()


class _Found(msgspec.Struct):
    """What the database says of a conversation."""

    version: int
    expires_at_ns: int
    conversation: Conversation | None = None
    """None: it is as we know it."""


class SealedConversations:
    """The sealed vault as the road's desk uses it. Belongs to one event loop.

    Args:
        writer: takes what need not be waited for.
        ttl_s: how long a conversation is kept after its last call.
        max_held: in memory at once; others are read again from the database.
    """

    def __init__(
        self,
        engine: SqlEngine,
        sealer: Sealer,
        writer: TrustWriter,
        clock: Clock,
        *,
        ttl_s: float,
        max_held: int,
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._writer = writer
        self._clock = clock
        self._ttl_ns = int(ttl_s * 1e9)
        self._max = max_held
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="naru-vault")
        self._waiting = 0
        self.failures = 0
        """How often something could not be read or written; each time values were not restored rather than
        restored wrongly."""

    def __len__(self) -> int:
        return len(self._held)

    def close(self) -> None:
        """Forget what is in memory and end the threads."""
        self._held.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def find(
        self, owner: str, name: str, *, org: str | None, is_continued: bool = False
    ) -> Conversation:
        """As `Desk.find_conversation`: the conversation as it is in the database, or a new one."""
        key = f"{owner}\0{name}"
        held = self._held.get(key)
        if held is not None and held.is_pending:
            return held.conversation
        id = self._sealer.index(PURPOSE, owner, name)
        version = held.version if held is not None else 0
        try:
            found = await self._on_thread(lambda: self._load(id, version))
        except Exception as error:  # noqa: BLE001  fail closed; a message could hold a value
            self._note_failure("read", error)
            return _apart(key)
        now_held = self._held.get(key)
        if found is None:
            if now_held is not None and (now_held is not held or now_held.version == 0):
                return now_held.conversation  # a call beside this one made it meanwhile
            self._held.pop(key, None)  # it is over, or was shredded
            if is_continued:
                return _apart(key)
            return self._hold(key, _Held(Conversation(key), org, 0, self._end_ns())).conversation
        self._touch(id, found.expires_at_ns)
        if found.conversation is None or (now_held is not None and now_held.version >= found.version):
            if now_held is not None:
                self._held.move_to_end(key)
                return now_held.conversation
            return _apart(key)
        return self._hold(
            key, _Held(found.conversation, org, found.version, found.expires_at_ns)
        ).conversation

    async def commit(self, owner: str, name: str, conversation: Conversation) -> bool:
        """Write down what was masked in a conversation, before it leaves.

        Returns:
            False when another replica gave numbers at the same time, or nothing can be written: mask again,
            in a conversation of its own.
        """
        key = f"{owner}\0{name}"
        held = self._held.get(key)
        if held is None or held.conversation is not conversation:
            return conversation.nonce is not None  # one that stands apart needs no place
        if conversation.count <= held.saved:
            return True
        async with held.lock:
            if conversation.count <= held.saved:
                return True
            count = conversation.count
            id = self._sealer.index(PURPOSE, owner, name)
            try:
                is_saved = await self._on_thread(lambda: self._save(id, held))
            except Exception as error:  # noqa: BLE001  fail closed; a message could hold a value
                self._note_failure("written", error)
                is_saved = False
            if is_saved:
                held.version += 1
                held.saved = count
            else:
                self._held.pop(key, None)
            return is_saved

    def keep(self, owner: str, name: str, conversation: Conversation, *, org: str | None) -> None:
        """Remember a conversation under one more name, whose past will not change. Never waits."""
        key = f"{owner}\0{name}"
        held = _Held(conversation, org, 0, self._end_ns())
        held.is_pending = True
        id = self._sealer.index(PURPOSE, owner, name)

        def end(is_written: bool) -> None:
            held.version, held.is_pending = 1, False
            if not is_written:
                self._held.pop(key, None)

        snapshot = conversation.snapshot()
        is_taken = self._writer.submit(
            Job(
                write=lambda connection: self._write(connection, id, held, conversation.id, snapshot),
                size=len(snapshot),
                on_end=end,
            )
        )
        if is_taken and held.is_pending:
            self._hold(key, held)

    def sweep(self) -> None:
        """Delete what is over. Blocks on the database."""
        now_ns = self._clock.now_ns()
        with self._engine.begin() as connection:
            store.shred(connection, conversations, conversations.c.expires_at_ns <= now_ns)

    def new_apart(self, owner: str, name: str) -> Conversation:
        """A conversation whose placeholders cannot be taken for any other's, for one call."""
        return _apart(f"{owner}\0{name}")

    # --- on a thread ---------------------------------------------------------------------------------

    def _load(self, id: str, known: int) -> _Found | None:
        with self._engine.connect() as connection:
            present = store.find_version(connection, id, self._clock.now_ns())
            if present is None:
                return None
            if present[0] == known:
                return _Found(*present)
            found = store.find_sealed(connection, id)
        if found is None:  # deleted between the two questions
            return None
        kept = msgspec.msgpack.decode(self._sealer.open(PURPOSE, id, found[1]), type=_Kept)
        return _Found(found[0], present[1], Conversation.restore(kept.id, kept.snapshot))

    def _save(self, id: str, held: _Held) -> bool:
        conversation = held.conversation
        with self._engine.begin() as connection:
            return self._write(connection, id, held, conversation.id, conversation.snapshot())

    def _write(
        self, connection: sa.Connection, id: str, held: _Held, conversation_id: str, snapshot: bytes
    ) -> bool:
        self._engine.lock(connection, store.LOCK)
        record = self._sealer.seal(PURPOSE, id, msgspec.msgpack.encode(_Kept(conversation_id, snapshot)))
        return store.save(
            connection,
            id,
            record,
            org=held.org,
            version=held.version,
            now_ns=self._clock.now_ns(),
            expires_at_ns=self._end_ns(),
        )

    # --- inside --------------------------------------------------------------------------------------

    async def _on_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MAX_WAITING:
            raise TimeoutError
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        running.add_done_callback(self._end_one)
        async with asyncio.timeout(_TIMEOUT_S):
            return await asyncio.shield(running)

    def _end_one(self, running: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not running.cancelled():
            running.exception()  # whoever waited has it, or has gone

    def _hold(self, key: str, held: _Held) -> _Held:
        self._held[key] = held
        self._held.move_to_end(key)
        now_ns = self._clock.now_ns()
        while self._held:
            oldest = next(iter(self._held))
            if len(self._held) <= self._max and self._held[oldest].expires_at_ns > now_ns:
                break
            del self._held[oldest]
        return held

    def _touch(self, id: str, expires_at_ns: int) -> None:
        end_ns = self._end_ns()
        if end_ns - expires_at_ns > self._ttl_ns // 4:  # not at every call
            self._writer.submit(Job(write=lambda connection: store.touch(connection, id, end_ns)))

    def _end_ns(self) -> int:
        return self._clock.now_ns() + self._ttl_ns

    def _note_failure(self, what: str, error: Exception) -> None:
        self.failures += 1
        code = error.code if isinstance(error, NaruError) else type(error).__name__
        _log.warning("a conversation could not be %s in the vault (%s)", what, code)


def _apart(key: str) -> Conversation:
    return Conversation(key, nonce="".join(_pick(_NONCE_SIGNS, k=3)))
