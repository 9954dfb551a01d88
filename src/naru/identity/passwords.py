"""Passwords: argon2id, few at a time, and rules that stop bad ones without theatre about their letters.

A wrong name costs what a wrong password costs, so that time does not tell which names exist.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from naru.kernel.errors import BadRequest, Unavailable

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
_MIN_DISTINCT: Final = 5
TIME_COST: Final = 3
MEMORY_KIB: Final = 65_536
"""64 MiB and three passes: the second recommendation of RFC 9106. About 0.1 to 0.2 s on one core."""
_SLOTS: Final = 2
_QUEUE: Final = 16
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread when it is copied by hand


def normalize_password(password: str) -> str:
    """One spelling for what looks the same: Hangul typed on a Mac and on Windows differs in its bytes."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    # `surrogatepass`: half a character is a wrong password, not a fault of ours.
    return normalize_password(password).encode("utf-8", "surrogatepass")


def check_password_rules(password: str, *, names: tuple[str, ...]) -> None:
    """Refuse a new password that is too short, too long, the person's own name, or nearly one character.

    Args:
        names: how the person is called (address, display name); compared without case.

    Raises:
        BadRequest: code `weak_password`, saying which rule and how to meet it. The password is not quoted.
    """
    password = normalize_password(password)
    folded = password.casefold()
    own = {part.casefold() for name in names for part in (name, name.partition("@")[0]) if part}
    reason = None
    if len(password) < MIN_LENGTH:
        reason = f"The password is too short: take {MIN_LENGTH} characters or more. A few words do well."
    elif len(password) > MAX_LENGTH:
        reason = f"The password is too long: {MAX_LENGTH} characters at most."
    elif folded in own or any(folded == name * (len(folded) // len(name)) for name in own):
        reason = "The password is the person's own name. Take another."
    elif len(set(folded)) < _MIN_DISTINCT:
        reason = "The password repeats a few characters. Take a longer thought."
    if reason is not None:
        raise BadRequest(reason, code="weak_password", param="password")


def new_one_time_password() -> str:
    """What an administrator hands over and its owner must change: 24 characters, about 118 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(6)) for _ in range(4))


class PasswordHasher:
    """Hashes and checks; call it from a thread, for it takes its time.

    At most `slots` hashes run at once (64 MiB and a core each) and `queue` more wait; whoever comes then is
    told to come again, so that a flood of sign-ins takes neither the memory nor the threads of Naru.
    """

    def __init__(self, *, slots: int = _SLOTS, queue: int = _QUEUE, memory_kib: int = MEMORY_KIB) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=memory_kib, parallelism=1)
        self._slots = threading.BoundedSemaphore(slots)
        self._places = threading.BoundedSemaphore(slots + queue)
        self._decoy: str | None = None

    def hash(self, password: str) -> str:
        """The hash to store, its parameters and salt inside."""
        with self._slot():
            return self._argon2.hash(_bytes(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one behind `stored`; without one it is False after the same work."""
        # Over-long input is cut, not refused: a refusal would be quicker than a hash, and tell.
        given = _bytes(password[: MAX_LENGTH * 4])
        with self._slot():
            if self._decoy is None:
                self._decoy = self._argon2.hash(secrets.token_urlsafe(16))
            try:
                is_right = self._argon2.verify(stored or self._decoy, given)
            except (VerificationError, InvalidHashError):
                return False
        return is_right and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether `stored` was made with other costs than today's."""
        return self._argon2.check_needs_rehash(stored)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Unavailable(
                "Too many people are signing in at this moment. Try again in a few seconds.",
                code="sign_in_busy",
                retry_after_s=3,
            )
        try:
            with self._slots:
                yield
        finally:
            self._places.release()
