"""Who is at the control plane: an admin key, or a browser that signed in with one.

A session is a signed cookie and nothing on the server, except for the few that were signed out before
their end. A request that changes something counts only when it came from the console's own pages.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer

from naru.kernel.clock import Clock

Scope = MutableMapping[str, Any]

COOKIE: Final = "naru_session"
LIFETIME_S: Final = 12 * 3600
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_REVOKED: Final = 4096
_MAX_SOURCES: Final = 1024
_FREE_FAILURES: Final = 5
_LONGEST_WAIT_S: Final = 60.0


class Sessions:
    """Issues and checks console sessions.

    Args:
        secret: signs the cookies; a new one signs everybody out.
        clock: where "now" comes from.
    """

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._serializer = URLSafeSerializer(
            secret,
            salt="naru.console.session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._clock = clock
        self._revoked: OrderedDict[str, int] = OrderedDict()

    def create(self) -> str:
        """A cookie's value, good for `LIFETIME_S`."""
        until_s = self._clock.now_ns() // 1_000_000_000 + LIFETIME_S
        return str(self._serializer.dumps([secrets.token_urlsafe(12), until_s]))

    def is_valid(self, token: str) -> bool:
        """Whether `token` was issued here, has not run out and was not signed out."""
        return self._find(token) is not None

    def revoke(self, token: str) -> None:
        """Sign out: a copied cookie must not live on. Kept in this process until the session would end."""
        found = self._find(token)
        if found is None:
            return
        session_id, until_s = found
        self._revoked[session_id] = until_s
        now_s = self._clock.now_ns() // 1_000_000_000
        for old, end in list(self._revoked.items()):
            if end > now_s and len(self._revoked) <= _MAX_REVOKED:
                break
            del self._revoked[old]

    def _find(self, token: str) -> tuple[str, int] | None:
        try:
            session_id, until_s = self._serializer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        if until_s * 1_000_000_000 <= self._clock.now_ns() or session_id in self._revoked:
            return None
        return session_id, until_s


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
