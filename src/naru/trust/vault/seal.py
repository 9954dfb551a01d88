"""Envelope encryption: each record is sealed with a key of its own, which the operator's key wraps.

AES-256-GCM for both (NIST SP 800-38D, 96-bit random nonces). A data key seals one version of one record, so
no nonce is ever used twice with it; deleting the wrapped key makes the record unreadable for good.
"""

from __future__ import annotations

import hmac
import os
import threading
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from naru.kernel.errors import ConfigError, NaruError
from naru.trust.vault.keyfile import VaultKeys, ensure_keys, write_keys

_NONCE_BYTES = 12
_KEY_BITS = 256


class SealBroken(NaruError):
    """What is stored cannot be opened: another operator's key, another record's bytes, or changed ones."""

    default_code = "seal_broken"


class Sealed(msgspec.Struct, frozen=True):
    """One record as it lies in the database."""

    vault_key: str
    """Name of the operator's key that wraps."""
    wrapped_key: bytes
    sealed: bytes

    def __repr__(self) -> str:
        return f"Sealed({self.vault_key}, {len(self.sealed)} bytes)"


class Sealer:
    """Seals and opens with the operator's keys. Blocks on the key file: for threads, but for `index`.

    Args:
        path: of the key file; made at the first use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._keys: VaultKeys | None = None
        self._stamp: tuple[int, int, int] | None = None

    def refresh(self) -> VaultKeys:
        """The keys as they are in the file now; another process may have rotated them.

        Raises:
            ConfigError: the file holds no keys.
        """
        with self._lock:
            stamp = self._read_stamp()
            if self._keys is None or stamp is None or stamp != self._stamp:
                self._keys = ensure_keys(self.path)
                self._stamp = self._read_stamp()
            return self._keys

    def index(self, *parts: str) -> str:
        """What stands in the database for a name: HMAC-SHA-256, hex. Call `refresh` once before."""
        keys = self._keys or self.refresh()
        return hmac.new(keys.index, "\0".join(parts).encode("utf-8", "surrogatepass"), sha256).hexdigest()

    def seal(self, purpose: str, id: str, plain: bytes) -> Sealed:
        """Seal one record.

        Args:
            purpose: the table, so that a record cannot be moved into another one unnoticed.
            id: of the record; both are bound to the bytes as associated data.
        """
        keys = self.refresh()
        data_key = AESGCM.generate_key(_KEY_BITS)
        bound = _bind(purpose, id)
        name = keys.newest
        return Sealed(name, _encrypt(keys.wrapping[name], data_key, bound), _encrypt(data_key, plain, bound))

    def open(self, purpose: str, id: str, record: Sealed) -> bytes:
        """What was sealed.

        Raises:
            SealBroken: it cannot be opened; nothing of it is said.
        """
        bound = _bind(purpose, id)
        return _decrypt(self._unwrap(record, bound), record.sealed, bound)

    def rewrap(self, purpose: str, id: str, record: Sealed) -> Sealed:
        """The same record, its key wrapped by the newest of the operator's.

        Raises:
            SealBroken: its key cannot be unwrapped.
        """
        keys = self.refresh()
        bound = _bind(purpose, id)
        data_key = self._unwrap(record, bound)
        name = keys.newest
        return Sealed(name, _encrypt(keys.wrapping[name], data_key, bound), record.sealed)

    def add_key(self) -> str:
        """Make a new wrapping key, in force from now on; the older ones still open. Returns its name.

        Raises:
            ConfigError: the file cannot be written.
        """
        write_keys(self.path, self.refresh().with_new_key())
        return self.refresh().newest

    def drop_older_keys(self) -> int:
        """Forget every wrapping key but the newest: what they still wrap is shredded. Returns how many.

        Raises:
            ConfigError: the file cannot be written.
        """
        keys = self.refresh()
        older = len(keys.wrapping) - 1
        if older:
            write_keys(self.path, keys.only(keys.newest))
            self.refresh()
        return older

    def _unwrap(self, record: Sealed, bound: bytes) -> bytes:
        key = self.refresh().wrapping.get(record.vault_key)
        if key is None:
            raise SealBroken("The operator's key that wraps this record is not in the key file.")
        return _decrypt(key, record.wrapped_key, bound)

    def _read_stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(
                f"the vault's key cannot be read ({error.strerror})", path=str(self.path)
            ) from None
        return found.st_mtime_ns, found.st_ino, found.st_size


def _bind(purpose: str, id: str) -> bytes:
    return f"naru.vault/1|{purpose}|{id}".encode()


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise SealBroken("This record is not what was sealed.") from None
