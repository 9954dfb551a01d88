"""Who is at the control plane: an admin key, or a browser that signed in as a person or with that key.

A session is a signed cookie; a person's also counts only while the directory says so, and one that was
signed out is known everywhere. A change counts only when it came from the console's own pages.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer

from naru.identity.people import PersonPrincipal, Role
from naru.identity.people_sign_in import Need, Step
from naru.identity.people_snapshot import PeopleSnapshot
from naru.kernel.clock import Clock

Scope = MutableMapping[str, Any]

COOKIE: Final = "naru_session"
PENDING_COOKIE: Final = "naru_pending"
LIFETIME_S: Final = 12 * 3600
PENDING_S: Final = 600
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NS: Final = 1_000_000_000
_MAX_REVOKED: Final = 4096
_MAX_ORGS_IN_COOKIE: Final = 20
_UNHEARD_S: Final = 5
_MAX_SOURCES: Final = 1024
_FREE_FAILURES: Final = 5
_LONGEST_WAIT_S: Final = 60.0


def _serializer(secret: bytes, salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret, salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )


def digest_session(session_id: str) -> str:
    """How a session that was signed out is named in the database."""
    return hashlib.sha256(f"naru session\0{session_id}".encode()).hexdigest()


class Sessions:
    """Issues and checks sessions that were opened by the admin key.

    Args:
        secret: signs the cookies; a new one signs everybody out.
        clock: where "now" comes from.
        is_spent: whether the session with this digest was signed out, in whichever replica.
    """

    def __init__(
        self, secret: bytes, clock: Clock, is_spent: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._serializer = _serializer(secret, "naru.console.session")
        self._clock = clock
        self._is_spent = is_spent
        self._revoked: OrderedDict[str, int] = OrderedDict()

    def create(self) -> str:
        """A cookie's value, good for `LIFETIME_S`."""
        until_s = self._clock.now_ns() // 1_000_000_000 + LIFETIME_S
        return str(self._serializer.dumps([secrets.token_urlsafe(12), until_s]))

    def is_valid(self, token: str) -> bool:
        """Whether `token` was issued here, has not run out and was not signed out."""
        return self._find(token) is not None

    def revoke(self, token: str) -> tuple[str, int] | None:
        """Sign out: a copied cookie must not live on. Kept in this process until the session would end.

        Returns:
            Digest and end (nanoseconds), for the other replicas to know; None when it is no session.
        """
        found = self._find(token)
        if found is None:
            return None
        session_id, until_s = found
        self._revoked[session_id] = until_s
        now_s = self._clock.now_ns() // 1_000_000_000
        for old, end in list(self._revoked.items()):
            if end > now_s and len(self._revoked) <= _MAX_REVOKED:
                break
            del self._revoked[old]
        return digest_session(session_id), until_s * _NS

    def _find(self, token: str) -> tuple[str, int] | None:
        try:
            session_id, until_s = self._serializer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        if until_s * _NS <= self._clock.now_ns() or session_id in self._revoked:
            return None
        return None if self._is_spent(digest_session(session_id)) else (session_id, until_s)


@dataclass(frozen=True, slots=True)
class PersonSession:
    """What a person's cookie says; signed, and checked against the directory."""

    id: str
    until_s: int
    issued_s: int
    person_id: str
    epoch: int
    method: str
    version: int
    """How much the replica that made it had heard of."""
    roles: dict[str, list[Role]]

    @property
    def ended(self) -> tuple[str, int]:
        """Digest and end (nanoseconds), for every replica to know when it is signed out."""
        return digest_session(self.id), self.until_s * _NS


