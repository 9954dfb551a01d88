"""One kept connection to an upstream, HTTP/1.1 over httptools, and the answer that is on it.

An answer belongs to one request for good: once its connection is given back, nothing that comes later on it
can reach the answer's reader.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple, cast

import httptools

from naru.kernel.errors import UpstreamError

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Largest whole answer taken from an upstream; beyond it the upstream is at fault, not our memory."""
MAX_ERROR_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 256 * 1024
_HIGH_WATER, _LOW_WATER = 512 * 1024, 128 * 1024
"""Bytes of a stream that wait for a slow reader before the upstream is made to wait, and until when."""
_INFLATE_STEP = 256 * 1024
_FINAL = 200
_ENCODING = b"content-encoding"
_ENCODING_LENGTH = len(_ENCODING)


class Origin(NamedTuple):
    """Where a connection goes."""

    host: str
    port: int
    is_tls: bool


class Broken(Exception):
    """The connection ended, or what came on it is no HTTP, before the answer was whole."""

    def __init__(self, *, is_reset: bool, is_unanswered: bool = False) -> None:
        super().__init__("the connection broke")
        self.is_reset = is_reset
        self.is_unanswered = is_unanswered
        """Not one byte of an answer had come."""


class Response:
    """An upstream's answer, its body not read yet. Close it on every way out."""

    __slots__ = (
        "_buffered",
        "_connection",
        "_encoding",
        "_error",
        "_headers",
        "_is_paused",
        "_is_whole",
        "_loop",
        "_parts",
        "_raw",
        "_waiter",
        "is_complete",
        "status",
    )

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection
        self._loop = connection.loop
        self._raw: list[tuple[bytes, bytes]] = []
        self._headers: dict[str, str] | None = None
        self._encoding = b""
        self._parts: list[bytes] = []
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: Broken | None = None
        self._is_whole = False
        self._is_paused = False
        self.status = 0
        self.is_complete = False

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name; of a header that came more than once, all its values with commas between."""
        headers = self._headers
        if headers is None:
            headers = self._headers = {}
            for raw_name, raw_value in self._raw:
                name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers

    @property
    def has_length(self) -> bool:
        """Whether its headers say where it ends; else it ends with the connection."""
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._raw)

    async def read(self, limit: int = MAX_ANSWER_BYTES) -> bytes:
        """The whole body.

        Raises:
            UpstreamError: the body is over `limit` bytes, or broke off.
        """
        self._is_whole = True
        self._resume()
        while not self.is_complete and self._error is None and self._buffered <= limit:
            await self._wait()
        if self._buffered > limit:
            raise _too_large()
        if self._error is not None:
            raise _broken_off(self._error)
        parts, self._parts = self._parts, []
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if (inflater := self._find_inflater()) is None:
            return body
        whole = bytearray()
        for piece in _inflate(inflater, body):
            whole += piece
            if len(whole) > limit:
                raise _too_large()
        return bytes(whole)

    async def read_start(self, limit: int = MAX_ERROR_BYTES) -> bytes:
        """At most `limit` bytes of the body, whatever is there when it breaks off."""
        start = bytearray()
        try:
            async for chunk in self.chunks():
                start += chunk
                if len(start) >= limit:
                    break
        except UpstreamError:
            pass
        return bytes(start[:limit])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in whatever pieces the network makes.

        Raises:
            UpstreamError: the connection broke before the end of the body.
        """
        inflater = self._find_inflater()
        while True:
            if self._parts:
                parts, self._parts, self._buffered = self._parts, [], 0
                self._resume()
                chunk = parts[0] if len(parts) == 1 else b"".join(parts)
                if inflater is None:
                    yield chunk
                else:
                    for piece in _inflate(inflater, chunk):
                        yield piece
            elif self._error is not None:
                raise _broken_off(self._error)
            elif self.is_complete:
                return
            else:
                await self._wait()

    def close(self) -> None:
        """Give the connection back if the body was read to its end; else cut it, which stops the upstream."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end(self)

    # --- filled by the connection --------------------------------------------------------------------

    def add_header(self, name: bytes, value: bytes) -> None:
        self._raw.append((name, value))
        if len(name) == _ENCODING_LENGTH and name.lower() == _ENCODING:
            self._encoding = self._encoding or value.lower()

    def forget_headers(self) -> None:
        """They were of an interim answer (1xx)."""
        self._raw.clear()
        self._encoding = b""

    def add_body(self, data: bytes) -> None:
        self._parts.append(data)
        self._buffered += len(data)
        if self._buffered > _HIGH_WATER and not self._is_whole and not self._is_paused:
            self._is_paused = True
            assert self._connection is not None
            self._connection.pause()

    def fail(self, error: Broken) -> None:
        if not self.is_complete and self._error is None:
            self._error = error
            self.wake()

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait_for_head(self) -> None:
        """Until the status and the headers are there. Raises Broken."""
        while self.status == 0:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _resume(self) -> None:
        if self._is_paused and self._connection is not None:
            self._is_paused = False
            self._connection.resume()

    def _find_inflater(self) -> zlib._Decompress | None:
        """None when the body is not compressed, which is what Naru asks for."""
        encoding = self._encoding
        if encoding in (b"", b"identity"):
            return None
        if encoding not in (b"gzip", b"x-gzip", b"deflate"):
            raise UpstreamError(
                "The provider compressed its answer in a way nobody asked for.", code="upstream_protocol"
            )
        return zlib.decompressobj(zlib.MAX_WBITS | 32)


class Connection(asyncio.Protocol):
    """One connection, one request at a time.

    Args:
        origin: where to.
        on_end: told once when an answer is done with; `may_be_kept` says that another request may follow.
        on_lost: told once when the connection is gone.
    """

    __slots__ = (
        "_head_bytes",
        "_is_broken",
        "_is_final",
        "_may_follow",
        "_on_end",
        "_on_lost",
        "_parser",
        "_response",
        "_transport",
        "idle_since",
        "is_kept",
        "loop",
        "origin",
    )

    def __init__(
        self,
        origin: Origin,
        on_end: Callable[[Connection, bool], None],
        on_lost: Callable[[Connection], None],
    ) -> None:
        self.origin = origin
        self._on_end = on_end
        self._on_lost = on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._response: Response | None = None
        self._head_bytes = 0
        self._is_final = False  # the head being read is no interim one
        self._may_follow = False
        self._is_broken = False
        self.is_kept = False
        """A request went out on it before."""
        self.idle_since = 0.0
        self.loop = asyncio.get_running_loop()  # asked once: it is a system call

    @property
    def is_usable(self) -> bool:
        """Whether a request can go out now, as far as one can know."""
        return not self._is_broken and not self._transport.is_closing()

    def send(self, request: bytes) -> Response:
        """Write a whole request; its answer comes to what is returned."""
        response = self._response = Response(self)
        self._head_bytes = 0
        self._is_final = self._may_follow = False
        self._transport.write(request)
        return response

    def end(self, response: Response) -> None:
        """The reader of `response` is done with it."""
        if self._response is not response:
            return
        self._response = None
        self.is_kept = True
        may_be_kept = response.is_complete and self._may_follow and self.is_usable
        if not may_be_kept:
            self.abort()
        self._on_end(self, may_be_kept)

    def abort(self) -> None:
        """Cut the connection."""
        self._is_broken = True
        self._transport.abort()

    def pause(self) -> None:
        if self.is_usable:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self.is_usable:
            self._transport.resume_reading()

    # --- called by the event loop --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None or response.is_complete:
            self.abort()  # bytes that nobody asked for: whatever follows would be read as an answer
            return
        if response.status == 0:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES and len(data) < self._head_bytes:
                self._fail(is_reset=False)
                return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # After a whole answer only the connection is of no more use.
            self._is_broken = True
            self._fail(is_reset=False)
        response.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_broken = True
        response = self._response
        if response is not None and not response.is_complete:
            if response.status and not response.has_length:
                response.is_complete = True  # its end is the connection's
                response.wake()
            else:
                self._fail(is_reset=exc is not None)
        self._on_lost(self)

    def _fail(self, *, is_reset: bool) -> None:
        if self._response is not None:
            self._response.fail(Broken(is_reset=is_reset, is_unanswered=self._head_bytes == 0))
        if not self._transport.is_closing():
            self.abort()

    # --- called by the parser ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        response = self._response
        if response is None or response.is_complete:
            raise ValueError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        assert self._response is not None
        if not self._is_final:
            self._response.add_header(name, value)  # those of trailers come later, and are not kept

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        assert self._response is not None
        if status >= _FINAL:
            self._is_final = True
            self._response.status = status
        else:
            self._response.forget_headers()

    def on_body(self, body: bytes) -> None:
        assert self._response is not None
        self._response.add_body(body)

    def on_message_complete(self) -> None:
        if self._is_final:
            assert self._response is not None
            self._response.is_complete = True
            self._may_follow = self._parser.should_keep_alive()  # it forgets after this


def _inflate(inflater: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """In bounded steps: a small body may hold any amount."""
    try:
        while data:
            piece = inflater.decompress(data, _INFLATE_STEP)
            data = inflater.unconsumed_tail
            if piece:
                yield piece
            elif not data:
                return
    except zlib.error:
        raise UpstreamError(
            "The provider's answer says that it is compressed, and is not.", code="upstream_protocol"
        ) from None


def _too_large() -> UpstreamError:
    return UpstreamError("The provider's answer is larger than Naru takes.", code="upstream_too_large")


def _broken_off(error: Broken) -> UpstreamError:
    return UpstreamError(
        "The provider broke off its answer.",
        code="upstream_reset" if error.is_reset else "upstream_truncated",
        is_retryable=True,
    )
