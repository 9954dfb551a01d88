"""Many rows to PostgreSQL as one value: JSON that the server takes apart (docs/decisions/0007).

Every value arrives as it was, or the statement fails as it would have failed value by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec
import sqlalchemy as sa

Row = Sequence[Any]
Columns = tuple[sa.Column[Any], ...]

_encode = msgspec.json.Encoder().encode


def insert_rows(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    columns: Sequence[sa.Column[Any]] | None = None,
    skip_known: bool = False,
) -> None:
    """Insert rows.

    Args:
        columns: the order in which values stand in a row; default: that of the table.
        skip_known: leave out rows whose key is there already, instead of failing.
    """
    if not rows:
        return
    order = tuple(table.columns if columns is None else columns)
    text = _encode(_as_json(order, rows)).decode()
    connection.exec_driver_sql(_statement(table, order, connection.dialect, skip_known), (text,))


def _as_json(columns: Columns, rows: Sequence[Row]) -> Sequence[Row]:
    """The same rows, nearly always: what JSON has no number for, and bytes, become text."""
    floats, bytes_ = _special(columns)
    odd = [place for place in floats if _has_odd([row[place] for row in rows])]
    if not odd and not bytes_:
        return rows
    changed = [list(row) for row in rows]
    for row in changed:
        for place in odd:
            row[place] = _float_text(row[place])
        for place in bytes_:
            if row[place] is not None:
                row[place] = "\\x" + row[place].hex()
    return changed


def _has_odd(values: list[Any]) -> bool:
    """Whether a NaN, an infinity or (JSONB drops its sign) a zero is among them."""
    return 0.0 in values or not isfinite(sum(filter(None, values)))


def _float_text(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


@lru_cache(64)
def _special(columns: Columns) -> tuple[list[int], list[int]]:
    floats = [place for place, column in enumerate(columns) if isinstance(column.type, sa.Float)]
    return floats, [place for place, column in enumerate(columns) if isinstance(column.type, sa.LargeBinary)]


@lru_cache(64)
def _statement(table: sa.Table, columns: Columns, dialect: sa.Dialect, skip_known: bool) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    values = ", ".join(_value(place, column.type, dialect) for place, column in enumerate(columns))
    known = " ON CONFLICT DO NOTHING" if skip_known else ""
    source = f"SELECT {values} FROM jsonb_array_elements(%s::jsonb) AS row"  # noqa: S608  our own names alone
    return f"INSERT INTO {quote(table.name)} ({names}) {source}{known}"


def _value(place: int, kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> str:
    text = f"row->>{place}"
    # No cast for text: one to VARCHAR(n) would cut silently what is too long.
    return text if isinstance(kind, sa.String) else f"({text})::{kind.compile(dialect)}"
