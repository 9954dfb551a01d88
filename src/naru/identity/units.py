"""Organisations, teams and projects: made, renamed, switched off and deleted, each act told to the audit log.

What an actor may not read does not exist for them; what they may read and not change is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.identity import unit_store as store
from naru.identity.models import (
    DEFAULTS,
    ID_PREFIXES,
    PARENTS,
    Unit,
    UnitKind,
    check_id,
    check_unit_name,
    is_id,
    not_found,
)
from naru.identity.people import EVERY_ORG, PersonPrincipal
from naru.identity.permissions import Permission, decide, find_orgs, require
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Conflict
from naru.kernel.ids import new_id

_READ: Final[Permission] = "orgs.read"


class CreatedUnit(NamedTuple):
    """A unit, and whether it was made now or was there before."""

    unit: Unit
    is_new: bool


class Units:
    """The tree that keys hang on. Every method blocks: call it from a thread.

    Args:
        on_change: called after each commit that keyrings must learn of.
    """

    def __init__(
        self, engine: SqlEngine, *, clock: Clock, audit: AuditSink, on_change: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._on_change = on_change

    def list_units(
        self,
        actor: PersonPrincipal,
        kind: UnitKind,
        *,
        parent: str | None = None,
        limit: int = 200,
        after: str = "",
    ) -> list[Unit]:
        """Units of a kind that `actor` may see, inside `parent` (an id or a path) when it is named."""
        parent_kind = PARENTS[kind]
        if parent is not None and parent_kind is not None:
            parent = self.resolve(actor, parent_kind, parent).id
        with self._engine.connect() as connection:
            return store.list_units(
                connection,
                kind,
                orgs=find_orgs(actor, _READ),
                parent_id=parent,
                limit=limit,
                after=check_id(after, kind) if after else "",
            )

    def read(self, actor: PersonPrincipal, kind: UnitKind, id: str) -> Unit:
        """A unit by id.

        Raises:
            NotFound: there is none, or `actor` may not see it.
        """
        with self._engine.connect() as connection:
            return self._read(connection, actor, kind, id)

    def resolve(self, actor: PersonPrincipal, kind: UnitKind, name: str) -> Unit:
        """A unit by its id, its path (`acme/search`), or the end of its path where that is enough.

        Raises:
            NotFound: there is none, or `actor` may not see it.
            BadRequest: several end so (`ambiguous_name`).
        """
        if is_id(name, ID_PREFIXES[kind]):
            return self.read(actor, kind, name)
        names = [part.strip() for part in name.split("/")]
        if len(names) > _depth(kind) or not all(part and part.isprintable() for part in names):
            raise not_found(kind)
        with self._engine.connect() as connection:
            orgs = find_orgs(actor, _READ)
            found = store.list_by_path(connection, kind, names)
        visible = [unit for unit in found if orgs is None or unit.org_id in orgs]
        if not visible:
            raise not_found(kind)
        if len(visible) > 1:
            paths = ", ".join(unit.path for unit in visible[:5])
            raise BadRequest(f"Several are called so: {paths}. Give the whole path.", code="ambiguous_name")
        return visible[0]

    def find_org(self, name: str) -> str | None:
        """The id of an organisation named by id or name, for those who check permissions themselves."""
        with self._engine.connect() as connection:
            if is_id(name, ID_PREFIXES["org"]):
                unit = store.find_unit(connection, name)
            else:
                unit = store.find_named(connection, "", name) if name.isprintable() else None
        return unit.id if unit is not None and unit.kind == "org" else None

    def read_paths(self) -> dict[str, str]:
        """Paths of all units by id, the deleted ones too: for tables that show what the ledger holds."""
        with self._engine.connect() as connection:
            return store.read_names(connection)

    def create(
        self, actor: PersonPrincipal, kind: UnitKind, name: str, *, parent: str | None = None
    ) -> CreatedUnit:
        """Make a unit inside `parent` (an id or a path; the default one when None). One of this name that is
        there already is given back unchanged."""
        name = check_unit_name(name)
        inside = self._resolve_parent(actor, kind, parent)
        id = new_id(ID_PREFIXES[kind])
        org_id = inside.org_id if inside is not None else id
        # An organisation that is not there yet is nobody's own: only those of the whole house make one.
        _require_write(actor, kind, EVERY_ORG if inside is None else org_id)
        with self._engine.begin() as connection:
            store.raise_revision(connection, of_units=True)
            if inside is not None:
                self._read(connection, actor, inside.kind, inside.id)
            parent_id = inside.id if inside is not None else ""
            known = store.find_named(connection, parent_id, name)
            if known is not None:
                return CreatedUnit(known, is_new=False)
            store.insert_unit(
                connection,
                {
                    "id": id,
                    "kind": kind,
                    "parent_id": parent_id,
                    "org_id": org_id,
                    "name": name,
                    "is_disabled": False,
                    "created_at_ns": self._clock.now_ns(),
                },
            )
            created = store.find_unit(connection, id)
        assert created is not None
        self._changed(actor, f"{kind}.create", created, parent=created.parent_id)
        return CreatedUnit(created, is_new=True)

    def update(
        self,
        actor: PersonPrincipal,
        kind: UnitKind,
        id: str,
        *,
        name: str | None = None,
        is_disabled: bool | None = None,
    ) -> Unit:
        """Rename, or switch off or on with all that is inside. Nothing is told when nothing changes.

        Raises:
            Conflict: another unit beside it has this name.
        """
        changes: dict[str, str | bool] = {}
        with self._engine.begin() as connection:
            store.raise_revision(connection, of_units=True)
            unit = self._read(connection, actor, kind, id)
            _require_write(actor, kind, unit.org_id)
            if name is not None and (plain := check_unit_name(name)) != unit.name:
                if store.find_named(connection, unit.parent_id or "", plain) is not None:
                    raise Conflict("Another one beside it has this name.", code="name_taken", param="name")
                changes["name"] = plain
            if is_disabled is not None and is_disabled != unit.is_disabled:
                changes["is_disabled"] = is_disabled
            if not changes:
                return unit
            store.update_unit(connection, id, changes)
            updated = store.find_unit(connection, id)
        assert updated is not None
        if "name" in changes:
            self._changed(actor, f"{kind}.update", updated, fields="name")
        if "is_disabled" in changes:
            self._changed(actor, f"{kind}.disable" if is_disabled else f"{kind}.enable", updated)
        return updated

    def delete(self, actor: PersonPrincipal, kind: UnitKind, id: str) -> None:
        """Delete an empty unit. The ledger keeps what was booked on it.

        Raises:
            Conflict: something is in it, or it is a default one.
        """
        with self._engine.begin() as connection:
            store.raise_revision(connection, of_units=True)
            unit = self._read(connection, actor, kind, id)
            _require_write(actor, kind, unit.org_id)
            if id in DEFAULTS:
                raise Conflict(
                    "The default one stays, so that keys can always be made. Disable it instead.",
                    code="default_stays",
                )
            if store.has_contents(connection, id):
                raise Conflict(
                    "It is not empty. Delete what is inside and revoke its keys first, or disable it.",
                    code="not_empty",
                )
            store.update_unit(connection, id, {"deleted_at_ns": self._clock.now_ns()})
        self._changed(actor, f"{kind}.delete", unit)

    def _resolve_parent(self, actor: PersonPrincipal, kind: UnitKind, parent: str | None) -> Unit | None:
        parent_kind = PARENTS[kind]
        if parent_kind is None:
            return None
        default = f"{ID_PREFIXES[parent_kind]}_default"
        return self.resolve(actor, parent_kind, default if parent is None else parent)

    def _read(self, connection: sa.Connection, actor: PersonPrincipal, kind: UnitKind, id: str) -> Unit:
        unit = store.find_unit(connection, check_id(id, kind))
        if unit is None or unit.kind != kind or not decide(actor, _READ, unit.org_id):
            raise not_found(kind)
        return unit

    def _changed(
        self, actor: PersonPrincipal, action: str, unit: Unit, **facts: str | int | bool | None
    ) -> None:
        self._audit.record(
            AuditEvent(
                action=action,
                actor=actor.actor,
                target=f"{unit.kind}:{unit.id}",
                facts={**facts, "org": unit.org_id},
            )
        )
        self._on_change()


def _require_write(actor: PersonPrincipal, kind: UnitKind, org_id: str) -> None:
    require(actor, "orgs.write" if kind == "org" else "projects.write", org_id)


def _depth(kind: UnitKind) -> int:
    parent = PARENTS[kind]
    return 1 if parent is None else 1 + _depth(parent)
