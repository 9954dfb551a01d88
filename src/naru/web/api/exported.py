"""Tells the audit log that data leaves the house, before the first byte of it does."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from naru.kernel.audit import AuditEvent
from naru.kernel.errors import Unavailable
from naru.web.access import read_context, read_principal


async def record_export(
    request: Request, action: str, target: str, format: str, filter_: Mapping[str, object]
) -> None:
    """Write the entry, and wait for it. What was filtered by is named; the values are not.

    Raises:
        Unavailable: it cannot be written, so nothing may be exported.
    """
    context = read_context(request)
    used = ", ".join(sorted(name for name, value in filter_.items() if value is not None))
    event = AuditEvent(
        action=action,
        actor=read_principal(request).actor,
        target=target,
        facts={"format": format, "filters": used},
    )
    if context.audit_log is None:
        context.audit.record(event)
        return
    if context.audit_log.is_failing:
        raise Unavailable(
            "Nothing can be exported now, because the audit log cannot be written. Try again later.",
            code="audit_unavailable",
            retry_after_s=5,
        )
    await run_in_threadpool(context.audit_log.record_now, event)
