"""What a key looks like: `naru_`, eight public characters, `_`, and 256 random bits in base 32.

The whole text is digested with SHA-256. That is enough for so many random bits (unlike for passwords), and
only the digest is kept.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Final, NamedTuple

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u
_TO_OURS: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET, "=")
_SECRET_BYTES: Final = 32
_PUBLIC: Final = 8
_LENGTH: Final = 52
"""256 bits at five a character."""
_FORM: Final = re.compile(rf"naru_([{_ALPHABET}]{{{_PUBLIC}}})_([{_ALPHABET}]{{{_LENGTH}}})", re.ASCII)
MAX_KEY_BYTES: Final = 256
"""Nothing longer is a key of any kind, so it is not even digested."""


class ParsedKey(NamedTuple):
    """A text of the form of a key; whether it is one, the keyring knows."""

    prefix: str
    secret: str


def new_secret() -> str:
    """A key's full text, shown once."""
    public = "".join(secrets.choice(_ALPHABET) for _ in range(_PUBLIC))
    random = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().translate(_TO_OURS)
    return f"naru_{public}_{random}"


def parse_key(text: str) -> ParsedKey | None:
    """The parts of a text of the form of a key, else None. Never raises, whatever the text."""
    match = _FORM.fullmatch(text)
    return ParsedKey(f"naru_{match[1]}", match[2]) if match is not None else None


def digest_secret(secret: bytes) -> bytes:
    """What is stored and looked up."""
    return hashlib.sha256(secret).digest()
