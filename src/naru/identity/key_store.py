"""SQL of keys: takes a connection, returns values. Ids, times and secrets come from whoever calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from naru.identity.keyring import Entry
from naru.identity.models import Key, KeyScope
from naru.identity.principal import Principal
from naru.identity.tables import key_secrets, keys, units

_projects = units.alias("projects")
_teams = units.alias("teams")
_orgs = units.alias("orgs")
_JOINED = (
    keys.join(_projects, _projects.c.id == keys.c.project_id)
    .join(_teams, _teams.c.id == _projects.c.parent_id)
    .join(_orgs, _orgs.c.id == _teams.c.parent_id)
)
_IS_ENABLED = sa.not_(
    sa.or_(keys.c.is_disabled, _projects.c.is_disabled, _teams.c.is_disabled, _orgs.c.is_disabled)
).label("is_enabled")
_NAMES = (
    _orgs.c.id.label("org_id"),
    _teams.c.id.label("team_id"),
    _orgs.c.name.label("org_name"),
    _teams.c.name.label("team_name"),
    _projects.c.name.label("project_name"),
)


def insert_key(connection: sa.Connection, values: Mapping[str, Any], scope: KeyScope) -> None:
    """Write a new key."""
    connection.execute(keys.insert().values({**values, **_scope_columns(scope)}))


def update_key(
    connection: sa.Connection, id: str, values: Mapping[str, Any], scope: KeyScope | None = None
) -> None:
    """Change columns of a key, its scope too when one is given."""
    columns = dict(values) if scope is None else {**values, **_scope_columns(scope)}
    connection.execute(keys.update().where(keys.c.id == id).values(columns))


def insert_secret(
    connection: sa.Connection, key_id: str, *, digest: bytes, prefix: str, created_at_ns: int
) -> None:
    """Write the digest of a new secret of a key."""
    values = {"digest": digest.hex(), "key_id": key_id, "prefix": prefix, "created_at_ns": created_at_ns}
    connection.execute(key_secrets.insert().values(values))


def end_secrets(connection: sa.Connection, key_id: str, *, until_ns: int, now_ns: int) -> None:
    """Let no secret a key has now live longer than `until_ns`; forget those that do not live any more."""
    own = key_secrets.c.key_id == key_id
    ends = key_secrets.c.expires_at_ns
    connection.execute(
        key_secrets.update()
        .where(own, sa.or_(ends.is_(None), ends > until_ns))
        .values(expires_at_ns=until_ns)
    )
    connection.execute(key_secrets.delete().where(own, ends <= now_ns))


def find_key(connection: sa.Connection, id: str, now_ns: int) -> Key | None:
    """A key by id."""
    found = _list(connection, keys.c.id == id, limit=1, now_ns=now_ns)
    return found[0] if found else None


def find_named(connection: sa.Connection, project_id: str, name: str, now_ns: int) -> Key | None:
    """A project's key of this name, unless it was revoked."""
    conditions = (keys.c.project_id == project_id, keys.c.name == name, keys.c.revoked_at_ns.is_(None))
    found = _list(connection, *conditions, limit=1, now_ns=now_ns)
    return found[0] if found else None


def list_by_prefix(connection: sa.Connection, prefix: str, now_ns: int) -> list[Key]:
    """Keys one of whose secrets begins so."""
    matching = sa.select(key_secrets.c.key_id).where(key_secrets.c.prefix == prefix)
    return _list(connection, keys.c.id.in_(matching), limit=100, now_ns=now_ns)


def list_by_path(connection: sa.Connection, names: Sequence[str], now_ns: int) -> list[Key]:
    """Keys that were not revoked and whose path ends with these names."""
    columns = (keys.c.name, _projects.c.name, _teams.c.name, _orgs.c.name)
    conditions = [column == name for column, name in zip(columns, reversed(names), strict=False)]
    return _list(connection, keys.c.revoked_at_ns.is_(None), *conditions, limit=100, now_ns=now_ns)


def list_keys(
    connection: sa.Connection,
    *,
    orgs: Iterable[str] | None,
    unit_id: str | None,
    with_revoked: bool,
    limit: int,
    before: str | None,
    now_ns: int,
) -> list[Key]:
    """Keys, newest first, those of `orgs` unless it is None, and of one unit when it is named."""
    conditions: list[sa.ColumnElement[bool]] = []
    if orgs is not None:
        conditions.append(_orgs.c.id.in_(sorted(orgs)))
    if unit_id is not None:
        conditions.append(sa.or_(_orgs.c.id == unit_id, _teams.c.id == unit_id, _projects.c.id == unit_id))
    if not with_revoked:
        conditions.append(keys.c.revoked_at_ns.is_(None))
    if before is not None:
        conditions.append(keys.c.id < before)
    return _list(connection, *conditions, limit=limit, now_ns=now_ns)


