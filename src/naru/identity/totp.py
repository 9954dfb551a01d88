"""One-time codes (RFC 6238) and recovery codes, and how their secrets rest in the database.

A secret at rest is sealed with a key derived from HOME/session.key: the database alone opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from typing import Final

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from naru.kernel.errors import Unavailable

STEP_S: Final = 30
_WINDOW: Final = 1
"""Steps before and after now that still count: clocks of phones are off by some seconds."""
RECOVERY_CODES: Final = 10
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32
_VERSION: Final = "v1."
_NONCE_BYTES: Final = 12


class Sealer:
    """Seals small texts with AES-256-GCM; one key a purpose, derived by HKDF-SHA-256.

    Args:
        secret: the bytes of HOME/session.key, the same in every replica.
        purpose: keeps what is sealed for one thing from being opened as another.
    """

    def __init__(self, secret: bytes, purpose: str) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=f"naru {purpose} v1".encode()).derive(secret)
        self._cipher = AESGCM(key)

    def seal(self, text: str, owner: str) -> str:
        """`text` for storage, bound to `owner`: moved to another row it does not open."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def find(self, sealed: str, owner: str) -> str | None:
        """What was sealed, or None when it was not sealed here for `owner`."""
        if not sealed.startswith(_VERSION):
            return None
        text = sealed.removeprefix(_VERSION)
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError):
            return None

    def open(self, sealed: str, owner: str) -> str:
        """As `find`.

        Raises:
            Unavailable: session.key is not the one it was sealed with.
        """
        text = self.find(sealed, owner)
        if text is None:
            raise Unavailable(
                "The second factor cannot be read: session.key in Naru's home folder is not the one it was "
                "sealed with. Put the old file back, or have an administrator remove the second factor.",
                code="totp_unreadable",
            )
        return text


def new_totp_secret() -> str:
    """160 random bits in base 32, as authenticator apps take them."""
    return pyotp.random_base32(32)


def totp_uri(secret: str, account: str, issuer: str = "Naru") -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def find_totp_step(secret: str, code: str, now_ns: int) -> int | None:
    """The time step whose code this is, or None. Every step of the window is computed and compared."""
    given = "".join(code.split()).encode()
    step = now_ns // 1_000_000_000 // STEP_S
    totp = pyotp.TOTP(secret)
    found = None
    for candidate in range(max(0, step - _WINDOW), step + _WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(candidate).encode(), given):
            found = candidate
    return found


def new_recovery_codes() -> list[str]:
    """Codes for the day the phone is lost: 80 random bits each, used once."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
        for _ in range(RECOVERY_CODES)
    ]


def digest_recovery_code(person_id: str, code: str) -> str:
    """What is stored of a code. 80 random bits cannot be guessed back, so a fast hash is enough."""
    plain = "".join(c for c in code.upper() if c.isalnum()).translate(str.maketrans("OIL", "011"))
    return hashlib.sha256(f"naru recovery v1\0{person_id}\0{plain}".encode()).hexdigest()
