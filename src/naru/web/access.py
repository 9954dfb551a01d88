"""The one gate of the control plane: every route says which permission it needs, or it answers nobody.

Who asks is the admin key or a session; what they may do is the table in `naru.identity.permissions`. What a
caller may not see is answered as if it were not there, so ids cannot be guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from naru.identity import (
    ADMIN_KEY,
    DEFAULT_ORG,
    Permission,
    PersonPrincipal,
    Principal,
    decide,
    find_orgs,
    forbidden,
    may_somewhere,
)
from naru.kernel.audit import AuditEvent
from naru.kernel.errors import Forbidden, RateLimited, Unauthenticated
from naru.web.context import ControlContext, LedgerReader
from naru.web.session import SAFE_METHODS, GuessLimiter, Scope, is_same_origin, read_cookie

PUBLIC_ROUTES: Final = frozenset(
    {
        "sign_in_page",
        "sign_in",
        "sign_in_code_page",
        "sign_in_code",
        "sign_in_password_page",
        "sign_in_password",
        "oidc_start",
        "oidc_callback",
        "signed_out",
        "set_preferences",
    }
)
"""Names of the routes that answer anybody. Static files are public too; they hold nothing of the user's."""


class Rule:
    """What a route needs. As a dependency it gives the route its principal; the gate has decided before."""

    def __init__(self, permission: Permission, *, everywhere: bool) -> None:
        self.permission = permission
        self.everywhere = everywhere

    def __call__(self, request: Request) -> PersonPrincipal:
        return read_principal(request)

    def allows(self, principal: PersonPrincipal) -> bool:
        """Whether `principal` may use the route at all; of which organisation it may see what is the route's
        own question (`find_orgs`)."""
        if self.everywhere:
            return decide(principal, self.permission)
        return may_somewhere(principal, self.permission)


def requires(permission: Permission, *, everywhere: bool = False) -> Any:
    """Declares the rule of a route: `dependencies=[requires("keys.write")]`, or as a parameter
    `principal: Annotated[PersonPrincipal, requires("keys.write")]`.

    Args:
        everywhere: the route shows or changes what belongs to no one organisation, so that a role held in
            one of them does not open it. Without it the route itself must filter by `find_orgs`.
    """
    return Depends(Rule(permission, everywhere=everywhere))


def find_rule(route: object) -> Rule | None:
    """The one rule that a route (or its own router) declared; several are as none."""
    if not isinstance(route, APIRoute):
        return None
    rules = [d.call for d in route.dependant.dependencies if isinstance(d.call, Rule)]
    return rules[0] if len(rules) == 1 else None


def read_context(request: Request) -> ControlContext:
    """The context the app was created with."""
    context = request.app.state.context
    assert isinstance(context, ControlContext)
    return context


def read_base_url(request: Request) -> str:
    """This server's address as browsers call it, without a slash at its end."""
    return read_context(request).public_url() or str(request.base_url).rstrip("/")


def read_principal(request: Request) -> PersonPrincipal:
    """Who the gate let in."""
    principal = request.state.principal
    assert isinstance(principal, PersonPrincipal)
    return principal


def read_ledger(request: Request, permission: Permission = "ledger.read") -> LedgerReader:
    """The ledger as this caller may see it: the calls of their organisations, and no others."""
    return read_context(request).ledger.of_orgs(find_orgs(read_principal(request), permission))


def may(request: Request, permission: Permission, scope: str | None = None) -> bool:
    """Whether to show a link or a button: who asks may do this in `scope` (None: in any organisation).

    Nobody may anything where the gate has let nobody in, as on the sign-in page.
    """
    principal = getattr(request.state, "principal", None)
    return may_somewhere(principal, permission) if scope is None else decide(principal, permission, scope)


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
    method = "admin_key" if limiter is context.sign_in_limiter else "bearer"
    context.audit.record(
        AuditEvent(
            action="user.sign_in",
            actor="unknown",
            target="admin-key",
            outcome="denied",
            facts={"method": method},
        )
    )
    return False


async def guard(request: Request) -> None:
    """Let a request pass whose principal holds what its route asks for.

    Raises:
        Unauthenticated: neither the admin key nor a session.
        Forbidden: not allowed, the change came from another site, or the route declares no rule.
    """
    route = request.scope.get("route")
    if getattr(route, "name", None) in PUBLIC_ROUTES:
        _require_own_page(request)
        return
    context = read_context(request)
    principal = await _authenticate(request, context)
    request.state.principal = principal
    rule = find_rule(route)
    if rule is None:
        raise Forbidden(
            "This address declares no permission, so it answers nobody.", code="route_without_rule"
        )
    if not rule.allows(principal):
        context.audit.record(
            AuditEvent(
                action="access.deny",
                actor=principal.actor,
                target="",
                outcome="denied",
                facts={"permission": rule.permission, "route": getattr(route, "name", None)},
            )
        )
        raise forbidden(rule.permission, is_everywhere=rule.everywhere)


async def _authenticate(request: Request, context: ControlContext) -> PersonPrincipal:
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:  # a proxy in front may have checked the other one
        raise Unauthenticated("The request carries two Authorization headers. Send one.")
    scheme, _, secret = (sent[0] if sent else "").partition(" ")
    if secret:
        if scheme.lower() != "bearer":
            raise Unauthenticated("Only `Authorization: Bearer <admin key>` is understood here.")
        if not await verify_key(context, context.bearer_limiter, read_source(request), secret.strip()):
            raise Unauthenticated("This is not the admin key. It lies in admin.key in Naru's home folder.")
        return ADMIN_KEY
    principal = find_session(request.scope, context)
    if principal is None:
        raise Unauthenticated(
            "Send the admin key as `Authorization: Bearer …` (it lies in admin.key in Naru's home folder), "
            "or sign in at /login.",
            code="missing_api_key",
        )
    _require_own_page(request)
    return principal


def find_session(scope: Scope, context: ControlContext) -> PersonPrincipal | None:
    """Who stands behind the session cookie, or None. Never blocks."""
    token = read_cookie(scope)
    return context.find_session(token) if token else None


def find_playground_principal(scope: Scope, context: ControlContext) -> Principal | None:
    """As whom the console's playground calls the data plane: whoever signed in and may use it, from a page
    of ours. Their calls are booked on an organisation of theirs, so that its budgets see them."""
    person = find_session(scope, context)
    if person is None or not may_somewhere(person, "playground.use"):
        return None
    if scope["method"] not in SAFE_METHODS and not is_same_origin(scope):
        return None
    if person.is_admin_key:
        return Principal(key_id="console", is_admin=True)
    return Principal(
        key_id="console", org=_own_org(find_orgs(person, "playground.use")), user=person.person_id
    )


def _own_org(orgs: Iterable[str] | None) -> str:
    return DEFAULT_ORG if orgs is None else min(orgs)


def _require_own_page(request: Request) -> None:
    if request.method not in SAFE_METHODS and not is_same_origin(request.scope):
        raise Forbidden(
            "This change did not come from a page of this console, so it was not made. Scripts send the "
            "admin key as `Authorization: Bearer …` instead of a cookie.",
            code="cross_site_request",
        )
