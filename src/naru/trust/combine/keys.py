"""The project's secret, and the combination keys (결합키) made with it: HMAC-SHA256 over normalised items.

A plain hash of a name and a phone number can be undone by trying all of them. Who holds the secret must not
hold keys (the body), and who holds keys must not hold the secret (the key manager).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from naru.kernel.errors import BadRequest, Conflict, NotFound

_HEADER: Final = "naru-combine-key-v1"
_BYTES: Final = 32


class ProjectKey:
    """A secret of 256 bits. Its repr and its errors never hold it."""

    __slots__ = ("_secret", "project")

    def __init__(self, project: str, secret: bytes) -> None:
        self.project = project
        self._secret = secret

    def __repr__(self) -> str:
        return f"ProjectKey({self.project!r}, …)"

    @property
    def fingerprint(self) -> str:
        """16 hex digits by which parties see that they hold the same secret; says nothing of it."""
        return hmac.digest(self._secret, b"naru combine fingerprint v1", hashlib.sha256).hex()[:16]

    def combine(self, items: Sequence[str]) -> str:
        """The combination key of one person: 64 hex digits.

        Args:
            items: normalised, in the plan's order; none holds a control character, so the joint is
            unambiguous.
        """
        message = "\x1f".join(("naru combine key v1", self.project, *items)).encode("utf-8")
        return hmac.digest(self._secret, message, "sha256").hex()


def create_key(path: Path, project: str) -> ProjectKey:
    """Make the secret of a project in a new file that only its owner may read.

    Raises:
        Conflict: the file is there.
    """
    key = ProjectKey(project, secrets.token_bytes(_BYTES))
    text = f"{_HEADER} {project} {base64.b64encode(key._secret).decode()}\n"  # noqa: SLF001 - its own file
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already; a project has one secret") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return key


def read_key(path: Path, project: str) -> ProjectKey:
    """Read the secret.

    Raises:
        NotFound: there is no such file.
        BadRequest: it is another project's, damaged, or others on this machine may read it.
    """
    try:
        mode = path.stat().st_mode
        words = path.read_text("ascii").split()
    except FileNotFoundError:
        raise NotFound(
            f"{path} is not here: the body makes the secret with `naru combine key` and hands it to both "
            "parties"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"{path} cannot be read as a combination secret") from None
    if os.name == "posix" and mode & 0o077:
        raise BadRequest(f"{path} may be read by others; `chmod 600` it, and think about who had read it")
    try:
        header, owner, encoded = words
        secret = base64.b64decode(encoded, validate=True)
    except ValueError:
        header, owner, secret = "", "", b""
    if header != _HEADER or len(secret) != _BYTES:
        raise BadRequest(f"{path} holds no combination secret; get it again from the body")
    if owner != project:
        raise BadRequest(f"{path} is the secret of the project {owner}, not of {project}")
    return ProjectKey(owner, secret)
