"""Everything about people on one database, wired: what `app.py` opens and the control plane asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from naru.engines.sql.base import SqlEngine
from naru.identity.passwords import PasswordHasher
from naru.identity.people_lockout import Lockout
from naru.identity.people_service import People
from naru.identity.people_sign_in import SignIn
from naru.identity.people_snapshot import PeopleSnapshot
from naru.identity.totp import Sealer
from naru.kernel.audit import AuditSink
from naru.kernel.clock import Clock
from naru.settings.model import Identity, Oidc

if TYPE_CHECKING:
    from naru.identity.oidc import OidcClient
    from naru.identity.oidc_http import Fetch

_TOTP: Final = "totp"
_OIDC: Final = "oidc flow"


class Directory:
    """The people of one Naru. `start` after the database was migrated, `stop` before it is closed.

    Args:
        secret: the bytes of session.key, the same in every replica; second factors are sealed with it.
        rules: `[identity]` as it stands at the start; `configure` takes newer ones.
        find_org: the id of an organisation named by id or name, or None.
    """

    def __init__(
        self,
        engine: SqlEngine,
        *,
        clock: Clock,
        audit: AuditSink,
        secret: bytes,
        rules: Identity,
        find_org: Callable[[str], str | None] = lambda org: org,
        hasher: PasswordHasher | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._fetch = fetch
        self._oidc_sealer = Sealer(secret, _OIDC)
        self._oidc: OidcClient | None = None
        self.snapshot = PeopleSnapshot(engine, clock)
        lockout = Lockout(engine, clock, lambda: self._rules)
        hasher = hasher or PasswordHasher()
        sealer = Sealer(secret, _TOTP)
        self.people = People(
            engine,
            clock=clock,
            audit=audit,
            hasher=hasher,
            sealer=sealer,
            lockout=lockout,
            snapshot=self.snapshot,
            find_org=find_org,
        )
        self.sign_in = SignIn(
            engine,
            clock=clock,
            audit=audit,
            hasher=hasher,
            sealer=sealer,
            lockout=lockout,
            snapshot=self.snapshot,
        )
        self.configure(rules)

    @property
    def oidc(self) -> OidcClient | None:
        """Single sign-on, when `[identity.oidc]` is there."""
        return self._oidc

    def configure(self, rules: Identity) -> None:
        """Take new settings; sign-ins under way go on, unless the provider was changed.

        Blocks while the first provider's libraries are loaded.
        """
        if rules.oidc is None:
            self._oidc = None
        elif self._oidc is None or self._oidc.settings != rules.oidc:
            self._oidc = self._new_oidc(rules.oidc)
        self._rules = rules

    async def start(self) -> None:
        """Read everybody, and keep up from then on."""
        await asyncio.to_thread(self.snapshot.start)

    async def stop(self) -> None:
        """Stop keeping up."""
        await asyncio.to_thread(self.snapshot.stop)

    def _new_oidc(self, settings: Oidc) -> OidcClient:
        # Imported by whoever has a provider: aiohttp and joserfc are 10 MiB and a tenth of a start.
        from naru.identity.oidc import OidcClient  # noqa: PLC0415  as above
        from naru.identity.oidc_http import OidcHttp  # noqa: PLC0415  as above

        return OidcClient(
            settings, fetch=self._fetch or OidcHttp(), sealer=self._oidc_sealer, clock=self._clock
        )
