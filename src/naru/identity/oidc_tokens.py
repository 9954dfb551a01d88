"""Checks ID tokens: whose signature, for whom, when, and for which sign-in. Whatever is not right is refused.

Only asymmetric algorithms count, whatever the token's header or the provider's documents say: neither
`none`, nor HMAC with a key that everybody can read.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from naru.kernel.errors import Forbidden

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_S: Final = 60
_MAX_KEYS: Final = 64
_MAX_SUBJECT: Final = 255
_MAX_TOKEN_BYTES: Final = 128 * 1024

Claims = Mapping[str, Any]


class UnknownKey(Exception):
    """The token names a key that is not among those known: they may have been changed."""


class _Registry(JWSRegistry):
    max_header_length = 16 * 1024  # some providers send their certificates along


class SigningKeys:
    """The keys of a provider's JWKS document that may sign.

    Args:
        document: what the provider sent; keys that cannot be read, or are not for signing, are left out.
    """

    def __init__(self, document: Any) -> None:
        keys = document.get("keys") if isinstance(document, dict) else None
        self._keys: list[Key] = []
        for data in keys[:_MAX_KEYS] if isinstance(keys, list) else []:
            if not isinstance(data, dict) or data.get("kty") == "oct" or data.get("use", "sig") != "sig":
                continue
            try:
                self._keys.append(JWKRegistry.import_key(data))
            except (JoseError, ValueError, TypeError, KeyError):
                continue

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, header: Mapping[str, Any]) -> Key:
        """The key that the header of a token names; without a name, the only one there is.

        Raises:
            UnknownKey: there is none.
        """
        kid, algorithm = header.get("kid"), header.get("alg")
        fitting = [k for k in self._keys if k.get("alg") in (None, algorithm)]
        if kid is not None:
            fitting = [k for k in fitting if k.get("kid") == kid]
        if len(fitting) != 1:
            raise UnknownKey
        return fitting[0]


def check_id_token(
    token: str, keys: SigningKeys, *, issuer: str, client_id: str, nonce: str, now_ns: int
) -> Claims:
    """The claims of a token in which everything is right.

    Raises:
        Forbidden: code `oidc_invalid_token`; the message says which check failed, never a value.
        UnknownKey: it is signed by a key that is not known.
    """
    if len(token) > _MAX_TOKEN_BYTES:
        raise refuse("the token is too large")
    # The check of the header by name would refuse what providers add to it; `crit` is checked regardless.
    registry = _Registry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(token, lambda guest: keys.find(guest.headers()), ALGORITHMS, registry).claims
        jwt.JWTClaimsRegistry(
            now=now_ns // 1_000_000_000,
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": issuer},
            sub={"essential": True},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
    except ExpiredTokenError:
        raise refuse("the token has expired") from None
    except JoseError as error:
        raise refuse(_reason(error)) from None
    except (ValueError, TypeError, RecursionError):
        raise refuse("the token cannot be read") from None
    _check_parties(claims, client_id)
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise refuse("the token belongs to another sign-in (nonce)")
    if len(claims["sub"]) > _MAX_SUBJECT or not claims["sub"].isprintable():
        raise refuse("the subject is too long, or not printable")
    return claims


def _check_parties(claims: Claims, client_id: str) -> None:
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise refuse("the token is for several parties and does not say which asked for it (azp)")
    if party is not None and party != client_id:
        raise refuse("another party asked for the token (azp)")


def _reason(error: JoseError) -> str:
    claim = getattr(error, "claim", None)
    if isinstance(claim, str):
        return f"the claim {claim} is wrong or missing"
    return {
        "bad_signature": "the signature does not fit",
        "unsupported_algorithm": "it is signed by an algorithm that is not allowed",
        "missing_claim": "a claim is missing",
        "invalid_claim": "a claim is wrong",
    }.get(error.error, "the token cannot be read")


def refuse(reason: str) -> Forbidden:
    """A refusal that says which check failed."""
    return Forbidden(
        f"The identity provider's answer was refused: {reason}. Try again; if it happens again, an "
        "administrator should compare [identity.oidc] with the provider's settings.",
        code="oidc_invalid_token",
    )
