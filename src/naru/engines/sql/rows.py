"""Many rows a statement, in each database's own way: one by one they would cost the event loop its speed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from naru.engines.sql import postgres_rows

Row = tuple[Any, ...]

_PER_STATEMENT = 128
"""SQLite runs a statement without Python's lock: row by row, a writer would take and give that lock once a
row and cost the event loop a third of its speed (docs/decisions/0003-sync-sql-on-threads.md)."""
_SIZES = (_PER_STATEMENT, 16, 1)
"""Of statements, in rows: few, so that the driver finds them prepared."""
_MAX_SHAPES = 4

_shapes: dict[sa.Table, tuple[tuple[int, ...], ...]] = {}
"""By table, which columns the statements name that were made so far; the fewest first."""


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, skip_known: bool = False
) -> None:
    """Insert rows whose values stand in the order of the table's columns.

    Args:
        skip_known: leave out rows whose key is there already, instead of failing.
    """
    if connection.dialect.name == "postgresql":
        postgres_rows.insert_rows(connection, table, rows, skip_known=skip_known)
        return
    for start in range(0, len(rows), _PER_STATEMENT):
        some = rows[start : start + _PER_STATEMENT]
        shape = _shape_of(table, some)
        if len(shape) < len(table.columns):
            some = list(map(itemgetter(*shape), some))
        for size in _SIZES:
            while len(some) >= size:
                values = tuple(chain.from_iterable(some[:size]))
                connection.exec_driver_sql(
                    _statement(table, shape, size, connection.dialect, skip_known), values
                )
                some = some[size:]


def _shape_of(table: sa.Table, rows: Sequence[Row]) -> tuple[int, ...]:
    """The columns worth naming: those that hold something in any row, half of them in the ledger.

    Each shape is a prepared statement of some hundred kilobytes, so beyond a few there is only the whole
    table.
    """
    used = {place for place, values in enumerate(zip(*rows, strict=True)) if values.count(None) < len(rows)}
    shapes = _shapes.get(table, ())
    for shape in shapes:
        if used.issubset(shape):
            return shape
    if len(rows) < _PER_STATEMENT or len(shapes) == _MAX_SHAPES or len(used) == 1:
        return tuple(range(len(table.columns)))
    shape = tuple(sorted(used))
    _shapes[table] = tuple(sorted((*shapes, shape), key=len))
    return shape


@lru_cache(64)
def _statement(
    table: sa.Table, shape: tuple[int, ...], size: int, dialect: sa.Dialect, skip_known: bool
) -> str:
    quote = dialect.identifier_preparer.quote
    columns = list(table.columns)
    names = ", ".join(quote(columns[place].name) for place in shape)
    row = "(" + ", ".join(["?"] * len(shape)) + ")"
    known = " ON CONFLICT DO NOTHING" if skip_known else ""
    # Only our own names are put together here; every value is bound.
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES {', '.join([row] * size)}{known}"  # noqa: S608
