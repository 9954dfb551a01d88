"""Reads the ledger for the console, the CLI and reports. Synchronous: call it from a thread.

Every figure that is not known stays None, and every sum of money comes with the count of calls it misses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Any, Literal

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.tokens import BUCKETS, Usage
from naru.metering.models import Attempt, BreakdownRow, Bucket, Call, Totals
from naru.metering.rows import read_attempt, read_call
from naru.metering.tables import attempts, calls

Dimension = Literal["model", "provider", "site", "team", "endpoint", "status"]

_COLUMNS: dict[Dimension, sa.Column[Any]] = {
    "model": calls.c.model_served,
    "provider": calls.c.provider,
    "site": calls.c.site,
    "team": calls.c.team,
    "endpoint": calls.c.endpoint,
    "status": calls.c.status,
}
_EXPORT_CHUNK = 1_000
_NS = 1_000_000_000


class LedgerReader:
    """Questions to the ledger. Spans of time are `from_ns <= started_at_ns < to_ns`.

    Args:
        engine: where the ledger lives.
        orgs: the organisations whose calls there are to this reader; None: all, and those of none.
    """

    def __init__(self, engine: SqlEngine, orgs: Collection[str] | None = None) -> None:
        self._engine = engine
        self._is_visible = sa.true() if orgs is None else calls.c.org.in_(sorted(orgs))

    def of_orgs(self, orgs: Collection[str] | None) -> LedgerReader:
        """The same ledger as somebody sees it who may read these organisations alone; None: all of it."""
        return LedgerReader(self._engine, orgs)

    def list_calls(
        self,
        *,
        limit: int = 50,
        before_id: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        status: str | None = None,
        team: str | None = None,
        endpoint: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
    ) -> list[Call]:
        """Newest first, with their attempts. `before_id`: the last call of the page before (an unknown one
        gives an empty page). `model` matches the model served or, where none served, the one asked."""
        query = self._newest_first(_filters(model, provider, status, team, endpoint, from_ns, to_ns))
        if before_id is not None:
            query = query.where(_before(before_id))
        with self._engine.connect() as connection:
            return _read_calls(connection, query.limit(limit))

    def find_call(self, id: str) -> Call | None:
        """One call with its attempts."""
        with self._engine.connect() as connection:
            found = _read_calls(connection, sa.select(calls).where(calls.c.id == id, self._is_visible))
        return found[0] if found else None

    def export_calls(
        self,
        *,
        model: str | None = None,
        provider: str | None = None,
        status: str | None = None,
        team: str | None = None,
        endpoint: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
    ) -> Iterator[Call]:
        """Every call, newest first, in bounded memory; each page is a read of its own, so that a long
        export holds no snapshot open."""
        query = self._newest_first(_filters(model, provider, status, team, endpoint, from_ns, to_ns))
        page_query = query.limit(_EXPORT_CHUNK)
        while True:
            with self._engine.connect() as connection:
                page = _read_calls(connection, page_query)
            yield from page
            if len(page) < _EXPORT_CHUNK:
                return
            last = page[-1]
            page_query = query.where(_older(last.started_at_ns, last.id)).limit(_EXPORT_CHUNK)

    def read_totals(self, *, from_ns: int, to_ns: int) -> Totals:
        """Everything in a span."""
        found = self._sum(sa.literal(0), from_ns, to_ns)
        return Totals(**found.get(0, _NOTHING))

    def read_series(self, *, from_ns: int, to_ns: int, bucket_s: int) -> list[Bucket]:
        """Equal buckets over a span, empty ones included, oldest first. Buckets begin at multiples of
        `bucket_s` since 1970 UTC, so the first may reach before `from_ns` (and counts nothing there)."""
        width_ns = bucket_s * _NS
        found = self._sum(calls.c.started_at_ns // sa.literal(width_ns, sa.BigInteger), from_ns, to_ns)
        first, last = from_ns // width_ns, -(-to_ns // width_ns)
        return [Bucket(start_ns=n * width_ns, **found.get(n, _NOTHING)) for n in range(first, last)]

    def read_breakdown(self, *, from_ns: int, to_ns: int, by: Dimension) -> list[BreakdownRow]:
        """The span split by one property: dearest first, then busiest."""
        found = self._sum(_COLUMNS[by], from_ns, to_ns)
        rows = [BreakdownRow(value=value, **figures) for value, figures in found.items()]
        return sorted(rows, key=lambda r: (-r.cost_nano_usd, -r.requests, r.value or ""))

    def _newest_first(self, conditions: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        found = sa.select(calls).where(*conditions, self._is_visible)
        return found.order_by(calls.c.started_at_ns.desc(), calls.c.id.desc())

    def _sum(self, key: sa.ColumnElement[Any], from_ns: int, to_ns: int) -> dict[Any, dict[str, Any]]:
        started = calls.c.started_at_ns
        span = sa.and_(started >= from_ns, started < to_ns, self._is_visible)
        with self._engine.connect() as connection:
            sums = connection.execute(_sums(key, span)).mappings().all()
            durations = connection.execute(_percentiles(key, calls.c.duration_ms, span)).all()
            first_tokens = connection.execute(_percentiles(key, calls.c.first_token_ms, span)).all()
        figures = {row["key"]: _NOTHING | _figures(row) for row in sums}
        for name, rows in (("duration", durations), ("first_token", first_tokens)):
            for value, p50, p95 in rows:
                figures[value][f"{name}_p50_ms"] = p50
                figures[value][f"{name}_p95_ms"] = p95
        return figures


_NOTHING: dict[str, Any] = {
    "requests": 0,
    "errors": 0,
    "partials": 0,
    "cancelled": 0,
    "rejected": 0,
    "usage": Usage(),
    "unmetered": 0,
    "cost_nano_usd": 0,
    "unpriced": 0,
    "estimated": 0,
    "duration_p50_ms": None,
    "duration_p95_ms": None,
    "first_token_p50_ms": None,
    "first_token_p95_ms": None,
}


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _sums(key: sa.ColumnElement[Any], span: sa.ColumnElement[bool]) -> sa.Select[Any]:
    c = calls.c
    group = key.label("key")
    was_sent = sa.and_(c.status != "rejected", c.cost_state != "none")
    return (
        sa.select(
            group,
            sa.func.count().label("requests"),
            _count(c.status == "error").label("errors"),
            _count(c.status == "partial").label("partials"),
            _count(c.status == "cancelled").label("cancelled"),
            _count(c.status == "rejected").label("rejected"),
            *(sa.func.sum(c[name]).label(name) for name in BUCKETS),
            _count(c.is_usage_estimated).label("with_estimated_usage"),
            _count(sa.and_(was_sent, c.is_usage_estimated.is_(None))).label("unmetered"),
            sa.func.coalesce(sa.func.sum(c.cost_nano_usd), 0).label("cost_nano_usd"),
            _count(c.cost_state.in_(("unpriced", "unknown"))).label("unpriced"),
            _count(c.cost_state == "estimated").label("estimated"),
        )
        .where(span)
        .group_by(group)
    )


def _figures(row: sa.RowMapping) -> dict[str, Any]:
    figures = {name: int(row[name]) for name in _NOTHING if name in row}
    tokens: dict[str, Any] = {name: None if row[name] is None else int(row[name]) for name in BUCKETS}
    return figures | {"usage": Usage(**tokens, is_estimated=row["with_estimated_usage"] > 0)}


def _percentiles(
    key: sa.ColumnElement[Any], value: sa.Column[Any], span: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """Median and 95th by nearest rank: always a value that a call really had. Calls that Naru refused are
    left out: they take no time and would flatter."""
    ranked = (
        sa.select(
            key.label("key"),
            value.label("value"),
            sa.func.row_number().over(partition_by=key, order_by=value).label("rank"),
            sa.func.count().over(partition_by=key).label("n"),
        )
        .where(span, value.is_not(None), calls.c.status != "rejected")
        .subquery()
    )

    def at(percent: int) -> sa.ColumnElement[Any]:
        return sa.func.max(sa.case((ranked.c.rank == (ranked.c.n * percent + 99) // 100, ranked.c.value)))

    return sa.select(ranked.c.key, at(50), at(95)).group_by(ranked.c.key)


def _filters(
    model: str | None,
    provider: str | None,
    status: str | None,
    team: str | None,
    endpoint: str | None,
    from_ns: int | None,
    to_ns: int | None,
) -> list[sa.ColumnElement[bool]]:
    c = calls.c
    found = [
        column == value
        for column, value in (
            (c.provider, provider),
            (c.status, status),
            (c.team, team),
            (c.endpoint, endpoint),
        )
        if value is not None
    ]
    if model is not None:
        served_none = sa.and_(c.model_served.is_(None), c.model_asked == model)
        found.append(sa.or_(c.model_served == model, served_none))
    if from_ns is not None:
        found.append(c.started_at_ns >= from_ns)
    if to_ns is not None:
        found.append(c.started_at_ns < to_ns)
    return found


def _older(started_at_ns: int, id: str) -> sa.ColumnElement[bool]:
    c = calls.c
    return sa.or_(c.started_at_ns < started_at_ns, sa.and_(c.started_at_ns == started_at_ns, c.id < id))


def _before(id: str) -> sa.ColumnElement[bool]:
    other = calls.alias()
    at = sa.select(other.c.started_at_ns).where(other.c.id == id).scalar_subquery()
    c = calls.c
    return sa.or_(c.started_at_ns < at, sa.and_(c.started_at_ns == at, c.id < id))


def _read_calls(connection: sa.Connection, query: sa.Select[Any]) -> list[Call]:
    rows = connection.execute(query).mappings().all()
    tries: dict[str, tuple[Attempt, ...]] = {}
    ids = [row["id"] for row in rows]
    for start in range(0, len(ids), _EXPORT_CHUNK):
        some = sa.select(attempts).where(attempts.c.call_id.in_(ids[start : start + _EXPORT_CHUNK]))
        found = connection.execute(some.order_by(attempts.c.call_id, attempts.c.number)).mappings()
        for call_id, group in groupby(found, key=lambda r: r["call_id"]):
            tries[call_id] = tuple(read_attempt(r) for r in group)
    return [read_call(row, tries.get(row["id"], ())) for row in rows]
