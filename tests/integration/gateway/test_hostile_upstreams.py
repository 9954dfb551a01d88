"""Upstreams that send too much, or close when they please, harm neither Naru nor its clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from naru.kernel.errors import UpstreamError
from naru.providers.base import UpstreamRequest
from naru.providers.transport import Transport
from naru.testing.upstream import Upstream
from tests.integration.conftest import CONFIG

USER = [{"role": "user", "content": "hi"}]


async def test_a_compressed_answer_is_bounded_by_what_it_holds(upstream: Upstream):
    upstream.script(reply="a" * 1_000_000, gzip=True)
    transport = Transport(connect_timeout_s=5, max_connections=1)
    body = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
    response = await transport.open(UpstreamRequest(f"{upstream.url}/v1/chat/completions", {}, body))
    assert int(response.headers["content-length"]) < 100_000
    with pytest.raises(UpstreamError) as caught:
        await response.read(limit=100_000)
    assert caught.value.code == "upstream_too_large"
    response.close()
    await transport.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_connections_closed_while_idle_fail_no_call(naru, http, upstream, stream):
    """The upstream closes each connection after its answer without having said so."""
    upstream.script(hang_up=True)
    body = {"model": "openai/m", "messages": USER, "stream": stream}
    attempts = set()

    async def ask_often() -> None:
        for _ in range(50):
            url = f"{naru.base}/v1/chat/completions"
            async with http.post(url, json=body, headers=naru.headers) as response:
                await response.read()
                attempts.add((response.status, response.headers["x-naru-attempts"]))

    await asyncio.gather(*(ask_often() for _ in range(4)))
    assert attempts == {(200, "1")}


@contextlib.asynccontextmanager
async def raw_upstream(write: Callable[[asyncio.StreamWriter], object]):
    """Answers each request with whatever `write` puts on the wire."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await write(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_stream_that_never_comes_to_content_is_given_up(start, http):
    async def comments(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b": " + b"x" * 65_536 + b"\n\n")
            await writer.drain()

    async with raw_upstream(comments) as url:
        naru = await start(CONFIG.format(url=url))
        body = {"model": "openai/m", "messages": USER, "stream": True}
        async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=naru.headers) as response:
            assert response.status == 502
            assert (await response.json())["error"]["code"] == "upstream_protocol"


async def test_media_types_are_read_in_any_case(start, http):
    async def shout(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\n\r\n"
            b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
            b"data: [DONE]\n\n"
        )
        await writer.drain()

    async with raw_upstream(shout) as url:
        naru = await start(CONFIG.format(url=url))
        body = {"model": "openai/m", "messages": USER, "stream": True}
        async with http.post(f"{naru.base}/v1/chat/completions", json=body, headers=naru.headers) as response:
            assert response.status == 200
            assert (await response.read()).endswith(b"data: [DONE]\n\n")
    assert (await naru.wait_call()).status == "ok"


async def test_a_client_that_reads_nothing_does_not_keep_its_place(start, upstream, monkeypatch):
    monkeypatch.setattr("naru.gateway.steps.relay._LAST_WORD_S", 0.1)
    naru = await start(CONFIG.format(url=upstream.url).replace("total_timeout_s = 10", "total_timeout_s = 2"))
    upstream.script(tokens=60_000)
    body = b'{"model":"openai/m","stream":true,"messages":[{"role":"user","content":"x"}]}'
    _, writer = await asyncio.open_connection("127.0.0.1", naru.port, limit=4096)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n"
        b"content-length: %d\r\n\r\n%s" % (naru.key.encode(), len(body), body)
    )
    call = await naru.wait_call()
    assert (call.status, call.error_code) == ("partial", "total_timeout")
    assert naru.app._road.in_flight == 0
    writer.transport.abort()


@pytest.mark.parametrize("body", [b'{"choi\xc8es": []}', b'{"choices": [', b"[]", b"[" * 100_000])
async def test_an_answer_that_cannot_be_read_is_the_upstreams_fault(start, http, body):
    async def garble(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + body)
        await writer.drain()

    async with raw_upstream(garble) as url:
        naru = await start(CONFIG.format(url=url))
        for provider in ("openai", "anthropic"):
            asked = {"model": f"{provider}/m", "messages": USER}
            async with http.post(
                f"{naru.base}/v1/chat/completions", json=asked, headers=naru.headers
            ) as response:
                assert response.status == 502
                assert (await response.json())["error"]["code"] == "upstream_protocol"
