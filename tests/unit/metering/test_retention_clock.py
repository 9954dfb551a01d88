"""A clock that jumps, forwards or back, before the start or while Naru runs, deletes no more than it may."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.clock import FrozenClock
from naru.metering import LedgerReader, LedgerWriter, RetentionClock
from naru.settings.model import Ledger

DAY_NS = 86_400 * 10**9
HOUR_NS = DAY_NS // 24


class SetClock(FrozenClock):
    """Somebody may set the wall clock; the monotonic one goes on."""

    def step(self, ns: int) -> None:
        self._now_ns += ns


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


async def test_a_clock_years_ahead_does_not_empty_the_ledger(engine, make_call, clock, caplog):
    """Ten years, before the start: every row stays, later ones with wrong times too; the log says so."""
    rows = [make_call(n, started_at_ns=clock.now_ns() - n * DAY_NS) for n in range(25)]
    await write(engine, clock, rows)
    clock.step(10 * 365 * DAY_NS)
    with caplog.at_level(logging.WARNING):
        await write(engine, clock, [make_call(100, started_at_ns=clock.now_ns())])
    assert len(LedgerReader(engine).list_calls(limit=100)) == 26
    assert "days ahead of the ledger" in caplog.text
    clock.step(-10 * 365 * DAY_NS)
    await write(engine, clock, [make_call(101, started_at_ns=clock.now_ns())])
    assert len(LedgerReader(engine).list_calls(limit=100)) == 27


async def test_old_rows_go_all_the_same(engine, make_call, clock):
    """With a clock that is right, those past their days are deleted at the next start."""
    start_ns = clock.now_ns()
    await write(engine, clock, [make_call(n, started_at_ns=start_ns + n * DAY_NS) for n in range(40)])
    clock.advance(40 * 86_400)
    await write(engine, clock, [])
    left = {call.started_at_ns for call in LedgerReader(engine).list_calls(limit=100)}
    assert left == {start_ns + n * DAY_NS for n in range(10, 40)}


async def write(engine, clock, rows) -> None:
    """One run of a Naru that keeps thirty days."""
    steady = RetentionClock(clock)
    newest = LedgerReader(engine).list_calls(limit=1)
    steady.begin(newest[0].started_at_ns if newest else None)
    writer = LedgerWriter(engine, Ledger(retention_days=30), steady)
    writer.start()
    for row in rows:
        writer.record(row)
    await writer.flush()
    assert await writer.stop() == 0


def test_a_step_while_it_runs_is_believed_slowly(clock):
    """A day later two days have passed, not a year; an absence that was true is caught up with in time."""
    steady = RetentionClock(clock)
    steady.begin(None)
    before_ns = steady.now_ns()
    clock.step(365 * DAY_NS)
    for _ in range(24):
        clock.advance(3_600)
        assert steady.now_ns() <= clock.now_ns()
    assert steady.now_ns() - before_ns == 2 * DAY_NS
    for _ in range(365):
        clock.advance(86_400)
        steady.now_ns()
    assert steady.now_ns() == clock.now_ns()


def test_no_slack_is_saved_up(clock):
    """After a year without a step, a step is believed as slowly as on the first day."""
    steady = RetentionClock(clock)
    steady.begin(None)
    for _ in range(365):
        clock.advance(86_400)
        assert steady.now_ns() == clock.now_ns()
    clock.step(100 * DAY_NS)
    assert steady.now_ns() == clock.now_ns() - 100 * DAY_NS


@given(
    steps=st.lists(st.tuples(st.integers(-4000, 4000), st.floats(0, 72)), max_size=30),
    newest_days_ago=st.none() | st.integers(-4000, 4000),
)
def test_it_never_runs_faster_than_twice(steps, newest_days_ago):
    """Whatever is set and when: not ahead of the wall clock, and no faster than twice what has passed."""
    clock = SetClock()
    steady = RetentionClock(clock)
    newest_ns = None if newest_days_ago is None else clock.now_ns() - newest_days_ago * DAY_NS
    steady.begin(newest_ns)
    last_ns = steady.now_ns()
    assert newest_ns is None or last_ns <= newest_ns + DAY_NS
    for days, hours in steps:
        clock.step(days * DAY_NS)
        clock.advance(hours * 3_600)
        now_ns = steady.now_ns()
        assert now_ns <= clock.now_ns()
        assert now_ns - last_ns <= 2 * hours * HOUR_NS + 10
        last_ns = now_ns
