"""One client connection: httptools reads it, answers leave in the order in which requests came."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections import deque
from typing import Protocol, cast

import httptools

from naru.testing.upstream.answer import Answer
from naru.testing.upstream.delivery import deliver
from naru.testing.upstream.received import Received

MAX_BODY_BYTES = 64 * 1024 * 1024
_MAX_QUEUED = 64
_TIOCOUTQ = 0x5411
"""Linux: bytes that the other side has not acknowledged yet."""
_REFUSAL = b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Owner(Protocol):
    """The server, as its connections need it."""

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def begin(self, received: Received) -> Answer:
        """Record a request and decide its answer."""
        ...

    def finish(self, received: Received, *, closed_early: bool) -> None:
        """The answer was written, cut as scripted, or left by the client."""
        ...

    def new_id(self) -> bytes: ...


class Connection(asyncio.Protocol):
    """Keep-alive and pipelining; a client that goes away cancels the answer at once."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[tuple[Received, bool, bool]] = deque()
        self._current: Received | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._is_reading_paused = False
        self._resumed: asyncio.Future[None] | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._size = 0

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._owner.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._is_closing = True
        self.resume_writing()
        if self._task is not None:
            self._task.cancel()
        received, self._current = self._current, None
        self._queue.clear()
        if received is not None:
            self._owner.finish(received, closed_early=True)
        self._owner.closed(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._is_closing:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(b"400 Bad Request")

    def pause_writing(self) -> None:
        if self._resumed is None:
            self._resumed = self._loop.create_future()

    def resume_writing(self) -> None:
        resumed, self._resumed = self._resumed, None
        if resumed is not None and not resumed.done():
            resumed.set_result(None)
        if self._current is None and self._queue and not self._is_closing:
            self._next()

    # --- httptools

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._chunks = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        if len(name) == 6 and name.lower() == b"expect" and value.lower() == b"100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BODY_BYTES:
            self._refuse(b"413 Content Too Large")
        if not self._is_closing:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._is_closing:
            return
        received = Received(
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._headers,
            b"".join(self._chunks) if len(self._chunks) != 1 else self._chunks[0],
            time.monotonic(),
        )
        self._chunks = []
        version = self._parser.get_http_version()
        self._queue.append((received, self._parser.should_keep_alive(), version == "1.0"))
        if self._current is None:
            self._next()
        elif len(self._queue) > _MAX_QUEUED and self._transport is not None:
            self._is_reading_paused = True
            self._transport.pause_reading()

    # --- answering

    def _next(self) -> None:
        while self._queue and self._resumed is None and not self._is_closing:
            received, is_keep_alive, is_http10 = self._queue.popleft()
            answer = self._owner.begin(received)
            if answer.ready is not None and is_keep_alive and not is_http10:
                self.write(self._owner.new_id().join(answer.ready))
                self._owner.finish(received, closed_early=False)
                continue
            self._current = received
            self._task = self._loop.create_task(self._deliver(answer, received, is_keep_alive, is_http10))
            return
        if self._is_reading_paused and self._transport is not None and not self._is_closing:
            self._is_reading_paused = False
            self._transport.resume_reading()

    async def _deliver(
        self, answer: Answer, received: Received, is_keep_alive: bool, is_http10: bool
    ) -> None:
        is_kept = await deliver(
            self, answer, self._owner.new_id(), is_keep_alive=is_keep_alive, is_http10=is_http10
        )
        self._task = None
        if self._current is None:
            return
        self._current = None
        self._owner.finish(received, closed_early=False)
        if is_kept:
            self._next()
        else:
            self.close()

    def _refuse(self, status: bytes) -> None:
        self.write(_REFUSAL % status)
        self.close()

    # --- what delivery writes to

    def write(self, data: bytes) -> None:
        """Write unless the connection is going away."""
        if self._transport is not None and not self._is_closing:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait while the client does not read."""
        if self._resumed is not None:
            await self._resumed

    def close(self) -> None:
        """FIN, after what was written."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()

    async def reset(self) -> None:
        """RST, after what was written has reached the client's machine."""
        transport = self._transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        for _ in range(1000):
            if transport.get_write_buffer_size() == 0 and _unacknowledged(sock.fileno()) == 0:
                break
            await asyncio.sleep(0.001)
        self.abort()

    def abort(self) -> None:
        """RST now, whatever was written."""
        self._is_closing = True
        transport = self._transport
        if transport is None:
            return
        # Without a zero linger the kernel sends a polite FIN, which a client may take for an end.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()


def _unacknowledged(fileno: int) -> int:
    if sys.platform != "linux":
        return 0
    import fcntl  # noqa: PLC0415 - not to be had on every platform

    return int.from_bytes(fcntl.ioctl(fileno, _TIOCOUTQ, b"\0" * 4), sys.byteorder)
