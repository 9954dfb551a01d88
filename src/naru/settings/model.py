"""The one typed tree of `naru.toml`. Every field has a default and a description; a part gets only its slice.

Unknown keys are errors: a misspelt limit must not be silently no limit.
"""

from __future__ import annotations

from pydantic import Field

from naru.settings.identity import Identity, Oidc, OidcRole, Role
from naru.settings.prices import LongContext, Price, Rates, ServiceTier
from naru.settings.quota import Quota
from naru.settings.server import Resilience, Server
from naru.settings.storage import Audit, Database, Ledger, Redis, Secrets
from naru.settings.table import Name, Table
from naru.settings.trust import Trust, TrustAction, TrustGuard, TrustPolicy, TrustRules
from naru.settings.upstreams import LOCAL_PROVIDER, Local, Model, Provider, ProviderKind

__all__ = [
    "LOCAL_PROVIDER",
    "Audit",
    "Database",
    "Identity",
    "Ledger",
    "Local",
    "LongContext",
    "Model",
    "Oidc",
    "OidcRole",
    "Price",
    "Provider",
    "ProviderKind",
    "Quota",
    "Rates",
    "Redis",
    "Resilience",
    "Role",
    "Secrets",
    "Server",
    "ServiceTier",
    "Settings",
    "Trust",
    "TrustAction",
    "TrustGuard",
    "TrustPolicy",
    "TrustRules",
]


class Settings(Table):
    """Everything `naru.toml` can say."""

    server: Server = Server()
    resilience: Resilience = Resilience()
    local: Local = Local()
    ledger: Ledger = Ledger()
    audit: Audit = Audit()
    identity: Identity = Identity()
    quota: Quota = Quota()
    trust: Trust = Trust()
    database: Database = Database()
    redis: Redis = Redis()
    secrets: Secrets = Secrets()
    providers: dict[Name, Provider] = Field({})
    models: dict[str, Model] = Field({})
    prices: tuple[Price, ...] = ()
