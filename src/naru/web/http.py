"""uvicorn's HTTP protocol with the bounds it lacks: on the size of a request's head and on a client's time.

httptools takes headers of any size and for any time; one client could fill the memory with them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from naru.gateway.exchange import HEAD

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
MIN_BODY_BYTES = 20 * 1024
"""Of a body, in each `patience_s`: a kilobyte a second."""
_MAX_FRAMING_BYTES = 256 * 1024
_UPGRADE_HEADERS = (b"upgrade", b"connection", b"http2-settings")
_IDLE, _HEAD, _BODY = range(3)
"""Where in a request the bytes stand that come next."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """As uvicorn's, and closes on a head over 64 KiB or 200 headers (431), or on a request that is not sent
    in time (408).

    A request that comes in one piece starts no timer.
    """

    patience_s = 20.0
    """For a head, and between two looks at how much of a body came."""
    _stage = _IDLE
    _wire_bytes = 0  # of the current message, with and
    _body_bytes = 0  # without its framing
    _read_bytes = 0  # of the read that is being parsed
    _checked_bytes = 0
    _running: Any = None
    _timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._corked = _Corked(transport, self.loop)
        self._timer = self.loop.call_later(self.patience_s, self._on_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        # uvicorn tells only the newest request of the connection; behind a pipelined one another may run.
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._wire_bytes += len(data)
        self._read_bytes = len(data)
        self._feed(data)
        if self._stage == _IDLE and self._is_answering():
            return
        # Checked after parsing: one read may hold a small head and the start of a large body.
        if (self._stage == _HEAD and self._wire_bytes > MAX_HEAD_BYTES) or (
            self._stage == _BODY and self._is_mostly_framing()
        ):
            self._refuse_head()
        # Behind a running call the next head may take its time: uvicorn's keep-alive timer follows.
        elif self._timer is None and (self._stage == _BODY or not self._is_answering()):
            self._checked_bytes = self._body_bytes
            self._timer = self.loop.call_later(self.patience_s, self._on_slow)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1, as RFC 9110 (7.8) lets a server: Java's client offers h2c with every request.

        The parser gives up at an upgrade, so another one reads the same head without it.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response("")
            return
        lines = [b"%s %s HTTP/1.1" % (method, self.url)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] not in _UPGRADE_HEADERS]
        self.parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join([*lines, b"", rest]))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage = _HEAD
        self._wire_bytes = self._body_bytes = 0

    def on_headers_complete(self) -> None:
        self._stop_timer()
        # A head is no larger than the reads it came in: hardly any has to be measured.
        is_small = self._wire_bytes + self._read_bytes <= MAX_HEAD_BYTES
        if len(self.headers) > MAX_HEADERS or not (is_small or self._head_bytes() <= MAX_HEAD_BYTES):
            self._refuse_head()
            return
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._stage = _BODY
        self.cycle.transport = self._corked  # type: ignore[assignment]
        self.scope[HEAD] = self._corked  # type: ignore[literal-required]

    def on_body(self, body: bytes) -> None:
        if self._stage == _BODY:
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        # The next request's head begins; a keep-alive connection may rest before it (uvicorn's own timer).
        if self._stage == _BODY:
            self._stage = _IDLE
            self._stop_timer()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, with one timer a connection, which sees for itself how long it was quiet."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self._on_quiet)

    def _on_quiet(self) -> None:
        self.timeout_keep_alive_task = None
        if self._stage != _IDLE or self._is_answering() or self.transport.is_closing():
            return  # the end of that answer starts it again
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self._on_quiet)
        else:
            self.transport.close()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _head_bytes(self) -> int:
        return sum(len(name) + len(value) for name, value in self.headers)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_mostly_framing(self) -> bool:
        """Trailers, extensions of chunks, or chunks of a byte each: no end to them, and nothing in them."""
        return len(self.headers) > MAX_HEADERS or self._wire_bytes - 2 * self._body_bytes > _MAX_FRAMING_BYTES

    def _refuse_head(self) -> None:
        self._refuse(
            b"431 Request Header Fields Too Large",
            b"headers_too_large",
            b"The request's headers or trailers are larger than Naru takes (64 KiB, 200 headers).",
        )

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets an error object too."""
        del msg
        self._refuse(
            b"400 Bad Request",
            b"invalid_http",
            b"This is not a request in HTTP/1.1. Naru speaks no TLS itself; check the address.",
        )

    def _refuse(self, status: bytes, code: bytes, message: bytes) -> None:
        """Answer, unless an answer is being written already, and close."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if self._stage == _BODY:
            may_answer = cycle is self._running and not cycle.response_started
        else:
            may_answer = not self._is_answering()
        if may_answer:
            body = b'{"error":{"message":"%s","type":"invalid_request_error","param":null,"code":"%s"}}' % (
                message,
                code,
            )
            self.transport.write(
                b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%s" % (status, len(body), body)
            )
        self.transport.close()

    def _on_slow(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._stage == _IDLE:  # not one byte of a request
            self.transport.close()
        elif self.pipeline or self._body_bytes - self._checked_bytes >= MIN_BODY_BYTES:
            # Fast enough, or not read by ourselves while an earlier request is being answered.
            self._checked_bytes = self._body_bytes
            self._timer = self.loop.call_later(self.patience_s, self._on_slow)
        else:
            self._refuse(b"408 Request Timeout", b"request_timeout", b"The request was not sent in time.")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Corked:
    """A transport that sends a response's head together with what follows: one system call, one packet.

    uvicorn writes the head when it is told the status and the body just after. A head that nothing follows
    in the same turn of the event loop (of a stream that waits) goes out at the end of that turn.
    """

    __slots__ = ("_head", "_loop", "_transport", "is_closing", "is_whole", "more")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self.more = b""
        """Lines for the next head, each with its CRLF, from one who vouches for them (`gateway.exchange`)."""
        self.is_whole = False
        """All of the body follows the next head in the same breath."""
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head + data)
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100"):
            self._head = data[:-2] + self.more + b"\r\n" if self.more else data
            self.more = b""
            if not self.is_whole:
                self._loop.call_soon(self._flush)
            self.is_whole = False  # of this head alone: the next may be of somebody who says nothing
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)
