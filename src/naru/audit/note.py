"""Checkpoints as C2SP signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), signed with Ed25519.

naru.audit/log_01…                     origin: which log this is, and the name of its key
1234                                   entries
qTeW…=                                 Merkle root, base64
checkpoint 7                           extension: number of the checkpoint, gapless from 1
previous 5feceb66…                     extension: SHA-256 of the note before it, hex; zeros for the first
timestamp 2026-01-01T00:00:00.000000000Z

— naru.audit/log_01… Az3gr…=           signature: 4 bytes of key hash, 64 of Ed25519
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from naru.kernel.errors import BadRequest

NO_PREVIOUS: Final = "0" * 64
_ED25519: Final = b"\x01"
_KEY_HASH_BYTES: Final = 4
_DASH: Final = "— "
_NS: Final = 1_000_000_000
_BODY: Final = re.compile(
    r"(?P<origin>[!-~]{1,200})\n"
    r"(?P<size>[1-9][0-9]{0,18})\n"
    r"(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"checkpoint (?P<number>[1-9][0-9]{0,18})\n"
    r"previous (?P<previous>[0-9a-f]{64})\n"
    r"timestamp (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(?P<fraction>\d{9})Z\n"
)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a note says. Not to be trusted before its signature was checked."""

    origin: str
    size: int
    root: bytes
    number: int
    previous: str
    at_ns: int

    def body(self) -> str:
        """The signed text."""
        seconds, fraction = divmod(self.at_ns, _NS)
        time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        root = base64.b64encode(self.root).decode()
        return (
            f"{self.origin}\n{self.size}\n{root}\ncheckpoint {self.number}\nprevious {self.previous}\n"
            f"timestamp {time}.{fraction:09}Z\n"
        )


class PublicKey(msgspec.Struct, frozen=True):
    """The key that checks a log's checkpoints; as text the vkey of C2SP signed notes."""

    name: str
    key: bytes

    @property
    def key_hash(self) -> bytes:
        """Tells keys of one name apart; the first bytes of a signature."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:_KEY_HASH_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Raises BadRequest when it is not such a text."""
        name, _, rest = text.strip().partition("+")
        stated, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raw = b""
        found = cls(name, raw[1:])
        if not name or len(raw) != 33 or raw[:1] != _ED25519 or found.key_hash.hex() != stated:
            raise BadRequest(
                "This is not a public key of an audit log; `naru audit public-key` prints one.",
                param="public_key",
            )
        return found


class Signer:
    """Signs checkpoints of one log.

    Args:
        key: the private key.
        origin: the log's name.
    """

    def __init__(self, key: Ed25519PrivateKey, origin: str) -> None:
        self._key = key
        self.public = PublicKey(origin, key.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint) -> str:
        """The whole note."""
        body = checkpoint.body()
        signature = self.public.key_hash + self._key.sign(body.encode())
        return f"{body}\n{_DASH}{self.public.name} {base64.b64encode(signature).decode()}\n"


def note_hash(note: str) -> str:
    """What the next checkpoint names as `previous`."""
    return sha256(note.encode()).hexdigest()


def read_note(note: str) -> Checkpoint:
    """What a note says, its signature unchecked.

    Raises:
        BadRequest: it is not a checkpoint of ours, to the byte.
    """
    body, _, _ = note.partition("\n\n")
    match = _BODY.fullmatch(body + "\n")
    if match is None:
        raise BadRequest("This is not a checkpoint of an audit log.", code="invalid_checkpoint")
    try:
        seconds = int(datetime.fromisoformat(match["time"] + "+00:00").timestamp())
        root = base64.b64decode(match["root"], validate=True)
    except ValueError:
        raise BadRequest("This is not a checkpoint of an audit log.", code="invalid_checkpoint") from None
    found = Checkpoint(
        origin=match["origin"],
        size=int(match["size"]),
        root=root,
        number=int(match["number"]),
        previous=match["previous"],
        at_ns=seconds * _NS + int(match["fraction"]),
    )
    if found.body() != body + "\n":  # base64 with other spare bits, say
        raise BadRequest("This is not a checkpoint of an audit log.", code="invalid_checkpoint")
    return found


def find_signer(note: str, keys: Sequence[PublicKey]) -> PublicKey | None:
    """Which of `keys` alone signed exactly this note; None when none did, or any byte differs."""
    body, separator, signatures = note.partition("\n\n")
    lines = signatures.split("\n")
    if not separator or len(lines) != 2 or lines[1] or not lines[0].startswith(_DASH):
        return None
    name, _, encoded = lines[0].removeprefix(_DASH).partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(raw).decode() != encoded:
        return None
    for key in keys:
        if key.name != name or key.key_hash != raw[:_KEY_HASH_BYTES]:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(
                raw[_KEY_HASH_BYTES:], (body + "\n").encode("utf-8", "surrogatepass")
            )
        except InvalidSignature:
            return None
        return key
    return None


def split_notes(text: str) -> Iterator[str]:
    """The notes of a file that holds one after the other, whole or damaged."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and lines[-1].startswith(_DASH) and not line.startswith(_DASH):
            yield "\n".join(lines) + "\n"
            lines = []
        if line or lines:
            lines.append(line)
    if lines:
        yield "\n".join(lines) + "\n"
