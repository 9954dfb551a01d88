"""What a key may call. Checked on the road for each request, in microseconds and without I/O.

A name outside a key's scope is refused before it is looked up, so a refusal does not tell whether it exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from naru.identity.principal import Principal
from naru.kernel.errors import Forbidden

ENDPOINTS: Final = frozenset({"chat", "completions", "responses", "messages", "embeddings"})
"""What the data plane has a rule for; anything else is refused. Listing models is open to every valid key
and shows only what the key may call."""


def require_endpoint(principal: Principal, endpoint: str) -> None:
    """Raises Forbidden unless this key may post to this endpoint."""
    if endpoint not in ENDPOINTS:
        raise Forbidden("This address declares no rule, so it answers nobody.", code="route_without_rule")
    if principal.endpoints and endpoint not in principal.endpoints:
        raise Forbidden(
            f"This key may not use the endpoint {endpoint}. Ask whoever gave it to you to widen its scope.",
            code="endpoint_not_allowed",
        )


def require_model(principal: Principal, model: str) -> None:
    """Raises Forbidden unless this key may call a model of this name, as the client wrote it."""
    if principal.models and not _matches(principal.models, model):
        raise Forbidden(
            "This key may not use this model. GET /v1/models lists those it may use.",
            code="model_not_allowed",
            param="model",
        )


def may_use_model(principal: Principal, model: str, sites: Iterable[str]) -> bool:
    """Whether a model that is served at these sites is for this key to see."""
    if principal.models and not _matches(principal.models, model):
        return False
    return not principal.sites or not principal.sites.isdisjoint(sites)


def site_not_allowed() -> Forbidden:
    """The refusal when none of a model's targets is at a site of the key's."""
    return Forbidden(
        "This key may not use any site where this model runs. Ask whoever gave it to you to widen its scope.",
        code="site_not_allowed",
        param="model",
    )


def _matches(patterns: tuple[str, ...], model: str) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)
