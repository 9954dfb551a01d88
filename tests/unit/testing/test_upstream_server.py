"""The server under the scripts: connections, bodies, clients that leave, threads and the process."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.testing.upstream import Script, ThreadedUpstream, ToolCall, Upstream
from naru.testing.upstream.__main__ import _parser, read_script
from naru.testing.upstream.script import split_tokens

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


def request(body=BODY, *headers):
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"host: x", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def read_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return int(head.split()[1]), await reader.readexactly(length)


@pytest.fixture
async def wire(upstream):
    reader, writer = await asyncio.open_connection(upstream.host, upstream.port, limit=1 << 24)
    yield reader, writer
    writer.close()


async def test_one_connection_serves_many_requests(upstream, wire):
    reader, writer = wire
    for _ in range(5):
        writer.write(request())
        assert (await read_answer(reader))[0] == 200
    assert (upstream.accepted, upstream.received, upstream.active) == (1, 5, 0)


@pytest.mark.parametrize("delay_ms", [0, 1])
async def test_pipelined_answers_keep_the_order_of_their_requests(upstream, wire, delay_ms):
    reader, writer = wire
    upstream.script(echo=True, delay_headers_ms=delay_ms)
    count = 100
    writer.write(b"".join(request(b'{"model":"m","number":%d}' % i) for i in range(count)))
    for i in range(count):
        _, body = await read_answer(reader)
        seen = json.loads(json.loads(body)["choices"][0]["message"]["content"])
        assert seen["body"]["number"] == i


async def test_a_body_in_chunks_and_one_byte_at_a_time_arrives_whole(upstream, wire):
    reader, writer = wire
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    for byte in head + chunks:
        writer.write(bytes([byte]))
    assert (await read_answer(reader))[0] == 200
    assert upstream.requests[0].body == BODY


async def test_a_large_body_arrives_whole_and_one_too_large_is_refused(upstream, wire, monkeypatch):
    reader, writer = wire
    large = json.dumps({"model": "m", "input": "x" * 8_000_000}).encode()
    writer.write(request(large, b"expect: 100-continue"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await read_answer(reader))[0] == 200
    assert len(upstream.requests[0].body) == len(large)
    monkeypatch.setattr("naru.testing.upstream.connection.MAX_BODY_BYTES", 1000)
    writer.write(request(b"x" * 1001))
    assert (await read_answer(reader))[0] == 413
    assert await reader.read() == b""


async def test_what_is_no_http_gets_a_400(upstream, wire):
    reader, writer = wire
    writer.write(b"hello there\r\n\r\n")
    assert (await read_answer(reader))[0] == 400


async def test_a_client_that_leaves_is_seen_at_once(upstream, wire):
    _, writer = wire
    upstream.script(delay_first_ms=60_000)
    writer.write(request())
    received = await upstream.wait_request(1)
    assert upstream.active == 1
    writer.close()
    await asyncio.wait_for(received.finished.wait(), 1)
    assert received.closed_early
    assert (upstream.active, upstream.aborted) == (0, 1)


async def test_an_answer_that_was_read_is_no_abort(upstream, wire):
    reader, writer = wire
    writer.write(request())
    await read_answer(reader)
    received = await upstream.wait_request(1)
    writer.close()
    await upstream.wait_idle()
    assert received.finished.is_set()
    assert not received.closed_early


async def test_a_client_that_does_not_read_holds_the_stream_back(upstream):
    """Backpressure: the upstream waits, and its own memory does not take the rest of the stream."""
    upstream.script(tokens=["x" * 50_000] * 400)
    with socket.create_connection((upstream.host, upstream.port)) as sock:
        sock.setblocking(False)
        sock.send(request(b'{"model":"m","stream":true}'))
        await upstream.wait_active()
        with pytest.raises(TimeoutError):
            await upstream.wait_idle(within_s=0.1)
        total = 0
        loop = asyncio.get_running_loop()
        while upstream.active:
            total += len(await loop.sock_recv(sock, 1 << 20))
    assert total > 10_000_000


async def test_nagle_is_off_on_every_connection(upstream, wire):
    (connection,) = upstream._connections
    sock = connection._transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_received_shows_the_request(upstream, wire):
    reader, writer = wire
    writer.write(request(BODY, b"X-Mixed: Case").replace(b"completions", b"completions?a=%20b"))
    await read_answer(reader)
    received = await upstream.wait_request(1)
    assert (received.method, received.path, received.query) == ("POST", "/v1/chat/completions", {"a": " b"})
    assert received.headers["x-mixed"] == "Case"
    assert received.json["model"] == "m"


async def test_only_the_newest_requests_are_kept():
    async with Upstream(keep=2) as upstream:
        reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
        for _ in range(3):
            writer.write(request())
            await read_answer(reader)
        writer.close()
        assert (len(upstream.requests), upstream.received) == (2, 3)
        assert await upstream.wait_request(3) is upstream.requests[-1]
        with pytest.raises(LookupError):
            await upstream.wait_request(1)
        with pytest.raises(TimeoutError):
            await upstream.wait_request(4, within_s=0.01)


async def test_stopping_cuts_answers_that_would_never_end():
    async with Upstream(Script(stall_after_tokens=0)) as upstream:
        reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
        writer.write(request())
        await upstream.wait_active()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_connection_hung_up_after_its_answer_had_promised_to_stay(upstream, wire):
    reader, writer = wire
    upstream.script(hang_up=True)
    writer.write(request() + request())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"connection: close" not in head
    rest = await reader.read()
    assert rest.count(b"HTTP/1.1") == 0
    assert upstream.received == 1


async def test_a_process_is_commanded_and_counted_over_http(upstream, wire):
    reader, writer = wire

    async def call(method, path, body=b""):
        writer.write(request(body).replace(b"POST /v1/chat/completions", method + b" " + path, 1))
        status, answer = await read_answer(reader)
        return status, json.loads(answer)

    assert (await call(b"PUT", b"/-/script", b'[{"error_status": 500}, {"reply": "ok"}]'))[0] == 200
    assert (await call(b"POST", b"/v1/chat/completions", BODY))[0] == 500
    assert (await call(b"POST", b"/v1/chat/completions", BODY))[0] == 200
    assert (await call(b"PUT", b"/-/script", b'{"repyl": 1}'))[0] == 400
    assert (await call(b"GET", b"/-/else"))[0] == 404
    assert await call(b"GET", b"/-/counters") == (
        200,
        {"received": 2, "active": 0, "aborted": 0, "accepted": 1, "connections": 1},
    )


def test_a_thread_of_its_own_serves_tests_that_are_not_async():
    with ThreadedUpstream(Script(reply="one")) as upstream:
        call = urllib.request.Request(upstream.url + "/v1/chat/completions", BODY)
        with urllib.request.urlopen(call) as answer:
            assert json.load(answer)["choices"][0]["message"]["content"] == "one"
        upstream.script(reply="two")
        with urllib.request.urlopen(call) as answer:
            assert json.load(answer)["choices"][0]["message"]["content"] == "two"
        assert upstream.wait_request(2).json["model"] == "m"
        assert len(upstream.requests) == 2
    with pytest.raises(RuntimeError, match="outside"):
        upstream.script()


async def test_the_process_serves_until_it_is_told_to_stop(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "naru.testing.upstream", "--reply", "안녕", "--script", '{"n": 2}'),
        stdout=asyncio.subprocess.PIPE,
    )
    line = (await process.stdout.readline()).decode()
    port = int(line.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    _, body = await read_answer(reader)
    writer.close()
    process.terminate()
    assert await process.wait() == 0
    assert [choice["message"]["content"] for choice in json.loads(body)["choices"]] == ["안녕", "안녕"]


def test_the_command_lines_shortcuts_lie_over_its_script():
    options = _parser().parse_args(["--script", '{"tokens": 3, "n": 2}', "--tokens", "5", "--delay-ms", "20"])
    assert read_script(options) == Script(tokens=5, n=2, delay_first_ms=20)


@given(st.text())
def test_tokens_joined_are_the_text(text):
    assert "".join(split_tokens(text)) == text


def test_tool_calls_may_be_objects():
    """As the documentation writes them, and as JSON does."""
    said = Script(tool_calls=[{"name": "f", "arguments": {"a": 1}}]).tool_calls
    assert said == (ToolCall(name="f", arguments={"a": 1}),)
