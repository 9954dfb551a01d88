"""Keeps the slices of this process filled and honest: the only way from the road to the bank, on one thread.

All calls that wait for money go to the bank in one transaction. The same rounds report what was spent, give
back what is idle, renew the leases, and settle for processes that died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import Unavailable
from naru.quota import store
from naru.quota.bank import Ask, Bank, Grant, Spent
from naru.quota.calendar import NS
from naru.quota.journal import Journal
from naru.quota.limits import Limiter
from naru.quota.models import Catalogue
from naru.quota.purse import Account, Purse, Slice
from naru.quota.salvage import Remains, Salvage, list_dead

_log = logging.getLogger(__name__)
_DATABASE_FAULTS = (SQLAlchemyError, Unavailable)
"""What a round may end in: a statement that failed, or a database that cannot be reached now."""
_T = TypeVar("_T")
Answers = dict[str, Grant]
"""By budget, what the bank said about its present window."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    beat_s: float = 0.5
    """Between two words to the bank while there is anything to say."""
    refresh_s: float = 1.0
    """Between two looks at whether budgets or limits were changed elsewhere."""
    ttl_s: float = 15.0
    """How long the bank waits for a process that has fallen silent."""
    patience_s: float = 5.0
    """Longest wait of a call for money that other processes may give back."""
    retry_s: float = 0.05
    """Between two tries within that wait."""
    idle_s: float = 1.0
    """A slice nobody used for so long is given back."""


class LedgerProgress(Protocol):
    """What the journal must know of the ledger before it may forget."""

    @property
    def pending(self) -> int: ...
    @property
    def written(self) -> int: ...


_Asked = tuple[Account, Slice, Ask]
Rescue = Callable[[Remains], Awaitable[None]]
"""Brings what a dead process's journal holds into the ledger; returns when it is committed."""


