"""Who may do what: one table of roles and permissions, and the one function that decides.

What is not written here is not allowed. A role is held in one organisation, or in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from naru.identity.people import EVERY_ORG, PersonPrincipal, Role
from naru.kernel.errors import Forbidden

Permission = Literal[
    "self",
    "status.read",
    "settings.read",
    "settings.write",
    "ledger.read",
    "ledger.export",
    "orgs.read",
    "orgs.write",
    "projects.write",
    "keys.read",
    "keys.write",
    "limits.read",
    "limits.write",
    "budgets.read",
    "budgets.write",
    "prices.read",
    "prices.write",
    "audit.read",
    "audit.export",
    "audit.write",
    "values.reveal",
    "policies.read",
    "policies.try",
    "policies.write",
    "vault.read",
    "vault.write",
    "feedback.read",
    "feedback.write",
    "feedback.export",
    "reviews.read",
    "reviews.write",
    "people.read",
    "people.write",
    "playground.use",
]
"""`orgs.write` makes and ends organisations; `projects.write` shapes the teams and projects inside one.
`self` is what everybody who signed in may do: see and change their own account."""

PERMISSIONS: Final[frozenset[Permission]] = frozenset(get_args(Permission))

_VIEWER: Final[frozenset[Permission]] = frozenset(
    {
        "self",
        "status.read",
        "ledger.read",
        "orgs.read",
        "keys.read",
        "limits.read",
        "budgets.read",
        "prices.read",
        "policies.read",
        "feedback.read",
    }
)

ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    "viewer": _VIEWER,
    "operator": _VIEWER
    | {
        "settings.read",
        "projects.write",
        "keys.write",
        "limits.write",
        "people.read",
        "playground.use",
        "policies.try",
        "feedback.write",
    },
    "finance": _VIEWER | {"ledger.export", "budgets.write", "prices.write"},
    "security": _VIEWER
    | {
        "settings.read",
        "keys.write",
        "audit.read",
        "audit.export",
        "people.read",
        "values.reveal",
        "policies.try",
        "policies.write",
        "vault.read",
        "vault.write",
        "feedback.write",
        "feedback.export",
        "reviews.read",
        "reviews.write",
    },
    "admin": PERMISSIONS,
}


def decide(principal: PersonPrincipal | None, permission: Permission, scope: str = EVERY_ORG) -> bool:
    """Whether `principal` may do this there.

    Args:
        principal: who signed in, or None for nobody.
        scope: an organisation's id, or `*` for what concerns the whole house: only a role held in every
            organisation counts there.
    """
    if principal is None:
        return False
    if permission == "self":
        return True
    return any(permission in ROLE_PERMISSIONS.get(role, ()) for role in principal.roles_in(scope))


def find_orgs(principal: PersonPrincipal, permission: Permission) -> frozenset[str] | None:
    """The organisations in which `principal` may do this; None means every one, the ones to come too."""
    if decide(principal, permission):
        return None
    return frozenset(
        org for org in principal.roles if org != EVERY_ORG and decide(principal, permission, org)
    )


def may_somewhere(principal: PersonPrincipal | None, permission: Permission) -> bool:
    """Whether there is any organisation in which `principal` may do this."""
    return decide(principal, permission) or (principal is not None and bool(find_orgs(principal, permission)))


def require(principal: PersonPrincipal, permission: Permission, scope: str = EVERY_ORG) -> None:
    """Raises Forbidden unless `decide` says yes."""
    if not decide(principal, permission, scope):
        raise forbidden(permission, is_everywhere=scope == EVERY_ORG)


def forbidden(permission: Permission, *, is_everywhere: bool = False) -> Forbidden:
    """The refusal, naming what is missing and who could give it."""
    roles = " or ".join(sorted(role for role, held in ROLE_PERMISSIONS.items() if permission in held))
    where = " in every organisation" if is_everywhere else ""
    return Forbidden(
        f"This needs the permission {permission}{where}. Ask an administrator for the role {roles}.",
        code="permission_missing",
    )
