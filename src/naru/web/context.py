"""What the control plane asks of the rest of Naru. `app.py` fills it in; nothing here does I/O.

The ledger is read with plain blocking calls, so whoever calls it does so in a worker thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from naru.audit import AuditLog
from naru.identity import ADMIN_KEY, Keys, PersonPrincipal, Units
from naru.identity.people_directory import Directory
from naru.kernel.audit import AuditSink, NoAudit
from naru.kernel.clock import Clock
from naru.metering.models import BreakdownRow, Bucket, Call, Totals
from naru.quota import BudgetBook
from naru.trust.book import PolicyBook
from naru.trust.records import Records
from naru.web.session import GuessLimiter, PersonSessions, Sessions

BreakdownBy = Literal["model", "provider"]


class LedgerReader(Protocol):
    """The ledger, newest first. Every method but `of_orgs` blocks on the database."""

    def of_orgs(self, orgs: Collection[str] | None) -> LedgerReader:
        """As somebody sees it who may read these organisations alone; None: all of it."""
        ...

    def list_calls(
        self,
        *,
        limit: int = 50,
        before_id: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        status: str | None = None,
        team: str | None = None,
        endpoint: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
    ) -> list[Call]: ...

    def find_call(self, id: str) -> Call | None: ...

    def read_totals(self, *, from_ns: int, to_ns: int) -> Totals: ...

    def read_series(self, *, from_ns: int, to_ns: int, bucket_s: int) -> Sequence[Bucket]: ...

    def read_breakdown(self, *, from_ns: int, to_ns: int, by: BreakdownBy) -> Sequence[BreakdownRow]: ...

    def export_calls(
        self,
        *,
        model: str | None = None,
        provider: str | None = None,
        status: str | None = None,
        team: str | None = None,
        endpoint: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
    ) -> Iterator[Call]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A name clients may ask for."""

    id: str
    targets: tuple[str, ...]
    """`provider/model`, first choice first."""
    provider: str
    """Of the first target."""
    site: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """One upstream account and how it is now."""

    name: str
    kind: str
    site: str
    circuit: str
    """`closed` (in use), `open` (resting after failures) or `half_open` (one trial call)."""
    last_error_code: str | None = None
    in_flight: int = 0
    retention: str = "default"
    """`none`: it is told to keep nothing."""
    retention_flags: tuple[str, ...] = ()
    """What is set in each request for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInfo:
    """This process, now."""

    uptime_s: float
    in_flight: int
    ledger_pending: int
    ledger_written: int
    config_path: str | None
    config_loaded_at_ns: int | None
    config_error: str | None
    """Why the newest naru.toml was refused; the one before it stays in force. None when it was taken."""


@dataclass(frozen=True, kw_only=True)
class ControlContext:
    """Everything the control plane and the console stand on."""

    ledger: LedgerReader
    units: Units
    keys: Keys
    budgets: BudgetBook
    policies: PolicyBook
    models: Callable[[], Sequence[ModelInfo]]
    providers: Callable[[], Sequence[ProviderInfo]]
    status: Callable[[], StatusInfo]
    settings_redacted: Callable[[], Mapping[str, object]]
    """The settings in force, secrets and upstream addresses taken out."""
    verify_admin_key: Callable[[str], bool]
    """Compares in constant time; may block for as long as a slow hash takes."""
    session_secret: bytes
    version: str
    clock: Clock
    admin_key_hint: str = ".naru/admin.key"
    """Where the admin key lies, as the sign-in page says it."""
    audit: AuditSink = field(default_factory=NoAudit)
    audit_log: AuditLog | None = None
    """The same log, to read, verify and sign; None where there is none."""
    report_spending: Callable[[], Awaitable[None]] | None = None
    """Tells the database what this process has spent up to now; None where no road runs."""
    records: Records | None = None
    """The vault, feedback and reviews; None where trust keeps nothing."""
    public_url: Callable[[], str | None] = lambda: None
    """`[server] public_url` of the settings in force."""
    directory: Directory | None = None
    """People who may sign in; without it there is the admin key alone."""

    def find_session(self, token: str) -> PersonPrincipal | None:
        """Who signed in with this session, or None."""
        if self.sessions.is_valid(token):
            return ADMIN_KEY
        people = self.person_sessions
        return None if people is None else people.find_principal_of_session(token)

    @cached_property
    def sessions(self) -> Sessions:
        if self.directory is None:
            return Sessions(self.session_secret, self.clock)
        return Sessions(self.session_secret, self.clock, self.directory.snapshot.is_spent)

    @cached_property
    def person_sessions(self) -> PersonSessions | None:
        """Sessions of people, where there is a directory of them."""
        if self.directory is None:
            return None
        return PersonSessions(self.session_secret, self.clock, self.directory.snapshot)

    @cached_property
    def sign_in_limiter(self) -> GuessLimiter:
        return GuessLimiter(self.clock)

    @cached_property
    def bearer_limiter(self) -> GuessLimiter:
        """Apart from the sign-in page's, so that guessing at one does not lock the other."""
        return GuessLimiter(self.clock)
