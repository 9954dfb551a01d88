"""Leases: the sum of what is lent never exceeds what is left, and what comes back is counted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import msgspec
import pytest
from tests.unit.quota.conftest import TTL_S, new_budget

from naru.quota.bank import Ask, Spent
from naru.quota.calendar import NS, read_window
from naru.quota.models import Budget


@pytest.fixture
def budget(book) -> Budget:
    return book.create_budget(new_budget(), actor="test")


def ask(budget, clock, **figures) -> Ask:
    start_ns, end_ns = read_window(budget, clock.now_ns())
    fields = {"spent": 0, "unknown": 0, "reserved": 0, "kept": 0}
    return Ask(budget=budget, start_ns=start_ns, end_ns=end_ns, **(fields | figures))


def exchange(bank, clock, owner, *asks):
    grants, events = bank.exchange(owner, asks, clock.now_ns())
    return (*grants, events)


def test_all_replicas_together_get_no_more_than_there_is(bank, budget, clock):
    """Each asks for as much as it can get; the last is refused and told that others hold some."""
    granted = [
        exchange(bank, clock, f"n{i}", ask(budget, clock, need=300, least=300, wish=300))[0] for i in range(5)
    ]
    assert [g.granted for g in granted] == [300, 300, 300, 0, 0]
    assert granted[3].is_denied
    assert granted[3].elsewhere == 900


def test_slices_shrink_towards_the_end(bank, budget, clock):
    """However much a process wishes for, it takes half of what is left at most, and less when it is not
    alone."""
    first, _ = exchange(bank, clock, "a", ask(budget, clock, need=1, least=1, wish=10_000))
    second, _ = exchange(bank, clock, "b", ask(budget, clock, need=1, least=1, wish=10_000))
    assert (first.granted, second.granted) == (500, 125)


def test_what_is_reported_twice_is_spent_once(bank, book, budget, clock):
    """A process says what it spent in all; the bank adds what is new."""
    exchange(bank, clock, "a", ask(budget, clock, need=500, least=500))
    exchange(bank, clock, "a", ask(budget, clock, spent=200, kept=300))
    exchange(bank, clock, "a", ask(budget, clock, spent=200, kept=300))
    standing = book.read_budget(budget.id)
    assert (standing.window.spent_nano, standing.left_nano) == (200, 800)


def test_an_overrun_beyond_the_slice_is_no_debt_twice(bank, book, budget, clock):
    """Spending more than was lent takes from what is left, and the process starts afresh."""
    exchange(bank, clock, "a", ask(budget, clock, need=100, least=100))
    again, _ = exchange(
        bank, clock, "a", ask(budget, clock, spent=150, kept=-50, need=10, least=10, overrun=50, overruns=1)
    )
    assert again.granted == 10
    standing = book.read_budget(budget.id)
    assert (standing.window.spent_nano, standing.window.overrun_nano, standing.window.overruns) == (
        150,
        50,
        1,
    )
    rest, _ = exchange(bank, clock, "b", ask(budget, clock, need=840, least=840))
    assert rest.granted == 840


def test_a_slice_is_used_no_longer_than_the_top_up_it_may_stand_on(bank, book, budget, clock):
    """When a top-up ends, nobody goes on spending it from memory."""
    now_ns = clock.now_ns()
    book.top_up(budget.id, Decimal("0.000001"), expires_at_ns=now_ns + 3 * NS, actor="test")
    grant, _ = exchange(bank, clock, "a", ask(budget, clock, need=1_500, least=1_500))
    assert grant.granted == 1_500
    assert grant.until_ns == now_ns + 3 * NS
    clock.advance(3)
    after, _ = exchange(bank, clock, "a", ask(budget, clock, offered=1_500, need=1_500, least=1_500))
    assert (after.granted, after.is_denied) == (0, True)
    assert book.read_budget(budget.id).left_nano == 1_000


def test_thresholds_are_told_of_once(bank, book, clock, audit):
    """A warning for each threshold passed, a stop at the first refusal, whoever it is that passes them."""
    budget = book.create_budget(new_budget(warn_percents=(50, 80)), actor="test")
    *_, events = exchange(bank, clock, "a", ask(budget, clock, spent=400))
    assert events == []
    *_, events = exchange(bank, clock, "a", ask(budget, clock, spent=850))
    assert [(e.action, e.facts["percent"]) for e in events] == [("budget.warn", 80)]
    *_, events = exchange(bank, clock, "b", ask(budget, clock, need=200, least=200))
    assert [e.action for e in events] == ["budget.stop"]
    *_, events = exchange(bank, clock, "b", ask(budget, clock, need=200, least=200))
    assert events == []
    standing = book.read_budget(budget.id)
    assert (standing.is_warned, standing.is_stopped) == (True, True)


def test_a_budget_that_only_warns_stops_nobody(bank, book, clock):
    budget = book.create_budget(new_budget(stop_percent=None), actor="test")
    grant, events = exchange(bank, clock, "a", ask(budget, clock, spent=5_000, need=9_000, least=9_000))
    assert not grant.is_denied
    assert [e.action for e in events] == ["budget.warn"]
    assert book.read_budget(budget.id).left_nano is None


def test_the_lease_of_a_silent_process_stays_counted_until_its_journal_is_found(bank, book, budget, clock):
    """What it held may be spent; only its journal can say. Then the rest comes back, once."""
    exchange(bank, clock, "dead", ask(budget, clock, need=600, least=600))
    clock.advance(TTL_S + 1)
    assert bank.list_expired(clock.now_ns()) == {"dead"}
    refused, _ = exchange(bank, clock, "b", ask(budget, clock, need=500, least=500))
    assert (refused.is_denied, refused.elsewhere) == (True, 0)
    standing = book.read_budget(budget.id)
    assert (standing.lost_nano, standing.left_nano) == (600, 400)
    key = (budget.id, standing.window.start_ns)
    assert bank.reconcile("dead", {key: Spent(250, 100)}, is_complete=True) == {key: 250}
    assert bank.reconcile("dead", {key: Spent(250, 100)}, is_complete=True) == {}
    standing = book.read_budget(budget.id)
    assert (standing.window.spent_nano, standing.window.unknown_nano) == (250, 100)
    assert (standing.lost_nano, standing.left_nano) == (0, 750)


def test_after_a_power_cut_the_whole_lease_counts(bank, book, budget, clock):
    """The journal may lack its last lines, so it cannot make a lease smaller."""
    exchange(bank, clock, "dead", ask(budget, clock, need=600, least=600))
    key = (budget.id, read_window(budget, clock.now_ns())[0])
    assert bank.reconcile("dead", {key: Spent(250, 0)}, is_complete=False) == {key: 600}
    window = book.read_budget(budget.id).window
    assert (window.spent_nano, window.unknown_nano) == (600, 350)


def test_replicas_know_their_place(bank, budget, clock):
    """Each limit is divided among those who live."""
    assert bank.renew("a", clock.now_ns()) == (0, 1)
    assert bank.renew("b", clock.now_ns()) == (1, 2)
    clock.advance(TTL_S + 1)
    assert bank.renew("b", clock.now_ns()) == (0, 1)


def test_many_at_once_never_lend_more_than_there_is(bank, book, budget, clock):
    """Eight threads with a connection each; the locks of the database decide."""

    def take(number: int) -> int:
        owner, spent = f"n{number}", 0
        for _ in range(30):
            grant, _ = exchange(bank, clock, owner, ask(budget, clock, spent=spent, need=9, least=9))
            spent += grant.granted
        return spent

    with ThreadPoolExecutor(8) as pool:
        spent = sum(pool.map(take, range(8)))
    assert spent <= 1_000
    assert 1_000 - spent < 9 * 8
    held = book.read_budget(budget.id)
    assert held.window.spent_nano + held.reserved_nano + held.left_nano == 1_000


def test_a_window_is_opened_at_the_rate_of_its_first_day(bank, book, clock):
    """Won become dollars once a window; a rate set later changes the windows to come."""
    from naru.quota.models import Rate

    book.set_rate(Rate(currency="KRW", valid_from="2026-01-01", usd_per_unit=Decimal("0.0007")), actor="t")
    budget = book.create_budget(
        new_budget(amount=Decimal(10_000), currency="KRW", time_zone="Asia/Seoul"), actor="test"
    )
    exchange(bank, clock, "a", ask(budget, clock))
    book.set_rate(Rate(currency="KRW", valid_from="2026-01-02", usd_per_unit=Decimal("0.0008")), actor="t")
    assert book.read_budget(budget.id).window.amount_nano == 7 * 10**9
    clock.advance(86_400)
    assert book.read_budget(budget.id).window.amount_nano == 8 * 10**9
    changed = msgspec.structs.replace(budget, amount=Decimal(20_000))
    book.update_budget(changed, actor="test")
    assert book.read_budget(budget.id).window.amount_nano == 16 * 10**9