def _list(
    connection: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int, now_ns: int
) -> list[Key]:
    query = sa.select(*keys.c, *_NAMES, _IS_ENABLED).select_from(_JOINED).where(*conditions)
    rows = connection.execute(query.order_by(keys.c.id.desc()).limit(limit)).all()
    ends = key_secrets.c.expires_at_ns
    query_ends = (
        sa.select(key_secrets.c.key_id, sa.func.max(ends).label("until_ns"))
        .where(key_secrets.c.key_id.in_([row.id for row in rows]), ends > now_ns)
        .group_by(key_secrets.c.key_id)
    )
    overlaps: dict[str, int] = {row.key_id: row.until_ns for row in connection.execute(query_ends)}
    return [_key(row, overlaps.get(row.id), now_ns) for row in rows]


def _key(row: Any, overlap_until_ns: int | None, now_ns: int) -> Key:
    is_over = row.expires_at_ns is not None and row.expires_at_ns <= now_ns
    is_revoked = row.revoked_at_ns is not None
    return Key(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        project_id=row.project_id,
        team_id=row.team_id,
        org_id=row.org_id,
        path=f"{row.org_name}/{row.team_name}/{row.project_name}/{row.name}",
        models=_tuple(row.models),
        endpoints=_tuple(row.endpoints),
        sites=_tuple(row.sites),
        tags=_tags(row.tags),
        is_disabled=row.is_disabled,
        is_active=bool(row.is_enabled) and not is_over and not is_revoked,
        created_by=row.created_by,
        created_at_ns=row.created_at_ns,
        expires_at_ns=row.expires_at_ns,
        revoked_at_ns=row.revoked_at_ns,
        last_used_at_ns=row.last_used_at_ns,
        overlap_until_ns=None if is_revoked else overlap_until_ns,
    )


def read_entries(connection: sa.Connection, *, since: int | None) -> dict[str, dict[bytes, Entry]]:
    """What a keyring holds, by key: all that may open, or what changed after revision `since`. A key that
    changed and opens no more comes without entries."""
    query = (
        sa.select(
            *(keys.c.id, keys.c.project_id, keys.c.models, keys.c.endpoints, keys.c.sites, keys.c.tags),
            *(keys.c.expires_at_ns, keys.c.revoked_at_ns, key_secrets.c.digest, *_NAMES[:2], _IS_ENABLED),
            key_secrets.c.expires_at_ns.label("secret_expires_at_ns"),
        )
        .select_from(_JOINED.outerjoin(key_secrets, key_secrets.c.key_id == keys.c.id))
        .where(keys.c.revoked_at_ns.is_(None) if since is None else keys.c.revision > since)
    )
    found: dict[str, dict[bytes, Entry]] = {}
    principals: dict[str, Principal] = {}
    for row in connection.execute(query):
        entries = found.setdefault(row.id, {})
        if row.revoked_at_ns is not None or row.digest is None:
            continue
        if row.id not in principals:
            principals[row.id] = Principal(
                key_id=row.id,
                org=row.org_id,
                team=row.team_id,
                project=row.project_id,
                models=_tuple(row.models),
                endpoints=frozenset(_tuple(row.endpoints)),
                sites=frozenset(_tuple(row.sites)),
                tags=_tags(row.tags),
            )
        ends = [t for t in (row.expires_at_ns, row.secret_expires_at_ns) if t is not None]
        entries[bytes.fromhex(row.digest)] = Entry(
            principals[row.id], min(ends) if ends else None, bool(row.is_enabled)
        )
    return found


def write_last_used(connection: sa.Connection, used: Mapping[str, int]) -> None:
    """When keys were used last; an earlier time never replaces a later one."""
    last = keys.c.last_used_at_ns
    statement = (
        keys.update()
        .where(keys.c.id == sa.bindparam("key"), sa.or_(last.is_(None), last < sa.bindparam("at")))
        .values(last_used_at_ns=sa.bindparam("at"))
    )
    connection.execute(statement, [{"key": id, "at": at_ns} for id, at_ns in sorted(used.items())])


def _scope_columns(scope: KeyScope) -> dict[str, Any]:
    return {
        "models": _json(scope.models),
        "endpoints": _json(scope.endpoints),
        "sites": _json(scope.sites),
        "tags": _json(scope.tags),
        "expires_at_ns": scope.expires_at_ns,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _tuple(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def _tags(text: str) -> dict[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])
