"""Who calls, by which key or session, and what they may do. Answers for keys and for people alike.

Deny by default: what no table here allows is refused.
"""

from naru.identity.key_watch import KeyWatch
from naru.identity.keyring import Keyring, ensure_admin_key
from naru.identity.keys import DEFAULT_OVERLAP_S, MAX_OVERLAP_S, IssuedKey, Keys
from naru.identity.models import DEFAULT_ORG, DEFAULT_PROJECT, DEFAULT_TEAM, Key, KeyScope, Unit, UnitKind
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
from naru.identity.scopes import ENDPOINTS, may_use_model, require_endpoint, require_model, site_not_allowed
from naru.identity.units import CreatedUnit, Units

__all__ = [
    "ADMIN_KEY",
    "DEFAULT_ORG",
    "DEFAULT_OVERLAP_S",
    "DEFAULT_PROJECT",
    "DEFAULT_TEAM",
    "ENDPOINTS",
    "EVERY_ORG",
    "MAX_OVERLAP_S",
    "PERMISSIONS",
    "ROLES",
    "ROLE_PERMISSIONS",
    "CreatedUnit",
    "IssuedKey",
    "Key",
    "KeyScope",
    "KeyWatch",
    "Keyring",
    "Keys",
    "Permission",
    "PersonPrincipal",
    "Principal",
    "Role",
    "Unit",
    "UnitKind",
    "Units",
    "decide",
    "ensure_admin_key",
    "find_orgs",
    "forbidden",
    "may_somewhere",
    "may_use_model",
    "require",
    "require_endpoint",
    "require_model",
    "site_not_allowed",
]
