"""How people sign in."""

from __future__ import annotations

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from naru.settings.table import Seconds, Table

Role = Literal["viewer", "operator", "finance", "security", "admin"]


class OidcRole(Table):
    """Which role a group of the identity provider has. A group that is not named here has none."""

    group: str = Field(min_length=1, max_length=512, description="Value in the group claim, as it is sent.")
    role: Role = Field(description="What its members may do.")
    org: str = Field(
        "*", min_length=1, max_length=64, description="Id of the organisation it holds in; `*` is all."
    )


class Oidc(Table):
    """Single sign-on by OpenID Connect: authorization code with PKCE. Register the redirect address
    `https://YOUR-NARU/login/oidc/callback` at the provider."""

    issuer: str = Field(
        description="The provider's issuer, exactly as its discovery document says it; https, or http on "
        "this machine alone."
    )
    client_id: str = Field(min_length=1, max_length=512, description="What the provider calls Naru.")
    client_secret_env: str | None = Field(
        None, description="Environment variable that holds the client secret; none for a public client."
    )
    client_secret_file: str | None = Field(None, description="File that holds the client secret, one line.")
    client_secret: SecretStr | None = Field(None, description="The secret itself; prefer the two above.")
    label: str = Field("SSO", min_length=1, max_length=60, description="What the button of the sign-in says.")
    scopes: tuple[str, ...] = Field(
        ("openid", "email", "profile"), description="Scopes to ask for; many providers need `groups` too."
    )
    group_claim: str = Field(
        "groups",
        min_length=1,
        max_length=200,
        description="Claim that lists the groups, of the ID token or else of the userinfo endpoint; dots "
        "lead into objects (`realm_access.roles`).",
    )
    roles: tuple[OidcRole, ...] = Field(
        (), description="Group to role. Who has no group with a role is refused: there is no default role."
    )
    redirect_uri: str | None = Field(
        None,
        description="The redirect address as registered; default: this server as the browser called it. Set "
        "it behind a proxy that ends TLS.",
    )
    link_verified_email: bool = Field(
        False,
        description="Whether an address that the provider calls verified opens the local account with that "
        "address. Only where the provider hands out the addresses itself.",
    )
    timeout_s: Seconds = Field(5, description="Longest wait for an answer of the provider.")

    @field_validator("issuer", "redirect_uri")
    @classmethod
    def _is_safe_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_near = parts.hostname in ("localhost", "127.0.0.1", "::1")
        except ValueError:
            raise ValueError("is not an address; write it as https://host/path") from None
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_near)):
            raise ValueError("must begin with https:// and name a host")
        if "@" in parts.netloc or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f]", value):
            raise ValueError("must not hold a user, a password, ? or #")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.client_secret_env is not None and self.client_secret_file is not None:
            raise ValueError("has client_secret_env and client_secret_file; keep one of them")
        if "openid" not in self.scopes:
            raise ValueError("scopes must hold `openid`")
        return self


class Identity(Table):
    """Signing in of people: when guessing is slowed down, and single sign-on."""

    lockout_failures: int = Field(
        5, ge=1, le=100, description="Failed sign-ins of an account before the next must wait."
    )
    lockout_source_failures: int = Field(
        30, ge=1, le=10_000, description="The same of one network address, over all accounts."
    )
    lockout_first_wait_s: Seconds = Field(
        5, description="The first wait; each further failure doubles it. A day without failures forgets."
    )
    lockout_longest_wait_s: Seconds = Field(900, description="The longest wait.")
    oidc: Oidc | None = Field(None, description="Single sign-on by OpenID Connect; off without this table.")
