"""People, their roles and what a session knows of them: values without I/O.

A role is held in one organisation, or in all of them (`EVERY_ORG`). Nobody has a role by default.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

from naru.kernel.errors import BadRequest

Role = Literal["viewer", "operator", "finance", "security", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
EVERY_ORG: Final = "*"
GrantSource = Literal["local", "oidc"]
_MAX_EMAIL: Final = 254
_MAX_NAME: Final = 120


class Grant(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One role in one organisation."""

    org: str
    role: Role
    source: GrantSource = "local"
    """`oidc` roles are the identity provider's: each sign-in writes them anew."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in. Secrets stay in the store."""

    id: str
    email: str
    name: str
    is_disabled: bool
    has_password: bool
    must_change_password: bool
    has_totp: bool
    recovery_codes_left: int
    oidc_issuer: str | None
    grants: tuple[Grant, ...]
    session_epoch: int
    """Sessions carry it; a greater one ends all that were made before."""
    created_at_ns: int
    last_sign_in_at_ns: int | None

    @property
    def roles(self) -> dict[str, frozenset[Role]]:
        """Roles by organisation."""
        return roles_by_org(self.grants)


class PersonPrincipal(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands behind a session: a person, or the admin key (`person_id` is None)."""

    person_id: str | None
    roles: Mapping[str, frozenset[Role]]
    """By organisation; `*` holds in every one."""

    @property
    def is_admin_key(self) -> bool:
        return self.person_id is None

    @property
    def actor(self) -> str:
        """As audit entries name them."""
        return "admin-key" if self.person_id is None else f"user:{self.person_id}"

    def roles_in(self, org: str) -> frozenset[Role]:
        """What counts in `org`: its own roles and those held everywhere."""
        return self.roles.get(org, frozenset()) | self.roles.get(EVERY_ORG, frozenset())


ADMIN_KEY: Final = PersonPrincipal(person_id=None, roles={EVERY_ORG: frozenset({"admin"})})


def roles_by_org(grants: tuple[Grant, ...]) -> dict[str, frozenset[Role]]:
    """Grants as a principal carries them."""
    roles: dict[str, frozenset[Role]] = {}
    for grant in grants:
        roles[grant.org] = roles.get(grant.org, frozenset()) | {grant.role}
    return roles


def normalize_email(email: str) -> str:
    """One spelling of an address, which is also the sign-in name.

    Raises:
        BadRequest: this is no address.
    """
    plain = unicodedata.normalize("NFKC", email).strip().casefold()
    local, at, domain = plain.rpartition("@")
    is_printable = plain.isprintable() and not any(c.isspace() or c in '<>"(),;:\\[]' for c in plain)
    if not (local and at and domain) or "@" in local or len(plain) > _MAX_EMAIL or not is_printable:
        raise BadRequest("This is not an e-mail address; write it as name@company.", param="email")
    return plain


def check_name(name: str) -> str:
    """A display name without control characters.

    Raises:
        BadRequest: too long, or not printable.
    """
    plain = unicodedata.normalize("NFC", name).strip()
    if len(plain) > _MAX_NAME or not plain.isprintable():
        raise BadRequest(f"A name is {_MAX_NAME} printable characters at most.", param="name")
    return plain
