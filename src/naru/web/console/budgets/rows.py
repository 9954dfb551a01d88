"""Budgets as lines of a list, with their bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from naru.quota import Budget, Standing

_SLIVER: Final = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A budget's limit as a bar, in thousandths of its length."""

    spent: int
    reserved: int
    is_over: bool


def read_bar(spent: int, reserved: int, limit: int | None, amount: int) -> Bar:
    """What is spent fills the bar, a sliver of it at least, and beyond its end it is full and over."""
    whole = max(1, amount if limit is None else limit)
    filled = min(1000, max(_SLIVER if spent > 0 else 0, spent * 1000 // whole))
    return Bar(filled, min(1000 - filled, reserved * 1000 // whole), spent > whole)


@dataclass(frozen=True, slots=True)
class Ended:
    """One line of the ended ones."""

    budget: Budget
    scope: str
    ended_at_ns: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    standing: Standing
    scope: str
    """As a person calls it: the path where there is one."""
    bar: Bar | None


def read_row(standing: Standing, paths: Mapping[str, str]) -> Row:
    window = standing.window
    bar = (
        None
        if window is None
        else read_bar(window.spent_nano, standing.reserved_nano, standing.limit_nano, window.amount_nano)
    )
    return Row(standing, name_scope(str(standing.budget.scope), paths), bar)


def name_scope(scope: str, paths: Mapping[str, str]) -> str:
    kind, _, value = scope.partition(":")
    return f"{kind}:{paths.get(value, value)}"
