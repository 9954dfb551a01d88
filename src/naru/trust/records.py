"""Everything trust keeps beyond a call, put together once: for a running Naru and for commands alike."""

from __future__ import annotations

from pathlib import Path

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditSink
from naru.kernel.clock import Clock
from naru.settings.model import Trust
from naru.trust.feedback import (
    CaptureQueue,
    Consent,
    FeedbackBook,
    Find,
    ReviewBook,
    ReviewQueue,
    captures,
    feedback,
)
from naru.trust.vault import KEY_FILE, SealedConversations, Sealer, VaultKeeper, conversations
from naru.trust.writer import TrustWriter


class Records:
    """The sealed vault, captures, feedback and reviews of one process.

    Args:
        settings: `[trust]` at the start.
        secrets_folder: where the operator's key lies unless the settings name a file.
        retention_days: how long ratings are kept.
        has_consent: whether a team's policy consents to keeping text.
        find: the detectors for everybody; what is kept in clear is looked through with them.
    """

    def __init__(
        self,
        engine: SqlEngine,
        clock: Clock,
        audit: AuditSink,
        settings: Trust,
        *,
        secrets_folder: Path,
        retention_days: int,
        has_consent: Consent,
        find: Find,
    ) -> None:
        key_file = settings.vault_key_file
        self._sealer = Sealer(secrets_folder / KEY_FILE if key_file is None else Path(key_file))
        self._is_sealed = settings.vault == "sealed"
        self.writer = TrustWriter(engine, sweeps=(self._sweep,))
        self.conversations = (
            SealedConversations(
                engine,
                self._sealer,
                self.writer,
                clock,
                ttl_s=settings.conversation_ttl_s,
                max_held=settings.max_conversations,
            )
            if self._is_sealed
            else None
        )
        self.keeper = VaultKeeper(
            engine,
            self._sealer,
            audit,
            mode=settings.vault,
            tables=(conversations, captures, feedback),
        )
        self.feedback = FeedbackBook(
            engine,
            self._sealer,
            clock,
            audit,
            has_consent=has_consent,
            find=find,
            capture_days=settings.capture_days,
            retention_days=retention_days,
        )
        self.captures = CaptureQueue(
            engine, self._sealer, self.writer, clock, capture_days=settings.capture_days
        )
        self.reviews = ReviewBook(engine, clock, audit, find=find)
        self.review_queue = ReviewQueue(self.writer, clock)

    def start(self) -> None:
        """Read or make the operator's key where it is needed at once, and start the thread that writes.

        Raises:
            ConfigError: the key file holds no keys, or can be neither read nor made.
        """
        if self._is_sealed:
            self._sealer.refresh()
        self.writer.start()

    async def stop(self) -> None:
        """Write what waits and end the thread; before the engine is closed."""
        await self.writer.stop()

    def configure(self, settings: Trust) -> None:
        """Take up what may change while running."""
        self.feedback.capture_days = self.captures.capture_days = settings.capture_days

    def _sweep(self) -> None:
        if self.conversations is not None:
            self.conversations.sweep()
        self.feedback.sweep()
