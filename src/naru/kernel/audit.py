"""What is worth an entry in the audit log, and whom to tell. Values only; the log itself is `naru.audit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

Outcome = Literal["done", "denied", "failed"]


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One act. Never the text of a prompt or an answer, never a secret, no name of a person: ids only."""

    action: str
    """`part.verb`, e.g. `key.create`, `key.revoke`, `budget.stop`, `config.reload`, `user.sign_in`."""
    actor: str
    """Who did it: `user:usr_…`, `key:key_…`, `admin-key`, or `naru` for what it does by itself."""
    target: str
    """What it was done to: `key:key_…`, `team:team_…`, `call:req_…`; "" when there is nothing to name."""
    outcome: Outcome = "done"
    facts: Mapping[str, str | int | bool | None] = {}
    """A few short facts: which fields changed, a reason code, an amount in nano-USD."""


class AuditSink(Protocol):
    """Takes events. `record` is O(1), never blocks on a disk and may be called from any thread."""

    def record(self, event: AuditEvent) -> None: ...


class NoAudit:
    """Forgets every event: for tests and for a house whose audit log is not built in."""

    def record(self, event: AuditEvent) -> None:
        """Do nothing."""
