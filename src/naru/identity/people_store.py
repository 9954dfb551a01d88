"""SQL of people: takes a connection, returns values. Ids and times come from whoever calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from naru.identity.people import Grant, Person, PersonPrincipal, roles_by_org
from naru.identity.people_tables import (
    people,
    people_version,
    person_roles,
    recovery_codes,
    sign_in_failures,
    spent_tokens,
)


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What only a sign-in reads of a person."""

    person_id: str
    password_hash: str | None
    password_expires_at_ns: int | None
    totp_secret: str | None
    totp_pending: str | None


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is checked against."""

    epoch: int
    is_disabled: bool
    principal: PersonPrincipal


def insert_missing(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless its key is there; True when it was inserted."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    # RETURNING says what was inserted; the row count of such an INSERT is -1 in some drivers.
    statement = insert(table).values(values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None


def raise_version(connection: sa.Connection) -> None:
    """Tell every replica that sessions must be looked at anew."""
    connection.execute(people_version.update().values(version=people_version.c.version + 1))


def read_version(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(people_version.c.version)).scalar_one())


def insert_person(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    connection.execute(people.insert().values(values))


def update_person(connection: sa.Connection, person_id: str, values: Mapping[str, Any]) -> bool:
    return connection.execute(people.update().where(people.c.id == person_id).values(values)).rowcount > 0


def raise_epoch(connection: sa.Connection, person_id: str) -> None:
    """End every session of a person."""
    update_person(connection, person_id, {"session_epoch": people.c.session_epoch + 1})
    raise_version(connection)


def delete_person(connection: sa.Connection, person_id: str) -> bool:
    return connection.execute(people.delete().where(people.c.id == person_id)).rowcount > 0


def find_person(connection: sa.Connection, person_id: str, *, for_update: bool = False) -> Person | None:
    """A person by id; `for_update` holds the row until the transaction ends (SQLite holds everything)."""
    if not person_id.isprintable():
        return None  # PostgreSQL takes no NUL in a text
    return _find(connection, people.c.id == person_id, for_update=for_update)


def find_by_email(connection: sa.Connection, email: str) -> Person | None:
    return _find(connection, people.c.email == email)


def find_by_subject(connection: sa.Connection, issuer: str, subject: str) -> Person | None:
    return _find(connection, sa.and_(people.c.oidc_issuer == issuer, people.c.oidc_subject == subject))


def _find(
    connection: sa.Connection, where: sa.ColumnElement[bool], *, for_update: bool = False
) -> Person | None:
    query = sa.select(people).where(where)
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    return _people(connection, [row])[0] if row is not None else None


def list_people(
    connection: sa.Connection, *, orgs: Iterable[str] | None = None, limit: int, after: str = ""
) -> list[Person]:
    """People by address; with `orgs`, those who hold a role in one of them."""
    query = sa.select(people).where(people.c.email > after).order_by(people.c.email).limit(limit)
    if orgs is not None:
        inside = sa.select(person_roles.c.person_id).where(person_roles.c.org_id.in_(list(orgs)))
        query = query.where(people.c.id.in_(inside))
    return _people(connection, connection.execute(query).all())


def count_people(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(people)).scalar_one())


def _people(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[Person]:
    ids = [row.id for row in rows]
    grants: dict[str, list[Grant]] = {}
    query = sa.select(person_roles).where(person_roles.c.person_id.in_(ids))
    for role in connection.execute(query):
        grants.setdefault(role.person_id, []).append(
            Grant(org=role.org_id, role=role.role, source=role.source)
        )
    counted = (
        sa.select(recovery_codes.c.person_id, sa.func.count().label("left"))
        .where(recovery_codes.c.person_id.in_(ids))
        .group_by(recovery_codes.c.person_id)
    )
    codes: dict[str, int] = {row.person_id: row.left for row in connection.execute(counted)}
    return [
        Person(
            id=row.id,
            email=row.email,
            name=row.name,
            is_disabled=row.is_disabled,
            has_password=row.password_hash is not None,
            must_change_password=row.must_change_password,
            has_totp=row.totp_secret is not None,
            recovery_codes_left=codes.get(row.id, 0),
            oidc_issuer=row.oidc_issuer,
            grants=tuple(sorted(grants.get(row.id, []))),
            session_epoch=row.session_epoch,
            created_at_ns=row.created_at_ns,
            last_sign_in_at_ns=row.last_sign_in_at_ns,
        )
        for row in rows
    ]


_SECRETS = (
    people.c.id.label("person_id"),
    people.c.password_hash,
    people.c.password_expires_at_ns,
    people.c.totp_secret,
    people.c.totp_pending,
)


def find_secrets(connection: sa.Connection, person_id: str) -> Secrets | None:
    row = connection.execute(sa.select(*_SECRETS).where(people.c.id == person_id)).one_or_none()
    return None if row is None else Secrets(**row._asdict())


def find_secrets_by_email(connection: sa.Connection, email: str) -> Secrets | None:
    """One query whether somebody has the address or not: a sign-in must not tell by its time."""
    row = connection.execute(sa.select(*_SECRETS).where(people.c.email == email)).one_or_none()
    return None if row is None else Secrets(**row._asdict())


def spend_totp_step(connection: sa.Connection, person_id: str, step: int) -> bool:
    """Use a code up: False when it, or a later one, was used before."""
    last = people.c.totp_last_step
    where = sa.and_(people.c.id == person_id, sa.or_(last.is_(None), last < step))
    return connection.execute(people.update().where(where).values(totp_last_step=step)).rowcount > 0


def replace_recovery_codes(connection: sa.Connection, person_id: str, digests: Iterable[str]) -> None:
    connection.execute(recovery_codes.delete().where(recovery_codes.c.person_id == person_id))
    rows = [{"person_id": person_id, "digest": digest} for digest in digests]
    if rows:
        connection.execute(recovery_codes.insert(), rows)


def spend_recovery_code(connection: sa.Connection, person_id: str, digest: str) -> bool:
    where = sa.and_(recovery_codes.c.person_id == person_id, recovery_codes.c.digest == digest)
    return connection.execute(recovery_codes.delete().where(where)).rowcount > 0


def replace_grants(
    connection: sa.Connection, person_id: str, grants: Iterable[Grant], *, source: str
) -> None:
    """Write the roles of one source anew; those of the other stay."""
    where = sa.and_(person_roles.c.person_id == person_id, person_roles.c.source == source)
    connection.execute(person_roles.delete().where(where))
    rows = [{"person_id": person_id, "org_id": g.org, "role": g.role, "source": source} for g in set(grants)]
    if rows:
        connection.execute(person_roles.insert(), rows)


def read_session_states(connection: sa.Connection) -> dict[str, SessionState]:
    """Of everybody: what the snapshot holds."""
    grants: dict[str, list[Grant]] = {}
    for row in connection.execute(sa.select(person_roles)):
        grants.setdefault(row.person_id, []).append(Grant(org=row.org_id, role=row.role))
    query = sa.select(people.c.id, people.c.session_epoch, people.c.is_disabled)
    return {
        row.id: SessionState(
            epoch=row.session_epoch,
            is_disabled=row.is_disabled,
            principal=PersonPrincipal(person_id=row.id, roles=roles_by_org(tuple(grants.get(row.id, ())))),
        )
        for row in connection.execute(query)
    }


def spend_token(connection: sa.Connection, digest: str, *, until_ns: int, now_ns: int) -> bool:
    """Remember that a token was used or ended; False when it was before. Drops what has run out."""
    connection.execute(spent_tokens.delete().where(spent_tokens.c.until_ns < now_ns))
    return insert_missing(connection, spent_tokens, {"digest": digest, "until_ns": until_ns})


def read_spent_tokens(connection: sa.Connection, now_ns: int) -> frozenset[str]:
    query = sa.select(spent_tokens.c.digest).where(spent_tokens.c.until_ns >= now_ns)
    return frozenset(connection.execute(query).scalars())


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """How often one account or one source failed."""

    failures: int
    not_before_ns: int
    last_at_ns: int


def lock_failures(connection: sa.Connection, subject: str, now_ns: int) -> Failures:
    """The count of `subject`, its row held until the transaction ends."""
    empty = {"subject": subject, "failures": 0, "not_before_ns": 0, "last_at_ns": now_ns}
    columns = sign_in_failures.c.failures, sign_in_failures.c.not_before_ns, sign_in_failures.c.last_at_ns
    query = sa.select(*columns).where(sign_in_failures.c.subject == subject).with_for_update()
    while True:
        insert_missing(connection, sign_in_failures, empty)
        row = connection.execute(query).one_or_none()
        # None: it was there at the INSERT, and another transaction has deleted it since.
        if row is not None:
            return Failures(**row._asdict())


def write_failures(connection: sa.Connection, subject: str, failures: Failures) -> None:
    where = sign_in_failures.c.subject == subject
    connection.execute(sign_in_failures.update().where(where).values(msgspec.structs.asdict(failures)))


def forget_failures(connection: sa.Connection, *, subject: str = "", before_ns: int = 0) -> None:
    """Drop one count, and those whose last failure is older than `before_ns`.

    Rows that another transaction holds are left for the next time: two that wait for each other's would be
    a deadlock.
    """
    where = sa.or_(sign_in_failures.c.subject == subject, sign_in_failures.c.last_at_ns < before_ns)
    free = sa.select(sign_in_failures.c.subject).where(where).with_for_update(skip_locked=True)
    connection.execute(sign_in_failures.delete().where(sign_in_failures.c.subject.in_(free)))
