"""Changes are answered when their audit entries are safe, and refused while the log cannot be written."""

from __future__ import annotations

import logging
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from naru.audit import AuditLog
from naru.kernel.errors import Unavailable
from naru.web.errors import problem
from naru.web.session import SAFE_METHODS

_log = logging.getLogger(__name__)

_WAIT_S: Final = 5.0


class Recorded:
    """Wraps the control plane.

    Args:
        app: what answers.
        audit: the log; None lets everything pass.
    """

    def __init__(self, app: ASGIApp, audit: AuditLog | None) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        audit = self._audit
        if audit is None or scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        if audit.is_failing or audit.is_full:
            refusal = Unavailable(
                "Nothing can be changed now, because the audit log cannot be written. Try again when the "
                "database takes writes; the server's log says more.",
                code="audit_unavailable",
                retry_after_s=5,
            )
            await problem(refusal)(scope, receive, send)
            return

        async def send_when_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _wait(audit)
            await send(message)

        await self._app(scope, receive, send_when_safe)


async def _wait(audit: AuditLog) -> None:
    if audit.pending == 0:
        return
    # The act is done, and its entry is kept in memory: to answer that it failed would be wrong. While the
    # log is failing, the next change is refused above.
    if not await run_in_threadpool(audit.flush, _WAIT_S):
        _log.error("a change was answered before its audit entry was written")
