"""SQL of organisations, teams and projects: takes a connection, returns values. Ids and times come from
whoever calls. What was deleted is never found again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from naru.identity.models import Unit, UnitKind
from naru.identity.tables import identity_revision, keys, units

_parents = units.alias("parents")
_grandparents = units.alias("grandparents")
_JOINED = units.outerjoin(_parents, _parents.c.id == units.c.parent_id).outerjoin(
    _grandparents, _grandparents.c.id == _parents.c.parent_id
)
_COLUMNS = (
    *(units.c.id, units.c.kind, units.c.parent_id, units.c.org_id, units.c.name, units.c.created_at_ns),
    units.c.is_disabled,
    _parents.c.name.label("parent_name"),
    _grandparents.c.name.label("grandparent_name"),
    sa.not_(
        sa.or_(
            units.c.is_disabled,
            sa.func.coalesce(_parents.c.is_disabled, sa.false()),
            sa.func.coalesce(_grandparents.c.is_disabled, sa.false()),
        )
    ).label("is_active"),
)


class Revision(NamedTuple):
    """How often what the keyrings know has changed, in all and among the units."""

    revision: int
    units_revision: int


def read_revision(connection: sa.Connection) -> Revision:
    """The newest change."""
    columns = identity_revision.c.revision, identity_revision.c.units_revision
    return Revision(*connection.execute(sa.select(*columns)).one())


def raise_revision(connection: sa.Connection, *, of_units: bool) -> int:
    """Begin a change: whoever else wants to make one waits for the end of this transaction."""
    number = identity_revision.c.revision + 1
    values = {"revision": number, "units_revision": number} if of_units else {"revision": number}
    statement = identity_revision.update().values(values).returning(identity_revision.c.revision)
    return int(connection.execute(statement).scalar_one())


def insert_unit(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Write a new unit."""
    connection.execute(units.insert().values(values))


def update_unit(connection: sa.Connection, id: str, values: Mapping[str, Any]) -> None:
    """Change columns of a unit."""
    connection.execute(units.update().where(units.c.id == id).values(values))


def find_unit(connection: sa.Connection, id: str) -> Unit | None:
    """A unit by id."""
    found = _list(connection, units.c.id == id, limit=1)
    return found[0] if found else None


def find_named(connection: sa.Connection, parent_id: str, name: str) -> Unit | None:
    """A unit by its name inside its parent ("" for organisations)."""
    found = _list(connection, units.c.parent_id == parent_id, units.c.name == name, limit=1)
    return found[0] if found else None


def list_by_path(connection: sa.Connection, kind: UnitKind, names: Sequence[str]) -> list[Unit]:
    """Units whose path ends with these names; more than one where only the end was given."""
    columns = (units.c.name, _parents.c.name, _grandparents.c.name)
    conditions = [column == name for column, name in zip(columns, reversed(names), strict=False)]
    return _list(connection, units.c.kind == kind, *conditions, limit=100)


def list_units(
    connection: sa.Connection,
    kind: UnitKind,
    *,
    orgs: Iterable[str] | None,
    parent_id: str | None,
    limit: int,
    after: str,
) -> list[Unit]:
    """Units by id, those of `orgs` unless it is None."""
    conditions = [units.c.kind == kind, units.c.id > after]
    if orgs is not None:
        conditions.append(units.c.org_id.in_(sorted(orgs)))
    if parent_id is not None:
        conditions.append(units.c.parent_id == parent_id)
    return _list(connection, *conditions, limit=limit)


def has_contents(connection: sa.Connection, id: str) -> bool:
    """Whether something lives in a unit: units not deleted, keys not revoked."""
    inside = sa.select(units.c.id).where(units.c.parent_id == id, units.c.deleted_at_ns.is_(None))
    held = sa.select(keys.c.id).where(keys.c.project_id == id, keys.c.revoked_at_ns.is_(None))
    return bool(connection.execute(sa.select(sa.or_(inside.exists(), held.exists()))).scalar_one())


def read_names(connection: sa.Connection) -> dict[str, str]:
    """Paths of all units by id, the deleted ones too: for tables that show what the ledger holds."""
    rows = connection.execute(sa.select(*_COLUMNS).select_from(_JOINED)).all()
    return {row.id: _path(row) for row in rows}


def _list(connection: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int) -> list[Unit]:
    query = sa.select(*_COLUMNS).select_from(_JOINED).where(units.c.deleted_at_ns.is_(None), *conditions)
    return [_unit(row) for row in connection.execute(query.order_by(units.c.id).limit(limit)).all()]


def _unit(row: sa.Row[Any]) -> Unit:
    return Unit(
        id=row.id,
        kind=row.kind,
        name=row.name,
        path=_path(row),
        parent_id=row.parent_id or None,
        org_id=row.org_id,
        is_disabled=row.is_disabled,
        is_active=bool(row.is_active),
        created_at_ns=row.created_at_ns,
    )


def _path(row: sa.Row[Any]) -> str:
    return "/".join(name for name in (row.grandparent_name, row.parent_name, row.name) if name is not None)
