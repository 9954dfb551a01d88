"""Who makes a call, as far as the road and the ledger need to know."""

from __future__ import annotations

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The identity behind a key. Ids only: no name or address of a person."""

    key_id: str
    org: str | None = None
    team: str | None = None
    project: str | None = None
    user: str | None = None
    is_admin: bool = False
