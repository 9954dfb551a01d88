"""Calls of different keys share what is above them: in every scope the sums hold, whatever happens."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from tests.unit.quota.test_conservation import AMOUNTS, TTL_S, Money

from naru.engines.sql.base import metadata
from naru.engines.sql.sqlite import SqliteEngine
from naru.kernel.audit import NoAudit
from naru.kernel.clock import FrozenClock
from naru.quota import Budget, BudgetBook, Hold, Scope
from naru.quota.bank import Bank
from naru.quota.calendar import NS
from naru.quota.tables import quota_version

CALLS = {
    "one": ("key:one", "project:a", "team:t", "org:o", "tag:env=prod"),
    "other": ("key:other", "project:a", "team:t", "org:o"),
    "third": ("key:third", "project:b", "team:t", "org:o", "tag:env=prod"),
    "stranger": ("key:stranger", "project:c", "team:u", "org:o"),
}
"""What a call of each key counts against."""
LIMITS = {
    "key:one": 400,
    "key:other": 300,
    "project:a": 600,
    "project:b": 500,
    "team:t": 900,
    "org:o": 1000,
    "tag:env=prod": 700,
}
"""None of them is the sum of what is below it, so each is the one that decides now and then."""


class Nested(Money):
    """The machine of three budgets of one call, with a tree of seven, of which a call meets three to five."""

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
                    scope=Scope(*scope.split(":", 1)),
                    name="",
                    period="month" if number % 2 else "day",
                    time_zone="Asia/Seoul",
                    amount=Decimal(limit) / 10**9,
                    currency="USD",
                ),
                actor="test",
            )
            for number, (scope, limit) in enumerate(LIMITS.items())
        ]
        self.started = 0
        self.processes = []
        self.reserved = {}
        self.spent = {}
        self.overrun = {}
        for _ in range(2):
            self.start()

    @rule(hours=st.sampled_from([0.001, 1, 13, 24, 24 * 31, 24 * 400]))
    def put_the_clock_back(self, hours):
        """Wall clocks are corrected, and wrong ones too: a window that was left may be entered again."""
        self.clock._now_ns -= int(hours * 3600) * NS

    @precondition(lambda self: self.processes)
    @rule(
        calls=st.lists(
            st.tuples(st.integers(0, 2), AMOUNTS, st.sampled_from(sorted(CALLS))), min_size=1, max_size=10
        )
    )
    def reserve(self, calls):
        """Every scope of the call that has a budget, or none; never another's."""
        for number, nano, key in calls:
            process = self.pick(number)
            scopes = [Scope(*scope.split(":", 1)) for scope in CALLS[key]]
            accounts = process.purse.find_accounts(scopes, self.clock.now_ns())
            assert {str(a.budget.scope) for a in accounts} == set(CALLS[key]) & set(LIMITS)
            before = dict(self.reserved)
            hold = process.purse.reserve("a", nano, accounts, self.clock.now_ns())
            if not isinstance(hold, Hold):
                self.exchange(process, need=nano)
                hold = process.purse.reserve("a", nano, accounts, self.clock.now_ns())
            if isinstance(hold, Hold):
                assert len(hold.slices) == len(accounts)
                process.open.append(hold)
                for part in hold.slices:
                    self.reserved[part.key] = self.reserved.get(part.key, 0) + nano
                    self.check_limit(part.key)
            else:
                assert self.reserved == before


Nested.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestNested = Nested.TestCase
