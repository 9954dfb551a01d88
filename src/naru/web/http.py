"""uvicorn's HTTP protocol with the bounds it lacks: the size of a request's head, and the time to send it.

httptools takes headers of any size and for any time; one client could fill the memory with them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
HEAD_TIMEOUT_S = 20.0
_TOO_LARGE = (
    b'{"error":{"message":"The request\'s headers are larger than Naru takes (64 KiB, 200 headers).",'
    b'"type":"invalid_request_error","param":null,"code":"headers_too_large"}}'
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """As uvicorn's, and closes on a head over 64 KiB or 200 headers (431), or not sent within 20 s."""

    _head_bytes = 0
    _is_in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._corked = _Corked(transport, self.loop)
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._on_slow_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
            super().data_received(data)
            # Checked after parsing: one read may hold a small head and the start of a large body.
            if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
                self._refuse_head()
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_timer()
        if len(self.headers) > MAX_HEADERS or sum(len(n) + len(v) for n, v in self.headers) > MAX_HEAD_BYTES:
            self._refuse_head()
            return
        super().on_headers_complete()
        self.cycle.transport = self._corked  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        # The next request's head begins; a keep-alive connection may rest before it (uvicorn's own timer).
        self._is_in_head = True
        self._head_bytes = 0
        if self.cycle is not None:
            super().on_message_complete()

    def _refuse_head(self) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            head: list[Any] = [
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n",
                b"content-length: %d\r\nconnection: close\r\n\r\n" % len(_TOO_LARGE),
                _TOO_LARGE,
            ]
            self.transport.write(b"".join(head))
            self.transport.close()

    def _on_slow_head(self) -> None:
        self._head_timer = None
        if self._is_in_head and self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Corked:
    """A transport that sends a response's head together with what follows: one system call, one packet.

    uvicorn writes the head when it is told the status and the body just after. A head that nothing follows
    in the same turn of the event loop (of a stream that waits) goes out at the end of that turn.
    """

    __slots__ = ("_head", "_loop", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head + data)
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100"):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)
