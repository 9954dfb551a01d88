"""Many paced SSE streams at once over raw sockets: notes when bytes came, and reads them only afterwards.

The client shares a core with the upstream. So it does nothing per chunk but take the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import msgspec
import uvloop

from bench.contenders import PACE_MS
from bench.http1 import Endpoint, read_events

DONE = b"[DONE]"


@dataclass(slots=True)
class Exchange:
    """One request and the timed reads of its answer."""

    sent_at: float
    reads: list[tuple[float, bytes]] = field(default_factory=list)
    is_ended: bool = False


class _Line(asyncio.Protocol):
    """One keep-alive connection with one exchange on it at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._exchange = Exchange(0)
        self._tail = b""
        self._ended: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._exchange.reads.append((time.perf_counter(), data))
        self._tail = (self._tail + data)[-5:]
        if self._tail == b"0\r\n\r\n":
            self._end(is_ended=True)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._end(is_ended=False)

    def _end(self, *, is_ended: bool) -> None:
        if self._ended is not None and not self._ended.done():
            self._exchange.is_ended = is_ended
            self._ended.set_result(None)

    async def ask(self, request: bytes) -> Exchange:
        assert self._transport is not None
        self._ended = asyncio.get_running_loop().create_future()
        self._tail = b""
        self._exchange = exchange = Exchange(time.perf_counter())
        self._transport.write(request)
        await self._ended
        return exchange

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass(frozen=True, slots=True)
class Stream:
    """What one stream delivered, in seconds."""

    is_clean: bool
    flaw: str
    first_token_s: float
    gaps_s: tuple[float, ...]
    duration_s: float


def run_streams(
    endpoint: Endpoint, count: int, each: int, tokens: int, spread_s: float, timeout_s: float
) -> list[Stream]:
    """`count` connections, each with `each` streams of `tokens` tokens one after the other.

    Starts are spread evenly over `spread_s`, as real callers do not start on a common signal.
    A stream not over when the time is up is not clean.
    """
    exchanges = uvloop.run(_run(endpoint, count, each, tokens, spread_s, timeout_s))
    streams = [read_stream(exchange, tokens) for exchange in exchanges]
    lost = count * each - len(streams)
    return streams + [Stream(False, "not ended in time", 0, (), 0)] * lost


def read_once(endpoint: Endpoint, body: bytes) -> list[bytes]:
    """The data of each event of one streamed answer."""

    async def ask() -> Exchange:
        _, line = await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", endpoint.port)
        try:
            async with asyncio.timeout(10):
                return await line.ask(endpoint.build_request(body))
        finally:
            line.close()

    return [event.data for event in read_events(uvloop.run(ask()).reads)[1]]


async def _run(
    endpoint: Endpoint, count: int, each: int, tokens: int, spread_s: float, timeout_s: float
) -> list[Exchange]:
    body = endpoint.build_body("Count slowly.", stream=True, max_tokens=tokens)
    request = endpoint.build_request(body)
    done: list[Exchange] = []
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
                for index in range(count):
                    delay = index / count * spread_s
                    group.create_task(_work(endpoint.port, request, each, delay, done))
    finally:
        gc.enable()
    return done


async def _work(port: int, request: bytes, each: int, delay: float, done: list[Exchange]) -> None:
    await asyncio.sleep(delay)
    _, line = await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", port)
    try:
        for _ in range(each):
            exchange = await line.ask(request)
            done.append(exchange)
            if not exchange.is_ended:
                return
    finally:
        line.close()


def read_stream(exchange: Exchange, tokens: int) -> Stream:
    """Check every token, its order, the end mark, and take the times between tokens."""
    status, events = read_events(exchange.reads)
    times: list[float] = []
    texts: list[str] = []
    finish = None
    for event in events:
        if event.data == DONE:
            continue
        chunk: Any = msgspec.json.decode(event.data)
        for choice in chunk.get("choices") or ():
            text = choice.get("delta", {}).get("content")
            if text:
                texts.append(text)
                times.append(event.at)
            finish = choice.get("finish_reason") or finish
    flaw = ""
    if status != 200:
        flaw = f"status {status}"
    elif not exchange.is_ended:
        flaw = "connection lost inside the stream"
    elif texts != [f" {index}" for index in range(tokens)]:
        flaw = f"{len(texts)} tokens of {tokens}, or not as sent"
    elif finish != "stop" or not events or events[-1].data != DONE:
        flaw = "no proper end"
    first = times[0] - exchange.sent_at if times else 0
    gaps = tuple(b - a for a, b in pairwise(times))
    duration = exchange.reads[-1][0] - exchange.sent_at if exchange.reads else 0
    return Stream(not flaw, flaw, first, gaps, duration)


def run_beside(
    endpoint: Endpoint, count: int, each: int, tokens: int, bulky: tuple[int, bytes] | None, every_s: float
) -> tuple[list[Stream], int]:
    """The same small streams while a `bulky` request (port, bytes) goes out every `every_s` on a connection
    of its own; and how many of those were answered with 200."""
    return uvloop.run(_run_beside(endpoint, count, each, tokens, bulky, every_s))


async def _run_beside(
    endpoint: Endpoint, count: int, each: int, tokens: int, bulky: tuple[int, bytes] | None, every_s: float
) -> tuple[list[Stream], int]:
    answered = 0

    async def send(port: int, request: bytes) -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        try:
            while True:
                start = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await _read_body(reader, head)
                answered += head[9:12] == b"200"
                await asyncio.sleep(max(0.0, every_s - (time.perf_counter() - start)))
        finally:
            writer.close()

    side = asyncio.create_task(send(*bulky)) if bulky is not None else None
    try:
        length_s = tokens * PACE_MS / 1e3
        exchanges = await _run(endpoint, count, each, tokens, length_s, each * length_s * 3 + 20)
    finally:
        if side is not None:
            side.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
                await side
    return [read_stream(exchange, tokens) for exchange in exchanges], answered


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line[15:]))
            return
    await reader.readuntil(b"0\r\n\r\n")
