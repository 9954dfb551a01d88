"""The keys that open Naru: looked up by digest, so that time tells nothing and memory holds no secret.

Today the one key is the admin key, made at the first start and kept in `HOME/admin.key` (mode 0600).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from naru.identity.principal import Principal
from naru.kernel.errors import ConfigError, Unauthenticated

_PREFIX = "naru_admin_"
_MIN_LENGTH = 24


def ensure_admin_key(home: Path) -> str:
    """The admin key of `home`, made with 256 random bits when there is none yet.

    Raises:
        ConfigError: the file exists and is empty or too short to be a key.
    """
    path = home / "admin.key"
    try:
        # O_EXCL: two starts at once must not each believe in a key of their own.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_text(encoding="utf-8").strip()
        if len(key) < _MIN_LENGTH:
            raise ConfigError(
                f"holds no usable key ({_MIN_LENGTH} characters at least). Delete the file and start again "
                "to get a new one.",
                path=str(path),
                line=1,
            ) from None
        return key
    key = _PREFIX + secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key + "\n")
    return key


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


class Keyring:
    """All valid keys by SHA-256. Keys are long and random, so a fast hash is enough (unlike passwords)."""

    def __init__(self, admin_key: str) -> None:
        self._principals = {_digest(admin_key.encode()): Principal(key_id="admin", is_admin=True)}

    def find(self, secret: bytes) -> Principal | None:
        """The principal of a key, or None. Comparing digests leaks nothing about the key."""
        return self._principals.get(_digest(secret))

    def resolve(self, secret: bytes | None) -> Principal:
        """As `find`, or raises Unauthenticated saying how to send a key."""
        if not secret:
            raise Unauthenticated(
                "No API key was sent. Send it as `Authorization: Bearer KEY` or `x-api-key: KEY`.",
                code="missing_api_key",
            )
        principal = self.find(secret)
        if principal is None:
            raise Unauthenticated(
                "This API key is not valid. Check it, or ask an administrator for a new one."
            )
        return principal
