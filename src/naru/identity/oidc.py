"""Single sign-on: OpenID Connect's authorization code flow with PKCE, state, nonce and issuer check.

A sign-in under way rests in the browser, sealed: a flood of beginnings costs this server nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from naru.identity.oidc_http import Fetch, unreachable
from naru.identity.oidc_tokens import Claims, SigningKeys, UnknownKey, check_id_token, refuse
from naru.identity.people import Grant
from naru.identity.people_sign_in import FLOW_S, External
from naru.identity.totp import Sealer
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Forbidden, Unavailable
from naru.settings.model import Oidc

_METADATA_S: Final = 3600.0
_KEYS_PAUSE_S: Final = 10.0
"""Keys are asked for again at most so often, whatever names tokens give."""
_PAUSE_S: Final = 3.0
"""A provider that did not answer is not asked again for so long."""
_MAX_GROUPS: Final = 1000
_OWNER: Final = "flow"


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What of a discovery document counts here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in under way, as the browser keeps it for us."""

    state: str
    nonce: str
    verifier: str
    issuer: str
    redirect_uri: str
    next: str
    until_ns: int


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for, and where they were going."""

    who: External
    flow: Flow
    id_token: str = ""
    """As it came: it tells the provider at the sign-out whose session is to end."""


class OidcClient:
    """One provider, as `[identity.oidc]` describes it. Safe for many sign-ins at once, on one event loop."""

    def __init__(self, settings: Oidc, *, fetch: Fetch, sealer: Sealer, clock: Clock) -> None:
        self.settings = settings
        self._fetch = fetch
        self._sealer = sealer
        self._clock = clock
        self._metadata: Metadata | None = None
        self._metadata_at = 0.0
        self._not_before = 0.0
        self._keys: SigningKeys | None = None
        self._keys_at = 0.0
        self._lock = asyncio.Lock()

    async def start(self, *, redirect_uri: str, next: str) -> tuple[str, str]:
        """Where to send the browser, and the sealed flow that it keeps meanwhile."""
        metadata = await self._read_metadata()
        flow = Flow(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            issuer=metadata.issuer,
            redirect_uri=self.settings.redirect_uri or redirect_uri,
            next=next,
            until_ns=self._clock.now_ns() + FLOW_S * 1_000_000_000,
        )
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": flow.redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": _challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        sealed = self._sealer.seal(msgspec.json.encode(flow).decode(), _OWNER)
        return _with_query(metadata.authorization_endpoint, query), sealed

    def find_flow(self, sealed: str, query: Mapping[str, str]) -> Flow:
        """The flow that an answer of the provider belongs to.

        Raises:
            BadRequest: `oidc_state`: none was begun in this browser, it took too long, or it is another's.
            Forbidden: `oidc_invalid_token`: another provider answered (mix-up).
        """
        text = self._sealer.find(sealed, _OWNER)
        flow = msgspec.json.decode(text, type=Flow) if text is not None else None
        state = query.get("state", "")
        if (
            flow is None
            or flow.until_ns <= self._clock.now_ns()
            or not hmac.compare_digest(flow.state.encode(), state.encode())
        ):
            raise BadRequest(
                "This sign-in was not begun in this browser, or took too long. Begin anew.", code="oidc_state"
            )
        if flow.issuer != self.settings.issuer or query.get("iss", flow.issuer) != flow.issuer:
            raise refuse("another provider answered than was asked (iss)")
        return flow

    async def finish(self, flow: Flow, query: Mapping[str, str]) -> Finished:
        """Exchange the code and check everything that comes back.

        Raises:
            Forbidden: the provider refused (`oidc_refused`), or its answer is not right
                (`oidc_invalid_token`).
            Unavailable: the provider cannot be reached (`oidc_unreachable`).
        """
        metadata = await self._read_metadata()
        if metadata.authorization_response_iss_parameter_supported and "iss" not in query:
            raise refuse("the provider did not say who it is (iss)")
        if "error" in query or not query.get("code"):
            raise Forbidden(
                "The identity provider did not sign you in. Try again, or ask an administrator.",
                code="oidc_refused",
            )
        answer = await self._exchange(metadata, flow, query["code"])
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise refuse("there is no ID token in it")
        claims = await self._check(metadata, token, flow.nonce)
        if metadata.userinfo_endpoint is not None and self._lacks(claims):
            claims = await self._complete(metadata.userinfo_endpoint, claims, answer.get("access_token"))
        return Finished(who=self._external(claims), flow=flow, id_token=token)

    async def find_logout_url(self, redirect_uri: str, id_token: str = "") -> str | None:
        """Where to end the session at the provider too; None when it has no such address.

        Args:
            redirect_uri: where the provider sends the browser afterwards; of `[identity.oidc] redirect_uri`,
                when that is set, comes the host.
            id_token: of the sign-in; without it many providers ask whether to sign out.
        """
        metadata = await self._read_metadata()
        if metadata.end_session_endpoint is None:
            return None
        if self.settings.redirect_uri is not None:  # behind a proxy that ends TLS only this is the address
            redirect_uri = urljoin(self.settings.redirect_uri, urlsplit(redirect_uri).path)
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": redirect_uri}
        if id_token:
            query["id_token_hint"] = id_token
        return _with_query(metadata.end_session_endpoint, query)

    # Inside -------------------------------------------------------------------------------------------

    async def _read_metadata(self) -> Metadata:
        async with self._lock:
            now = self._clock.monotonic()
            if self._metadata is None or now - self._metadata_at > _METADATA_S:
                if now < self._not_before:
                    raise unreachable("does not answer")
                issuer = self.settings.issuer
                # Appended to the whole issuer, its path included (OpenID Connect Discovery, section 4).
                try:
                    document = await self._ask(issuer.rstrip("/") + "/.well-known/openid-configuration")
                except Unavailable:
                    # Everybody at the door would wait for each other's time to run out.
                    self._not_before = self._clock.monotonic() + _PAUSE_S
                    raise
                try:
                    metadata = msgspec.convert(document, Metadata, strict=True)
                except msgspec.ValidationError:
                    raise refuse("its discovery document is not complete") from None
                if metadata.issuer != issuer:
                    raise refuse("its discovery document names another issuer than [identity.oidc]")
                self._check_endpoints(metadata)
                self._metadata, self._metadata_at = metadata, now
            return self._metadata

    def _check_endpoints(self, metadata: Metadata) -> None:
        is_https = urlsplit(self.settings.issuer).scheme == "https"
        for url in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint,
            metadata.end_session_endpoint,
        ):
            if url is not None and urlsplit(url).scheme not in (
                ("https",) if is_https else ("https", "http")
            ):
                raise refuse("its discovery document names an address that is not https")

    async def _read_keys(self, metadata: Metadata, *, is_unknown: bool = False) -> SigningKeys:
        """The provider's keys; `is_unknown` asks again, for it may have changed them."""
        async with self._lock:
            now = self._clock.monotonic()
            age_s = now - self._keys_at
            if self._keys is None or age_s > _METADATA_S or (is_unknown and age_s >= _KEYS_PAUSE_S):
                keys = SigningKeys(await self._ask(metadata.jwks_uri))
                if not keys:
                    raise refuse("it publishes no key that may sign")
                self._keys, self._keys_at = keys, now
            return self._keys

    async def _check(self, metadata: Metadata, token: str, nonce: str) -> Claims:
        for is_unknown in (False, True):
            keys = await self._read_keys(metadata, is_unknown=is_unknown)
            try:
                return check_id_token(
                    token,
                    keys,
                    issuer=metadata.issuer,
                    client_id=self.settings.client_id,
                    nonce=nonce,
                    now_ns=self._clock.now_ns(),
                )
            except UnknownKey:
                continue
        raise refuse("it is signed by a key that the provider does not publish")

    async def _exchange(self, metadata: Metadata, flow: Flow, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = {}
        client, secret = self.settings.client_id, self.settings.client_secret
        methods = metadata.token_endpoint_auth_methods_supported
        if secret is None:
            form["client_id"] = client
        elif "client_secret_basic" not in methods and "client_secret_post" in methods:
            form |= {"client_id": client, "client_secret": secret.get_secret_value()}
        else:
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(client, safe='')}:{quote(secret.get_secret_value(), safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return await self._ask(metadata.token_endpoint, form=form, headers=headers)

    def _lacks(self, claims: Claims) -> bool:
        return _find(claims, self.settings.group_claim) is None or "email" not in claims

    async def _complete(self, url: str, claims: Claims, access_token: object) -> Claims:
        """Claims that only the userinfo endpoint tells; what the signed token says wins."""
        if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
            return claims
        more = await self._ask(url, headers={"authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims["sub"]:
            raise refuse("its userinfo is about somebody else (sub)")
        return {**more, **claims}

    def _external(self, claims: Claims) -> External:
        found = _find(claims, self.settings.group_claim)
        listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        groups = {group for group in listed[:_MAX_GROUPS] if isinstance(group, str)}
        email, name = claims.get("email"), claims.get("name")
        return External(
            issuer=self.settings.issuer,
            subject=claims["sub"],
            email=email if isinstance(email, str) else None,
            is_email_verified=claims.get("email_verified") is True,
            name=name if isinstance(name, str) else "",
            grants=tuple(
                Grant(org=rule.org, role=rule.role, source="oidc")
                for rule in self.settings.roles
                if rule.group in groups
            ),
        )

    async def _ask(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        answer = await self._fetch(
            url, timeout_s=self.settings.timeout_s, form=form, headers=dict(headers or {})
        )
        if answer.status >= 500:
            raise unreachable("has a fault of its own")
        if answer.status != 200:
            raise Forbidden(
                "The identity provider refused what Naru asked. An administrator should compare "
                "[identity.oidc] with the provider's settings.",
                code="oidc_refused",
            )
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise refuse("it is not a JSON object")
        return document


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _find(claims: Claims, path: str) -> object:
    """A claim by its whole name (names may be URLs, with dots in them), else by the way its dots show."""
    if path in claims:
        return claims[path]
    here: object = claims
    for step in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(step)
    return here
