"""Signs packs and evidence with a key of the project's own (Ed25519), so that a changed byte shows."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from naru.kernel.errors import BadRequest


class Signer:
    """A private key; `public` is what checks it, in base64."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = base64.b64encode(raw).decode()

    def sign(self, message: bytes) -> str:
        """The signature, in base64."""
        return base64.b64encode(self._key.sign(message)).decode()


def ensure_signer(path: Path) -> Signer:
    """Read the key, or make one in a new file that only its owner may read."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Signer(key)
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise BadRequest(f"{path} holds no signing key; put it back from a backup")
    return Signer(found)


def is_signed(message: bytes, signature: str, public: str) -> bool:
    """Whether this key signed this message; False for anything that is no key or signature at all."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True
