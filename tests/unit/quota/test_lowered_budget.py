"""A budget lowered below what is spent and reserved lets nothing more in, for released money neither."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from tests.unit.quota.conftest import new_budget

from naru.quota import Hold, Scope
from naru.quota.purse import Purse

TEAM = [Scope("team", "t")]


def test_money_that_calls_give_back_pays_for_no_others(bank, book, clock):
    """Reserved 900 of 1,000, lowered to 500: settling for nothing frees 300, and 600 are still reserved."""
    budget = book.create_budget(new_budget(1_000), actor="test")
    purse = Purse()
    purse.configure([budget])

    def exchange(need: int = 0) -> None:
        (account,) = purse.find_accounts(TEAM, clock.now_ns())
        part = account.find_slice(clock.now_ns())
        account.waiting = [need] if need else []
        ask = purse.ask(account, part)
        (grant,), _ = bank.exchange("one", [ask], clock.now_ns())
        purse.take(account, part, ask, grant)
        account.waiting = []

    def reserve(nano: int) -> Hold | None:
        for _ in range(2):
            accounts = purse.find_accounts(TEAM, clock.now_ns())
            found = purse.reserve("a", nano, accounts, clock.now_ns())
            if isinstance(found, Hold):
                return found
            exchange(nano)
        return None

    holds = [reserve(300) for _ in range(3)]
    assert None not in holds
    lowered = book.update_budget(msgspec.structs.replace(budget, amount=Decimal(500) / 10**9), actor="test")
    purse.configure([lowered])
    assert reserve(10) is None
    holds[0].charge(0)
    exchange()
    assert reserve(10) is None, "600 are reserved and 500 is the limit"
    holds[1].charge(0)
    assert reserve(10) is not None, "300 are reserved"
    holds[2].charge(300)
    exchange()
    standing = book.read_budget(budget.id)
    assert standing.window.spent_nano + standing.reserved_nano + standing.left_nano == 500
