"""May this key do that? Its endpoint before the body is read, its model before that is looked up, and its
sites before any of them is called."""

from __future__ import annotations

from naru.gateway.exchange import Exchange
from naru.identity import Principal, may_use_model, require_endpoint, require_model, site_not_allowed
from naru.routing import RouteTable, Target


def authorize(x: Exchange, principal: Principal) -> None:
    """Raises Forbidden unless this key may use this endpoint."""
    require_endpoint(principal, x.endpoint.name)


def resolve_allowed(principal: Principal, model: str, table: RouteTable) -> tuple[Target, ...]:
    """The targets of a model that this key may reach, first choice first.

    Raises:
        Forbidden: the model is not for this key, or runs at none of its sites.
        NotFound: it would be, and there is none of this name.
    """
    require_model(principal, model)
    targets = table.resolve(model)
    if not principal.sites:
        return targets
    allowed = tuple(t for t in targets if t.upstream.provider.site in principal.sites)
    if not allowed:
        raise site_not_allowed()
    return allowed


def may_see(principal: Principal, model: str, table: RouteTable) -> bool:
    """Whether a model that the table lists is for this key to know."""
    if not principal.models and not principal.sites:
        return True
    return may_use_model(principal, model, (t.upstream.provider.site for t in table.resolve(model)))


def fix_tags(tags: dict[str, str], principal: Principal) -> dict[str, str]:
    """The client's tags and the key's own, which the client cannot change."""
    return {**tags, **principal.tags} if principal.tags else tags
