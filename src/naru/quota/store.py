"""SQL of budgets, limits, rates and top-ups. Takes a connection, returns models; makes no ids or times."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from naru.quota.models import (
    NO_STOP,
    Budget,
    Catalogue,
    Currency,
    Limit,
    OnUnpriced,
    Period,
    Rate,
    Scope,
    ScopeKind,
    TopUp,
    Window,
)
from naru.quota.tables import (
    budget_leases,
    budget_top_ups,
    budget_windows,
    budgets,
    exchange_rates,
    limits,
    quota_version,
)


def read_version(connection: sa.Connection) -> int:
    """Counts every change of a budget or limit."""
    return connection.execute(sa.select(quota_version.c.version)).scalar() or 0


def bump_version(connection: sa.Connection) -> None:
    """Tell every replica to read the catalogue again."""
    connection.execute(sa.update(quota_version).values(version=quota_version.c.version + 1))


def read_catalogue(connection: sa.Connection) -> Catalogue:
    return Catalogue(
        version=read_version(connection),
        budgets=tuple(list_budgets(connection)),
        limits=tuple(list_limits(connection)),
    )


def insert_ignore(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert a row unless its key is there; whether it was inserted."""
    names = list(values)
    marks = ", ".join(f":{name}" for name in names)
    # Only our own names are put together here; every value is bound.
    text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    return bool(connection.execute(sa.text(text), values).rowcount)


# --- budgets -------------------------------------------------------------------------------------------


def insert_budget(connection: sa.Connection, budget: Budget) -> None:
    connection.execute(sa.insert(budgets).values(id=budget.id, **_budget_values(budget)))


def update_budget(connection: sa.Connection, budget: Budget) -> None:
    connection.execute(sa.update(budgets).where(budgets.c.id == budget.id).values(**_budget_values(budget)))


def delete_budget(connection: sa.Connection, id: str, at_ns: int) -> bool:
    """Its windows stay for the history. False when there is none."""
    found = connection.execute(
        sa.update(budgets)
        .where(budgets.c.id == id, budgets.c.deleted_at_ns.is_(None))
        .values(deleted_at_ns=at_ns)
    )
    return bool(found.rowcount)


def restore_budget(connection: sa.Connection, id: str) -> None:
    connection.execute(sa.update(budgets).where(budgets.c.id == id).values(deleted_at_ns=None))


def find_ended(connection: sa.Connection, id: str) -> Budget | None:
    """A budget that was ended."""
    row = connection.execute(sa.select(budgets).where(budgets.c.id == id)).mappings().first()
    return None if row is None or row["deleted_at_ns"] is None else _read_budget(row)


def list_ended(connection: sa.Connection, limit: int) -> list[tuple[Budget, int]]:
    """Budgets that were ended and when, the newest end first."""
    query = (
        sa.select(budgets)
        .where(budgets.c.deleted_at_ns.is_not(None))
        .order_by(budgets.c.deleted_at_ns.desc(), budgets.c.id)
        .limit(limit)
    )
    rows = connection.execute(query).mappings()
    return [(_read_budget(row), row["deleted_at_ns"]) for row in rows]


def find_budget(connection: sa.Connection, id: str) -> Budget | None:
    row = connection.execute(sa.select(budgets).where(budgets.c.id == id)).mappings().first()
    return None if row is None or row["deleted_at_ns"] is not None else _read_budget(row)


def list_budgets(connection: sa.Connection, scope: Scope | None = None) -> list[Budget]:
    """Oldest first; deleted ones are left out."""
    query = sa.select(budgets).where(budgets.c.deleted_at_ns.is_(None)).order_by(budgets.c.id)
    if scope is not None:
        query = query.where(budgets.c.scope_kind == scope.kind, budgets.c.scope_value == scope.value)
    return [_read_budget(row) for row in connection.execute(query).mappings()]


