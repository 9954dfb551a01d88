"""People and their roles: made, changed and ended. Every act is told to the audit log by ids alone.

Who may do what to whom is decided here for people (nobody gives a role they could not hold sway over);
which routes a role opens is decided at the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.identity import people_store as store
from naru.identity.passwords import PasswordHasher, check_password_rules, new_one_time_password
from naru.identity.people import (
    ADMIN_KEY,
    EVERY_ORG,
    ROLES,
    Grant,
    Person,
    PersonPrincipal,
    check_name,
    normalize_email,
)
from naru.identity.people_lockout import Lockout
from naru.identity.people_snapshot import PeopleSnapshot
from naru.identity.permissions import decide, find_orgs
from naru.identity.totp import (
    Sealer,
    digest_recovery_code,
    find_totp_step,
    new_recovery_codes,
    new_totp_secret,
    totp_uri,
)
from naru.kernel.audit import AuditEvent, AuditSink, Outcome
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Forbidden, NotFound
from naru.kernel.ids import new_id

_NS: Final = 1_000_000_000
ONE_TIME_PASSWORD_NS: Final = 72 * 3600 * _NS
"""How long a password that an administrator handed over opens the door."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A person, and what is shown once."""

    person: Person
    is_new: bool
    one_time_password: str | None


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator app needs; shown until it is confirmed."""

    secret: str
    uri: str


class People:
    """The book of people. Every method blocks: call it from a thread.

    Args:
        find_org: the id of an organisation named by id or name, or None; `*` never reaches it.
    """

    def __init__(
        self,
        engine: SqlEngine,
        *,
        clock: Clock,
        audit: AuditSink,
        hasher: PasswordHasher,
        sealer: Sealer,
        lockout: Lockout,
        snapshot: PeopleSnapshot,
        find_org: Callable[[str], str | None] = lambda org: org,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._hasher = hasher
        self._sealer = sealer
        self._lockout = lockout
        self._snapshot = snapshot
        self._find_org = find_org

    # Reading ------------------------------------------------------------------------------------------

    def list_people(self, actor: PersonPrincipal, *, limit: int = 200, after: str = "") -> list[Person]:
        """People by address, those with a role where `actor` may see people; `after` is the last address."""
        if not after.isprintable():
            raise BadRequest("`after` is the last address of the page before.", param="after")
        orgs = find_orgs(actor, "people.read")
        with self._engine.connect() as connection:
            return store.list_people(connection, orgs=orgs, limit=limit, after=after)

    def has_people(self) -> bool:
        """Whether anybody can sign in by a name."""
        with self._engine.connect() as connection:
            return store.count_people(connection) > 0

    def read_person(self, id: str, actor: PersonPrincipal) -> Person:
        """One person, as `actor` may see them (themselves always).

        Raises:
            NotFound: nobody has this id, or they are not for `actor` to know.
        """
        with self._engine.connect() as connection:
            person = store.find_person(connection, id)
        if person is None or not (actor.person_id == id or _may_see(actor, person)):
            raise _nobody()
        return person

    def resolve_person(self, name: str, actor: PersonPrincipal) -> Person:
        """A person by id or address."""
        if "@" not in name:
            return self.read_person(name, actor)
        with self._engine.connect() as connection:
            person = store.find_by_email(connection, normalize_email(name))
        if person is None or not _may_see(actor, person):
            raise _nobody()
        return person

    # Administering ------------------------------------------------------------------------------------

    def create_person(
        self,
        actor: PersonPrincipal,
        *,
        email: str,
        name: str = "",
        grants: Sequence[Grant] = (),
        with_password: bool = True,
    ) -> Created:
        """Make an account with a one-time password, which its owner must change within three days.

        Whoever has the address already stays as they are: `is_new` is False, and no password is shown.
        """
        email, name = normalize_email(email), check_name(name)
        grants = self._check_grants(actor, grants)
        if not grants and not _is_admin_everywhere(actor):
            raise BadRequest("Give at least one role, in an organisation that you administer.", param="roles")
        password = new_one_time_password() if with_password else None
        password_hash = self._hasher.hash(password) if password else None
        now_ns, id = self._clock.now_ns(), new_id("usr")
        with self._engine.begin() as connection:
            known = store.find_by_email(connection, email)
            if known is None:
                row = {
                    "id": id,
                    "email": email,
                    "name": name,
                    "password_hash": password_hash,
                    "must_change_password": with_password,
                    "password_expires_at_ns": now_ns + ONE_TIME_PASSWORD_NS if with_password else None,
                    "is_disabled": False,
                    "session_epoch": 1,
                    "created_at_ns": now_ns,
                }
                try:
                    with connection.begin_nested():
                        store.insert_person(connection, row)
                except sa.exc.IntegrityError:
                    known = store.find_by_email(connection, email)  # another replica was quicker
                else:
                    store.replace_grants(connection, id, grants, source="local")
                    store.raise_version(connection)
            found = known or store.find_person(connection, id)
        assert found is not None
        if known is not None:
            if not _may_see(actor, known):
                raise Forbidden(
                    "This address belongs to somebody of another organisation. Ask an administrator of all "
                    "organisations to give them a role in yours.",
                    code="person_elsewhere",
                )
            return Created(person=found, is_new=False, one_time_password=None)
        self._changed(actor, "user.create", id, roles=_written(found.grants))
        return Created(person=found, is_new=True, one_time_password=password)

    def update_person(
        self, actor: PersonPrincipal, id: str, *, name: str | None = None, is_disabled: bool | None = None
    ) -> Person:
        """Rename, disable or enable. Disabling ends every session within two seconds, everywhere."""
        with self._engine.begin() as connection:
            person = self._hold(connection, actor, id)
            if is_disabled and actor.person_id == id:
                raise BadRequest("Nobody disables themselves; ask another admin.", param="is_disabled")
            renamed = name is not None and check_name(name) != person.name
            switched = is_disabled is not None and is_disabled != person.is_disabled
            if renamed:
                store.update_person(connection, id, {"name": check_name(name or "")})
            if switched:
                store.update_person(connection, id, {"is_disabled": is_disabled})
                store.raise_epoch(connection, id)
        if renamed:
            self._changed(actor, "user.update", id, fields="name")
        if switched:
            self._changed(actor, "user.disable" if is_disabled else "user.enable", id)
        return self.read_person(id, actor)

    def replace_roles(self, actor: PersonPrincipal, id: str, grants: Sequence[Grant]) -> Person:
        """Write the local roles anew; roles that the identity provider gave stay its own.

        An administrator of some organisations writes those of their own; roles elsewhere stay.
        """
        wanted = set(self._check_grants(actor, grants))
        with self._engine.begin() as connection:
            person = self._hold(connection, actor, id, for_roles=True)
            local = {g for g in person.grants if g.source == "local"}
            wanted |= {g for g in local if not _administers(actor, g.org)}
            if wanted != local:
                store.replace_grants(connection, id, wanted, source="local")
                store.raise_version(connection)
        if wanted != local:
            added, removed = _written(wanted - local), _written(local - wanted)
            self._changed(actor, "user.role_change", id, added=added, removed=removed)
        return self.read_person(id, ADMIN_KEY)

    def reset_password(self, actor: PersonPrincipal, id: str) -> str:
        """A one-time password instead of the old one; every session ends, and a lock-out is lifted."""
        password = new_one_time_password()
        hashed = self._hasher.hash(password)
        with self._engine.begin() as connection:
            person = self._hold(connection, actor, id)
            values = {
                "password_hash": hashed,
                "must_change_password": True,
                "password_expires_at_ns": self._clock.now_ns() + ONE_TIME_PASSWORD_NS,
            }
            store.update_person(connection, id, values)
            store.raise_epoch(connection, id)
        self._lockout.forgive(person.email)
        self._changed(actor, "user.password_reset", id)
        return password

    def remove_totp(self, actor: PersonPrincipal, id: str) -> Person:
        """Take the second factor off, for who lost it; every session ends."""
        with self._engine.begin() as connection:
            person = self._hold(connection, actor, id)
            if person.has_totp:
                self._drop_totp(connection, id)
                store.raise_epoch(connection, id)
        if person.has_totp:
            self._changed(actor, "user.totp_remove", id)
        return self.read_person(id, actor)

    def end_sessions(self, actor: PersonPrincipal, id: str) -> None:
        """Sign a person out everywhere, within two seconds in every replica."""
        with self._engine.begin() as connection:
            if actor.person_id != id:
                self._hold(connection, actor, id)
            store.raise_epoch(connection, id)
        self._changed(actor, "user.sessions_end", id)

    def delete_person(self, actor: PersonPrincipal, id: str) -> None:
        """Remove an account. What it did stays in the audit log under its id."""
        if actor.person_id == id:
            raise BadRequest("Nobody deletes themselves; ask another administrator.")
        with self._engine.begin() as connection:
            self._hold(connection, actor, id)
            store.delete_person(connection, id)
            store.raise_version(connection)
        self._changed(actor, "user.delete", id)

    # One's own account --------------------------------------------------------------------------------

    def change_password(self, id: str, *, old: str, new: str, source: str) -> Person:
        """Change one's own password; every other session ends, the caller makes a new one for itself.

        Raises:
            Forbidden: the old password is wrong (`wrong_password`). It counts towards the lock-out.
        """
        person, secrets = self._own(id)
        self._confirm_password(person, secrets, old, source)
        return self.write_password(id, new, reason="change")

    def write_password(self, id: str, new: str, *, reason: str) -> Person:
        """Store a password that its owner chose. Whoever calls has checked that it is the owner."""
        person, secrets = self._own(id)
        check_password_rules(new, names=(person.email, person.name))
        if secrets.password_hash is not None and self._hasher.verify(secrets.password_hash, new):
            raise BadRequest(
                "This is the old password. Take another.", code="weak_password", param="password"
            )
        hashed = self._hasher.hash(new)
        with self._engine.begin() as connection:
            values = {"password_hash": hashed, "must_change_password": False, "password_expires_at_ns": None}
            store.update_person(connection, id, values)
            store.raise_epoch(connection, id)
        self._changed(_self(id), "user.password_change", id, reason=reason)
        return self._own(id)[0]

    def begin_totp(self, id: str) -> Enrolment:
        """A secret for an authenticator app; the same again until it is confirmed.

        Raises:
            BadRequest: there is a second factor already (`totp_exists`).
        """
        with self._engine.begin() as connection:
            person = store.find_person(connection, id, for_update=True)
            secrets = store.find_secrets(connection, id)
            if person is None or secrets is None:
                raise _nobody()
            if person.has_totp:
                raise BadRequest(
                    "There is a second factor already; remove it before setting up another.",
                    code="totp_exists",
                )
            secret = self._sealer.find(secrets.totp_pending or "", id)
            if secret is None:
                secret = new_totp_secret()
                store.update_person(connection, id, {"totp_pending": self._sealer.seal(secret, id)})
        return Enrolment(secret=secret, uri=totp_uri(secret, person.email))

    def confirm_totp(self, id: str, code: str, *, password: str, source: str) -> tuple[Person, list[str]]:
        """Switch the second factor on with the first code; gives the recovery codes, shown once.

        The password is asked once more, so that a borrowed session cannot lock its owner out. Every other
        session ends, so that one opened by a stolen password does not outlive this.

        Raises:
            BadRequest: the code does not fit (`wrong_code`), or nothing was begun.
            Forbidden: the password is wrong.
        """
        self._confirm_password(*self._own(id), password, source)
        codes = new_recovery_codes()
        with self._engine.begin() as connection:
            person = store.find_person(connection, id, for_update=True)
            secrets = store.find_secrets(connection, id)
            if person is None or secrets is None or secrets.totp_pending is None:
                raise BadRequest("Nothing was begun: show the QR code first.", code="totp_not_begun")
            secret = self._sealer.open(secrets.totp_pending, id)
            step = find_totp_step(secret, code, self._clock.now_ns())
            if step is None:
                raise BadRequest(
                    "This code does not fit. Check that the phone's clock is right, and take a fresh code.",
                    code="wrong_code",
                    param="code",
                )
            values = {"totp_secret": secrets.totp_pending, "totp_pending": None, "totp_last_step": step}
            store.update_person(connection, id, values)
            store.replace_recovery_codes(connection, id, [digest_recovery_code(id, c) for c in codes])
            store.raise_epoch(connection, id)
        self._changed(_self(id), "user.totp_enable", id)
        return self._own(id)[0], codes

    def remove_own_totp(self, id: str, *, password: str, source: str) -> Person:
        """Take one's own second factor off, the password given once more."""
        person, secrets = self._own(id)
        self._confirm_password(person, secrets, password, source)
        with self._engine.begin() as connection:
            self._drop_totp(connection, id)
            store.raise_epoch(connection, id)
        self._changed(_self(id), "user.totp_remove", id)
        return self._own(id)[0]

    def renew_recovery_codes(self, id: str, *, password: str, source: str) -> list[str]:
        """New recovery codes instead of the old ones, the password given once more."""
        person, secrets = self._own(id)
        if not person.has_totp:
            raise BadRequest("Set a second factor up first; the codes belong to it.", code="totp_absent")
        self._confirm_password(person, secrets, password, source)
        codes = new_recovery_codes()
        with self._engine.begin() as connection:
            store.replace_recovery_codes(connection, id, [digest_recovery_code(id, c) for c in codes])
        self._changed(_self(id), "user.recovery_codes", id)
        return codes

    # Inside -------------------------------------------------------------------------------------------

    def _own(self, id: str) -> tuple[Person, store.Secrets]:
        with self._engine.connect() as connection:
            person, secrets = store.find_person(connection, id), store.find_secrets(connection, id)
        if person is None or secrets is None:
            raise _nobody()
        return person, secrets

    def _confirm_password(self, person: Person, secrets: store.Secrets, given: str, source: str) -> None:
        attempt = self._lockout.count(account=person.email, source=source)
        if not self._hasher.verify(secrets.password_hash, given):
            self._changed(_self(person.id), "user.confirm", person.id, outcome="denied", reason="password")
            raise Forbidden("The present password is wrong.", code="wrong_password", param="password")
        self._lockout.refund(attempt, is_complete=False)

    def _drop_totp(self, connection: sa.Connection, id: str) -> None:
        values = {"totp_secret": None, "totp_pending": None}
        store.update_person(connection, id, values)
        store.replace_recovery_codes(connection, id, [])

    def _hold(
        self, connection: sa.Connection, actor: PersonPrincipal, id: str, *, for_roles: bool = False
    ) -> Person:
        """The person, their row held, when `actor` may change them."""
        person = store.find_person(connection, id, for_update=True)
        if person is None or not _may_see(actor, person):
            raise _nobody()
        if not for_roles and not _may_manage(actor, person):
            raise Forbidden(
                "This person also has a role in an organisation that you do not administer, so only an "
                "administrator of all organisations may change the account itself.",
                code="person_elsewhere",
            )
        return person

    def _check_grants(self, actor: PersonPrincipal, grants: Iterable[Grant]) -> tuple[Grant, ...]:
        checked = []
        for grant in grants:
            if grant.role not in ROLES:
                raise BadRequest(f"A role is one of {', '.join(ROLES)}.", param="roles")
            org = EVERY_ORG if grant.org == EVERY_ORG else self._find_org(grant.org)
            # Whose organisation it is not is told the same as if it did not exist.
            if org is None or not (org == EVERY_ORG or _administers(actor, org)):
                raise NotFound("There is no such organisation, or it is not yours to give roles in.")
            if org == EVERY_ORG and not _is_admin_everywhere(actor):
                raise Forbidden(
                    "Only an administrator of all organisations gives a role in all of them.",
                    code="role_too_wide",
                )
            checked.append(Grant(org=org, role=grant.role))
        return tuple(sorted(set(checked)))

    def _changed(
        self, actor: PersonPrincipal, action: str, id: str, *, outcome: Outcome = "done", **facts: str
    ) -> None:
        self._snapshot.refresh()
        self._audit.record(
            AuditEvent(action=action, actor=actor.actor, target=f"user:{id}", outcome=outcome, facts=facts)
        )


def _self(id: str) -> PersonPrincipal:
    return PersonPrincipal(person_id=id, roles={})


def _is_admin_everywhere(actor: PersonPrincipal) -> bool:
    return decide(actor, "people.write")


def _administers(actor: PersonPrincipal, org: str) -> bool:
    # `*` as an organisation asks for the role in every one: being admin of one does not do.
    return decide(actor, "people.write", org)


def _may_see(actor: PersonPrincipal, person: Person) -> bool:
    return decide(actor, "people.read") or any(decide(actor, "people.read", g.org) for g in person.grants)


def _may_manage(actor: PersonPrincipal, person: Person) -> bool:
    return _is_admin_everywhere(actor) or all(_administers(actor, g.org) for g in person.grants)


def _written(grants: Iterable[Grant]) -> str:
    return " ".join(f"{g.org}:{g.role}" for g in sorted(grants))


def _nobody() -> NotFound:
    return NotFound("There is nobody with this id, or they are not yours to see.", code="person_not_found")
