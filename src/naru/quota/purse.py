"""The slices of budgets this process holds: reserve before a call, charge after it, in memory and at once.

Invariant of each slice: granted by the bank = free + reserved + spent since. Everything here runs on the
event loop (or under its stand-in in tests) and nothing waits; `keeper` carries asks and grants to the bank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from naru.quota.bank import Ask, Grant
from naru.quota.calendar import read_window
from naru.quota.models import Budget, Scope

_FIRST_SLICE = 16
"""Calls like the one that waits which the first slice should pay for."""
_LARGEST_SLICE = 4_096


class Slice:
    """This process's share of one window of one budget."""

    __slots__ = (
        "at_bank",
        "budget",
        "end_ns",
        "free",
        "is_low",
        "is_tight",
        "key",
        "low",
        "overrun",
        "overruns",
        "reserved",
        "spent",
        "start_ns",
        "told",
        "unit",
        "unknown",
        "until_ns",
        "used_at",
        "wish",
    )

    def __init__(self, budget: Budget, start_ns: int, end_ns: int) -> None:
        self.budget = budget
        self.key = (budget.id, start_ns)
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.free = 0
        self.at_bank = 0
        """Offered, and the answer is not here yet."""
        self.reserved = 0
        self.spent = 0
        self.unknown = 0
        self.overrun = 0
        self.overruns = 0
        self.until_ns = 0
        self.wish = 0
        self.unit = 0
        """The largest amount a call waited for."""
        self.low = -1
        """Below this the bank is asked for more while calls still find enough."""
        self.is_low = False
        self.used_at = 0.0
        self.is_tight = False
        """Little is left in the bank and other processes hold leases too."""
        self.told: tuple[int, int, int] | None = None
        """spent, reserved and free as the bank last heard them; None before the first word."""

    @property
    def is_news(self) -> bool:
        """Whether the bank has not heard of the present figures."""
        return self.told != (self.spent, self.reserved, self.free)


class Hold:
    """One attempt's reservation in all budgets of its call. Charged once; more charges change nothing."""

    __slots__ = ("attempt_id", "is_open", "nano", "slices")

    def __init__(self, attempt_id: str, nano: int, slices: tuple[Slice, ...]) -> None:
        self.attempt_id = attempt_id
        self.nano = nano
        self.slices = slices
        self.is_open = True

    def charge(self, nano: int, *, is_unknown: bool = False) -> bool:
        """Turn the reservation into spending, in the windows it was made in. False when that was done."""
        if not self.is_open:
            return False
        self.is_open = False
        reserved = self.nano
        for part in self.slices:
            part.reserved -= reserved
            part.free += reserved - nano
            part.spent += nano
            if is_unknown:
                part.unknown += nano
            if nano > reserved:
                part.overrun += nano - reserved
                part.overruns += 1
        return True


class Account:
    """One budget as this process sees it: the slice of the present window, and older ones not yet closed."""

    __slots__ = ("budget", "denied_from", "denied_until", "is_gone", "older", "slice", "waiting")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.slice: Slice | None = None
        self.older: list[Slice] = []
        self.waiting: list[int] = []
        """What calls wait for, one amount each."""
        self.denied_from = 0
        """Amounts from here on were refused, until the moment below."""
        self.denied_until = float("-inf")
        self.is_gone = False
        """The budget was deleted; its slices are only wound up."""

    def find_slice(self, now_ns: int) -> Slice | None:
        """The slice of this moment's window, new and empty when the window is; None when not in force."""
        current = self.slice
        if current is not None and current.start_ns <= now_ns < current.end_ns:
            return current
        window = read_window(self.budget, now_ns)
        if current is not None:
            self.older.append(current)
            self.slice = None
        if window is None:
            return None
        # A clock that was put back may return to a window that is still being wound up.
        for old in self.older:
            if old.start_ns == window[0]:
                self.older.remove(old)
                self.slice = old
                return old
        self.slice = Slice(self.budget, *window)
        return self.slice