def _budget_values(budget: Budget) -> dict[str, Any]:
    return {
        "scope_kind": budget.scope.kind,
        "scope_value": budget.scope.value,
        "name": budget.name,
        "period": budget.period,
        "time_zone": budget.time_zone,
        "starts_at_ns": budget.starts_at_ns,
        "ends_at_ns": budget.ends_at_ns,
        "amount": str(budget.amount),
        "currency": budget.currency,
        "warn_percents": msgspec.json.encode(budget.warn_percents).decode(),
        "stop_percent": budget.stop_percent,
        "on_unpriced": budget.on_unpriced,
        "created_at_ns": budget.created_at_ns,
    }


def _read_budget(row: sa.RowMapping) -> Budget:
    return Budget(
        id=row["id"],
        scope=Scope(cast("ScopeKind", row["scope_kind"]), row["scope_value"]),
        name=row["name"],
        period=cast("Period", row["period"]),
        time_zone=row["time_zone"],
        starts_at_ns=row["starts_at_ns"],
        ends_at_ns=row["ends_at_ns"],
        amount=Decimal(row["amount"]),
        currency=cast("Currency", row["currency"]),
        warn_percents=tuple(msgspec.json.decode(row["warn_percents"], type=list[int])),
        stop_percent=row["stop_percent"],
        on_unpriced=cast("OnUnpriced", row["on_unpriced"]),
        created_at_ns=row["created_at_ns"],
    )


# --- windows -------------------------------------------------------------------------------------------


def find_window(
    connection: sa.Connection, budget_id: str, start_ns: int, *, is_locked: bool = False
) -> Window | None:
    """`is_locked`: nobody else changes it until the transaction ends (PostgreSQL; SQLite has one writer)."""
    query = sa.select(budget_windows).where(
        budget_windows.c.budget_id == budget_id, budget_windows.c.start_ns == start_ns
    )
    if is_locked:
        query = query.with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _read_window(row)


def list_windows(connection: sa.Connection, budget_id: str, limit: int) -> list[Window]:
    """Newest first."""
    query = (
        sa.select(budget_windows)
        .where(budget_windows.c.budget_id == budget_id)
        .order_by(budget_windows.c.start_ns.desc())
        .limit(limit)
    )
    return [_read_window(row) for row in connection.execute(query).mappings()]


def insert_window(connection: sa.Connection, window: Window) -> None:
    """Another process may have opened it in the same moment; then its row stands."""
    values = {name: getattr(window, name) for name in Window.__struct_fields__}
    insert_ignore(connection, budget_windows, values | {"usd_per_unit": str(window.usd_per_unit)})


def update_window(connection: sa.Connection, window: Window) -> None:
    connection.execute(
        sa.update(budget_windows)
        .where(budget_windows.c.budget_id == window.budget_id, budget_windows.c.start_ns == window.start_ns)
        .values(
            amount_nano=window.amount_nano,
            stop_nano=window.stop_nano,
            spent_nano=window.spent_nano,
            unknown_nano=window.unknown_nano,
            overrun_nano=window.overrun_nano,
            overruns=window.overruns,
            warned_percent=window.warned_percent,
            stopped_at_ns=window.stopped_at_ns,
        )
    )


def read_held(connection: sa.Connection, window: Window, now_ns: int) -> tuple[int, int]:
    """Of a window's leases: what calls in flight have reserved, and what processes that died held."""
    c = budget_leases.c
    rows = connection.execute(
        sa.select(c.amount_nano, c.reserved_nano, c.expires_at_ns).where(
            c.budget_id == window.budget_id, c.window_start_ns == window.start_ns
        )
    )
    reserved = lost = 0
    for row in rows:
        if row.expires_at_ns < now_ns:
            lost += row.amount_nano
        else:
            reserved += row.reserved_nano
    return reserved, lost


def _read_window(row: sa.RowMapping) -> Window:
    fields = {name: row[name] for name in Window.__struct_fields__}
    return Window(**(fields | {"usd_per_unit": Decimal(row["usd_per_unit"])}))


# --- top-ups -------------------------------------------------------------------------------------------


