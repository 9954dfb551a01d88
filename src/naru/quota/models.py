"""Budgets, limits and what they stand at. Frozen values, no I/O. Money is integer nano-USD once converted."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

ScopeKind = Literal["org", "team", "project", "key", "tag"]
Period = Literal["day", "week", "month", "fixed"]
Currency = Literal["USD", "KRW"]
OnUnpriced = Literal["refuse", "allow"]

SCOPE_KINDS: tuple[ScopeKind, ...] = ("org", "team", "project", "key", "tag")
PERIODS: tuple[Period, ...] = ("day", "week", "month", "fixed")
CURRENCIES: tuple[Currency, ...] = ("USD", "KRW")
NO_STOP = 2**62
"""Stands for the limit of a budget that only warns: more nano-USD than there is money."""


class Scope(msgspec.Struct, frozen=True, order=True):
    """Whose calls are meant: `team:team_…`, `key:key_…`, or `tag:env=prod`."""

    kind: ScopeKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """So much money for one scope in each period."""

    id: str
    scope: Scope
    name: str
    """Tells budgets of the same scope and period apart; may be empty."""
    period: Period
    time_zone: str
    starts_at_ns: int | None = None
    """First moment of a `fixed` budget; None for the others."""
    ends_at_ns: int | None = None
    """First moment after a `fixed` budget."""
    amount: Decimal
    currency: Currency
    warn_percents: tuple[int, ...] = (80,)
    stop_percent: int | None = 100
    """Calls are refused from this share of the amount on; None only warns."""
    on_unpriced: OnUnpriced = "refuse"
    created_at_ns: int = 0

    def is_in_force(self, at_ns: int) -> bool:
        """Whether calls at this moment count; a fixed budget does not apply outside its range."""
        return (self.starts_at_ns is None or self.starts_at_ns <= at_ns) and (
            self.ends_at_ns is None or at_ns < self.ends_at_ns
        )


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One period of one budget, as the database has it."""

    budget_id: str
    start_ns: int
    end_ns: int
    amount_nano: int
    """The budget's amount at `usd_per_unit`, fixed when the window was opened."""
    stop_nano: int | None
    """Spending stops here (top-ups come on top); None: it only warns."""
    usd_per_unit: Decimal
    spent_nano: int = 0
    unknown_nano: int = 0
    """Share of `spent_nano` that nobody could confirm: the reserved amounts of calls whose end is unknown."""
    overrun_nano: int = 0
    """Share of `spent_nano` that went beyond what had been reserved for a call."""
    overruns: int = 0
    warned_percent: int = 0
    stopped_at_ns: int | None = None


class TopUp(msgspec.Struct, frozen=True, kw_only=True):
    """Money added to one window until a moment. What was spent of it stays spent when it ends."""

    id: str
    budget_id: str
    window_start_ns: int
    amount: Decimal
    currency: Currency
    amount_nano: int
    created_at_ns: int
    created_by: str
    expires_at_ns: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and its current window: spent + reserved + left = limit, always."""

    budget: Budget
    window: Window | None
    """None when the budget is not in force now."""
    top_ups: tuple[TopUp, ...] = ()
    """Those in force now."""
    limit_nano: int | None = None
    """Stop threshold and top-ups together; None when the budget only warns."""
    reserved_nano: int = 0
    """For calls in flight, and for what a process that died held (`lost_nano`)."""
    lost_nano: int = 0
    left_nano: int | None = None
    """May be below zero: after an over-run, or when a top-up that was used has ended."""
    is_warned: bool = False
    is_stopped: bool = False
    """The last call that was refused has not been followed by room again."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a scope may go; None is no bound."""

    scope: Scope
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_calls: int | None = None


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of a currency is worth from a day on."""

    currency: Currency
    valid_from: str
    """ISO date."""
    usd_per_unit: Decimal


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Every budget and limit in force, as of one version of the database."""

    version: int
    budgets: tuple[Budget, ...] = ()
    limits: tuple[Limit, ...] = ()
