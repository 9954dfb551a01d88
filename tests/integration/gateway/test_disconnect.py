"""A client that goes away stops the upstream, and its call is still written down."""

from __future__ import annotations

import asyncio
import json

USER = [{"role": "user", "content": "hi"}]


async def _leave(naru, body: dict, *, after: bytes | None) -> None:
    """Post `body`, read until `after` was seen (None: read nothing), and drop the connection."""
    data = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %s\r\ncontent-length: %d\r\n\r\n" % (naru.key.encode(), len(data)) + data
    )
    await writer.drain()
    seen = b""
    while after is not None and after not in seen:
        chunk = await reader.read(65536)
        assert chunk, seen
        seen += chunk
    if after is None:
        await asyncio.sleep(0)
    writer.transport.abort()


async def test_leaving_a_stream_stops_the_upstream(naru, upstream):
    upstream.script(tokens=10_000, delay_token_ms=5)
    await _leave(naru, {"model": "openai/m", "messages": USER, "stream": True}, after=b'"content":')
    await upstream.wait_aborted()
    call = await naru.wait_call()
    assert call.status == "cancelled"
    assert call.error_class == "client"
    assert call.usage.is_estimated
    assert call.usage.output_tokens > 0
    assert naru.app._road.in_flight == 0


async def test_leaving_before_the_first_token_stops_the_upstream(naru, upstream):
    upstream.script(delay_first_ms=60_000)
    leaving = asyncio.create_task(
        _leave(naru, {"model": "openai/m", "messages": USER, "stream": True}, after=None)
    )
    await upstream.wait_active()
    await leaving
    await upstream.wait_aborted()
    call = await naru.wait_call()
    assert (call.status, call.http_status) == ("cancelled", 499)
    assert call.cost.state == "unknown"


async def test_leaving_a_whole_answer_stops_the_upstream(naru, upstream):
    upstream.script(delay_first_ms=60_000)
    await _leave(naru, {"model": "openai/m", "messages": USER}, after=None)
    await upstream.wait_aborted()
    assert (await naru.wait_call()).status == "cancelled"


async def test_a_client_that_reads_slowly_holds_the_upstream_back(naru, upstream):
    """Back-pressure: what the client does not take is not piled up in Naru."""
    upstream.script(tokens=60_000)
    data = json.dumps({"model": "openai/m", "messages": USER, "stream": True}).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", naru.port, limit=4096)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n"
        b"content-length: %d\r\n\r\n" % (naru.key.encode(), len(data)) + data
    )
    await upstream.wait_active()
    await asyncio.sleep(0.5)
    assert upstream.active == 1  # 15 MB do not fit into the sockets' buffers
    writer.transport.abort()
    await upstream.wait_aborted()
