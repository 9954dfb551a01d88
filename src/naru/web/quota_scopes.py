"""Whose money and whose pace: scopes as people write them, and who may see or set what is on them.

`team:acme/search` may be written by id or path; what is stored is the id. A tag belongs to no organisation,
so only a role held in every one of them opens it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import get_args

from naru.identity import Permission, PersonPrincipal, UnitKind, decide, find_orgs, forbidden
from naru.kernel.errors import Forbidden, NotFound, Unavailable
from naru.quota import Scope, parse_scope
from naru.web.context import ControlContext

_UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
_BUILTIN_KEYS = frozenset({"admin", "console"})


def resolve_scope(
    context: ControlContext, principal: PersonPrincipal, text: str, permission: Permission
) -> Scope:
    """The scope that `text` names, for one who may do `permission` there. Blocks on the database.

    Raises:
        BadRequest: it is no scope.
        NotFound: there is no such team, project, key or organisation that this person may see.
        Forbidden: they may see it, and not do this.
    """
    kind, _, name = text.partition(":")
    unit_kind = next((known for known in _UNIT_KINDS if known == kind), None)
    org: str | None = None
    # A path may hold whatever a name may, blanks and Korean included; what is stored is an id.
    if name and unit_kind is not None:
        unit = context.units.resolve(principal, unit_kind, name)
        scope, org = Scope(unit_kind, unit.id), unit.org_id
    elif name and kind == "key" and name not in _BUILTIN_KEYS:
        key = context.keys.resolve(principal, name)
        scope, org = Scope("key", key.id), key.org_id
    else:
        scope = parse_scope(text)
    if not (decide(principal, permission) if org is None else decide(principal, permission, org)):
        raise forbidden(permission, is_everywhere=org is None)
    return scope


def may_see(
    context: ControlContext, principal: PersonPrincipal, scope: Scope, permission: Permission
) -> bool:
    """Whether what is on `scope` is this person's to see. Blocks on the database."""
    if find_orgs(principal, permission) is None:
        return True
    with contextlib.suppress(NotFound, Forbidden):
        return resolve_scope(context, principal, str(scope), permission) == scope
    return False


def scope_name(scope: Scope, paths: Mapping[str, str]) -> str:
    """As a person writes it: the path where there is one."""
    return f"{scope.kind}:{paths.get(scope.value, scope.value)}"


async def report(context: ControlContext) -> None:
    """Have this process tell the database what it spent, so that the page shows this moment."""
    if context.report_spending is not None:
        with contextlib.suppress(Unavailable):  # then the page is half a second behind, at most
            await context.report_spending()
