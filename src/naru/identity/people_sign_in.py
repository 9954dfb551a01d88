"""Signing in: password, then a code where there is a second factor, then a new password where one is due.

Each step costs the same for a name that exists and one that does not, and each failure counts.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.identity import people_store as store
from naru.identity.passwords import PasswordHasher
from naru.identity.people import Grant, Person, check_name, normalize_email
from naru.identity.people_lockout import Attempt, Lockout
from naru.identity.people_snapshot import PeopleSnapshot
from naru.identity.totp import Sealer, digest_recovery_code, find_totp_step
from naru.kernel.audit import AuditEvent, AuditSink, Outcome
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Forbidden, NaruError, RateLimited, Unauthenticated
from naru.kernel.ids import new_id

Need = Literal["nothing", "code", "new_password"]
_TOTP_DIGITS: Final = 6
FLOW_S: Final = 600
"""How long somebody may take at the identity provider."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sign-in has come; `need` is "nothing" when a session may be made."""

    person_id: str
    epoch: int
    need: Need


class External(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity provider says of somebody, its signature checked."""

    issuer: str
    subject: str
    email: str | None
    is_email_verified: bool
    name: str
    grants: tuple[Grant, ...]
    """Already mapped from groups."""


class SignIn:
    """Opens the door. Every method blocks: call it from a thread."""

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
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._hasher = hasher
        self._sealer = sealer
        self._lockout = lockout
        self._snapshot = snapshot

    def check_password(self, email: str, password: str, *, source: str) -> Step:
        """The first step.

        Raises:
            Unauthenticated: name or password is wrong; one message for both.
            RateLimited: too many failures (`sign_in_locked`).
            Forbidden: the password is right and the account disabled, or a one-time password has run out.
        """
        try:
            account = normalize_email(email)
        except BadRequest:
            # Nobody's address goes the same way as an unknown one; what is not printable no database takes.
            account = ascii(email[:320])
        attempt = self._count(account, source)
        with self._engine.connect() as connection:
            secrets = store.find_secrets_by_email(connection, account)
        is_right = self._hasher.verify(secrets.password_hash if secrets else None, password)
        if not is_right or secrets is None:
            id, reason = (secrets.person_id, "password") if secrets else (None, "unknown_account")
            raise self._fail(id, attempt, reason, code="wrong_sign_in")
        with self._engine.connect() as connection:
            person = store.find_person(connection, secrets.person_id)
        if person is None:
            raise begin_anew()  # deleted a moment ago
        self._refuse_closed(person, secrets, attempt)
        if secrets.password_hash is not None and self._hasher.needs_rehash(secrets.password_hash):
            self._rehash(person.id, password)
        if person.has_totp:
            self._lockout.refund(attempt, is_complete=False)
            return Step(person_id=person.id, epoch=person.session_epoch, need="code")
        return self._pass(person, attempt, method="password")

    def check_code(self, person_id: str, epoch: int, code: str, *, source: str) -> Step:
        """The second step: a code of the app, or a recovery code. Either counts once.

        Args:
            epoch: of the `Step` before; anything that ended sessions since also ends this sign-in.

        Raises:
            Unauthenticated: the code is wrong or was used (`wrong_code`), or the sign-in must begin anew.
            RateLimited: too many failures.
        """
        with self._engine.connect() as connection:
            person = store.find_person(connection, person_id)
            secrets = store.find_secrets(connection, person_id)
        if person is None or secrets is None or secrets.totp_secret is None or person.session_epoch != epoch:
            raise begin_anew()
        attempt = self._count(person.email, source, person)
        self._refuse_closed(person, secrets, attempt)
        digits = "".join(code.split())
        if len(digits) == _TOTP_DIGITS and digits.isdecimal():
            secret = self._sealer.open(secrets.totp_secret, person.id)
            step = find_totp_step(secret, digits, self._clock.now_ns())
            with self._engine.begin() as connection:
                is_right = step is not None and store.spend_totp_step(connection, person.id, step)
            reason, method = "code" if step is None else "code_replayed", "totp"
        else:
            with self._engine.begin() as connection:
                digest = digest_recovery_code(person.id, code[:64])
                is_right = store.spend_recovery_code(connection, person.id, digest)
            reason, method = "recovery_code", "recovery_code"
        if not is_right:
            raise self._fail(person.id, attempt, reason, code="wrong_code")
        return self._pass(person, attempt, method=method)

    def recall(self, step: Step) -> None:
        """Check that a sign-in may still go on from `step`.

        Raises:
            Unauthenticated: sessions were ended since, or the account is gone or disabled.
        """
        with self._engine.connect() as connection:
            person = store.find_person(connection, step.person_id)
        if person is None or person.is_disabled or person.session_epoch != step.epoch:
            raise begin_anew()

    def finish(self, person_id: str, *, method: str) -> Step:
        """The last step after a new password was chosen: the person as they are now."""
        with self._engine.connect() as connection:
            person = store.find_person(connection, person_id)
        if person is None or person.is_disabled:
            raise begin_anew()
        return self._enter(person, method)

    def sign_in_external(self, who: External, *, may_link_email: bool) -> Step:
        """Let in whom an identity provider vouches for; the first time they get an account.

        Roles that came from the provider are written anew each time; local ones stay.

        Raises:
            Forbidden: no role at all (`no_role`), disabled, or the address is another account's.
        """
        try:
            return self._sign_in_external(who, may_link_email=may_link_email)
        except sa.exc.IntegrityError:
            # Two first sign-ins of one person at once: the other made the account.
            return self._sign_in_external(who, may_link_email=may_link_email)

    def _sign_in_external(self, who: External, *, may_link_email: bool) -> Step:
        with self._engine.begin() as connection:
            person = store.find_by_subject(connection, who.issuer, who.subject)
            if person is None:
                person = self._adopt(connection, who, may_link_email=may_link_email)
            before = {g for g in person.grants if g.source == "oidc"}
            after = {Grant(org=g.org, role=g.role, source="oidc") for g in who.grants}
            if before != after:
                store.replace_grants(connection, person.id, after, source="oidc")
                store.raise_version(connection)
            person = store.find_person(connection, person.id)
            assert person is not None
        if before != after:
            added, removed = len(after - before), len(before - after)
            self._record("user.role_change", person.id, "done", actor="naru", added=added, removed=removed)
        if person.is_disabled or not person.grants:
            reason = "disabled" if person.is_disabled else "no_role"
            self._record("user.sign_in", person.id, "denied", method="oidc", reason=reason)
            self._snapshot.refresh()
            raise (
                _disabled()
                if person.is_disabled
                else Forbidden(
                    "None of your groups has a role in Naru. Ask an administrator for one.", code="no_role"
                )
            )
        return self._enter(person, "oidc")

    def spend_flow(self, flow_id: str, until_ns: int) -> None:
        """Use a sign-in flow up: the same answer of an identity provider never counts twice.

        Raises:
            BadRequest: it was used before (`oidc_replayed`).
        """
        digest = hashlib.sha256(f"naru oidc flow\0{flow_id}".encode()).hexdigest()
        with self._engine.begin() as connection:
            is_first = store.spend_token(connection, digest, until_ns=until_ns, now_ns=self._clock.now_ns())
        if not is_first:
            raise BadRequest("This sign-in was used already. Begin anew.", code="oidc_replayed")

    def end_session(self, digest: str, until_ns: int, *, actor: str) -> None:
        """Sign one session out, in every replica."""
        with self._engine.begin() as connection:
            if store.spend_token(connection, digest, until_ns=until_ns, now_ns=self._clock.now_ns()):
                store.raise_version(connection)
        self._snapshot.refresh()
        self._audit.record(AuditEvent(action="user.sign_out", actor=actor, target=""))

    def record_denied(self, *, method: str, reason: str) -> None:
        """Tell the audit log of a refusal where no person is known."""
        self._record("user.sign_in", None, "denied", method=method, reason=reason)

    # Inside -------------------------------------------------------------------------------------------

    def _adopt(self, connection: sa.Connection, who: External, *, may_link_email: bool) -> Person:
        """The account of somebody new: made, or found by a verified address where that is allowed."""
        if who.email is None:
            raise Forbidden(
                "The identity provider does not tell your e-mail address, which is your name here. Ask an "
                "administrator to add the scope `email`.",
                code="oidc_no_email",
            )
        email = normalize_email(who.email)
        known = store.find_by_email(connection, email)
        link = {"oidc_issuer": who.issuer, "oidc_subject": who.subject}
        if known is not None:
            # Another replica may have made this very account since it was looked for by its subject.
            now = store.find_by_subject(connection, who.issuer, who.subject)
            if now is not None:
                return now
            if not (may_link_email and who.is_email_verified and known.oidc_issuer is None):
                raise Forbidden(
                    "There is another account with your e-mail address. Ask an administrator: it can be "
                    "deleted, or linked by `link_verified_email`.",
                    code="email_taken",
                )
            store.update_person(connection, known.id, link)
            self._record("user.link", known.id, "done", actor="naru", method="oidc")
            return known
        if not who.grants:
            raise Forbidden(
                "None of your groups has a role in Naru. Ask an administrator for one.", code="no_role"
            )
        row = {
            "id": new_id("usr"),
            "email": email,
            "name": check_name(who.name[:100]) if who.name.isprintable() else "",
            "must_change_password": False,
            "is_disabled": False,
            "session_epoch": 1,
            "created_at_ns": self._clock.now_ns(),
            **link,
        }
        store.insert_person(connection, row)
        store.raise_version(connection)
        self._record("user.create", str(row["id"]), "done", actor="naru", method="oidc")
        person = store.find_person(connection, str(row["id"]))
        assert person is not None
        return person

    def _count(self, account: str, source: str, person: Person | None = None) -> Attempt:
        try:
            return self._lockout.count(account=account, source=source)
        except RateLimited:
            self._record("user.sign_in", person.id if person else None, "denied", reason="locked")
            raise

    def _fail(self, id: str | None, attempt: Attempt, reason: str, *, code: str) -> NaruError:
        self._record("user.sign_in", id, "denied", reason=reason)
        if attempt.wait_s > 0:
            self._record("user.lock_out", id, "done", actor="naru", wait_s=round(attempt.wait_s))
        if code == "wrong_code":
            return Unauthenticated("This code is wrong, or was used already. Wait for the next.", code=code)
        return Unauthenticated("The e-mail address or the password is wrong.", code=code)

    def _refuse_closed(self, person: Person, secrets: store.Secrets, attempt: Attempt) -> None:
        expires_at_ns = secrets.password_expires_at_ns
        is_expired = expires_at_ns is not None and expires_at_ns <= self._clock.now_ns()
        if not (person.is_disabled or is_expired):
            return
        self._lockout.refund(attempt, is_complete=False)
        reason = "disabled" if person.is_disabled else "one_time_password_expired"
        self._record("user.sign_in", person.id, "denied", reason=reason)
        raise (
            _disabled()
            if person.is_disabled
            else Forbidden(
                "This one-time password has run out. Ask an administrator for a new one.",
                code="one_time_password_expired",
            )
        )

    def _pass(self, person: Person, attempt: Attempt, *, method: str) -> Step:
        self._lockout.refund(attempt, is_complete=True)
        if person.must_change_password:
            return Step(person_id=person.id, epoch=person.session_epoch, need="new_password")
        return self._enter(person, method)

    def _enter(self, person: Person, method: str) -> Step:
        with self._engine.begin() as connection:
            store.update_person(connection, person.id, {"last_sign_in_at_ns": self._clock.now_ns()})
        self._snapshot.refresh()
        self._record("user.sign_in", person.id, "done", method=method)
        return Step(person_id=person.id, epoch=person.session_epoch, need="nothing")

    def _rehash(self, person_id: str, password: str) -> None:
        with self._engine.begin() as connection:
            store.update_person(connection, person_id, {"password_hash": self._hasher.hash(password)})

    def _record(
        self,
        action: str,
        person_id: str | None,
        outcome: Outcome,
        *,
        actor: str | None = None,
        **facts: str | int,
    ) -> None:
        target = f"user:{person_id}" if person_id else ""
        event = AuditEvent(
            action=action, actor=actor or target or "naru", target=target, outcome=outcome, facts=facts
        )
        self._audit.record(event)


def begin_anew() -> Unauthenticated:
    """The sign-in cannot go on from here."""
    return Unauthenticated("This sign-in has run out. Begin anew.", code="sign_in_expired")


def _disabled() -> Forbidden:
    return Forbidden("This account is disabled. Ask an administrator.", code="account_disabled")