def insert_top_up(connection: sa.Connection, top_up: TopUp) -> None:
    fields = {name: getattr(top_up, name) for name in TopUp.__struct_fields__}
    connection.execute(sa.insert(budget_top_ups).values(**(fields | {"amount": str(top_up.amount)})))


def list_top_ups(connection: sa.Connection, budget_id: str, start_ns: int | None = None) -> list[TopUp]:
    c = budget_top_ups.c
    query = sa.select(budget_top_ups).where(c.budget_id == budget_id).order_by(c.id)
    if start_ns is not None:
        query = query.where(c.window_start_ns == start_ns)
    found = []
    for row in connection.execute(query).mappings():
        fields = {name: row[name] for name in TopUp.__struct_fields__}
        found.append(TopUp(**(fields | {"amount": Decimal(row["amount"])})))
    return found


def limit_of(window: Window, top_ups: list[TopUp], now_ns: int) -> int:
    """The stop threshold with the top-ups of this moment; `NO_STOP` for one that only warns."""
    if window.stop_nano is None:
        return NO_STOP
    return window.stop_nano + sum(t.amount_nano for t in top_ups if t.expires_at_ns > now_ns)


# --- exchange rates ------------------------------------------------------------------------------------


def set_rate(connection: sa.Connection, rate: Rate, at_ns: int) -> None:
    c = exchange_rates.c
    values = {"usd_per_unit": str(rate.usd_per_unit), "set_at_ns": at_ns}
    where = sa.and_(c.currency == rate.currency, c.valid_from == rate.valid_from)
    if not connection.execute(sa.update(exchange_rates).where(where).values(**values)).rowcount:
        connection.execute(
            sa.insert(exchange_rates).values(currency=rate.currency, valid_from=rate.valid_from, **values)
        )


def list_rates(connection: sa.Connection) -> list[Rate]:
    """By currency, newest first."""
    c = exchange_rates.c
    rows = connection.execute(sa.select(exchange_rates).order_by(c.currency, c.valid_from.desc()))
    return [
        Rate(
            currency=cast("Currency", row.currency),
            valid_from=row.valid_from,
            usd_per_unit=Decimal(row.usd_per_unit),
        )
        for row in rows
    ]


def find_rate(connection: sa.Connection, currency: Currency, day: str) -> Decimal | None:
    """The newest rate not after `day`; before the first one known, that first one. None: there is none."""
    if currency == "USD":
        return Decimal(1)
    rates = [rate for rate in list_rates(connection) if rate.currency == currency]
    known = [rate for rate in rates if rate.valid_from <= day] or rates[-1:]
    return known[0].usd_per_unit if known else None


# --- limits --------------------------------------------------------------------------------------------


def set_limit(connection: sa.Connection, limit: Limit) -> None:
    c = limits.c
    values = {
        "requests_per_minute": limit.requests_per_minute,
        "tokens_per_minute": limit.tokens_per_minute,
        "concurrent_calls": limit.concurrent_calls,
    }
    where = sa.and_(c.scope_kind == limit.scope.kind, c.scope_value == limit.scope.value)
    if not connection.execute(sa.update(limits).where(where).values(**values)).rowcount:
        connection.execute(
            sa.insert(limits).values(scope_kind=limit.scope.kind, scope_value=limit.scope.value, **values)
        )


def delete_limit(connection: sa.Connection, scope: Scope) -> bool:
    c = limits.c
    where = sa.and_(c.scope_kind == scope.kind, c.scope_value == scope.value)
    return bool(connection.execute(sa.delete(limits).where(where)).rowcount)


def list_limits(connection: sa.Connection) -> list[Limit]:
    rows = connection.execute(sa.select(limits).order_by(limits.c.scope_kind, limits.c.scope_value))
    return [
        Limit(
            scope=Scope(cast("ScopeKind", row.scope_kind), row.scope_value),
            requests_per_minute=row.requests_per_minute,
            tokens_per_minute=row.tokens_per_minute,
            concurrent_calls=row.concurrent_calls,
        )
        for row in rows
    ]