class Keeper:
    """Owns the conversation with the bank. Everything but `refresh_soon` belongs to one event loop."""

    def __init__(
        self,
        engine: SqlEngine,
        purse: Purse,
        limiter: Limiter,
        *,
        owner: str,
        folder: Path,
        clock: Clock,
        audit: AuditSink,
        ledger: LedgerProgress,
        rescue: Rescue,
        timing: Timing,
    ) -> None:
        self.timing = timing
        self.journal: Journal | None = None
        self._engine = engine
        self._purse = purse
        self._limiter = limiter
        self._owner = owner
        self._folder = folder
        self._clock = clock
        self._audit = audit
        self._ledger = ledger
        self._rescue = rescue
        self._bank = Bank(engine, ttl_ns=int(timing.ttl_s * NS))
        self._catalogue = Catalogue(version=-1)
        self._place = (0, 1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="naru-quota")
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[Answers]] = []
        self._is_full_round_due = False
        self._is_failing = False
        self._is_settled = False
        self._beat_at = self._refreshed_at = self._renewed_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Settle for processes that died, read the budgets, and start keeping."""
        self._loop = asyncio.get_running_loop()
        self.journal = await self._run(lambda: Journal(self._folder, self._owner))
        await self._settle_for_the_dead()
        await self._refresh()
        self._task = asyncio.create_task(self._keep(), name="naru-quota")

    async def stop(self) -> None:
        """Give everything back. Call it when no more calls can come, and before the ledger ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self.journal is None:
            return
        try:
            await self._exchange(is_full=True, is_final=True)
            await self._run(lambda: self._bank.leave(self._owner))
            self._is_settled = self.journal.open_calls == 0
        except _DATABASE_FAULTS as error:
            _log.error("budgets could not be settled (%s); the next start does it", type(error).__name__)

    async def close(self) -> None:
        """The last step, after the ledger has written everything it has."""
        journal, self.journal = self.journal, None
        if journal is not None:
            is_settled = self._is_settled and self._ledger.pending == 0
            await self._run(lambda: journal.close(is_settled=is_settled))
        self._thread.shutdown()

    def refresh_soon(self) -> None:
        """Budgets or limits were changed by this process. May be called from any thread."""
        self._refreshed_at = float("-inf")
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody needs to know
                self._loop.call_soon_threadsafe(self._wake.set)

    async def ask(self, deadline: float, *, is_full: bool = False) -> Answers:
        """Wait for the next round with the bank.

        Args:
            deadline: on the clock's monotonic time.
            is_full: report every slice, not only those that calls wait for.

        Raises:
            Unavailable: the bank did not answer in time, or could not.
        """
        self._is_full_round_due |= is_full
        # One future each: whoever waits is woken by the next turn of the loop, before another round begins.
        answers: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._waiting.append(answers)
        self._wake.set()
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                return await answers
        except TimeoutError:
            raise unreachable() from None

    def refill_soon(self) -> None:
        """A slice runs low."""
        self._wake.set()

    # --- rounds ------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.timing.beat_s):
                    await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            try:
                answers = await self._round()
            except _DATABASE_FAULTS as error:
                if not self._is_failing:
                    # The kind alone: the error's text holds the statement.
                    _log.error("budgets cannot be kept (%s); tried again", type(error).__name__)
                self._is_failing = True
                _wake_up(waiting, None)
            except asyncio.CancelledError:
                for waiter in waiting:
                    waiter.cancel()
                raise
            else:
                self._is_failing = False
                _wake_up(waiting, answers)
                await asyncio.sleep(0)  # whoever waited takes what was granted before the next round

    async def _round(self) -> Answers:
        is_full, self._is_full_round_due = self._is_full_round_due, False
        now = self._clock.monotonic()
        if now - self._beat_at >= self.timing.beat_s:
            is_full, self._beat_at = True, now
            await self._turn_journal()
        if now - self._refreshed_at >= self.timing.refresh_s:
            await self._refresh()
        answers = await self._exchange(is_full=is_full)
        if now - self._renewed_at >= self.timing.ttl_s / 3:
            await self._renew()
        return answers

    async def _exchange(self, *, is_full: bool, is_final: bool = False) -> Answers:
        asked = list(self._collect(is_full=is_full, is_final=is_final))
        if not asked:
            return {}
        asks = [ask for _, _, ask in asked]
        now_ns = self._clock.now_ns()
        try:
            grants, events = await self._run(lambda: self._bank.exchange(self._owner, asks, now_ns))
        except BaseException:
            for _, part, ask in asked:
                self._purse.put_back(part, ask)
            raise
        answers: Answers = {}
        for (account, part, ask), grant in zip(asked, grants, strict=True):
            self._purse.take(account, part, ask, grant)
            if part is account.slice:
                answers[account.budget.id] = grant
            if ask.is_closing and self.journal is not None:
                self.journal.forget([part.key])
        for event in events:
            self._audit.record(event)
        return answers

    def _collect(self, *, is_full: bool, is_final: bool) -> list[_Asked]:
        purse, now_ns = self._purse, self._clock.now_ns()
        asked: list[_Asked] = []
        for account in list(purse.accounts.values()):
            current = account.slice
            if account.waiting or (current is not None and now_ns >= current.end_ns):
                current = account.find_slice(now_ns)
            if is_full:
                asked += self._collect_all(account, current, is_final=is_final)
                if account.is_gone and current is None and not account.older:
                    del purse.accounts[account.budget.id]
            elif current is not None and (account.waiting or current.is_low):
                current.used_at = self._clock.monotonic()
                asked.append((account, current, purse.ask(account, current)))
        return asked

    def _collect_all(self, account: Account, current: Slice | None, *, is_final: bool) -> Iterator[_Asked]:
        now = self._clock.monotonic()
        for part in [*account.older, *([current] if current is not None else [])]:
            is_over = is_final or account.is_gone or part is not current
            if is_over and part.reserved == 0:
                yield account, part, self._purse.ask(account, part, is_closing=True)
                continue
            if part.is_news or account.waiting:
                part.used_at = now
            is_idle = is_over or (part.free > 0 and now - part.used_at >= self.timing.idle_s)
            if part.is_news or is_idle or account.waiting or part.is_tight:
                is_idle = is_idle and not account.waiting
                yield account, part, self._purse.ask(account, part, is_idle=is_idle)

    async def _refresh(self) -> None:
        """Read budgets and limits again if anybody changed one."""
        self._refreshed_at = self._clock.monotonic()
        known = self._catalogue.version

        def read() -> Catalogue | None:
            with self._engine.connect() as connection:
                if store.read_version(connection) == known:
                    return None
                return store.read_catalogue(connection)

        catalogue = await self._run(read)
        if catalogue is not None:
            is_first = not (self._catalogue.budgets or self._catalogue.limits)
            self._catalogue = catalogue
            self._purse.configure(catalogue.budgets)
            if is_first and (catalogue.budgets or catalogue.limits):
                # Among how many a limit is divided must be known before it is in force here. Others read it
                # within the same second, so soon it is looked at again.
                await self._renew()
                self._renewed_at -= self.timing.ttl_s / 3 - 1.5 * self.timing.refresh_s
            self._configure_limits()

    def _configure_limits(self) -> None:
        index, replicas = self._place
        self._limiter.configure(self._catalogue.limits, index=index, replicas=replicas)

    async def _renew(self) -> None:
        """Say that we live, and look after those who do not."""
        self._renewed_at = self._clock.monotonic()
        if not (self._purse.accounts or self._catalogue.limits):
            return
        now_ns = self._clock.now_ns()
        place = await self._run(lambda: self._bank.renew(self._owner, now_ns))
        if place != self._place:
            self._place = place
            self._configure_limits()
        if await self._run(lambda: self._bank.list_expired(now_ns)):
            await self._settle_for_the_dead()

    async def _turn_journal(self) -> None:
        """A segment ahead, none behind that the ledger has caught up with, and none kept in memory."""
        journal, ledger = self.journal, self._ledger
        if journal is not None and journal.needs_care:
            written = ledger.written
            recorded = written + ledger.pending

            def care() -> None:
                journal.prepare()
                journal.drop(ledger_recorded=recorded, ledger_written=written)
                journal.release()

            await self._run(care)

    async def _settle_for_the_dead(self) -> None:
        for owner in await self._run(lambda: list_dead(self._folder)):
            salvage = Salvage(self._folder, owner)
            with salvage as remains:
                if remains is None:
                    continue
                spent = {key: Spent(*amounts) for key, amounts in remains.spent.items()}
                is_complete = remains.is_complete
                reconcile = partial(self._bank.reconcile, owner, spent, is_complete=is_complete)
                await self._run(reconcile)
                await self._rescue(remains)
                await self._run(salvage.delete)
                self._audit.record(
                    AuditEvent(
                        action="budget.recover",
                        actor="naru",
                        target=f"node:{owner}",
                        facts={"unfinished_calls": len(remains.unfinished), "is_complete": is_complete},
                    )
                )

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _wake_up(waiting: list[asyncio.Future[Answers]], answers: Answers | None) -> None:
    for waiter in waiting:
        if waiter.done():
            continue  # it gave up
        if answers is None:
            waiter.set_exception(unreachable())
        else:
            waiter.set_result(answers)


def unreachable() -> Unavailable:
    """The answer when the bank cannot be asked."""
    # Closed, not open: a budget that cannot be asked must not become a budget that does not exist.
    return Unavailable(
        "The budgets of this key cannot be checked now. Try again in a moment.",
        code="budget_unavailable",
        retry_after_s=2,
    )
