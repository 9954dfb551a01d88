"""A database that goes away and comes back stops calls under a budget for as long, and nothing for good."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager

import pytest
from tests.unit.quota.conftest import Witness, new_budget

from naru.engines.sql.base import DatabaseUnavailable
from naru.engines.sql.sqlite import SqliteEngine
from naru.kernel.clock import SystemClock
from naru.kernel.errors import Unavailable
from naru.quota import BudgetBook, Hold, Quota, Scope, Timing

TEAM = [Scope("team", "t")]


class Fragile(SqliteEngine):
    """A database that can be away."""

    is_away = False

    @contextmanager
    def begin(self):
        if self.is_away:
            raise DatabaseUnavailable("away")
        with super().begin() as connection:
            yield connection


class Ledger:
    recorded = written = pending = 0


@pytest.fixture
async def quota(tmp_path):
    engine = Fragile(tmp_path / "naru.db")
    engine.migrate()
    clock = SystemClock()
    BudgetBook(engine, clock, Witness()).create_budget(new_budget(10_000), actor="test")
    quota = Quota(
        engine,
        folder=tmp_path / "journal",
        clock=clock,
        audit=Witness(),
        ledger=Ledger(),
        rescue=lambda found: True,
        timing=Timing(beat_s=0.01, patience_s=0.3),
    )
    await quota.start()
    yield quota, engine
    await quota.stop()
    await quota.close()
    engine.close()


async def reserve(quota: Quota, number: int, nano: int) -> Hold:
    accounts = quota.find_accounts(TEAM)
    hold = quota.try_reserve(f"c{number}", f"c{number}.1", accounts, nano, b"")
    return (
        hold
        if isinstance(hold, Hold)
        else await quota.reserve(f"c{number}", f"c{number}.1", accounts, nano, b"")
    )


async def test_budgets_are_kept_again_after_the_database_was_away(quota, caplog):
    quota, engine = quota
    quota.charge("c1", await reserve(quota, 1, 100), 100)
    engine.is_away = True
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            await reserve(quota, 2, 9_000)
    assert caplog.text.count("budgets cannot be kept") == 1
    engine.is_away = False
    hold = await reserve(quota, 3, 9_000)
    quota.charge("c3", hold, 9_000)
    await quota.report()
