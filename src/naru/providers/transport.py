"""The HTTP client of one upstream: pooled connections, no cookies, no redirects, bounded bodies.

One transport per provider, so that a slow upstream cannot take the connections of another. It is our own,
over httptools, because it is a third of the road's work (docs/decisions/0009-upstream-client.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from functools import cached_property
from time import monotonic
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import aiohappyeyeballs

from naru.kernel.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from naru.providers.base import UpstreamRequest
from naru.providers.connection import Broken, Connection, Origin, Response

__all__ = ["Response", "Transport"]

_KEEP_ALIVE_S = 45.0
_SWEEP_S = 15.0
_STALE_S = 1.0
"""A connection that fails sooner was closed before it was used; later, the upstream may have been at work."""
_EYEBALLS_S = 0.25
"""RFC 8305: until the next address is tried beside the first."""
_MAX_ADDRESSES = 4096
_UNQUOTED = "!$&'()*+,/:;=?@[]~%"
_PORTS = {"http": 80, "https": 443}
_UNSAFE = "\r\n\0"


class _Address(NamedTuple):
    origin: Origin
    start: bytes
    """Of a request: its first line and `host`."""


class Transport:
    """Connections to one upstream.

    Args:
        connect_timeout_s: until a connection stands, waiting for a free one included.
        max_connections: how many may be open; more calls wait inside their own timeouts.
    """

    def __init__(self, *, connect_timeout_s: float, max_connections: int) -> None:
        self.connect_timeout_s = connect_timeout_s
        self._max_connections = max_connections
        self._addresses: dict[str, _Address] = {}
        self._idle: dict[Origin, list[Connection]] = {}
        self._connections: set[Connection] = set()
        self._connecting = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None

    async def open(self, request: UpstreamRequest) -> Response:
        """Send `request`; returns when the status and the headers of the answer are there.

        An upstream may close an idle connection in the very moment it is taken up again. It has not read the
        request then, so the request goes out once more and nobody notices.

        Raises:
            UpstreamTimeout: no connection in time (code `connect_timeout`).
            UpstreamUnavailable: refused, reset, unknown host, or a TLS fault.
        """
        address = self._addresses.get(request.url) or self._read_address(request.url)
        lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
        if lines.count("\n") != len(request.headers) or lines.count("\r") != len(request.headers):
            raise UpstreamError("A header for the provider holds a line break.", code="upstream_header")
        body = request.body
        data = b"%b%bcontent-length: %d\r\n\r\n%b" % (address.start, lines.encode(), len(body), body)
        while True:
            connection = self._take_idle(address.origin) or await self._connect_in_time(address.origin)
            began = monotonic() if connection.is_kept else 0.0
            response = connection.send(data)
            try:
                await response.wait_for_head()
            except Broken as error:
                response.close()
                if connection.is_kept and error.is_unanswered and monotonic() - began < _STALE_S:
                    continue  # each try uses up an old connection, so this ends
                raise UpstreamUnavailable(
                    "The provider closed the connection before it answered.",
                    code="upstream_reset",
                    is_retryable=True,
                ) from None
            except BaseException:
                response.close()
                raise
            return response

    async def close(self) -> None:
        """Close all connections; calls still on them fail."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self._connections):
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # lets the closed transports leave the loop before it stops

    # --- the pool ------------------------------------------------------------------------------------

    def _take_idle(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_usable:
                return connection
        return None

    def _on_end(self, connection: Connection, may_be_kept: bool) -> None:
        if may_be_kept:
            connection.idle_since = connection.loop.time()
            self._idle.setdefault(connection.origin, []).append(connection)
            if self._sweeper is None:
                self._sweeper = connection.loop.call_later(_SWEEP_S, self._sweep)
            self._wake_next()

    def _on_lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.get(connection.origin, []).remove(connection)
        self._wake_next()

    def _sweep(self) -> None:
        self._sweeper = None
        oldest = asyncio.get_running_loop().time() - _KEEP_ALIVE_S
        for origin, idle in list(self._idle.items()):
            for connection in [one for one in idle if one.idle_since < oldest]:
                idle.remove(connection)
                connection.abort()
            if not idle:
                del self._idle[origin]
        if self._idle:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def _wake_next(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _connect_in_time(self, origin: Origin) -> Connection:
        try:
            async with asyncio.timeout(self.connect_timeout_s):
                return await self._connect(origin)
        except TimeoutError:
            raise UpstreamTimeout(
                "No connection to the provider in time.", code="connect_timeout", is_retryable=True
            ) from None

    async def _connect(self, origin: Origin) -> Connection:
        """A new connection, or one that somebody gives back meanwhile."""
        while len(self._connections) + self._connecting >= self._max_connections:
            if self._drop_elsewhere(origin):
                break
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_next()  # it was our turn, and we are gone
                raise
            if (connection := self._take_idle(origin)) is not None:
                return connection
        self._connecting += 1
        try:
            return await self._connect_now(origin)
        except ssl.SSLCertVerificationError:
            raise UpstreamUnavailable(
                "The provider's TLS certificate cannot be trusted.", code="upstream_tls"
            ) from None
        except socket.gaierror:
            raise UpstreamUnavailable(
                "The provider's host name is unknown.", code="upstream_unknown_host"
            ) from None
        except TimeoutError:
            raise  # our own, or the system's: an OSError too
        except OSError:
            raise UpstreamUnavailable(
                "The provider refuses connections.", code="upstream_refused", is_retryable=True
            ) from None
        finally:
            self._connecting -= 1
            self._wake_next()

    def _drop_elsewhere(self, origin: Origin) -> bool:
        """Make room by closing an idle connection to somewhere else."""
        for other, idle in self._idle.items():
            if other != origin and idle:
                connection = idle.pop()
                self._connections.discard(connection)
                connection.abort()
                return True
        return False

    async def _connect_now(self, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        opened = await aiohappyeyeballs.start_connection(
            found, happy_eyeballs_delay=_EYEBALLS_S, interleave=1, loop=loop
        )
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            _, connection = await loop.create_connection(
                lambda: Connection(origin, self._on_end, self._on_lost),
                sock=opened,
                ssl=self._tls if origin.is_tls else None,
                server_hostname=origin.host if origin.is_tls else None,
            )
        except BaseException:
            opened.close()
            raise
        self._connections.add(connection)
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _read_address(self, url: str) -> _Address:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or any(sign in url for sign in _UNSAFE):
            raise UpstreamUnavailable(
                "The provider's base_url is not an http address.", code="upstream_unknown_host"
            )
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        port = parts.port or _PORTS[parts.scheme]
        named = f"[{host}]" if ":" in host else host
        if port != _PORTS[parts.scheme]:
            named += f":{port}"
        target = quote(parts.path or "/", _UNQUOTED) + (
            f"?{quote(parts.query, _UNQUOTED)}" if parts.query else ""
        )
        start = f"POST {target} HTTP/1.1\r\nhost: {named}\r\n".encode()
        address = _Address(Origin(host, port, parts.scheme == "https"), start)
        if len(self._addresses) >= _MAX_ADDRESSES:
            self._addresses.clear()
        self._addresses[url] = address
        return address
