"""Create, read, change and delete budgets, limits and rates. Blocks on the database: call from threads.

Every change is an entry in the audit log, with ids and figures and no text of anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Conflict, NotFound
from naru.kernel.ids import new_id
from naru.kernel.money import nano_from_usd
from naru.quota import store
from naru.quota.bank import open_window, stop_nano
from naru.quota.calendar import local_day, read_window, read_zone
from naru.quota.models import (
    CURRENCIES,
    PERIODS,
    SCOPE_KINDS,
    Budget,
    Limit,
    Rate,
    Scope,
    Standing,
    TopUp,
    Window,
)

_MAX_UNITS = Decimal(10) ** 12
_MAX_NANO = 2**61
_MAX_NAME = 100
_ID = re.compile(r"[A-Za-z0-9_.:@/-]{1,128}")
_TAG = re.compile(r"[A-Za-z0-9_.-]{1,64}=[^\x00-\x1f\x7f,]{1,256}")


def parse_scope(text: str) -> Scope:
    """`team:team_…`, `tag:env=prod` as a Scope.

    Raises:
        BadRequest: not of that form (code `invalid_scope`).
    """
    kind, _, value = text.partition(":")
    pattern = _TAG if kind == "tag" else _ID
    if kind not in SCOPE_KINDS or not pattern.fullmatch(value):
        raise BadRequest(
            "A scope is `org:ID`, `team:ID`, `project:ID`, `key:ID` or `tag:NAME=VALUE`.",
            code="invalid_scope",
            param="scope",
        )
    return Scope(kind, value)


class EndedBudget(NamedTuple):
    """A budget that holds nobody any more, and since when."""

    budget: Budget
    ended_at_ns: int


class BudgetBook:
    """The administration of budgets and limits.

    Args:
        on_change: called after a budget or limit was changed, from the caller's thread.
    """

    def __init__(
        self,
        engine: SqlEngine,
        clock: Clock,
        audit: AuditSink,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._on_change = on_change

    # --- budgets ---------------------------------------------------------------------------------------

    def create_budget(self, budget: Budget, *, actor: str) -> Budget:
        """Add a budget; `budget.id` is made here. The same one again is found, not made twice.

        Raises:
            BadRequest: a field is wrong, there is no exchange rate, or the scope has another budget of this
                period and name (code `budget_exists`).
        """
        self._check(budget)
        now_ns = self._clock.now_ns()
        budget = msgspec.structs.replace(budget, id=new_id("bud"), created_at_ns=now_ns)
        with self._engine.begin() as connection:
            for other in store.list_budgets(connection, budget.scope):
                if _slot(other) != _slot(budget):
                    continue
                if other == msgspec.structs.replace(budget, id=other.id, created_at_ns=other.created_at_ns):
                    return other
                raise _taken(other)
            self._require_rate(connection, budget)
            store.insert_budget(connection, budget)
            store.bump_version(connection)
        self._changed("budget.create", f"budget:{budget.id}", actor, scope=str(budget.scope))
        return budget

    def update_budget(self, budget: Budget, *, actor: str) -> Budget:
        """Change what may change: amount, currency, thresholds, name and what happens to unpriced models. It
        counts at once, in the present window too; what was spent stays.

        Raises:
            NotFound: there is no such budget.
            BadRequest: scope, period, time zone or range differ: that is another budget.
        """
        self._check(budget)
        with self._engine.begin() as connection:
            known = self._require(connection, budget.id)
            budget = msgspec.structs.replace(budget, created_at_ns=known.created_at_ns)
            for field in ("scope", "period", "time_zone", "starts_at_ns", "ends_at_ns"):
                if getattr(known, field) != getattr(budget, field):
                    raise BadRequest(
                        f"`{field}` of a budget cannot change; create another budget and delete this one.",
                        code="budget_is_fixed",
                        param=field,
                    )
            self._require_rate(connection, budget)
            store.update_budget(connection, budget)
            window = self._present_window(connection, budget)
            if window is not None:
                rate = store.find_rate(
                    connection, budget.currency, local_day(window.start_ns, budget.time_zone)
                )
                usd_per_unit = window.usd_per_unit if budget.currency == known.currency else rate
                assert usd_per_unit is not None
                amount_nano = nano_from_usd(budget.amount * usd_per_unit)
                store.update_window(
                    connection,
                    msgspec.structs.replace(
                        window,
                        amount_nano=amount_nano,
                        stop_nano=stop_nano(amount_nano, budget.stop_percent),
                        warned_percent=0,
                    ),
                )
            store.bump_version(connection)
        changed = [f for f in Budget.__struct_fields__ if getattr(known, f) != getattr(budget, f)]
        self._changed("budget.update", f"budget:{budget.id}", actor, fields=",".join(changed))
        return budget

    def delete_budget(self, id: str, *, actor: str) -> None:
        """End a budget; its history stays. Deleting one that is not there changes nothing."""
        with self._engine.begin() as connection:
            if not store.delete_budget(connection, id, self._clock.now_ns()):
                return
            store.bump_version(connection)
        self._changed("budget.delete", f"budget:{id}", actor)

    def restore_budget(self, id: str, *, actor: str) -> Budget:
        """Put an ended budget in force again, with its history. What was spent meanwhile does not count. One
        that is in force is given back as it is.

        Raises:
            NotFound: there never was such a budget.
            Conflict: the scope has another one of this period and name by now (`budget_exists`).
        """
        with self._engine.begin() as connection:
            known = store.find_budget(connection, id)
            if known is not None:
                return known
            ended = store.find_ended(connection, id)
            if ended is None:
                raise NotFound("There is no budget of this id.", code="budget_not_found")
            for other in store.list_budgets(connection, ended.scope):
                if _slot(other) == _slot(ended):
                    raise _taken(other)
            store.restore_budget(connection, id)
            store.bump_version(connection)
        self._changed("budget.restore", f"budget:{id}", actor)
        return ended

    def read_ended(self, id: str) -> Budget:
        """A budget that was ended.

        Raises:
            NotFound: there is none.
        """
        with self._engine.connect() as connection:
            ended = store.find_ended(connection, id)
        if ended is None:
            raise NotFound("There is no budget of this id.", code="budget_not_found")
        return ended

    def list_ended(self, *, limit: int = 200) -> list[EndedBudget]:
        """Budgets that were ended, the newest end first."""
        with self._engine.connect() as connection:
            return [EndedBudget(*found) for found in store.list_ended(connection, limit)]

    def read_budget(self, id: str) -> Standing:
        """One budget and how it stands.

        Raises:
            NotFound: there is no such budget.
        """
        with self._engine.connect() as connection:
            return self._standing(connection, self._require(connection, id))

    def list_budgets(self, scope: Scope | None = None) -> list[Standing]:
        """All budgets, or those of one scope, and how they stand."""
        with self._engine.connect() as connection:
            return [self._standing(connection, budget) for budget in store.list_budgets(connection, scope)]

    def list_windows(self, id: str, *, limit: int = 100) -> list[Window]:
        """The budget's past and present windows, newest first."""
        with self._engine.connect() as connection:
            self._require(connection, id)
            return store.list_windows(connection, id, limit)

    def list_top_ups(self, id: str) -> list[TopUp]:
        """Every top-up a budget ever had, oldest first."""
        with self._engine.connect() as connection:
            self._require(connection, id)
            return store.list_top_ups(connection, id)

    def top_up(
        self,
        id: str,
        amount: Decimal,
        *,
        expires_at_ns: int | None = None,
        actor: str,
        top_up_id: str | None = None,
    ) -> TopUp:
        """Add money, in the budget's currency, to the present window until a moment or the window's end.

        Args:
            top_up_id: makes a repeated request one top-up; made here when None.

        Raises:
            NotFound: there is no such budget.
            BadRequest: the budget is not in force, or the moment has passed.
        """
        now_ns = self._clock.now_ns()
        with self._engine.begin() as connection:
            budget = self._require(connection, id)
            _check_amount(amount, "amount")
            bounds = read_window(budget, now_ns)
            if bounds is None:
                raise BadRequest("This budget is not in force now.", code="budget_not_in_force")
            for known in store.list_top_ups(connection, id):
                if known.id == top_up_id:
                    return known
            window = open_window(connection, budget, *bounds)
            expires_at_ns = min(expires_at_ns or bounds[1], bounds[1])
            if expires_at_ns <= now_ns:
                raise BadRequest("A top-up must end in the future.", code="invalid_value", param="expires_at")
            found = TopUp(
                id=top_up_id or new_id("top"),
                budget_id=id,
                window_start_ns=bounds[0],
                amount=amount,
                currency=budget.currency,
                amount_nano=nano_from_usd(amount * window.usd_per_unit),
                created_at_ns=now_ns,
                created_by=actor,
                expires_at_ns=expires_at_ns,
            )
            store.insert_top_up(connection, found)
            store.bump_version(connection)
        self._changed("budget.top_up", f"budget:{id}", actor, amount_nano_usd=found.amount_nano)
        return found

    # --- exchange rates ----------------------------------------------------------------------------------

    def set_rate(self, rate: Rate, *, actor: str) -> Rate:
        """What one unit of a currency is worth in USD from a day on. Windows that are open keep theirs.

        Raises:
            BadRequest: the currency or the figure is wrong.
        """
        if rate.currency not in CURRENCIES or rate.currency == "USD":
            raise BadRequest("A rate can be set for KRW.", code="invalid_value", param="currency")
        try:
            date.fromisoformat(rate.valid_from)
        except ValueError:
            raise BadRequest(
                "Give the day as YYYY-MM-DD.", code="invalid_value", param="valid_from"
            ) from None
        if not rate.usd_per_unit.is_finite() or not Decimal("1e-9") <= rate.usd_per_unit <= Decimal(1000):
            raise BadRequest(
                "Give the rate as USD for one unit, e.g. 0.00072 for one won.",
                code="invalid_value",
                param="usd_per_unit",
            )
        with self._engine.begin() as connection:
            store.set_rate(connection, rate, self._clock.now_ns())
            store.bump_version(connection)
        self._changed(
            "rate.set",
            f"rate:{rate.currency}",
            actor,
            valid_from=rate.valid_from,
            usd_per_unit=str(rate.usd_per_unit),
        )
        return rate

    def list_rates(self) -> list[Rate]:
        """By currency, newest first."""
        with self._engine.connect() as connection:
            return store.list_rates(connection)

    # --- limits ------------------------------------------------------------------------------------------

    def set_limit(self, limit: Limit, *, actor: str) -> Limit:
        """Set all three bounds of a scope; None is no bound.

        Raises:
            BadRequest: no bound at all, or one below 1.
        """
        bounds = {
            "requests_per_minute": limit.requests_per_minute,
            "tokens_per_minute": limit.tokens_per_minute,
            "concurrent_calls": limit.concurrent_calls,
        }
        for name, bound in bounds.items():
            if bound is not None and not 1 <= bound <= 10**12:
                raise BadRequest(f"`{name}` must be at least 1.", code="invalid_value", param=name)
        if all(bound is None for bound in bounds.values()):
            raise BadRequest("Give at least one bound, or delete the limit.", code="invalid_value")
        with self._engine.begin() as connection:
            store.set_limit(connection, limit)
            store.bump_version(connection)
        self._changed("limit.set", str(limit.scope), actor, **bounds)
        return limit

    def delete_limit(self, scope: Scope, *, actor: str) -> None:
        """Lift every bound of a scope. Lifting what is not there changes nothing."""
        with self._engine.begin() as connection:
            if not store.delete_limit(connection, scope):
                return
            store.bump_version(connection)
        self._changed("limit.delete", str(scope), actor)

    def list_limits(self) -> list[Limit]:
        """By scope."""
        with self._engine.connect() as connection:
            return store.list_limits(connection)

    # --- inside ------------------------------------------------------------------------------------------

    def _require(self, connection: sa.Connection, id: str) -> Budget:
        budget = store.find_budget(connection, id)
        if budget is None:
            raise NotFound("There is no budget of this id.", code="budget_not_found")
        return budget

    def _require_rate(self, connection: sa.Connection, budget: Budget) -> None:
        day = local_day(self._clock.now_ns(), budget.time_zone)
        usd_per_unit = store.find_rate(connection, budget.currency, day)
        if usd_per_unit is None:
            raise BadRequest(
                f"There is no exchange rate for {budget.currency} yet. Set one first, e.g. "
                f"`naru rate set {budget.currency} 2026-01-01 0.00072`.",
                code="exchange_rate_missing",
                param="currency",
            )
        if (
            nano_from_usd(budget.amount * usd_per_unit) * max(100, budget.stop_percent or 0) // 100
            > _MAX_NANO
        ):
            raise BadRequest("The amount is too large.", code="invalid_value", param="amount")

    def _present_window(self, connection: sa.Connection, budget: Budget) -> Window | None:
        bounds = read_window(budget, self._clock.now_ns())
        return None if bounds is None else store.find_window(connection, budget.id, bounds[0], is_locked=True)

    def _standing(self, connection: sa.Connection, budget: Budget) -> Standing:
        now_ns = self._clock.now_ns()
        bounds = read_window(budget, now_ns)
        if bounds is None:
            return Standing(budget=budget, window=None)
        window = store.find_window(connection, budget.id, bounds[0])
        if window is None:  # nobody has spent anything yet
            rate = store.find_rate(connection, budget.currency, local_day(bounds[0], budget.time_zone))
            assert rate is not None
            amount_nano = nano_from_usd(budget.amount * rate)
            window = Window(
                budget_id=budget.id,
                start_ns=bounds[0],
                end_ns=bounds[1],
                amount_nano=amount_nano,
                stop_nano=stop_nano(amount_nano, budget.stop_percent),
                usd_per_unit=rate,
            )
        top_ups = [
            t for t in store.list_top_ups(connection, budget.id, bounds[0]) if t.expires_at_ns > now_ns
        ]
        reserved, lost = store.read_held(connection, window, now_ns)
        limit = None if window.stop_nano is None else store.limit_of(window, top_ups, now_ns)
        return Standing(
            budget=budget,
            window=window,
            top_ups=tuple(top_ups),
            limit_nano=limit,
            reserved_nano=reserved + lost,
            lost_nano=lost,
            left_nano=None if limit is None else limit - window.spent_nano - reserved - lost,
            is_warned=window.warned_percent > 0,
            is_stopped=window.stopped_at_ns is not None,
        )

    def _check(self, budget: Budget) -> None:
        parse_scope(str(budget.scope))
        read_zone(budget.time_zone)
        _check_amount(budget.amount, "amount")
        if budget.period not in PERIODS:
            raise _invalid("period", "Give `day`, `week`, `month` or `fixed`.")
        if budget.currency not in CURRENCIES:
            raise _invalid("currency", "Give `USD` or `KRW`.")
        if len(budget.name) > _MAX_NAME or not budget.name.isprintable():
            raise _invalid("name", f"A name has up to {_MAX_NAME} printable characters.")
        if (
            any(not 1 <= percent <= 1000 for percent in budget.warn_percents)
            or len(budget.warn_percents) > 10
        ):
            raise _invalid("warn_percents", "Give up to 10 thresholds, from 1 to 1000 percent.")
        if budget.stop_percent is not None and not 1 <= budget.stop_percent <= 1000:
            raise _invalid("stop_percent", "Give 1 to 1000 percent, or null to warn only.")
        is_fixed = budget.period == "fixed"
        starts, ends = budget.starts_at_ns, budget.ends_at_ns
        if is_fixed and (starts is None or ends is None or starts >= ends):
            raise _invalid("starts_at", "A fixed budget needs `starts_at` and a later `ends_at`.")
        if not is_fixed and (starts is not None or ends is not None):
            raise _invalid("starts_at", "Only a fixed budget has `starts_at` and `ends_at`.")

    def _changed(self, action: str, target: str, actor: str, **facts: str | int | None) -> None:
        self._audit.record(AuditEvent(action=action, actor=actor, target=target, facts=facts))
        self._on_change()


def _slot(budget: Budget) -> tuple[str, str, int | None]:
    """A scope has one budget of each."""
    return budget.period, budget.name, budget.starts_at_ns


def _taken(other: Budget) -> Conflict:
    return Conflict(
        f"{other.scope.kind} has a {other.period} budget of this name already ({other.id}). "
        "Change that one, or give this one another name.",
        code="budget_exists",
    )


def _check_amount(amount: Decimal, param: str) -> None:
    if not amount.is_finite() or not 0 < amount <= _MAX_UNITS or amount.as_tuple().exponent < -9:  # type: ignore[operator]  # finite, so a number
        raise _invalid(param, "Give an amount above 0 with up to 9 decimals.")


def _invalid(param: str, message: str) -> BadRequest:
    return BadRequest(message, code="invalid_value", param=param)
