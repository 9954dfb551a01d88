"""Where the road asks: may this call be made, and what did it cost? In memory, but for the call that waits.

A call reserves before it is made and is charged after it, in every budget it counts against or in none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import QuotaExceeded
from naru.kernel.ids import new_id
from naru.quota.bank import Grant
from naru.quota.calendar import NS, read_zone
from naru.quota.keeper import Answers, Keeper, LedgerProgress, Rescue, Timing, unreachable
from naru.quota.limits import Admission, Limiter
from naru.quota.models import Scope
from naru.quota.purse import Account, Hold, Purse

_PERIODS = {"day": "daily", "week": "weekly", "month": "monthly", "fixed": "fixed"}


class Unpriced(Exception):
    """The call is under a budget that takes no model without a price."""


class Quota:
    """Budgets and limits of one process. Belongs to one event loop, but for `refresh_soon`.

    Args:
        engine: the database; migrated by whoever starts the app.
        folder: for the journal, `HOME/journal`.
        audit: told of warnings, stops and recoveries.
        ledger: whose rows the journal stands in for until they are written.
        rescue: takes what a dead process's journal holds and returns when the ledger has it.
        lease_s: a call's slot in a limit on concurrent calls ends after this long in any case.
    """

    def __init__(
        self,
        engine: SqlEngine,
        *,
        folder: Path,
        clock: Clock,
        audit: AuditSink,
        ledger: LedgerProgress,
        rescue: Rescue,
        lease_s: float = 900.0,
        timing: Timing | None = None,
    ) -> None:
        self.owner = new_id("node")
        self.limiter = Limiter(clock, lease_s=lease_s)
        self._clock = clock
        self._purse = Purse()
        self._keeper = Keeper(
            engine,
            self._purse,
            self.limiter,
            owner=self.owner,
            folder=folder,
            clock=clock,
            audit=audit,
            ledger=ledger,
            rescue=rescue,
            timing=timing or Timing(),
        )
        self.start = self._keeper.start
        self.stop = self._keeper.stop
        self.close = self._keeper.close
        self.refresh_soon = self._keeper.refresh_soon

    @property
    def wants_tags(self) -> bool:
        """Whether any budget or limit is on a tag."""
        return self._purse.has_tag_budgets or self.limiter.has_tag_limits

    @property
    def is_idle(self) -> bool:
        """Whether there is neither a budget nor a limit."""
        return not self._purse.accounts and self.limiter.is_empty

    def admit(self, call_id: str, scopes: Sequence[Scope], tokens: int) -> Admission | None:
        """Limits on requests, tokens and calls at once; see `Limiter.admit`."""
        return self.limiter.admit(call_id, scopes, tokens)

    def find_accounts(self, scopes: Sequence[Scope]) -> list[Account]:
        """The budgets that a call of these scopes counts against."""
        return self._purse.find_accounts(scopes, self._clock.now_ns())

    def try_reserve(
        self, call_id: str, attempt_id: str, accounts: Sequence[Account], nano: int | None, facts: bytes
    ) -> Hold | list[Account]:
        """Reserve at once in every account, or name those whose slice is too small: then `await reserve`.

        Args:
            nano: the most the attempt may cost; None when its model has no price.
            facts: what is known of the call, for the ledger, should this process die before the call ends.

        Raises:
            Unpriced: no price, and a budget that refuses such models.
        """
        if nano is None:
            for account in accounts:
                if account.budget.on_unpriced == "refuse":
                    raise Unpriced
            nano = 0
        # What costs nothing needs no money: the machine's own models go on when a budget is spent.
        hold = self._purse.reserve(attempt_id, nano, accounts if nano else (), self._clock.now_ns())
        if isinstance(hold, Hold):
            journal = self._keeper.journal
            assert journal is not None, "start() first"
            journal.reserve(call_id, attempt_id, nano, tuple([part.key for part in hold.slices]), facts)
            if self._purse.is_low:
                self._purse.is_low = False
                self._keeper.refill_soon()
        return hold

    async def reserve(
        self, call_id: str, attempt_id: str, accounts: Sequence[Account], nano: int, facts: bytes
    ) -> Hold:
        """As `try_reserve`, waiting for larger slices for a bounded time.

        Raises:
            QuotaExceeded: a budget cannot pay for it; says whose, and when it renews.
            Unavailable: the budgets cannot be asked now.
        """
        timing = self._keeper.timing
        deadline = self._clock.monotonic() + timing.patience_s
        while True:
            if self._clock.monotonic() > deadline:
                raise unreachable()
            short = self.try_reserve(call_id, attempt_id, accounts, nano, facts)
            if isinstance(short, Hold):
                return short
            # The monotonic clock: a wall clock that is put back must not make a refusal last.
            now = self._clock.monotonic()
            for account in short:
                if now < account.denied_until and nano >= account.denied_from:
                    raise _stopped(account)
                account.waiting.append(nano)
            try:
                answers = await self._keeper.ask(deadline)
            finally:
                for account in short:
                    if nano in account.waiting:
                        account.waiting.remove(nano)
            hold = self.try_reserve(call_id, attempt_id, accounts, nano, facts)
            if isinstance(hold, Hold):
                return hold
            # Not denied, and still short: others in the same round were served first, and there is more.
            denied = [a for a in hold if _cannot_pay(answers.get(a.budget.id), a, nano)]
            if denied:
                await self._refuse_or_wait(denied, answers, nano, deadline)

    async def _refuse_or_wait(
        self, denied: Sequence[Account], answers: Answers, nano: int, deadline: float
    ) -> None:
        """Wait a moment when other processes hold what is missing: they give back what they do not use."""
        timing = self._keeper.timing
        may_come_back = all(answers[account.budget.id].elsewhere for account in denied)
        if may_come_back and self._clock.monotonic() + timing.retry_s < deadline:
            await asyncio.sleep(timing.retry_s)
            return
        account = denied[0]
        account.denied_from = nano
        account.denied_until = self._clock.monotonic() + timing.beat_s
        raise _stopped(account)

    def charge(self, call_id: str, hold: Hold, nano: int, *, is_unknown: bool = False) -> None:
        """What the attempt cost, in the windows it was reserved in. Charging twice charges once."""
        if hold.charge(nano, is_unknown=is_unknown):
            journal = self._keeper.journal
            if journal is not None:
                journal.charge(call_id, hold.attempt_id, nano, is_unknown=is_unknown)

    def record_call(self, call_id: str, call: bytes) -> None:
        """The call has ended: its row, in case the process dies before the ledger has it."""
        journal = self._keeper.journal
        if journal is not None:
            journal.record_call(call_id, call)

    async def report(self) -> None:
        """Tell the bank everything now, so that a reader of the database sees this moment."""
        deadline = self._clock.monotonic() + self._keeper.timing.patience_s
        await self._keeper.ask(deadline, is_full=True)


def _cannot_pay(grant: Grant | None, account: Account, nano: int) -> bool:
    """Whether the last round left less than a call needs, in the bank, in the slice and between them."""
    part = account.slice
    free = part.free + part.at_bank if part is not None else 0
    return grant is not None and grant.left + free < nano


def _stopped(account: Account) -> QuotaExceeded:
    budget, part = account.budget, account.slice
    message = f"The {_PERIODS[budget.period]} budget of this {budget.scope.kind} cannot pay for this call."
    if part is not None and budget.period != "fixed":
        renews_at = datetime.fromtimestamp(part.end_ns // NS, read_zone(budget.time_zone))
        message += f" It renews at {renews_at.isoformat()}."
    return QuotaExceeded(message + " Ask whoever owns the budget for more.")
