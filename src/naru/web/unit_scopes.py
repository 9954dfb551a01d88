"""Whose policy and whose words: an organisation, team or project, and who may see or set what is said of it.

What a caller may not see is answered as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, get_args

from naru.identity import Permission, PersonPrincipal, UnitKind, decide, forbidden
from naru.kernel.errors import NotFound
from naru.web.context import ControlContext


class UnitScope(NamedTuple):
    """One organisation, team or project, and what it is in."""

    kind: UnitKind
    id: str
    org: str
    team: str | None = None
    project: str | None = None


def read_kind(text: str) -> UnitKind:
    """`text` of an address as a kind of unit.

    Raises:
        NotFound: it is none, so nothing is there.
    """
    kinds: tuple[UnitKind, ...] = get_args(UnitKind)
    for kind in kinds:
        if text == kind:
            return kind
    raise NotFound("There is nothing at this address.")


def resolve_unit(
    context: ControlContext, principal: PersonPrincipal, kind: UnitKind, ref: str, permission: Permission
) -> UnitScope:
    """The unit that `ref` (its id, or its name where that is enough) names, for one who may do `permission`
    there. Blocks on the database.

    Raises:
        NotFound: there is none that this person may see.
        Forbidden: they may see it, and not do this.
    """
    unit = context.units.resolve(principal, kind, ref)
    _require(principal, permission, unit.org_id)
    if kind == "org":
        return UnitScope(kind, unit.id, unit.id)
    if kind == "team":
        return UnitScope(kind, unit.id, unit.org_id, team=unit.id)
    return UnitScope(kind, unit.id, unit.org_id, team=unit.parent_id, project=unit.id)


def resolve_leftover(
    context: ControlContext,
    principal: PersonPrincipal,
    kind: UnitKind,
    ref: str,
    permission: Permission,
    *,
    find_org: Callable[[str, str], str | None],
) -> UnitScope:
    """As `resolve_unit`, and also a unit that was deleted and of which something is left to take away.

    Args:
        find_org: the organisation of what is left of a unit, by its kind and id.
    """
    try:
        return resolve_unit(context, principal, kind, ref, permission)
    except NotFound:
        org = find_org(kind, ref)
        if org is None or not decide(principal, "orgs.read", org):
            raise
        _require(principal, permission, org)
        return UnitScope(kind, ref, org)


def _require(principal: PersonPrincipal, permission: Permission, org: str) -> None:
    if not decide(principal, permission, org):
        raise forbidden(permission)
