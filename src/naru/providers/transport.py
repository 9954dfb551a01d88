"""The HTTP client of one upstream: pooled connections, no cookies, no redirects, bounded bodies.

One transport per provider, so that a slow upstream cannot take the connections of another.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextvars import ContextVar
from time import monotonic

import aiohttp

from naru.kernel.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from naru.providers.base import UpstreamRequest

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Largest whole answer taken from an upstream; beyond it the upstream is at fault, not our memory."""
MAX_ERROR_BYTES = 64 * 1024
# What aiohttp would add by itself: an upstream should see only what the provider's adapter says, and
# bytes that pass through untouched must not come compressed.
_SKIPPED_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_BROKEN = (aiohttp.ClientError, OSError)
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
_STALE_S = 1.0
"""A connection that fails sooner was closed before it was used; later, the upstream may have been at work."""


_OPENED: ContextVar[list[socket.socket]] = ContextVar("naru_opened_sockets")
"""Sockets made for the request being sent; none means that it went out on a kept connection."""


class Response:
    """An upstream's answer, its body not read yet. Close it on every way out."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = response.headers

    async def read(self, limit: int = MAX_ANSWER_BYTES) -> bytes:
        """The whole body.

        Raises:
            UpstreamError: the body is over `limit` bytes, or broke off.
        """
        response = self._response
        length = response.content_length
        try:
            # A compressed body tells nothing of how much it will be.
            if length is not None and length <= limit and "Content-Encoding" not in response.headers:
                return await response.read()
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise UpstreamError(
                        "The provider's answer is larger than Naru takes.", code="upstream_too_large"
                    )
            return bytes(body)
        except _BROKEN as error:
            raise _broken_off(error) from None

    async def read_start(self, limit: int = MAX_ERROR_BYTES) -> bytes:
        """At most `limit` bytes of the body, whatever is there when it breaks off."""
        body = bytearray()
        try:
            async for chunk in self._response.content.iter_any():
                body += chunk
                if len(body) >= limit:
                    break
        except _BROKEN:
            pass
        return bytes(body[:limit])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in whatever pieces the network makes.

        Raises:
            UpstreamError: the connection broke before the end of the body.
        """
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except _BROKEN as error:
            raise _broken_off(error) from None

    def close(self) -> None:
        """Give the connection back if the body was read to its end; else cut it, which stops the upstream."""
        self._response.release()


def _broken_off(error: Exception) -> UpstreamError:
    return UpstreamError(
        "The provider broke off its answer.",
        code="upstream_reset" if isinstance(error, OSError) else "upstream_truncated",
        is_retryable=True,
    )


def _new_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    new = socket.socket(family, kind, protocol)
    _OPENED.get([]).append(new)
    return new


class Transport:
    """Connections to one upstream.

    Args:
        connect_timeout_s: until a connection stands, waiting for a free one included.
        max_connections: how many may be open; more calls wait inside their own timeouts.
    """

    def __init__(self, *, connect_timeout_s: float, max_connections: int) -> None:
        self.connect_timeout_s = connect_timeout_s
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_timeout_s)
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    def _open_session(self) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=45, socket_factory=_new_socket
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            skip_auto_headers=_SKIPPED_HEADERS,
            read_bufsize=256 * 1024,
            max_line_size=32 * 1024,
            max_field_size=64 * 1024,
            trust_env=False,
        )
        self._session = session
        return session

    async def open(self, request: UpstreamRequest) -> Response:
        """Send `request`; returns when the status and the headers of the answer are there.

        An upstream may close an idle connection in the very moment it is taken up again. It has not read the
        request then, so the request goes out once more and nobody notices.

        Raises:
            UpstreamTimeout: no connection in time (code `connect_timeout`).
            UpstreamUnavailable: refused, reset, unknown host, or a TLS fault.
        """
        session = self._session or self._open_session()
        while True:
            opened: list[socket.socket] = []
            _OPENED.set(opened)
            began = monotonic()
            try:
                return Response(
                    await session.post(
                        request.url, data=request.body, headers=request.headers, allow_redirects=False
                    )
                )
            except aiohttp.ServerTimeoutError:
                raise UpstreamTimeout(
                    "No connection to the provider in time.", code="connect_timeout", is_retryable=True
                ) from None
            except aiohttp.ClientConnectorCertificateError:
                raise UpstreamUnavailable(
                    "The provider's TLS certificate cannot be trusted.", code="upstream_tls"
                ) from None
            except aiohttp.ClientConnectorError as error:
                unknown_host = isinstance(error.os_error, socket.gaierror)
                raise UpstreamUnavailable(
                    "The provider's host name is unknown."
                    if unknown_host
                    else "The provider refuses connections.",
                    code="upstream_unknown_host" if unknown_host else "upstream_refused",
                    is_retryable=not unknown_host,
                ) from None
            except _BROKEN as error:
                # Without a new socket it was an old one. It is gone now; the next try takes another.
                is_stale = isinstance(error, _STALE) and not opened
                if is_stale and monotonic() - began < _STALE_S:
                    continue
                raise UpstreamUnavailable(
                    "The provider closed the connection before it answered.",
                    code="upstream_reset",
                    is_retryable=True,
                ) from None

    async def close(self) -> None:
        """Close all connections; calls still on them fail."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            await asyncio.sleep(0)  # lets the closed transports leave the loop before it stops
