"""The private key on disk: PEM (PKCS #8), mode 0600, made at the first start. It never leaves this file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from naru.audit.note import PublicKey
from naru.kernel.errors import BadRequest, ConfigError
from naru.settings.secretfile import create_secret

KEY_FILE = "audit.key"
"""Beside it lies `audit.pub`: every public key the log was ever signed with, one a line, newest last."""


def ensure_key(path: Path) -> Ed25519PrivateKey:
    """Read the key, or make one where there is none. Replicas that start together end with the same.

    Raises:
        ConfigError: the file is there and holds no Ed25519 key.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    return read_key(path)


def read_key(path: Path) -> Ed25519PrivateKey:
    """As `ensure_key`, but makes nothing."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise ConfigError("the audit log's key is not here", path=str(path)) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(
            "does not hold the audit log's key; put the file back from a backup, or move it away so that a "
            "new key is made (older checkpoints then need the older public key)",
            path=str(path),
        )
    return key


def note_public_key(path: Path, key: PublicKey) -> None:
    """Add a key to those known beside the private key at `path`: old checkpoints stay verifiable for ever."""
    if key in read_public_keys(path):
        return
    descriptor = os.open(path.with_suffix(".pub"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "ab") as file:
        file.write(f"{key}\n".encode())


def read_public_keys(path: Path) -> list[PublicKey]:
    """The keys known beside the private key at `path`, newest last."""
    try:
        lines = path.with_suffix(".pub").read_text("utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        with suppress(BadRequest):
            found.append(PublicKey.parse(line))
    return found


def _create(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    create_secret(path, text)
