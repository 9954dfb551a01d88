"""The one gate of the control plane: every route asks for the admin key or a session unless named here."""

from __future__ import annotations

import math
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from naru.kernel.errors import Forbidden, RateLimited, Unauthenticated
from naru.web.context import ControlContext
from naru.web.session import SAFE_METHODS, GuessLimiter, is_same_origin, read_cookie

PUBLIC_ROUTES: Final = frozenset({"sign_in_page", "sign_in", "set_preferences"})
"""Names of the routes that answer anybody. Static files are public too; they hold nothing of the user's."""


def read_context(request: Request) -> ControlContext:
    """The context the app was created with."""
    context = request.app.state.context
    assert isinstance(context, ControlContext)
    return context


def read_source(request: Request) -> str:
    """Whom to slow down for wrong keys."""
    return request.client.host if request.client else "unknown"


async def verify_key(context: ControlContext, limiter: GuessLimiter, source: str, secret: str) -> bool:
    """Check an admin key, slowing down whoever keeps sending wrong ones.

    Raises:
        RateLimited: too many wrong keys from this source; nothing was checked.
    """
    wait_s = limiter.read_wait_s(source)
    if wait_s > 0:
        raise RateLimited(
            f"Too many wrong keys. Try again in {math.ceil(wait_s)} s.",
            code="too_many_wrong_keys",
            retry_after_s=wait_s,
        )
    if await run_in_threadpool(context.verify_admin_key, secret):
        limiter.record_success(source)
        return True
    limiter.record_failure(source)
    return False


async def require_admin(request: Request) -> None:
    """Let a request pass that carries the admin key, or a session and (when unsafe) our own origin."""
    route = request.scope.get("route")
    if getattr(route, "name", None) in PUBLIC_ROUTES:
        _require_own_page(request)
        return
    context = read_context(request)
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if secret:
        if scheme.lower() != "bearer":
            raise Unauthenticated("Only `Authorization: Bearer <admin key>` is understood here.")
        if not await verify_key(context, context.bearer_limiter, read_source(request), secret.strip()):
            raise Unauthenticated("This is not the admin key. It lies in admin.key in Naru's home folder.")
        return
    if not context.sessions.is_valid(read_cookie(request.scope)):
        raise Unauthenticated(
            "Send the admin key as `Authorization: Bearer …` (it lies in admin.key in Naru's home folder), "
            "or sign in at /login.",
            code="missing_api_key",
        )
    _require_own_page(request)


def _require_own_page(request: Request) -> None:
    if request.method not in SAFE_METHODS and not is_same_origin(request.scope):
        raise Forbidden(
            "This change did not come from a page of this console, so it was not made. Scripts send the "
            "admin key as `Authorization: Bearer …` instead of a cookie.",
            code="cross_site_request",
        )
