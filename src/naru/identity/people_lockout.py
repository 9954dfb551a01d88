"""Slows down whoever guesses: an account and a source each have a count, kept in the database.

An attempt counts as a failure before it is checked and is taken back when it was right, so that a hundred
guesses sent at once are a hundred guesses.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Callable
from typing import Final

import msgspec

from naru.engines.sql.base import SqlEngine
from naru.identity import people_store as store
from naru.identity.people_store import Failures
from naru.kernel.clock import Clock
from naru.kernel.errors import RateLimited
from naru.settings.model import Identity

_NS: Final = 1_000_000_000
_FORGET_NS: Final = 24 * 3600 * _NS
_LARGEST_EXPONENT: Final = 30


class Mark(msgspec.Struct, frozen=True):
    """What one attempt wrote at one subject."""

    subject: str
    before: Failures
    after: Failures


class Attempt(msgspec.Struct, frozen=True):
    """A counted attempt, to be taken back when it was right."""

    account: Mark
    source: Mark
    wait_s: float
    """How long the next one must wait if this one was wrong; 0 when it need not."""


def account_subject(email: str) -> str:
    """The name under which an account is counted, whether it exists or not."""
    return "account:" + hashlib.sha256(email.encode()).hexdigest()[:40]


def source_subject(address: str) -> str:
    """The name under which an address is counted; of IPv6 its network, for one host has all of it."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        place = address
    else:
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        place = str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
    return "source:" + hashlib.sha256(place.encode()).hexdigest()[:40]


class Lockout:
    """Counts attempts. Call it from a thread.

    Args:
        rules: the bounds in force.
    """

    def __init__(self, engine: SqlEngine, clock: Clock, rules: Callable[[], Identity]) -> None:
        self._engine = engine
        self._clock = clock
        self._rules = rules

    def count(self, *, account: str, source: str) -> Attempt:
        """Count one attempt.

        Raises:
            RateLimited: account or source must wait; code `sign_in_locked`. Nothing was counted.
        """
        now_ns, rules = self._clock.now_ns(), self._rules()
        subjects = (
            (account_subject(account), rules.lockout_failures),
            (source_subject(source), rules.lockout_source_failures),
        )
        with self._engine.begin() as connection:
            known = [store.lock_failures(connection, subject, now_ns) for subject, _ in subjects]
            wait_ns = max(failures.not_before_ns for failures in known) - now_ns
            if wait_ns <= 0:
                marks = [
                    Mark(subject, before, self._after(before, free, now_ns))
                    for before, (subject, free) in zip(known, subjects, strict=True)
                ]
                for mark in marks:
                    store.write_failures(connection, mark.subject, mark.after)
                store.forget_failures(connection, before_ns=now_ns - _FORGET_NS)
        if wait_ns > 0:
            raise RateLimited(
                f"Too many failed sign-ins. Try again in {math.ceil(wait_ns / _NS)} s.",
                code="sign_in_locked",
                retry_after_s=wait_ns / _NS,
            )
        longest_ns = max(mark.after.not_before_ns for mark in marks)
        return Attempt(marks[0], marks[1], max(0, longest_ns - now_ns) / _NS)

    def refund(self, attempt: Attempt, *, is_complete: bool) -> None:
        """Take an attempt back that was right; one that completed a sign-in also clears the account.

        The source keeps its other failures: somebody with an account of their own must not clear them by
        signing in between two guesses at another's.
        """
        with self._engine.begin() as connection:
            for mark in (attempt.account, attempt.source):
                now = store.lock_failures(connection, mark.subject, self._clock.now_ns())
                is_ours = now.not_before_ns == mark.after.not_before_ns
                store.write_failures(
                    connection,
                    mark.subject,
                    Failures(
                        failures=max(0, now.failures - 1),
                        not_before_ns=mark.before.not_before_ns if is_ours else now.not_before_ns,
                        last_at_ns=now.last_at_ns,
                    ),
                )
            if is_complete:
                store.forget_failures(connection, subject=attempt.account.subject)

    def forgive(self, account: str) -> None:
        """Clear an account's count: an administrator gave it a new password."""
        with self._engine.begin() as connection:
            store.forget_failures(connection, subject=account_subject(account))

    def _after(self, known: Failures, free: int, now_ns: int) -> Failures:
        failures = 1 if known.last_at_ns < now_ns - _FORGET_NS else known.failures + 1
        rules, not_before_ns = self._rules(), 0
        if failures >= free:
            wait_s = rules.lockout_first_wait_s * 2.0 ** min(failures - free, _LARGEST_EXPONENT)
            not_before_ns = now_ns + int(min(wait_s, rules.lockout_longest_wait_s) * _NS)
        return Failures(failures=failures, not_before_ns=not_before_ns, last_at_ns=now_ns)
