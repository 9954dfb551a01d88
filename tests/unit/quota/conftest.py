"""A database, a bank and a book with a clock that stands still; on PostgreSQL too where it is installed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.databases import place

from naru.engines.sql.sqlite import SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.quota import Budget, BudgetBook, Scope
from naru.quota.bank import Bank
from naru.quota.calendar import NS

TTL_S = 15


class Witness:
    """An audit log that remembers."""

    def __init__(self) -> None:
        self.events = []

    def record(self, event) -> None:
        self.events.append(event)

    def actions(self):
        return [event.action for event in self.events]


def new_budget(nano: int = 1_000, **changes) -> Budget:
    fields = {
        "id": "",
        "scope": Scope("team", "t"),
        "name": "",
        "period": "day",
        "time_zone": "UTC",
        "amount": Decimal(nano) / 10**9,
        "currency": "USD",
    }
    return Budget(**(fields | changes))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def audit() -> Witness:
    return Witness()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def engine(request, tmp_path):
    if request.param == "postgresql":
        from naru.engines.sql.postgres import PostgresEngine

        engine = PostgresEngine(request.getfixturevalue("postgres_server").create_database())
    else:
        engine = SqliteEngine(place(tmp_path / "naru.db"))
    engine.migrate()
    yield engine
    engine.close()


@pytest.fixture
def bank(engine) -> Bank:
    return Bank(engine, ttl_ns=TTL_S * NS)


@pytest.fixture
def book(engine, clock, audit) -> BudgetBook:
    return BudgetBook(engine, clock, audit)