class Purse:
    """All accounts of this process.

    Short of money is not refused here: `reserve` names the accounts that are short, and the keeper asks the
    bank for more.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self._by_scope: dict[Scope, tuple[Account, ...]] = {}
        self.has_tag_budgets = False
        self.is_low = False
        """Some slice runs low; whoever acts on it sets it back."""

    def configure(self, budgets: Iterable[Budget]) -> None:
        """Take the budgets there are now. Slices of changed ones ask the bank again before their next use."""
        wanted = {budget.id: budget for budget in budgets}
        for id, account in self.accounts.items():
            budget = wanted.get(id)
            account.is_gone = budget is None
            account.denied_until = float("-inf")
            if account.slice is not None:
                account.slice.until_ns = 0
            if budget is not None and budget != account.budget:
                account.budget = budget
                for part in [account.slice, *account.older]:
                    if part is not None:
                        part.budget = budget
        for id, budget in wanted.items():
            if id not in self.accounts:
                self.accounts[id] = Account(budget)
        by_scope: dict[Scope, list[Account]] = {}
        for account in self.accounts.values():
            if not account.is_gone:
                by_scope.setdefault(account.budget.scope, []).append(account)
        self._by_scope = {scope: tuple(found) for scope, found in by_scope.items()}
        self.has_tag_budgets = any(scope.kind == "tag" for scope in by_scope)

    def find_accounts(self, scopes: Sequence[Scope], now_ns: int) -> list[Account]:
        """The accounts of every budget a call counts against."""
        if not self._by_scope:
            return []
        found: list[Account] = []
        for scope in scopes:
            for account in self._by_scope.get(scope, ()):
                if account.budget.is_in_force(now_ns):
                    found.append(account)  # noqa: PERF401  the inner loop is empty nearly always
        return found

    def reserve(
        self, attempt_id: str, nano: int, accounts: Sequence[Account], now_ns: int
    ) -> Hold | list[Account]:
        """Reserve in all accounts at once; or in none, and the accounts whose slice cannot pay it."""
        slices: list[Slice] = []
        short: list[Account] = []
        for account in accounts:
            part = account.slice
            if part is None or not part.start_ns <= now_ns < part.end_ns:
                part = account.find_slice(now_ns)
                if part is None:
                    continue
            if part.free < nano or now_ns >= part.until_ns:
                short.append(account)
            slices.append(part)
        if short:
            return short
        for part in slices:
            part.free -= nano
            part.reserved += nano
            if part.free < part.low:
                part.low = -1  # told once, until it has been filled
                part.is_low = self.is_low = True
        return Hold(attempt_id, nano, tuple(slices))

    # --- what the keeper carries to the bank and back ----------------------------------------------------

    def ask(self, account: Account, part: Slice, *, is_idle: bool = False, is_closing: bool = False) -> Ask:
        """This slice's figures for the bank. Free money that calls wait for is offered, so that the bank can
        give it to whoever it suffices for; so is what an idle slice holds, or one that others may need."""
        need = 0
        least = 0
        if part is account.slice and account.waiting and not is_closing:
            need, least = sum(account.waiting), min(account.waiting)
            part.unit = max(account.waiting)
            part.wish = max(part.wish, part.unit * _FIRST_SLICE)
        is_refill = part.is_low and not (need or is_idle or is_closing)
        if is_refill:
            part.wish = min(part.wish * 2, part.unit * _LARGEST_SLICE)
        part.is_low = False
        offered = 0
        if (need or is_idle or is_closing or part.is_tight) and part.free > 0:
            offered, part.free = part.free, 0
        part.at_bank = offered
        if is_idle:
            part.wish //= 2
        part.told = (part.spent, part.reserved, part.free)
        ask = Ask(
            budget=part.budget,
            start_ns=part.start_ns,
            end_ns=part.end_ns,
            spent=part.spent,
            unknown=part.unknown,
            overrun=part.overrun,
            overruns=part.overruns,
            reserved=part.reserved,
            kept=part.free,
            offered=offered,
            need=need,
            least=least,
            wish=part.wish,
            is_refill=is_refill,
            is_idle=is_idle,
            is_closing=is_closing,
        )
        part.overrun = part.overruns = 0
        return ask

    def take(self, account: Account, part: Slice, ask: Ask, grant: Grant) -> None:
        """The bank has answered."""
        # A debt (an over-run beyond what was free) is in the window's spending by now.
        debt = max(0, -(ask.reserved + ask.kept))
        part.free += grant.granted + debt
        part.at_bank = 0
        part.low = part.free // 4
        part.until_ns = grant.until_ns
        part.is_tight = grant.is_shared and grant.left < part.free
        if part.told is not None:
            part.told = (part.told[0], part.told[1], part.told[2] + grant.granted + debt)
        if ask.is_closing:
            if part is account.slice:
                account.slice = None
            elif part in account.older:
                account.older.remove(part)

    def put_back(self, part: Slice, ask: Ask) -> None:
        """The bank could not be reached: nothing has changed hands."""
        part.free += ask.offered
        part.at_bank = 0
        part.overrun += ask.overrun
        part.overruns += ask.overruns
        part.told = None
