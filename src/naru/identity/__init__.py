"""Who calls, by which key or session, and what they may do. Answers for keys and for people alike.

Deny by default: what no table here allows is refused.
"""

from naru.identity.keyring import Keyring, ensure_admin_key
from naru.identity.people import ADMIN_KEY, EVERY_ORG, ROLES, PersonPrincipal, Role
from naru.identity.permissions import (
    PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    decide,
    find_orgs,
    forbidden,
    may_somewhere,
    require,
)
from naru.identity.principal import Principal

__all__ = [
    "ADMIN_KEY",
    "EVERY_ORG",
    "PERMISSIONS",
    "ROLES",
    "ROLE_PERMISSIONS",
    "Keyring",
    "Permission",
    "PersonPrincipal",
    "Principal",
    "Role",
    "decide",
    "ensure_admin_key",
    "find_orgs",
    "forbidden",
    "may_somewhere",
    "require",
]
