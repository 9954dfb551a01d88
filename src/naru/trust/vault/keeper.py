"""The administration of what is sealed: what there is, rotation of the operator's key, shredding.

Blocks on the database: call from threads. Every act is an entry in the audit log, with counts and ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.errors import BadRequest
from naru.trust.vault import store
from naru.trust.vault.seal import SealBroken, Sealed, Sealer
from naru.trust.vault.tables import conversations


class Holding(msgspec.Struct, frozen=True):
    """One kind of sealed record and how much there is of it."""

    name: str
    records: int
    bytes: int
    oldest_at_ns: int | None
    by_key: dict[str, int]
    """Records by the name of the operator's key that wraps them."""


class Rotation(msgspec.Struct, frozen=True):
    """What a rotation did."""

    vault_key: str
    """The key that wraps everything now."""
    rewrapped: int
    broken: int
    """Records that no key of the file opens; they could not be read before either."""
    dropped_keys: int


class VaultKeeper:
    """Looks after sealed records.

    Args:
        mode: where conversations are kept: `memory` or `sealed`.
        tables: every table with sealed records; the columns are named alike in each.
    """

    def __init__(
        self, engine: SqlEngine, sealer: Sealer, audit: AuditSink, *, mode: str, tables: Sequence[sa.Table]
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._audit = audit
        self.mode = mode
        self._tables = tables

    def read_holdings(self) -> list[Holding]:
        """What is sealed now, by table."""
        with self._engine.connect() as connection:
            found: list[dict[str, Any]] = store.count(connection, self._tables)
        return [Holding(**row) for row in found]

    def rotate(self, *, actor: str, makes_key: bool = True) -> Rotation:
        """Wrap every data key with a new key of the operator's, then forget the older ones. What is sealed
        itself stays as it is, so this takes time by the record, not by the byte.

        Args:
            makes_key: False: the newest key in the file is the new one; somebody else put it there.

        Raises:
            ConfigError: the key file cannot be written.
        """
        name = self._sealer.add_key() if makes_key else self._sealer.refresh().newest
        rewrapped = 0
        faults: list[str] = []
        for table in self._tables:
            after: str | None = ""
            while after is not None:
                with self._engine.begin() as connection:
                    self._engine.lock(connection, store.LOCK)
                    after, done = self._rewrap(connection, table, name, after, faults)
                rewrapped += done
        with self._engine.begin() as connection:
            # Nobody writes a wrapped key now, and whoever comes next reads the file again.
            self._engine.lock(connection, store.LOCK)
            for table in self._tables:
                after = ""
                while after is not None:
                    after, done = self._rewrap(connection, table, name, after, [])
                    rewrapped += done
            dropped = self._sealer.drop_older_keys()
        broken = len(faults)
        self._audit.record(
            AuditEvent(
                action="vault.rotate",
                actor=actor,
                target=f"vault-key:{name}",
                facts={"rewrapped": rewrapped, "broken": broken, "dropped_keys": dropped},
            )
        )
        return Rotation(name, rewrapped, broken, dropped)

    def _rewrap(
        self, connection: sa.Connection, table: sa.Table, name: str, after: str, faults: list[str]
    ) -> tuple[str | None, int]:
        def again(id: str, record: Sealed) -> Sealed | None:
            try:
                return self._sealer.rewrap(table.name, id, record)
            except SealBroken:
                faults.append(id)
                return None

        return store.rewrap(connection, table, name, after, again)

    def shred(
        self,
        *,
        actor: str,
        conversation: str | None = None,
        owner: str | None = None,
        org: str | None = None,
        before_ns: int | None = None,
    ) -> dict[str, int]:
        """Make records unreadable for good: their wrapped keys are overwritten and deleted.

        Args:
            conversation: one conversation by its name; then `owner` says whose.
            owner: id of the key that the conversation's calls are made with.
            org: everything of an organisation.
            before_ns: everything that was made before.

        Returns:
            Records shredded, by table.

        Raises:
            BadRequest: nothing is named, or a conversation without its owner.
        """
        if conversation is None and org is None and before_ns is None:
            raise BadRequest(
                "Say what to shred: a conversation, an organisation, or a time before which.",
                code="missing_required_parameter",
            )
        if (conversation is None) != (owner is None):
            raise BadRequest(
                "A conversation belongs to the key that it is called with: give both.",
                code="missing_required_parameter",
                param="owner",
            )
        tables = self._tables
        name = None
        if conversation is not None and owner is not None:
            self._sealer.refresh()
            name, tables = self._sealer.index(conversations.name, owner, conversation), [conversations]
        done: dict[str, int] = {}
        with self._engine.begin() as connection:
            for table in tables:
                conditions = [table.c.id == name] if name is not None else []
                if org is not None:
                    conditions.append(table.c.org == org)
                if before_ns is not None:
                    conditions.append(table.c.created_at_ns < before_ns)
                done[table.name] = store.shred(connection, table, *conditions)
        store.forget_log(self._engine)
        self._audit.record(
            AuditEvent(
                action="vault.shred",
                actor=actor,
                target=f"conversation:{name}" if name else f"org:{org}" if org else "vault",
                facts={"before_ns": before_ns, **done},
            )
        )
        return done