class PersonSessions:
    """Issues and checks sessions of people. They end when the person is disabled, signed out everywhere or
    given a new password: within two seconds in every replica.

    Args:
        secret: signs the cookies.
        snapshot: what the directory knows of people.
    """

    def __init__(self, secret: bytes, clock: Clock, snapshot: PeopleSnapshot) -> None:
        self._serializer = _serializer(secret, "naru.person.session")
        self._pending = _serializer(secret, "naru.person.pending")
        self._clock = clock
        self._snapshot = snapshot

    def create(self, step: Step, method: str) -> str:
        """A cookie's value for somebody whose sign-in is complete.

        It carries the roles of this moment for the replicas that learn of them a second later.
        """
        assert step.need == "nothing"
        now_s = self._now_s()
        state = self._snapshot.find(step.person_id)
        roles = {} if state is None else {o: sorted(r) for o, r in state.principal.roles.items()}
        session = [
            secrets.token_urlsafe(12),
            now_s + LIFETIME_S,
            now_s,
            step.person_id,
            step.epoch,
            method,
            self._snapshot.version,
            roles if len(roles) <= _MAX_ORGS_IN_COOKIE else {},
        ]
        return str(self._serializer.dumps(session))

    def find(self, token: str) -> PersonSession | None:
        """What `token` says, when it was issued here, has not run out and was not signed out."""
        try:
            session = PersonSession(*self._serializer.loads(token))
        except (BadSignature, ValueError, TypeError):
            return None
        if session.until_s <= self._now_s() or self._snapshot.is_spent(digest_session(session.id)):
            return None
        return session

    def find_principal_of_session(self, token: str) -> PersonPrincipal | None:
        """Who stands behind `token`, with the roles they have now; None when nobody does. Never blocks."""
        session = self.find(token)
        if session is None or self._snapshot.is_stale:
            return None
        state = self._snapshot.find(session.person_id)
        if state is not None and state.epoch == session.epoch:
            return None if state.is_disabled else state.principal
        is_unheard = self._snapshot.version < session.version and (
            state is None or state.epoch < session.epoch
        )
        if not is_unheard or self._now_s() - session.issued_s > _UNHEARD_S:
            return None
        # Another replica signed them in a moment ago, and this one has not yet heard of what changed then.
        roles = {org: frozenset(held) for org, held in session.roles.items()}
        return PersonPrincipal(person_id=session.person_id, roles=roles)

    def create_pending(self, step: Step, next: str, method: str, email: str) -> str:
        """A cookie's value for a sign-in that waits for its next step.

        Args:
            email: as it was typed, for the browser's password manager.
        """
        until_s = self._now_s() + PENDING_S
        return str(self._pending.dumps([step.person_id, step.epoch, step.need, until_s, next, method, email]))

    def find_pending(self, token: str) -> Pending | None:
        """The sign-in that waits, or None."""
        try:
            person_id, epoch, need, until_s, next, method, email = self._pending.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        if until_s <= self._now_s():
            return None
        return Pending(Step(person_id=person_id, epoch=epoch, need=need), next, method, email)

    def _now_s(self) -> int:
        return self._clock.now_ns() // _NS


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in between two steps."""

    step: Step
    next: str
    method: str
    email: str

    @property
    def need(self) -> Need:
        return self.step.need


@dataclass(slots=True)
class _Source:
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class GuessLimiter:
    """Slows down whoever sends wrong keys: after a few, each further one doubles the wait. Bounded."""

    clock: Clock
    _sources: OrderedDict[str, _Source] = field(default_factory=OrderedDict)

    def read_wait_s(self, source: str) -> float:
        """Seconds until `source` may try again; 0 when it may now."""
        known = self._sources.get(source)
        return max(0.0, known.not_before - self.clock.monotonic()) if known else 0.0

    def record_failure(self, source: str) -> None:
        known = self._sources.setdefault(source, _Source())
        self._sources.move_to_end(source)
        known.failures += 1
        if known.failures >= _FREE_FAILURES:
            wait_s = min(_LONGEST_WAIT_S, 2.0 ** (known.failures - _FREE_FAILURES))
            known.not_before = self.clock.monotonic() + wait_s
        while len(self._sources) > _MAX_SOURCES:
            self._sources.popitem(last=False)

    def record_success(self, source: str) -> None:
        self._sources.pop(source, None)


def read_header(scope: Scope, name: bytes) -> str | None:
    """The first header called `name` (lower case), or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None


def read_cookie(scope: Scope) -> str:
    """The session cookie's value, or an empty string."""
    try:
        morsel = SimpleCookie(read_header(scope, b"cookie") or "").get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def is_over_tls(scope: Scope, address: str) -> bool:
    """Whether the browser came by https, so that its cookies may be `Secure`.

    Behind a proxy that ends TLS the request itself says http. A browser names its own scheme in the Origin of
    what it posts; forwarded headers are not asked, for any client can send them.

    Args:
        address: this server's, as it was set or else as the request says it.
    """
    return address.startswith("https://") or (read_header(scope, b"origin") or "").startswith("https://")


def is_same_origin(scope: Scope) -> bool:
    """Whether a page of this very server sent the request.

    Browsers send Sec-Fetch-Site where the address is https or local, and Origin on every unsafe request;
    neither can be set by a page's script. The scheme is not compared: TLS often ends at a proxy.
    """
    site = read_header(scope, b"sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin, host = read_header(scope, b"origin"), read_header(scope, b"host")
    if not origin or not host:
        return False
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
