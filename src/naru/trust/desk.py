"""What the road asks of trust: the policy of a call, a masked request, and the conversation that can undo it.

Short requests are looked through at once, long ones on a thread with a time limit. Whatever goes wrong there
raises: nothing unlooked-at goes outside.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TypeVar

import msgspec

from naru.kernel.clock import Clock
from naru.kernel.errors import NaruError, Unavailable
from naru.settings.model import Trust as TrustSettings
from naru.settings.model import TrustRules
from naru.trust.detect import Scanner
from naru.trust.guard import new_canary
from naru.trust.mask import Conversation, Look, Masked, Rules
from naru.trust.policy import Policy, PolicyTable, Scoped
from naru.trust.policy import Rules as PolicyRules
from naru.trust.remembered import Remembered
from naru.trust.vault import SealedConversations

T = TypeVar("T")
_INLINE_BYTES = 16 * 1024
"""Looked through in a millisecond or two; a thread for less would cost more than it frees."""
_THREADS = 2
_MAX_WAITING = 64
_NONCE_SIGNS = "abcdefghjkmnpqrstvwxyz"
# Not a secret: it keeps placeholders of an unknown past apart from new ones.
_pick = random.Random().choices  # noqa: S311


class DetectionFailed(Unavailable):
    """Whether the request holds personal data could not be found out, so it was not sent."""

    default_code = "detection_failed"


class TrustRoom(msgspec.Struct, frozen=True):
    """One configuration of trust. Replaced whole at a change; a call keeps what it began with."""

    table: PolicyTable
    scanner: Remembered
    """For whoever has no dictionaries of their own."""
    scanners: Mapping[tuple[str, str], Remembered] = {}
    """By (kind of scope, id): with the dictionaries and patterns of that team or organisation too."""
    inside_sites: frozenset[str] = frozenset()
    fails_inside: bool = False
    """After a failed detection inside sites may still be asked."""
    timeout_s: float = 2.0
    has_note: bool = True
    is_enabled: bool = True


def new_room(
    settings: TrustSettings,
    stored: Sequence[Scoped] = (),
    scanners: Mapping[tuple[str, str], Scanner] | None = None,
) -> TrustRoom:
    """The configuration that `[trust]` and what is stored in the database make together.

    Args:
        stored: policies of organisations, teams and projects.
        scanners: as in TrustRoom.
    """
    scoped = [
        Scoped("route", policy.route, _rules(policy))
        if policy.route is not None
        else Scoped("site", policy.site or "", _rules(policy))
        for policy in settings.policies
    ]
    return TrustRoom(
        table=PolicyTable(_rules(settings), [*scoped, *stored]),
        scanner=_remembering(settings.threshold),
        scanners={scope: Remembered(scanner.scan) for scope, scanner in (scanners or {}).items()},
        inside_sites=frozenset(settings.inside_sites),
        fails_inside=settings.on_failure == "keep_inside",
        timeout_s=settings.timeout_s,
        has_note=settings.note_to_model,
        is_enabled=settings.is_enabled,
    )


@lru_cache(maxsize=4)
def _remembering(threshold: float) -> Remembered:
    """One over all reloads that leave the detectors as they are: what it remembers stays true."""
    return Remembered(Scanner(threshold=threshold).scan)


def _rules(table: TrustRules) -> PolicyRules:
    return PolicyRules(
        actions=dict(table.actions),
        guard=dict(table.guard),
        fakes=table.fakes,
        restore_hosts=table.restore_hosts,
        restore_tools=table.restore_tools,
        capture_consent=table.capture_consent,
    )


class Desk:
    """Trust as the road sees it. Belongs to one event loop.

    Args:
        room: the configuration to begin with.
        secret: what canaries are made from.
        ttl_s: how long the values of a named conversation are kept after its last call.
        max_conversations: named ones kept at once; the one not used for longest goes first.
        vault: keeps named conversations sealed in the database; None keeps them in memory alone.
    """

    def __init__(
        self,
        room: TrustRoom,
        clock: Clock,
        *,
        secret: bytes = b"",
        ttl_s: float = 3600.0,
        max_conversations: int = 10_000,
        vault: SealedConversations | None = None,
    ) -> None:
        self.room = room
        self._vault = vault
        self._secret = secret
        self._clock = clock
        self._ttl_s = ttl_s
        self._max = max_conversations
        self._kept: OrderedDict[str, tuple[float, Conversation]] = OrderedDict()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="naru-trust")
        self._waiting = 0

    def close(self) -> None:
        """Forget every conversation and end the threads."""
        self._kept.clear()
        if self._vault is not None:
            self._vault.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def conversations(self) -> int:
        """Named conversations in memory."""
        return len(self._kept) if self._vault is None else len(self._vault)

    async def open_conversation(
        self, owner: str, name: str | None, *, org: str | None = None, is_continued: bool = False
    ) -> Conversation:
        """As `find_conversation`, from the vault where there is one. Never raises: what cannot be read is as
        if it were not there, and its placeholders are nobody's."""
        if self._vault is None or name is None:
            return self.find_conversation(owner, name, is_continued=is_continued)
        return await self._vault.find(owner, name, org=org, is_continued=is_continued)

    async def commit(self, owner: str, name: str, conversation: Conversation) -> Conversation | None:
        """Have the vault hold what was masked, before it leaves.

        Returns:
            None when it does (or when there is no vault); else the conversation to mask in again.
        """
        if self._vault is None or await self._vault.commit(owner, name, conversation):
            return None
        return self._vault.new_apart(owner, name)

    def find_conversation(self, owner: str, name: str | None, *, is_continued: bool = False) -> Conversation:
        """The conversation of a call: the kept one of this name, or a new one.

        Args:
            owner: whose name it is; nobody finds another's.
            name: None for a conversation that ends with its call.
            is_continued: the upstream holds earlier turns; when we no longer know them, placeholders get a
                nonce, so that theirs are never taken for ours.
        """
        if name is None:
            return Conversation("")
        key = f"{owner}\0{name}"
        now = self._clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and kept[0] > now:
            self._kept[key] = (now + self._ttl_s, kept[1])
            self._kept.move_to_end(key)
            return kept[1]
        made = Conversation(key, nonce="".join(_pick(_NONCE_SIGNS, k=3)) if is_continued else None)
        self.keep(owner, name, made)
        return made

    def keep(self, owner: str, name: str, conversation: Conversation, *, org: str | None = None) -> None:
        """Remember a conversation under a further name: the id of the answer that a call will go on from."""
        if self._vault is not None:
            self._vault.keep(owner, name, conversation, org=org)
            return
        now = self._clock.monotonic()
        self._kept[f"{owner}\0{name}"] = (now + self._ttl_s, conversation)
        self._kept.move_to_end(f"{owner}\0{name}")
        while self._kept:
            oldest = next(iter(self._kept))
            if len(self._kept) <= self._max and self._kept[oldest][0] > now:
                break
            del self._kept[oldest]

    def new_canary(self, prompt: bytes) -> str:
        """The canary of a system prompt: the same every time, and known to nobody without our secret."""
        return new_canary(self._secret + b"\0" + prompt)

    def find_scanner(self, org: str | None, team: str | None) -> Remembered:
        """The detectors that apply to a team's calls."""
        scanners = self.room.scanners
        if scanners:
            for key in (("team", team), ("org", org)):
                if key[1] is not None and (found := scanners.get((key[0], key[1]))) is not None:
                    return found
        return self.room.scanner

    async def look(self, fields: dict[str, msgspec.Raw], size: int, scanner: Remembered, owner: str) -> Look:
        """Find what is personal in a request of `owner`.

        Args:
            fields: top-level fields of the body, raw.
            size: of the request in bytes.

        Raises:
            DetectionFailed: it took too long, or a detector failed.
            NaruError: of the masker's own, in words for the client.
        """
        return await self.run(lambda: Look(fields, lambda text: scanner.scan(text, owner)), size)

    async def mask(
        self, looked: Look, endpoint: str, size: int, policy: Policy, conversation: Conversation
    ) -> Masked:
        """The request as it may leave; `looked` is used up. Raises as `look`."""
        return await self.run(
            partial(looked.mask, endpoint, conversation, self.rules_of(policy)),
            size,
        )

    async def run(self, job: Callable[[], T], size: int, *, inline: int = _INLINE_BYTES) -> T:
        """Look through a text: at once when it is short, else on a thread and within the time.

        Args:
            size: of the text in bytes.
            inline: up to which it counts as short.

        Raises:
            DetectionFailed: as of `mask`.
        """
        try:
            return job() if size <= inline else await self._on_thread(job)
        except NaruError:
            raise
        except TimeoutError:
            raise DetectionFailed(
                "The request could not be looked through for personal data in time. Send less at once."
            ) from None
        except Exception:  # noqa: BLE001 - fail closed, and not a word of what was in the text
            raise DetectionFailed(
                "The request could not be looked through for personal data, so it was not sent."
            ) from None

    async def _on_thread(self, job: Callable[[], T]) -> T:
        if self._waiting >= _MAX_WAITING:
            raise DetectionFailed("Too many long requests are being looked through. Try again shortly.")
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, job)
        # A thread cannot be stopped: until it ends it takes its place, whether we still wait for it or not.
        running.add_done_callback(self._end_one)
        async with asyncio.timeout(self.room.timeout_s):
            return await asyncio.shield(running)

    def _end_one(self, running: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not running.cancelled():
            running.exception()  # whoever waited has it, or has gone

    def rules_of(self, policy: Policy) -> Rules:
        """How the masker is to act under a policy."""
        return Rules(
            actions=policy.action_of,
            fakes=frozenset(policy.fakes),
            note=self.room.has_note,
            hosts=frozenset(policy.restore_hosts),
            tools=frozenset(policy.restore_tools) if policy.restore_tools else "client",
        )
