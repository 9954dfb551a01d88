"""The operator's key on disk: text, mode 0600, made when it is first needed. It never leaves this file.

One line names the format, one holds the key that hashes names, and each other line a key that wraps data
keys, newest last. Whoever holds this file and the database can read what is sealed; either alone cannot.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from pathlib import Path

import msgspec

from naru.kernel.errors import ConfigError
from naru.settings.secretfile import ensure_secret

KEY_FILE = "vault.key"
_FORMAT = "naru-vault-key/1"
_KEY_BYTES = 32
_MAX_BYTES = 64 * 1024


class VaultKeys(msgspec.Struct, frozen=True):
    """What the file holds. Without a repr of its fields on purpose."""

    index: bytes
    """Hashes names of conversations; the same over all rotations, or nothing would be found again."""
    wrapping: Mapping[str, bytes]
    """By id, newest last: each wraps data keys."""

    @property
    def newest(self) -> str:
        """The id of the key that wraps from now on."""
        return list(self.wrapping)[-1]

    def __repr__(self) -> str:
        return f"VaultKeys({', '.join(self.wrapping)})"

    def with_new_key(self) -> VaultKeys:
        """The same and one key more."""
        return VaultKeys(self.index, {**self.wrapping, _new_name(): secrets.token_bytes(_KEY_BYTES)})

    def only(self, name: str) -> VaultKeys:
        """The same with this wrapping key alone."""
        return VaultKeys(self.index, {name: self.wrapping[name]})


def ensure_keys(path: Path) -> VaultKeys:
    """Read the keys, or make them where there are none. Who start together end with the same.

    Raises:
        ConfigError: the file holds no keys, or can be neither read nor made.
    """
    made = VaultKeys(secrets.token_bytes(_KEY_BYTES), {_new_name(): secrets.token_bytes(_KEY_BYTES)})
    return _parse(ensure_secret(path, lambda: _format(made)), path)


def write_keys(path: Path, keys: VaultKeys) -> None:
    """Put other keys in the place of those in the file, whole or not at all.

    Raises:
        ConfigError: the file or its folder cannot be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_format(keys))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the vault's key cannot be changed here ({error.strerror or type(error).__name__}). Add a line "
            "`key NAME BASE64-OF-32-BYTES` at its end where it comes from, and run "
            "`naru vault rotate --keep-key`",
            path=str(path),
        ) from None


def _new_name() -> str:
    return f"k{secrets.token_hex(4)}"


def _format(keys: VaultKeys) -> bytes:
    lines = [_FORMAT, f"index {b64encode(keys.index).decode()}"]
    lines += [f"key {name} {b64encode(key).decode()}" for name, key in keys.wrapping.items()]
    return ("\n".join(lines) + "\n").encode()


def _parse(content: bytes, path: Path) -> VaultKeys:
    try:
        lines = content[:_MAX_BYTES].decode("ascii").split("\n")
        words = [line.split() for line in lines[1:] if line.strip()]
        index = [_key(line[1]) for line in words if line[0] == "index"]
        wrapping = {line[1]: _key(line[2]) for line in words if line[0] == "key"}
        is_whole = lines[0].strip() == _FORMAT and len(index) == 1 and len(wrapping) == len(words) - 1 > 0
    except (UnicodeDecodeError, Base64Error, IndexError, ValueError):
        is_whole = False
    if not is_whole:
        raise ConfigError(
            "does not hold the vault's keys; put the file back from a backup, or move it away so that new "
            "keys are made (what is sealed with the old ones can then never be read again)",
            path=str(path),
        )
    return VaultKeys(index[0], wrapping)


def _key(text: str) -> bytes:
    key = b64decode(text, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError("a key of another length")
    return key
