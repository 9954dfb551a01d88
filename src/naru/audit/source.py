"""Where a verification reads from: the database or an exported file. Rows come as they are, damaged too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from naru.audit.chaincheck import COLUMNS, Row, Unreadable
from naru.audit.entry import canonical_json
from naru.audit.note import split_notes
from naru.audit.tables import checkpoints, entries, head, nodes
from naru.audit.verify import Kept, StoredLog
from naru.engines.sql.base import SqlEngine
from naru.kernel.errors import BadRequest, NotFound

_CHUNK: Final = 1_000


@contextmanager
def open_database(engine: SqlEngine) -> Iterator[StoredLog]:
    """The log in a database, at one moment."""
    with engine.connect() as connection:
        yield StoredLog(
            head=_find_head(connection),
            has_head=True,
            entries=lambda: read_rows(connection, entries, (entries.c.seq,)),
            checkpoints=list(read_rows(connection, checkpoints, (checkpoints.c.number,))),
            nodes=list(read_rows(connection, nodes, (nodes.c.level, nodes.c.position))),
        )


def read_rows(connection: sa.Connection, table: sa.Table, keys: tuple[sa.Column[Any], ...]) -> Iterator[Row]:
    """Every row in the order of its key. Rows whose text cannot be decoded come as `Unreadable` keys."""
    after: Row | None = None
    while True:
        page = _page(sa.select(table), keys, after)
        try:
            rows: list[Row] = [tuple(row) for row in connection.execute(page)]
        except (sa.exc.DBAPIError, UnicodeDecodeError):
            rows = _read_one_by_one(connection, table, keys, after)
        yield from rows
        if len(rows) < _CHUNK:
            return
        after = rows[-1][: len(keys)]


def _page(query: sa.Select[Any], keys: tuple[sa.Column[Any], ...], after: Row | None) -> sa.Select[Any]:
    page = query.order_by(*keys).limit(_CHUNK)
    if after is None:
        return page
    return page.where(keys[0] > after[0] if len(keys) == 1 else sa.tuple_(*keys) > sa.tuple_(*after))


def _read_one_by_one(
    connection: sa.Connection, table: sa.Table, keys: tuple[sa.Column[Any], ...], after: Row | None
) -> list[Row]:
    rows: list[Row] = []
    for found in connection.execute(_page(sa.select(*keys), keys, after)).all():
        one = sa.select(table).where(*(key == value for key, value in zip(keys, found, strict=True)))
        try:
            rows.append(tuple(connection.execute(one).one()))
        except (sa.exc.SQLAlchemyError, UnicodeDecodeError):
            rows.append(Unreadable(found))
    return rows


def _find_head(connection: sa.Connection) -> dict[str, Any] | None:
    try:
        rows = connection.execute(sa.select(head)).mappings().all()
    except (sa.exc.DBAPIError, UnicodeDecodeError):
        return None
    return dict(rows[0]) if len(rows) == 1 and rows[0]["id"] == 1 else None


def read_export(path: Path) -> tuple[StoredLog, str | None]:
    """The log in an exported file, and the public key that the file names. Read line by line, each time anew.

    Raises:
        NotFound: there is no such file.
        BadRequest: it is no export of an audit log.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    first = next(_lines(path), None)
    if not isinstance(first, dict) or first.get("kind") != "log":
        raise BadRequest(f"{path} is no export of an audit log; `naru audit export` writes one.")
    found = [line for line in _lines(path) if isinstance(line, dict) and line.get("kind") == "checkpoint"]
    size = first.get("size")
    log = StoredLog(
        head=None,
        has_head=False,
        entries=lambda: _export_rows(path),
        checkpoints=[tuple(line.get(name) for name in ("number", "size", "at_ns", "note")) for line in found],
        nodes=None,
        stated_size=size if type(size) is int else None,
    )
    key = first.get("public_key")
    return log, key if isinstance(key, str) else None


def _export_rows(path: Path) -> Iterator[Row]:
    for line in _lines(path):
        if not isinstance(line, dict) or line.get("kind") not in ("log", "checkpoint"):
            fields = line if isinstance(line, dict) else {}
            facts = fields.get("facts")
            values = fields | {"facts": canonical_json(facts) if isinstance(facts, dict) else facts}
            yield tuple(values.get(name) for name in COLUMNS)


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def read_kept(path: Path, *, is_optional: bool = False) -> list[Kept]:
    """The checkpoints in a file of copies.

    Raises:
        NotFound: there is no such file, unless it is optional.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        if is_optional:
            return []
        raise NotFound(f"There is no file {path}.") from None
    return [Kept(str(path), note) for note in split_notes(text)]
