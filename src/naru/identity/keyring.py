"""The keys that open Naru, in memory: looked up by digest, so that time tells nothing and memory holds no
secret. `KeyWatch` keeps it like the database; a lookup is one read of a dict and never waits.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from naru.identity.principal import Principal
from naru.identity.secret import MAX_KEY_BYTES, digest_secret
from naru.kernel.clock import Clock, SystemClock
from naru.kernel.errors import ConfigError, Unauthenticated, Unavailable
from naru.settings.secretfile import ensure_secret

_PREFIX = "naru_admin_"
_MIN_LENGTH = 24
STALE_S: Final = 300.0
"""A replica that could not ask the database for so long no longer believes what it knows: it may have missed
a revocation. The admin key lies in a file and still opens."""


def ensure_admin_key(home: Path) -> str:
    """The admin key of `home`, made with 256 random bits when there is none yet.

    Raises:
        ConfigError: the file is empty or too short to be a key, or cannot be made.
    """
    path = home / "admin.key"
    text = ensure_secret(path, _new_admin_key)
    key = text.decode("utf-8", "replace").strip()
    if len(key) < _MIN_LENGTH:
        raise ConfigError(
            f"holds no usable key ({_MIN_LENGTH} characters at least). Delete the file and start again "
            "to get a new one.",
            path=str(path),
            line=1,
        )
    return key


def _new_admin_key() -> bytes:
    return f"{_PREFIX}{secrets.token_urlsafe(32)}\n".encode()


class Entry(NamedTuple):
    """What one secret opens."""

    principal: Principal
    not_after_ns: int | None
    is_enabled: bool


class Keyring:
    """All valid keys by SHA-256. Written by one thread at a time, read by any.

    Args:
        admin_key: opens everything, and has no place in the database.
        clock: says what has expired.
    """

    def __init__(self, admin_key: str, clock: Clock | None = None) -> None:
        admin = Principal(key_id="admin", is_admin=True)
        self._admin = {digest_secret(admin_key.encode()): Entry(admin, None, True)}
        self._clock = clock or SystemClock()
        self._entries: dict[bytes, Entry] = self._admin
        self._digests: dict[str, tuple[bytes, ...]] = {}
        self._used: dict[str, int] = {}
        self._read_at: float | None = None

    def find(self, secret: bytes) -> Principal | None:
        """The principal of a key that opens now, or None. Comparing digests leaks nothing about the key."""
        entry = self._find(secret)
        if entry is None or not entry.is_enabled or self._is_over(entry):
            return None
        return entry.principal

    def resolve(self, secret: bytes | None) -> Principal:
        """As `find`, or raises Unauthenticated saying how to send a key, or what became of this one."""
        if not secret:
            raise Unauthenticated(
                "No API key was sent. Send it as `Authorization: Bearer KEY` or `x-api-key: KEY`.",
                code="missing_api_key",
            )
        entry = self._find(secret)
        if entry is None:
            raise Unauthenticated(
                "This API key is not valid. Check it, or ask an administrator for a new one."
            )
        principal = entry.principal
        if principal.is_admin:
            return principal
        if self._is_over(entry):
            raise Unauthenticated(
                "This API key has expired. Ask an administrator for a new one.", code="expired_api_key"
            )
        if not entry.is_enabled:
            raise Unauthenticated(
                "This API key, or the project, team or organisation it belongs to, is switched off. "
                "Ask an administrator to switch it on again.",
                code="disabled_api_key",
            )
        if self._read_at is not None and self._clock.monotonic() - self._read_at > STALE_S:
            raise Unavailable(
                "Keys cannot be checked: the database has not answered for some minutes. Try again later.",
                code="keys_unreadable",
                retry_after_s=5,
            )
        self._used[principal.key_id] = self._clock.now_ns()
        return principal

    def replace(self, entries: Mapping[str, Mapping[bytes, Entry]]) -> None:
        """Know these keys, by their ids, and no others."""
        self._digests = {id: tuple(own) for id, own in entries.items()}
        known = dict(self._admin)
        for own in entries.values():
            known.update(own)
        self._entries = known

    def update(self, entries: Mapping[str, Mapping[bytes, Entry]]) -> None:
        """Know these keys anew; one without entries is forgotten."""
        known = dict(self._entries)
        for id, own in entries.items():
            for digest in self._digests.pop(id, ()):
                known.pop(digest, None)
            if own:
                self._digests[id] = tuple(own)
                known.update(own)
        self._entries = known  # in one step: no lookup sees half of a change

    def confirm(self, asked_at: float) -> None:
        """What is known here was true at `asked_at`, of the monotonic clock."""
        self._read_at = asked_at

    def take_used(self) -> dict[str, int]:
        """Ids of the keys used since the last time this was asked, each with its last time."""
        used, self._used = self._used, {}
        return used

    def _find(self, secret: bytes) -> Entry | None:
        return self._entries.get(digest_secret(secret)) if len(secret) <= MAX_KEY_BYTES else None

    def _is_over(self, entry: Entry) -> bool:
        return entry.not_after_ns is not None and entry.not_after_ns <= self._clock.now_ns()
