"""Clients that mean harm, or speak HTTP in ways few do, cost nobody else anything."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json

import pytest

from naru.web.http import BoundedHttpProtocol

CHAT = json.dumps({"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}).encode()


def post(naru, *headers: str, length: int | None = len(CHAT)) -> bytes:
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "host: naru",
        f"authorization: Bearer {naru.key}",
        *([] if length is None else [f"content-length: {length}"]),
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def talk(naru, *pieces: bytes) -> bytes:
    """Everything the server says to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    answer = b""
    try:
        async with asyncio.timeout(10):
            # A server that hangs up on what is still being sent resets the connection.
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            with contextlib.suppress(ConnectionError):
                while chunk := await reader.read(65_536):
                    answer += chunk
    finally:
        writer.close()
    return answer


async def test_a_compressed_body_is_refused_by_its_name(naru, http):
    headers = {**naru.headers, "content-encoding": "gzip"}
    url = f"{naru.base}/v1/chat/completions"
    async with http.post(url, data=gzip.compress(CHAT), headers=headers) as response:
        assert response.status == 415
        assert (await response.json())["error"]["code"] == "unsupported_content_encoding"
    assert (await naru.wait_call()).status == "rejected"


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "bedrock"])
@pytest.mark.parametrize("field", ['"x": 1e999', '"metadata": {"a": [1e999]}'])
async def test_a_number_no_language_can_say_is_no_fault_of_naru(naru, http, provider, field):
    body = b'{"model": "%s/m", "messages": [{"role": "user", "content": "x"}], %s}'
    body %= (provider.encode(), field.encode())
    async with http.post(f"{naru.base}/v1/chat/completions", data=body, headers=naru.headers) as response:
        assert response.status in (200, 400)
    assert (await naru.wait_call()).error_code != "internal_error"


async def test_an_offer_to_upgrade_is_declined_and_the_request_answered(naru):
    """Java's HTTP client makes one with every request over plain HTTP."""
    offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAEAAEAAAAIAAAAB")
    answer = await talk(
        naru, post(naru, *offer) + CHAT[:10], CHAT[10:] + post(naru, "connection: close") + CHAT
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (b"1;", b"x" * 60_000),
        (b"%x\r\n%s\r\n0\r\n" % (len(CHAT), CHAT), b"x: y\r\n" * 10_000),
        (b"", b"1\r\n \r\n" * 10_000),
    ],
    ids=["extension", "trailers", "tiny chunks"],
)
async def test_a_body_that_is_mostly_framing_is_refused(naru, begin, endless):
    head = post(naru, "transfer-encoding: chunked", length=None)
    answer = await talk(naru, head + begin, *[endless] * 20)
    assert answer[:13] in (b"HTTP/1.1 431 ", b"")
    assert (await naru.wait_call()).status == "cancelled"
    assert naru.app._road.in_flight == 0


async def test_what_is_no_http_gets_an_error_object(naru):
    answer = await talk(naru, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "invalid_http"


async def test_a_slow_request_on_a_used_connection_is_ended(naru, monkeypatch):
    monkeypatch.setattr(BoundedHttpProtocol, "patience_s", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: naru\r\n\r\n")
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK")
    writer.write(b"GET /hea")
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 Request Timeout")
    writer.close()


async def test_a_connection_at_rest_is_closed_and_one_in_use_is_not(naru, monkeypatch, upstream):
    """The rest is counted from the last answer, however long the connection has lived."""
    rest_s = property(lambda _: 0.4, lambda _, __: None)
    monkeypatch.setattr(BoundedHttpProtocol, "timeout_keep_alive", rest_s, raising=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    loop = asyncio.get_running_loop()
    for _ in range(4):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: naru\r\n\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK")
        await asyncio.sleep(0.15)
    upstream.script(delay_first_ms=700)
    writer.write(post(naru) + CHAT)
    assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200 OK")
    answered = loop.time()
    async with asyncio.timeout(10):
        while await reader.read(65_536):
            pass
    assert loop.time() - answered >= 0.3
    writer.close()


@pytest.mark.parametrize("path", ["/v1/models", "/healthz"])
async def test_a_head_that_no_body_follows_goes_out(naru, path):
    """Asked with HEAD, after an answer on the same connection whose head waited for its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(post(naru) + CHAT)
    try:
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split()[1]))
            asked = f"HEAD {path} HTTP/1.1\r\nhost: naru\r\nauthorization: Bearer {naru.key}\r\n\r\n"
            writer.write(asked.encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
    finally:
        writer.close()


async def test_a_body_that_trickles_is_ended_and_its_place_given_back(naru, monkeypatch):
    monkeypatch.setattr(BoundedHttpProtocol, "patience_s", 0.1)
    answer = await talk(naru, post(naru) + CHAT[:5])
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"
    call = await naru.wait_call()
    assert (call.status, call.http_status) == ("cancelled", 499)
    assert naru.app._road.in_flight == 0


async def test_a_client_with_a_second_request_in_line_can_leave_the_first(naru, upstream):
    upstream.script(delay_first_ms=60_000)
    _, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write((post(naru) + CHAT) * 2)
    await upstream.wait_active()
    writer.transport.abort()
    await upstream.wait_aborted()
    assert (await naru.wait_call()).status == "cancelled"


async def test_short_deadlines_of_one_client_do_not_shut_the_model_to_others(naru, http, upstream):
    upstream.script(delay_first_ms=200)
    url = f"{naru.base}/v1/chat/completions"
    for _ in range(6):
        async with http.post(url, data=CHAT, headers={**naru.headers, "x-naru-timeout-ms": "5"}) as response:
            assert response.status == 504
    async with http.post(url, data=CHAT, headers=naru.headers) as response:
        assert response.status == 200


async def test_what_became_of_a_request_nobody_waited_for_is_unknown_not_free(naru, upstream):
    upstream.script(delay_headers_ms=60_000)
    _, writer = await asyncio.open_connection("127.0.0.1", naru.port)
    writer.write(post(naru) + CHAT)
    await upstream.wait_active()
    writer.transport.abort()
    await upstream.wait_aborted()
    call = await naru.wait_call()
    assert (call.cost.state, call.cost.nano_usd) == ("unknown", None)
    assert call.attempts[0].status == "cancelled"
