"""SQL of policies and custom words: takes a connection, returns values. Ids and times come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, cast

import msgspec
import sqlalchemy as sa

from naru.trust.policy import Rules, Scoped
from naru.trust.tables import trust_policies, trust_revision, trust_words

WordKind = Literal["dictionary", "pattern"]


class Revision(NamedTuple):
    """How often policies and words have changed."""

    policies: int
    words: int


class StoredPolicy(NamedTuple):
    """What one organisation, team or project says."""

    kind: str
    value: str
    org_id: str
    rules: Rules
    updated_by: str
    updated_at_ns: int

    @property
    def scoped(self) -> Scoped:
        """As a policy table takes it."""
        return Scoped(self.kind, self.value, self.rules)


class Words(NamedTuple):
    """A dictionary or a pattern, without what is in it."""

    kind: WordKind
    scope_kind: str
    scope_value: str
    name: str
    id: str
    org_id: str
    size: int
    """Terms; of a pattern 1."""
    revision: int
    updated_by: str
    updated_at_ns: int


_UNREADABLE = Rules(actions={"*": "block"})
"""Stands for rules that this version cannot read: nothing goes out that nobody has judged."""
_WORD_COLUMNS = tuple(trust_words.c[name] for name in Words._fields)


def read_revision(connection: sa.Connection) -> Revision:
    """The newest change."""
    c = trust_revision.c
    return Revision(*connection.execute(sa.select(c.policies, c.words)).one())


def raise_revision(connection: sa.Connection, name: Literal["policies", "words"]) -> int:
    """Begin a change: whoever else wants to make one waits for the end of this transaction."""
    column = trust_revision.c[name]
    statement = trust_revision.update().values({name: column + 1}).returning(column)
    return int(connection.execute(statement).scalar_one())


def find_org(connection: sa.Connection, kind: str, value: str) -> str | None:
    """The organisation under which something of a unit is stored."""
    for table in (trust_policies, trust_words):
        c = table.c
        query = sa.select(c.org_id).where(c.scope_kind == kind, c.scope_value == value).limit(1)
        found = connection.execute(query).scalar()
        if found is not None:
            return str(found)
    return None


# --- policies ------------------------------------------------------------------------------------------


def list_policies(connection: sa.Connection, orgs: Iterable[str] | None = None) -> list[StoredPolicy]:
    """By kind and id, those of `orgs` unless it is None."""
    c = trust_policies.c
    query = sa.select(trust_policies).order_by(c.scope_kind, c.scope_value)
    if orgs is not None:
        query = query.where(c.org_id.in_(sorted(orgs)))
    return [_policy(row) for row in connection.execute(query)]


def find_policy(connection: sa.Connection, kind: str, value: str) -> StoredPolicy | None:
    c = trust_policies.c
    query = sa.select(trust_policies).where(c.scope_kind == kind, c.scope_value == value)
    row = connection.execute(query).one_or_none()
    return None if row is None else _policy(row)


def set_policy(connection: sa.Connection, policy: StoredPolicy) -> None:
    delete_policy(connection, policy.kind, policy.value)
    connection.execute(
        sa.insert(trust_policies).values(
            scope_kind=policy.kind,
            scope_value=policy.value,
            org_id=policy.org_id,
            rules=msgspec.json.encode(policy.rules).decode(),
            updated_by=policy.updated_by,
            updated_at_ns=policy.updated_at_ns,
        )
    )


def delete_policy(connection: sa.Connection, kind: str, value: str) -> bool:
    c = trust_policies.c
    where = sa.and_(c.scope_kind == kind, c.scope_value == value)
    return bool(connection.execute(sa.delete(trust_policies).where(where)).rowcount)


def _policy(row: sa.Row[tuple[object, ...]]) -> StoredPolicy:
    try:
        rules = msgspec.json.decode(row.rules, type=Rules)
    except msgspec.DecodeError:
        rules = _UNREADABLE
    return StoredPolicy(
        kind=row.scope_kind,
        value=row.scope_value,
        org_id=row.org_id,
        rules=rules,
        updated_by=row.updated_by,
        updated_at_ns=row.updated_at_ns,
    )


# --- words ---------------------------------------------------------------------------------------------


def list_words(
    connection: sa.Connection, kind: WordKind | None = None, orgs: Iterable[str] | None = None
) -> list[Words]:
    """By scope and name; those of one kind and of `orgs` unless they are None."""
    c = trust_words.c
    query = sa.select(*_WORD_COLUMNS).order_by(c.scope_kind, c.scope_value, c.name)
    if kind is not None:
        query = query.where(c.kind == kind)
    if orgs is not None:
        query = query.where(c.org_id.in_(sorted(orgs)))
    return [_words(row) for row in connection.execute(query)]


def list_words_of(connection: sa.Connection, scope_kind: str, scope_value: str) -> list[Words]:
    """All of one scope, by name."""
    c = trust_words.c
    query = sa.select(*_WORD_COLUMNS).where(c.scope_kind == scope_kind, c.scope_value == scope_value)
    return [_words(row) for row in connection.execute(query.order_by(c.name))]


def read_sealed(connection: sa.Connection, words: Words) -> str | None:
    """The sealed words, None when they were deleted or changed meanwhile."""
    c = trust_words.c
    query = sa.select(c.sealed).where(c.id == words.id, c.revision == words.revision)
    return cast("str | None", connection.execute(query).scalar())


def set_words(connection: sa.Connection, words: Words, sealed: str) -> None:
    delete_words(connection, words)
    connection.execute(sa.insert(trust_words).values({**words._asdict(), "sealed": sealed}))


def delete_words(connection: sa.Connection, words: Words) -> None:
    c = trust_words.c
    connection.execute(
        sa.delete(trust_words).where(
            c.scope_kind == words.scope_kind, c.scope_value == words.scope_value, c.name == words.name
        )
    )


def _words(row: sa.Row[tuple[object, ...]]) -> Words:
    return Words(**row._asdict())
