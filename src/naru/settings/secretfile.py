"""Secrets that Naru makes itself, once: files of mode 0600 in HOME or in the folder that replicas share."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from naru.kernel.errors import ConfigError


def ensure_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of the file, made when there is none. Who start together end with the same.

    Raises:
        ConfigError: it can be neither read nor made.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_secret(path, make())
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"this secret can be neither read nor made ({reason}); replicas that share a folder which they "
            "may not write to need the file in it beforehand",
            path=str(path),
        ) from None


def create_secret(path: Path, content: bytes) -> None:
    """Write the file unless it is there. It is linked into place whole: who starts beside us must never read
    half a secret."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        beside.unlink()
