"""Whatever happens, in whatever order: spent + reserved + left = limit, in every budget."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from naru.engines.sql.base import metadata
from naru.engines.sql.sqlite import SqliteEngine
from naru.kernel.audit import NoAudit
from naru.kernel.clock import FrozenClock
from naru.quota import Budget, BudgetBook, Hold, Scope
from naru.quota.bank import Bank, Spent
from naru.quota.calendar import NS
from naru.quota.purse import Purse
from naru.quota.tables import quota_version

TTL_S = 10
LIMIT = 1_000
PERIODS = ("day", "week", "month")
AMOUNTS = st.sampled_from([1, 20, 60, 90, 300])


class Process:
    """One replica: its slices, its calls in flight, and what its journal would say."""

    def __init__(self, owner: str, budgets) -> None:
        self.owner = owner
        self.purse = Purse()
        self.purse.configure(budgets)
        self.open: list[Hold] = []
        self.spent: dict[tuple[str, int], Spent] = {}

    def note(self, hold: Hold, nano: int, *, is_unknown: bool) -> None:
        """As the journal does it: one line, known to whoever comes after."""
        for part in hold.slices:
            known = self.spent.get(part.key, Spent(0, 0))
            self.spent[part.key] = Spent(known.nano + nano, known.unknown + (nano if is_unknown else 0))


class Money(RuleBasedStateMachine):
    """Three budgets of one call, three replicas that come and go, and a book that is kept beside them."""

    @initialize()
    def open_bank(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FrozenClock()
        self.engine = SqliteEngine(Path(self.folder.name) / "x.db")
        with self.engine.begin() as connection:
            metadata.create_all(connection)
            connection.execute(quota_version.insert().values(id=1, version=1))
        self.bank = Bank(self.engine, ttl_ns=TTL_S * NS)
        self.book = BudgetBook(self.engine, self.clock, NoAudit())
        self.budgets = [
            self.book.create_budget(
                Budget(
                    id="",
                    scope=Scope("team", "t"),
                    name="",
                    period=period,
                    time_zone="Asia/Seoul",
                    amount=Decimal(LIMIT) / 10**9,
                    currency="USD",
                ),
                actor="test",
            )
            for period in PERIODS
        ]
        self.started = 0
        self.processes: list[Process] = []
        self.reserved: dict[tuple[str, int], int] = {}
        self.spent: dict[tuple[str, int], int] = {}
        self.overrun: dict[tuple[str, int], int] = {}
        for _ in range(2):
            self.start()

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.close()
            self.folder.cleanup()

    def pick(self, number: int) -> Process:
        return self.processes[number % len(self.processes)]

    def exchange(self, process: Process, *, need: int = 0, is_idle: bool = False, is_final: bool = False):
        """What the keeper does in a round."""
        now_ns = self.clock.now_ns()
        asked = []
        for account in process.purse.accounts.values():
            current = account.find_slice(now_ns)
            account.waiting = [need] if need else []
            for part in [*account.older, current]:
                is_closing = (is_final or part is not current) and part.reserved == 0
                ask = process.purse.ask(account, part, is_idle=is_idle, is_closing=is_closing)
                asked.append((account, part, ask))
        grants, _ = self.bank.exchange(process.owner, [ask for *_, ask in asked], now_ns)
        for (account, part, ask), grant in zip(asked, grants, strict=True):
            process.purse.take(account, part, ask, grant)
            account.waiting = []
            if ask.is_closing:
                process.spent.pop(part.key, None)

    def charge(self, process: Process, hold: Hold, nano: int, *, is_unknown: bool) -> None:
        if hold.charge(nano, is_unknown=is_unknown):
            process.note(hold, nano, is_unknown=is_unknown)
            for part in hold.slices:
                self.reserved[part.key] -= hold.nano
                self.spent[part.key] = self.spent.get(part.key, 0) + nano
                over = max(0, nano - hold.nano)
                self.overrun[part.key] = self.overrun.get(part.key, 0) + over

    # --- what can happen -----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.processes) < 3)
    @rule()
    def start(self) -> None:
        self.started += 1
        self.processes.append(Process(f"node_{self.started}", self.budgets))

    @precondition(lambda self: self.processes)
    @rule(calls=st.lists(st.tuples(st.integers(0, 2), AMOUNTS), min_size=1, max_size=8))
    def reserve(self, calls):
        """All budgets or none; the bank is asked once when a slice is short."""
        for number, nano in calls:
            process = self.pick(number)
            accounts = process.purse.find_accounts([Scope("team", "t")], self.clock.now_ns())
            assert len(accounts) == len(PERIODS)
            hold = process.purse.reserve("a", nano, accounts, self.clock.now_ns())
            if not isinstance(hold, Hold):
                self.exchange(process, need=nano)
                hold = process.purse.reserve("a", nano, accounts, self.clock.now_ns())
            if isinstance(hold, Hold):
                assert len(hold.slices) == len(PERIODS)
                process.open.append(hold)
                for part in hold.slices:
                    self.reserved[part.key] = self.reserved.get(part.key, 0) + nano
                    self.check_limit(part.key)

    @precondition(lambda self: any(p.open for p in self.processes))
    @rule(
        ends=st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from([0, 30, 100, 110, 500]), st.booleans()),
            min_size=1,
            max_size=8,
        )
    )
    def settle(self, ends):
        """For less, the same, or more than was reserved; twice, which counts once."""
        for number, share, is_unknown in ends:
            process = self.pick(number)
            if process.open:
                hold = process.open.pop(0)
                nano = hold.nano if is_unknown else hold.nano * share // 100
                self.charge(process, hold, nano, is_unknown=is_unknown)
                self.charge(process, hold, nano, is_unknown=is_unknown)

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 2), is_idle=st.booleans())
    def beat(self, number, is_idle):
        self.exchange(self.pick(number), is_idle=is_idle)

    @rule(hours=st.sampled_from([0.001, 0.001, 0.001, 1, 13, 24, 24 * 7, 24 * 31]))
    def pass_time(self, hours):
        """Leases expire, windows change; calls in flight settle into the window they were reserved in."""
        self.clock.advance(hours * 3600)

    @rule(which=st.integers(0, 2), amount=AMOUNTS, seconds=st.sampled_from([2, 5, 4000, 100_000]))
    def top_up(self, which, amount, seconds):
        expires_at_ns = self.clock.now_ns() + seconds * NS
        self.book.top_up(
            self.budgets[which].id, Decimal(amount) / 10**9, expires_at_ns=expires_at_ns, actor="test"
        )
        for process in self.processes:
            process.purse.configure(self.budgets)

    @rule(which=st.integers(0, 2), amount=st.integers(500, 2_000))
    def change(self, which, amount):
        """The operator gives more, or less than is spent already."""
        budget = msgspec.structs.replace(self.budgets[which], amount=Decimal(amount) / 10**9)
        self.budgets[which] = self.book.update_budget(budget, actor="test")
        for process in self.processes:
            process.purse.configure(self.budgets)

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 2), is_complete=st.booleans())
    def crash_and_recover(self, number, is_complete):
        """kill -9, then somebody finds the journal; once more, as when that one is killed as well."""
        process = self.pick(number)
        self.processes.remove(process)
        for hold in process.open:
            self.charge(process, hold, hold.nano, is_unknown=True)
        leases = self.read("SELECT * FROM budget_leases WHERE owner = ?", process.owner)
        for lease in leases:
            key = (lease["budget_id"], lease["window_start_ns"])
            news = process.spent.get(key, Spent(lease["reported_nano"], 0)).nano - lease["reported_nano"]
            if not is_complete:
                self.spent[key] = self.spent.get(key, 0) + max(0, lease["amount_nano"] - news)
        added = self.bank.reconcile(process.owner, process.spent, is_complete=is_complete)
        assert len(added) == len(leases)
        assert self.bank.reconcile(process.owner, process.spent, is_complete=is_complete) == {}

    @precondition(lambda self: self.processes)
    @rule(number=st.integers(0, 2))
    def stop(self, number):
        """In good order: calls have ended, everything goes back."""
        process = self.pick(number)
        self.processes.remove(process)
        for hold in process.open:
            self.charge(process, hold, hold.nano // 2, is_unknown=False)
        process.open = []
        self.exchange(process, is_final=True)
        assert self.bank.reconcile(process.owner, {}, is_complete=True) == {}

    # --- what always holds ---------------------------------------------------------------------------

    def read(self, query, *values):
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(query, values).mappings().all()

    def check_limit(self, key):
        """A call was just let in: spending and reservations stay within what there is at this moment; only
        over-runs, which nobody could foresee, come on top."""
        (window,) = self.read("SELECT * FROM budget_windows WHERE budget_id = ? AND start_ns = ?", *key)
        top_ups = self.read("SELECT * FROM budget_top_ups WHERE budget_id = ? AND window_start_ns = ?", *key)
        now_ns = self.clock.now_ns()
        limit = window["stop_nano"] + sum(t["amount_nano"] for t in top_ups if t["expires_at_ns"] > now_ns)
        committed = self.spent.get(key, 0) + self.reserved.get(key, 0)
        assert committed <= limit + self.overrun.get(key, 0)

    @invariant()
    def nothing_is_lost_or_made(self):
        """In each window: what is spent, reserved and left makes up the limit, to the nano-USD."""
        if not hasattr(self, "engine"):
            return
        leases = self.read("SELECT * FROM budget_leases")
        for window in self.read("SELECT * FROM budget_windows"):
            key = (window["budget_id"], window["start_ns"])
            leased = sum(
                lease["amount_nano"]
                for lease in leases
                if (lease["budget_id"], lease["window_start_ns"]) == key
            )
            left_in_bank = window["stop_nano"] - window["spent_nano"] - leased
            free = debt = 0
            for process in self.processes:
                for account in process.purse.accounts.values():
                    for part in [*account.older, *([account.slice] if account.slice else [])]:
                        if part.key == key:
                            free += max(0, part.free)
                            debt += max(0, -part.free)
            spent, reserved = self.spent.get(key, 0), self.reserved.get(key, 0)
            assert spent + reserved + free - debt + left_in_bank == window["stop_nano"]
            assert reserved >= 0


Money.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMoney = Money.TestCase
