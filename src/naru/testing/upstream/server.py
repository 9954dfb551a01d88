"""The upstream itself, for a test's own event loop or (ThreadedUpstream) for a thread."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from naru.testing.upstream import control
from naru.testing.upstream.answer import Answer, Composer
from naru.testing.upstream.connection import Connection
from naru.testing.upstream.delivery import encode_whole
from naru.testing.upstream.received import Received
from naru.testing.upstream.script import Script

_T = TypeVar("_T")
_WAIT_S = 10.0


class Upstream:
    """A scripted upstream on 127.0.0.1; use it as an async context manager.

    Args:
        script: one behaviour, or several: one for each request in turn, the last for all that follow.
        host: the address to listen on.
        port: 0 takes a free one.
        keep: how many requests `requests` remembers; 0 remembers none, for benches.
    """

    def __init__(
        self,
        script: Script | Sequence[Script] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keep: int = 1000,
    ) -> None:
        self.host = host
        self.port = port
        self.requests: deque[Received] = deque(maxlen=keep)
        """What was received, oldest first."""
        self.received = 0
        """How many requests ever came."""
        self.active = 0
        """Requests being answered now."""
        self.aborted = 0
        """Requests whose client went away before the answer was written."""
        self.accepted = 0
        """Connections ever opened: keep-alive holds this number small."""
        self._composer = Composer(_listed(script))
        self._connections: set[Connection] = set()
        self._waiters: list[asyncio.Future[None]] = []
        self._server: asyncio.Server | None = None
        self._ids = itertools.count(1)
        self._salt = os.urandom(6).hex()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self.host, self.port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.abort()
            await self._until(lambda: not self._connections)
            await self._server.wait_closed()
            self._server = None
        # Cancelled answers need one turn of the loop to end.
        await asyncio.sleep(0)

    @property
    def url(self) -> str:
        """The address without a path; OpenAI's SDK wants `/v1` behind it, Anthropic's does not."""
        return f"http://{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._connections)

    @property
    def counters(self) -> dict[str, int]:
        """`received`, `active`, `aborted`, `accepted` and `connections`, as `GET /-/counters` gives them."""
        return {
            "received": self.received,
            "active": self.active,
            "aborted": self.aborted,
            "accepted": self.accepted,
            "connections": self.connections,
        }

    def script(self, *scripts: Script, **fields: Any) -> None:
        """Behave otherwise from now on: by these scripts in turn, or by one made of `fields`."""
        self._composer.set_scripts(scripts or [Script(**fields)])

    async def wait_request(self, number: int = 1, *, within_s: float = _WAIT_S) -> Received:
        """The `number`th request since the start (1 is the first), as soon as its body is whole.

        Raises TimeoutError, or LookupError when it came but is no longer kept.
        """
        await self._until(lambda: self.received >= number, within_s)
        at = number - 1 - (self.received - len(self.requests))
        if at < 0:
            raise LookupError(f"request {number} is no longer kept (keep={self.requests.maxlen})")
        return self.requests[at]

    async def wait_active(self, number: int = 1, *, within_s: float = _WAIT_S) -> None:
        """Returns when at least `number` requests are being answered. Raises TimeoutError."""
        await self._until(lambda: self.active >= number, within_s)

    async def wait_idle(self, *, within_s: float = _WAIT_S) -> None:
        """Returns when no request is being answered. Raises TimeoutError."""
        await self._until(lambda: self.active == 0, within_s)

    async def wait_aborted(self, number: int = 1, *, within_s: float = _WAIT_S) -> None:
        """Returns when the clients of so many requests have gone away. Raises TimeoutError."""
        await self._until(lambda: self.aborted >= number, within_s)

    async def _until(self, is_true: Callable[[], bool], within_s: float = _WAIT_S) -> None:
        async with asyncio.timeout(within_s):
            while not is_true():
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter

    def _changed(self) -> None:
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    # --- called by the connections

    def opened(self, connection: Connection) -> None:
        """A client connected."""
        self._connections.add(connection)
        self.accepted += 1
        self._changed()

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._changed()

    def begin(self, received: Received) -> Answer:
        """Record a request and decide its answer."""
        if received.target.startswith(control.PREFIX):
            answer = control.answer(received, self.counters, self._composer.set_scripts)
            self.active += 1
        else:
            self.received += 1
            self.active += 1
            self.requests.append(received)
            answer = self._composer.compose(received)
        if answer.ready is None and not answer.is_stream and not answer.is_cut and answer.script.is_prompt:
            answer.ready = encode_whole(answer)
        self._changed()
        return answer

    def finish(self, received: Received, *, closed_early: bool) -> None:
        """The upstream is through with a request."""
        self.active -= 1
        self.aborted += closed_early
        received.finish(closed_early=closed_early)
        self._changed()

    def new_id(self) -> bytes:
        """Twenty-four characters, never the same twice."""
        return b"%b%012x" % (self._salt.encode(), next(self._ids))


class ThreadedUpstream:
    """The same upstream in a thread of its own, for tests that are not async; a context manager.

    Takes what Upstream takes.
    """

    def __init__(self, script: Script | Sequence[Script] | None = None, **options: Any) -> None:
        self._upstream = Upstream(script, **options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="naru-upstream", daemon=True)
        self._thread.start()
        self._run(self._upstream.start())
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._run(self._upstream.stop())
        self._loop = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    @property
    def url(self) -> str:
        """As Upstream's."""
        return self._upstream.url

    @property
    def port(self) -> int:
        """As Upstream's."""
        return self._upstream.port

    @property
    def active(self) -> int:
        """As Upstream's."""
        return self._upstream.active

    @property
    def aborted(self) -> int:
        """As Upstream's."""
        return self._upstream.aborted

    @property
    def accepted(self) -> int:
        """As Upstream's."""
        return self._upstream.accepted

    @property
    def received(self) -> int:
        """As Upstream's."""
        return self._upstream.received

    @property
    def requests(self) -> list[Received]:
        """A copy of what was received, oldest first."""

        async def copied() -> list[Received]:
            return list(self._upstream.requests)

        return self._run(copied())

    def script(self, *scripts: Script, **fields: Any) -> None:
        """As Upstream's; in force when it returns."""

        async def change() -> None:
            self._upstream.script(*scripts, **fields)

        self._run(change())

    def wait_request(self, number: int = 1, *, within_s: float = _WAIT_S) -> Received:
        """As Upstream's."""
        return self._run(self._upstream.wait_request(number, within_s=within_s))

    def wait_active(self, number: int = 1, *, within_s: float = _WAIT_S) -> None:
        """As Upstream's."""
        self._run(self._upstream.wait_active(number, within_s=within_s))

    def wait_idle(self, *, within_s: float = _WAIT_S) -> None:
        """As Upstream's."""
        self._run(self._upstream.wait_idle(within_s=within_s))

    def wait_aborted(self, number: int = 1, *, within_s: float = _WAIT_S) -> None:
        """As Upstream's."""
        self._run(self._upstream.wait_aborted(number, within_s=within_s))

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._loop is None:
            work.close()
            raise RuntimeError("ThreadedUpstream is used outside its `with` block")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _listed(script: Script | Sequence[Script] | None) -> list[Script]:
    if script is None:
        return []
    return [script] if isinstance(script, Script) else list(script)
