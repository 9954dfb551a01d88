"""Who is calling? Nothing else of a request is read before this is known."""

from __future__ import annotations

from typing import cast

from naru.gateway.exchange import Exchange
from naru.identity import Keyring, Principal
from naru.kernel.errors import Unauthenticated

PRINCIPAL = "naru.principal"
"""Key in the ASGI scope under which the web edge hands over a console session's principal. No client can
set it: scopes are made by the server."""

_KEY_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key"})


def authenticate(x: Exchange, keyring: Keyring) -> Principal:
    """The principal of the request's key.

    Raises:
        Unauthenticated: no key, or one that is not valid.
    """
    known = x.scope.get(PRINCIPAL)
    if known is not None:
        return cast("Principal", known)
    headers = x.headers
    if len(headers) != len(x.scope["headers"]):
        _require_one_key(x)
    value = headers.get(b"authorization")
    if value is not None and value[:7].lower() == b"bearer ":
        secret: bytes | None = value[7:].strip()
    else:
        # Anthropic's SDK sends x-api-key, Azure's api-key.
        secret = headers.get(b"x-api-key") or headers.get(b"api-key")
    return keyring.resolve(secret)


def _require_one_key(x: Exchange) -> None:
    """Of two keys a proxy in front may have checked the one and this house would take the other."""
    names = [name for name, _ in x.scope["headers"] if name in _KEY_HEADERS]
    if len(set(names)) != len(names):
        raise Unauthenticated("The request carries the same header with a key twice. Send one key, once.")
