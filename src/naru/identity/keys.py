"""Keys: made, shown once, rotated and revoked, each act told to the audit log without the secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.identity import key_store as store
from naru.identity import unit_store
from naru.identity.models import (
    DEFAULT_PROJECT,
    Key,
    KeyScope,
    UnitKind,
    check_id,
    check_scope,
    check_unit_name,
    is_id,
    not_found,
)
from naru.identity.people import PersonPrincipal
from naru.identity.permissions import Permission, decide, find_orgs, require
from naru.identity.secret import digest_secret, new_secret
from naru.identity.units import Units
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Conflict
from naru.kernel.ids import new_id

_READ: Final[Permission] = "keys.read"
_WRITE: Final[Permission] = "keys.write"
_NS: Final = 10**9
DEFAULT_OVERLAP_S: Final = 24 * 3600
MAX_OVERLAP_S: Final = 30 * 24 * 3600
_PREFIX_LENGTH: Final = len("naru_") + 8
_KEY_PATH_PARTS: Final = 4


class IssuedKey(NamedTuple):
    """A key and its secret, which nobody can show again. No secret when the key was there before."""

    key: Key
    secret: str | None

    @property
    def is_new(self) -> bool:
        return self.secret is not None


class Keys:
    """The book of keys. Every method blocks: call it from a thread.

    Args:
        units: the tree they hang on.
        on_change: called after each commit that keyrings must learn of.
    """

    def __init__(
        self,
        engine: SqlEngine,
        *,
        units: Units,
        clock: Clock,
        audit: AuditSink,
        on_change: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._units = units
        self._clock = clock
        self._audit = audit
        self._on_change = on_change

    def list_keys(
        self,
        actor: PersonPrincipal,
        *,
        unit: tuple[UnitKind, str] | None = None,
        with_revoked: bool = False,
        limit: int = 200,
        before: str | None = None,
    ) -> list[Key]:
        """Keys that `actor` may see, newest first; of one organisation, team or project when it is named by
        its kind and its id or path."""
        unit_id = self._units.resolve(actor, *unit).id if unit is not None else None
        with self._engine.connect() as connection:
            return store.list_keys(
                connection,
                orgs=find_orgs(actor, _READ),
                unit_id=unit_id,
                with_revoked=with_revoked,
                limit=limit,
                before=check_id(before, "key") if before else None,
                now_ns=self._clock.now_ns(),
            )

    def read(self, actor: PersonPrincipal, id: str) -> Key:
        """A key by id.

        Raises:
            NotFound: there is none, or `actor` may not see it.
        """
        with self._engine.connect() as connection:
            return self._read(connection, actor, id)

    def resolve(self, actor: PersonPrincipal, name: str) -> Key:
        """A key by its id, its visible prefix, its path (`acme/search/bot/ci`) or the end of it.

        Raises:
            NotFound: there is none, or `actor` may not see it.
            BadRequest: several end so (`ambiguous_name`).
        """
        if is_id(name, "key"):
            return self.read(actor, name)
        now_ns = self._clock.now_ns()
        names = [part.strip() for part in name.split("/")]
        if len(names) > _KEY_PATH_PARTS or not all(part and part.isprintable() for part in names):
            raise not_found("key")
        with self._engine.connect() as connection:
            found = store.list_by_path(connection, names, now_ns)
            if not found and name.startswith("naru_"):
                # A whole key may be pasted here by mistake; no more of it than its prefix is looked up.
                found = store.list_by_prefix(connection, name[:_PREFIX_LENGTH], now_ns)
        visible = [key for key in found if decide(actor, _READ, key.org_id)]
        if not visible:
            raise not_found("key")
        if len(visible) > 1:
            paths = ", ".join(key.path for key in visible[:5])
            raise BadRequest(f"Several are called so: {paths}. Give the whole path.", code="ambiguous_name")
        return visible[0]

    def create(
        self,
        actor: PersonPrincipal,
        name: str,
        *,
        project: str | None = None,
        scope: KeyScope | None = None,
    ) -> IssuedKey:
        """Make a key in `project` (an id or a path; the default one when None). One of this name that was not
        revoked is given back as it is, without a secret."""
        name = check_unit_name(name)
        now_ns = self._clock.now_ns()
        scope = check_scope(scope or KeyScope(), now_ns=now_ns)
        inside = self._units.resolve(actor, "project", project or DEFAULT_PROJECT)
        require(actor, _WRITE, inside.org_id)
        id, secret = new_id("key"), new_secret()
        with self._engine.begin() as connection:
            revision = unit_store.raise_revision(connection, of_units=False)
            if unit_store.find_unit(connection, inside.id) is None:
                raise not_found("project")
            known = store.find_named(connection, inside.id, name, now_ns)
            if known is not None:
                return IssuedKey(known, None)
            row = {
                "id": id,
                "project_id": inside.id,
                "name": name,
                "prefix": secret[:_PREFIX_LENGTH],
                "is_disabled": False,
                "created_by": actor.actor,
                "created_at_ns": now_ns,
                "revision": revision,
            }
            store.insert_key(connection, row, scope)
            self._insert_secret(connection, id, secret, now_ns)
            key = self._read(connection, actor, id)
        self._changed(actor, "key.create", key, prefix=key.prefix, project=key.project_id)
        return IssuedKey(key, secret)

    def update(
        self,
        actor: PersonPrincipal,
        id: str,
        *,
        name: str | None = None,
        is_disabled: bool | None = None,
        scope: Mapping[str, object] | None = None,
    ) -> Key:
        """Rename, switch off or on, or change what it may reach.

        Args:
            scope: the fields of `KeyScope` that change; the others stay.

        Raises:
            Conflict: it was revoked, or another key of the project has this name.
        """
        now_ns = self._clock.now_ns()
        with self._engine.begin() as connection:
            revision = unit_store.raise_revision(connection, of_units=False)
            key = self._hold(connection, actor, id)
            changes: dict[str, object] = {}
            if name is not None and (plain := check_unit_name(name)) != key.name:
                if store.find_named(connection, key.project_id, plain, now_ns) is not None:
                    raise Conflict(
                        "Another key of this project has this name.", code="name_taken", param="name"
                    )
                changes["name"] = plain
            if is_disabled is not None and is_disabled != key.is_disabled:
                changes["is_disabled"] = is_disabled
            old = KeyScope(
                models=key.models,
                endpoints=key.endpoints,
                sites=key.sites,
                tags=key.tags,
                expires_at_ns=key.expires_at_ns,
            )
            new = msgspec.structs.replace(old, **(scope or {}))
            if new != old:
                new = check_scope(new, now_ns=now_ns if new.expires_at_ns != old.expires_at_ns else -1)
            fields = [
                *changes,
                *(f for f in KeyScope.__struct_fields__ if getattr(new, f) != getattr(old, f)),
            ]
            if not fields:
                return key
            store.update_key(connection, id, {**changes, "revision": revision}, new)
            updated = self._read(connection, actor, id)
        if fields == ["is_disabled"]:
            self._changed(actor, "key.disable" if is_disabled else "key.enable", updated)
        else:
            self._changed(actor, "key.update", updated, fields=",".join(fields))
        return updated

    def rotate(self, actor: PersonPrincipal, id: str, *, overlap_s: int = DEFAULT_OVERLAP_S) -> IssuedKey:
        """Give a key a new secret, valid at once; those from before open for `overlap_s` more seconds.

        Raises:
            Conflict: it was revoked.
            BadRequest: the overlap is longer than thirty days.
        """
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            raise BadRequest("An overlap is 0 seconds to 30 days.", code="invalid_overlap", param="overlap_s")
        now_ns = self._clock.now_ns()
        secret = new_secret()
        with self._engine.begin() as connection:
            revision = unit_store.raise_revision(connection, of_units=False)
            self._hold(connection, actor, id)
            store.end_secrets(connection, id, until_ns=now_ns + overlap_s * _NS, now_ns=now_ns)
            self._insert_secret(connection, id, secret, now_ns)
            store.update_key(connection, id, {"prefix": secret[:_PREFIX_LENGTH], "revision": revision})
            key = self._read(connection, actor, id)
        self._changed(actor, "key.rotate", key, prefix=key.prefix, overlap_s=overlap_s)
        return IssuedKey(key, secret)

    def revoke(self, actor: PersonPrincipal, id: str) -> Key:
        """End a key for good, here at once and in every replica within two seconds. A second time is no
        fault and changes nothing."""
        with self._engine.begin() as connection:
            revision = unit_store.raise_revision(connection, of_units=False)
            key = self._read(connection, actor, id)
            require(actor, _WRITE, key.org_id)
            if key.revoked_at_ns is not None:
                return key
            values = {"revoked_at_ns": self._clock.now_ns(), "revision": revision}
            store.update_key(connection, id, values)
            key = self._read(connection, actor, id)
        self._changed(actor, "key.revoke", key, prefix=key.prefix)
        return key

    def _hold(self, connection: sa.Connection, actor: PersonPrincipal, id: str) -> Key:
        key = self._read(connection, actor, id)
        require(actor, _WRITE, key.org_id)
        if key.revoked_at_ns is not None:
            raise Conflict("This key was revoked; that is for good. Create a new one.", code="key_revoked")
        return key

    def _read(self, connection: sa.Connection, actor: PersonPrincipal, id: str) -> Key:
        key = store.find_key(connection, check_id(id, "key"), self._clock.now_ns())
        if key is None or not decide(actor, _READ, key.org_id):
            raise not_found("key")
        return key

    def _insert_secret(self, connection: sa.Connection, key_id: str, secret: str, now_ns: int) -> None:
        digest = digest_secret(secret.encode())
        store.insert_secret(
            connection, key_id, digest=digest, prefix=secret[:_PREFIX_LENGTH], created_at_ns=now_ns
        )

    def _changed(
        self, actor: PersonPrincipal, action: str, key: Key, **facts: str | int | bool | None
    ) -> None:
        self._audit.record(
            AuditEvent(
                action=action, actor=actor.actor, target=f"key:{key.id}", facts={**facts, "org": key.org_id}
            )
        )
        self._on_change()
