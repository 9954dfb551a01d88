"""Who makes a call, as far as the road and the ledger need to know."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The identity behind a key. Ids only: no name or address of a person."""

    key_id: str
    org: str | None = None
    team: str | None = None
    project: str | None = None
    user: str | None = None
    is_admin: bool = False
    models: tuple[str, ...] = ()
    """Patterns of the names it may ask for; empty: every one."""
    endpoints: frozenset[str] = frozenset()
    """Names of the endpoints it may post to; empty: every one."""
    sites: frozenset[str] = frozenset()
    """Where its calls may be answered; empty: everywhere."""
    tags: Mapping[str, str] = {}
    """On every call of the key. A client's own header cannot change them: budgets may stand on them."""
