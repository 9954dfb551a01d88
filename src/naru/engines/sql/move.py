"""Takes everything from one database to another, whatever their kinds: every row of every table, compared.

The source is only read. While it runs, and after a break, the target's step is `moving-…`, so that no Naru
starts on half a database; only a move that compared equal sets the step that opens it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from naru.engines.sql import chain
from naru.engines.sql.base import MOVING, SqlEngine
from naru.engines.sql.postgres_rows import insert_rows
from naru.kernel.errors import ConfigError

_CHUNK = 1_000
"""Rows in memory, and in one transaction of the target."""
_LOOKUP = 200
"""Keys of one question; SQLite takes 32,766 values in a statement."""
_BOOKKEEPING = "alembic_version"

Progress = Callable[[str, int, int], None]
"""Table, rows done, rows there are."""
Row = tuple[Any, ...]


class Tally(NamedTuple):
    """What one side holds of one table."""

    rows: int
    sums: dict[str, int]
    """Of each column of money or tokens; unknown counts nothing."""
    digest: str
    """Of every value of every row, whatever the order: equal only if nothing differs."""


class Comparison(NamedTuple):
    """One table on both sides."""

    table: str
    source: Tally
    target: Tally

    @property
    def is_equal(self) -> bool:
        """Nothing lost, nothing added, nothing changed."""
        return self.source == self.target


class Report(NamedTuple):
    """How a move ended."""

    tables: tuple[Comparison, ...]
    replaced: int
    """Texts with a NUL, which PostgreSQL takes none of: it became `?`."""

    @property
    def is_equal(self) -> bool:
        """Whether the target now stands for the source."""
        return all(comparison.is_equal for comparison in self.tables)


def move(
    source: SqlEngine, target: SqlEngine, *, is_resumed: bool = False, on_progress: Progress | None = None
) -> Report:
    """Copy, compare, and open the target if they are equal.

    Args:
        source: at the newest step; nothing may write to it meanwhile (it would show in the comparison).
        target: an empty database, or with `is_resumed` one where an earlier move broke off.
        on_progress: told after each chunk.

    Raises:
        ConfigError: the source is behind, or the target is not what it must be.
        DatabaseUnavailable: one of them went away; resume when it is back.
    """
    source.require_current()
    _prepare(target, is_resumed=is_resumed)
    source_tables, target_tables = _reflect(source), _reflect(target)
    _refuse_other_tables(source_tables, target_tables, target)
    copier = _Copier(target, on_progress or (lambda *_: None))
    ordered = [table.name for table in target_tables.sorted_tables if table.name != _BOOKKEEPING]
    with source.connect() as connection:  # one moment of the source, however long it takes
        for name in ordered:
            copier.copy(connection, source_tables.tables[name], target_tables.tables[name])
    clean = target.dialect.name == "postgresql"
    tables = tuple(
        Comparison(
            name,
            _tally(source, source_tables.tables[name], clean=clean),
            _tally(target, target_tables.tables[name], clean=False),
        )
        for name in ordered
    )
    report = Report(tables, copier.replaced)
    if report.is_equal:
        with target.begin_unbounded() as connection:
            _set_sequences(connection, target_tables)
            _set_step(connection, chain.head())
    return report


def _prepare(target: SqlEngine, *, is_resumed: bool) -> None:
    target.check_server()
    moving = MOVING + chain.head()
    with target.begin_unbounded() as connection:
        target.lock(connection, "migrate")
        step = chain.read_revision(connection)
        if step is None and not sa.inspect(connection).get_table_names():
            chain.upgrade(connection)
            _set_step(connection, moving)
        elif step is None or not step.startswith(MOVING):
            raise ConfigError(
                "the target is not empty; name an empty database (createdb), so that nothing in this one is "
                "overwritten",
                path=target.place,
            )
        elif step != moving:
            raise ConfigError(
                "an earlier move into the target was begun by another version of Naru; name an empty "
                "database and start anew",
                path=target.place,
            )
        elif not is_resumed:
            raise ConfigError(
                "an earlier move into the target broke off; go on with --resume, or name an empty database",
                path=target.place,
            )


def _set_step(connection: sa.Connection, step: str) -> None:
    version = sa.table(_BOOKKEEPING, sa.column("version_num"))
    connection.execute(sa.update(version).values(version_num=step))


def _reflect(engine: SqlEngine) -> sa.MetaData:
    # From the database and not from the parts' code, which an engine cannot see and may not forget.
    found = sa.MetaData()
    with engine.connect() as connection:
        found.reflect(connection)
    return found


def _refuse_other_tables(source: sa.MetaData, target: sa.MetaData, engine: SqlEngine) -> None:
    for name in source.tables.keys() | target.tables.keys():
        mine, other = source.tables.get(name), target.tables.get(name)
        same = mine is not None and other is not None and set(mine.c.keys()) == set(other.c.keys())
        if not same:
            raise ConfigError(f"source and target differ in the table {name}", path=engine.place)


class _Copier:
    def __init__(self, target: SqlEngine, on_progress: Progress) -> None:
        self._target = target
        self._on_progress = on_progress
        self._is_clean = target.dialect.name != "postgresql"
        self.replaced = 0

    def copy(self, connection: sa.Connection, source: sa.Table, target: sa.Table) -> None:
        total = _count(connection, source)
        with self._target.connect() as reader:
            is_empty = _count(reader, target) == 0
        done = 0
        self._on_progress(source.name, 0, total)
        for rows in _chunks(connection, source):
            if not self._is_clean:
                rows = [self._cleaned(row) for row in rows]
            with self._target.begin_unbounded() as writer:
                _insert(writer, target, rows if is_empty else _correct(writer, target, rows))
            done += len(rows)
            self._on_progress(source.name, done, total)

    def _cleaned(self, row: Row) -> Row:
        clean = _without_nul(row)
        if clean is not row:
            self.replaced += sum(value != was for value, was in zip(clean, row, strict=True))
        return clean


def _count(connection: sa.Connection, table: sa.Table) -> int:
    count: int = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return count


def _without_nul(row: Row) -> Row:
    """The same object where there is none, which is nearly always."""
    if not any(type(value) is str and "\0" in value for value in row):
        return row
    return tuple(value.replace("\0", "?") if isinstance(value, str) else value for value in row)


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    """In one order on both sides, whatever the order in which steps added them."""
    return sorted(table.columns, key=lambda column: column.name)


def _chunks(connection: sa.Connection, table: sa.Table) -> Iterator[list[Row]]:
    """All rows by primary key, which is also the order that append-only tables want."""
    query = sa.select(*_columns(table)).order_by(*table.primary_key.columns)
    found = connection.execution_options(yield_per=_CHUNK).execute(query)
    for part in found.partitions(_CHUNK):
        yield [tuple(row) for row in part]


def _correct(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> list[Row]:
    """Change what differs, leave alone what is there (some tables refuse changes), return what is missing."""
    columns = _columns(table)
    keys = list(table.primary_key.columns)
    places = [columns.index(key) for key in keys]
    there: dict[Row, Row] = {}
    for start in range(0, len(rows), _LOOKUP):
        wanted = [tuple(row[place] for place in places) for row in rows[start : start + _LOOKUP]]
        alone = [key[0] for key in wanted]
        among = keys[0].in_(alone) if len(keys) == 1 else sa.tuple_(*keys).in_(wanted)
        for found in connection.execute(sa.select(*columns).where(among)):
            there[tuple(found[place] for place in places)] = tuple(found)
    missing = []
    for row in rows:
        key = tuple(row[place] for place in places)
        other = there.get(key)
        if other is None:
            missing.append(row)
        elif other != row:
            is_it = sa.and_(*(column == value for column, value in zip(keys, key, strict=True)))
            values = {column.name: value for column, value in zip(columns, row, strict=True)}
            connection.execute(sa.update(table).where(is_it).values(values))
    return missing


def _insert(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    if not rows:
        return
    columns = _columns(table)
    if connection.dialect.name == "postgresql":
        insert_rows(connection, table, rows, columns=columns)
        return
    named = [column.name for column in columns]
    connection.execute(sa.insert(table), [dict(zip(named, row, strict=True)) for row in rows])


def _tally(engine: SqlEngine, table: sa.Table, *, clean: bool) -> Tally:
    columns = _columns(table)
    summed = {
        place: column.name
        for place, column in enumerate(columns)
        if column.name.endswith("_tokens") or "nano" in column.name
    }
    sums = dict.fromkeys(summed, 0)
    count = digest = 0
    with engine.connect() as connection:
        for rows in _chunks(connection, table):
            count += len(rows)
            for row in rows:
                for place in summed:
                    sums[place] += int(row[place] or 0)
                text = repr(_without_nul(row) if clean else row)
                digest += int.from_bytes(
                    hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big"
                )
    named = {name: sums[place] for place, name in summed.items()}
    return Tally(count, named, f"{digest % 2**128:032x}")


def _set_sequences(connection: sa.Connection, tables: sa.MetaData) -> None:
    """A number that PostgreSQL gives out itself goes on after the greatest that was copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables.sorted_tables:
        for column in table.primary_key.columns:
            if not isinstance(column.type, sa.Integer):
                continue
            sequence = connection.execute(
                sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))
            ).scalar_one()
            greatest = connection.execute(sa.select(sa.func.max(column))).scalar_one()
            if sequence is not None and greatest is not None:
                connection.execute(sa.select(sa.func.setval(sequence, greatest)))
