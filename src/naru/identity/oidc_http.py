"""Asks an identity provider over HTTP: bounded in time and size, without redirects, cookies or proxies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

import aiohttp

from naru.kernel.errors import Unavailable

MAX_BYTES: Final = 1024 * 1024


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Fetch(Protocol):
    """Sends one request; a POST when there is a form."""

    async def __call__(
        self, url: str, *, timeout_s: float, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Answer: ...


class OidcHttp:
    """A `Fetch` over aiohttp. Sign-ins are rare, so each request has a connection of its own and there is
    nothing to close."""

    async def __call__(
        self, url: str, *, timeout_s: float, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send it.

        Raises:
            Unavailable: code `oidc_unreachable`: no answer in time, or one that is too large.
        """
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
                ) as session,
                session.request(
                    "GET" if form is None else "POST",
                    url,
                    data=None if form is None else dict(form),
                    headers={"accept": "application/json", **headers},
                    allow_redirects=False,
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_chunked(64 * 1024):
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise unreachable("sent more than it may")
                return Answer(response.status, bytes(body))
        except TimeoutError:
            raise unreachable("does not answer in time") from None
        except aiohttp.ClientConnectorCertificateError:
            raise unreachable("has a certificate that cannot be trusted") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise unreachable("cannot be reached") from None


def unreachable(how: str) -> Unavailable:
    """The provider is at fault or away; no address is named."""
    return Unavailable(
        f"The identity provider {how}. Try again in a moment, or sign in another way.",
        code="oidc_unreachable",
        retry_after_s=5,
    )
