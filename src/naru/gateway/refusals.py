"""Tells the audit log what the road refused by a rule: no valid key, outside its scope, an unpriced model.

One entry at once for each key and reason; while it goes on, one a minute with the number of times, so that no
client can fill the log. Each refused call of a known key has its own row in the ledger.
"""

from __future__ import annotations

import asyncio
from typing import Final

from naru.gateway.exchange import Exchange
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.errors import Forbidden, NaruError, Unauthenticated

QUIET_S: Final = 60.0
_Reason = tuple[str, str, str]
"""Actor, code, and the actor's organisation."""


class Refusals:
    """Belongs to one event loop.

    Args:
        quiet_s: how long repeats are only counted.
    """

    def __init__(self, audit: AuditSink, *, quiet_s: float = QUIET_S) -> None:
        self._audit = audit
        self._quiet_s = quiet_s
        self._repeats: dict[_Reason, int] = {}
        self._timers: dict[_Reason, asyncio.TimerHandle] = {}

    def note(self, x: Exchange, error: NaruError) -> None:
        """Take an error that ends a call; only decisions about who may do what are told of."""
        if not isinstance(error, (Forbidden, Unauthenticated)):
            return
        principal = x.principal
        if principal is None:
            reason = ("unknown", error.code, "")
        else:
            actor = "admin-key" if principal.is_admin else f"key:{principal.key_id}"
            reason = (actor, error.code, principal.org or "")
        if reason in self._repeats:
            self._repeats[reason] += 1
            return
        self._repeats[reason] = 0
        self._tell(reason, 1, call=None if principal is None else x.id)
        self._wait(reason)

    def close(self) -> None:
        """Tell of what was only counted so far."""
        for timer in self._timers.values():
            timer.cancel()
        for reason, times in self._repeats.items():
            if times:
                self._tell(reason, times)
        self._timers.clear()
        self._repeats.clear()

    def _wait(self, reason: _Reason) -> None:
        loop = asyncio.get_running_loop()
        self._timers[reason] = loop.call_later(self._quiet_s, self._end_of_quiet, reason)

    def _end_of_quiet(self, reason: _Reason) -> None:
        del self._timers[reason]
        times = self._repeats.pop(reason)
        if times:
            self._tell(reason, times)
            self._repeats[reason] = 0
            self._wait(reason)

    def _tell(self, reason: _Reason, times: int, call: str | None = None) -> None:
        actor, code, org = reason
        facts: dict[str, str | int | bool | None] = {"code": code, "times": times}
        if org:
            facts["org"] = org
        self._audit.record(
            AuditEvent(
                action="call.refuse",
                actor=actor,
                target=f"call:{call}" if call else "",
                outcome="denied",
                facts=facts,
            )
        )
