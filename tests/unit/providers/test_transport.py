"""The client of upstreams: what is sent, what is made of any answer, and when connections are used again."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from naru.kernel.errors import NaruError, UpstreamError, UpstreamTimeout, UpstreamUnavailable
from naru.providers.base import UpstreamRequest
from naru.providers.transport import Transport

Serve = Callable[["Peer"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """One connection seen from the upstream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.requests: list[bytes] = []

    async def read_request(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        request = head + await self.reader.readexactly(length)
        self.requests.append(request)
        return request

    async def answer(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@contextlib.asynccontextmanager
async def serving(serve: Serve, **options) -> AsyncIterator[tuple[str, list[Peer]]]:
    peers: list[Peer] = []

    async def accept(reader, writer):
        peer = Peer(reader, writer)
        peers.append(peer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(peer)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, **options)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", peers
        for peer in peers:
            if not peer.writer.is_closing():
                peer.writer.transport.abort()


@contextlib.asynccontextmanager
async def transport(**options) -> AsyncIterator[Transport]:
    made = Transport(**{"connect_timeout_s": 5, "max_connections": 4} | options)
    try:
        yield made
    finally:
        await made.close()


def request(base: str, path: str = "/v1/x?a=b", body: bytes = b"{}", **headers: str) -> UpstreamRequest:
    return UpstreamRequest(base + path, headers, body)


async def ask(client: Transport, base: str, **options) -> tuple[int, bytes]:
    response = await client.open(request(base, **options))
    try:
        return response.status, await response.read()
    finally:
        response.close()


def always(data: bytes) -> Serve:
    async def serve(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await peer.answer(data)

    return serve


async def test_an_upstream_sees_what_the_adapter_says_and_nothing_more():
    async with serving(always(OK)) as (base, peers), transport() as client:
        await ask(client, base, body=b'{"a":1}', authorization="Bearer x")
        port = base.rpartition(":")[2].encode()
        assert peers[0].requests == [
            b"POST /v1/x?a=b HTTP/1.1\r\nhost: 127.0.0.1:%b\r\nauthorization: Bearer x\r\n"
            b'content-length: 7\r\n\r\n{"a":1}' % port
        ]


@pytest.mark.parametrize("path", ["/m/arn%3Aaws%2Fx:0/invoke", "/v1/models/a:b", "/a b/한글?q=a b"])
async def test_an_escaped_path_is_sent_as_it_is_and_others_are_escaped(path):
    async with serving(always(OK)) as (base, peers), transport() as client:
        await ask(client, base, path=path)
        sent = peers[0].requests[0].split(b" ")[1].decode()
        assert sent == path.replace(" ", "%20").replace("한글", "%ED%95%9C%EA%B8%80")


async def test_no_header_can_begin_another():
    async with serving(always(OK)) as (base, peers), transport() as client:
        for value in ("a\r\nx-evil: 1", "a\nx: 1", "a\rb"):
            with pytest.raises(UpstreamError):
                await ask(client, base, **{"x-a": value})
        assert peers == []


async def test_one_connection_carries_many_requests():
    async with serving(always(OK)) as (base, peers), transport() as client:
        assert [await ask(client, base) for _ in range(20)] == [(200, b"ok")] * 20
        assert len(peers) == 1


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-trailer: 1\r\n\r\n", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
    ],
)
async def test_every_way_to_frame_an_answer_is_read_in_any_pieces_and_the_connection_goes_on(answer, body):
    async def in_pieces(peer: Peer) -> None:
        pick = random.Random(1)
        while True:
            await peer.read_request()
            rest = answer
            while rest:
                size = pick.randint(1, 7)
                await peer.answer(rest[:size])
                await asyncio.sleep(0)
                rest = rest[size:]

    async with serving(in_pieces) as (base, peers), transport() as client:
        for _ in range(5):
            _, got = await ask(client, base)
            assert got == body
        assert len(peers) == 1


async def test_interim_headers_are_not_those_of_the_answer():
    hints = b"HTTP/1.1 103 Early Hints\r\nx-hint: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Real: 1\r\nx-real: 2\r\n"
    async with serving(always(hints + b"content-length: 0\r\n\r\n")) as (base, _), transport() as client:
        response = await client.open(request(base))
        assert response.headers == {"x-real": "1, 2", "content-length": "0"}
        response.close()


async def test_an_answer_without_a_length_ends_with_its_connection():
    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with serving(serve) as (base, peers), transport() as client:
        assert await ask(client, base) == (200, b"all of it")
        assert await ask(client, base) == (200, b"all of it")
        assert len(peers) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", "upstream_truncated"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", "upstream_truncated"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab", "upstream_truncated"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok", "upstream_reset"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000, "upstream_reset"),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "upstream_reset"),
        (b"SSH-2.0-OpenSSH\r\n", "upstream_reset"),
        (b"", "upstream_reset"),
    ],
)
async def test_what_is_no_whole_answer_is_an_error_of_the_upstream(answer, code):
    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer(answer)

    async with serving(serve) as (base, peers), transport() as client:
        with pytest.raises(NaruError) as caught:
            await ask(client, base)
        assert caught.value.code == code
        assert len(peers) == 1, "a request that may have been worked on is not sent twice"


async def test_bytes_behind_an_answer_never_become_the_next_one():
    async def serve(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await peer.answer(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")

    async with serving(serve) as (base, peers), transport() as client:
        assert [await ask(client, base) for _ in range(3)] == [(200, b"ok")] * 3
        assert len(peers) == 3


async def test_late_bytes_on_an_idle_connection_close_it():
    late = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer(OK)
        await late.wait()
        await peer.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await peer.reader.read()

    async with serving(serve) as (base, peers), transport() as client:
        assert await ask(client, base) == (200, b"ok")
        late.set()
        async with asyncio.timeout(5):
            await peers[0].reader.read()  # until we cut it
        assert await ask(client, base) == (200, b"ok")
        assert len(peers) == 2


async def test_a_connection_closed_while_idle_costs_nothing():
    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer(OK)

    async with serving(serve) as (base, peers), transport() as client:
        for number in range(1, 6):
            assert await ask(client, base) == (200, b"ok")
            assert len(peers) == number


async def test_an_answer_given_up_half_way_cuts_its_connection():
    gone = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n")
        await peer.reader.read()
        gone.set()

    async with serving(serve) as (base, _), transport() as client:
        response = await client.open(request(base))
        assert await anext(aiter(response.chunks())) == b"ab"
        response.close()
        async with asyncio.timeout(5):
            await gone.wait()


async def test_no_more_connections_than_allowed_and_nobody_is_forgotten():
    async def serve(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await asyncio.sleep(0.001)
            await peer.answer(OK)

    async with serving(serve) as (base, peers), transport(max_connections=3) as client:
        tasks = [asyncio.create_task(ask(client, base)) for _ in range(60)]
        await asyncio.sleep(0)
        for task in tasks[::7]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results.count((200, b"ok")) == 60 - len(tasks[::7])
        assert await ask(client, base) == (200, b"ok")
        open_now = [peer for peer in peers if not peer.reader.at_eof()]
        assert len(open_now) <= 3


async def test_waiting_for_a_connection_ends_in_time():
    async def serve(peer: Peer) -> None:
        await peer.reader.read()

    async with serving(serve) as (base, _), transport(max_connections=1, connect_timeout_s=0.1) as client:
        holder = asyncio.create_task(ask(client, base))
        await asyncio.sleep(0.05)
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(client, base)
        assert caught.value.code == "connect_timeout"
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)


async def test_who_cannot_be_reached_is_told_apart():
    async with transport(connect_timeout_s=2) as client:
        for url, code in (
            ("http://127.0.0.1:9", "upstream_refused"),
            ("http://no-such-host.invalid", "upstream_unknown_host"),
            ("ftp://127.0.0.1", "upstream_unknown_host"),
        ):
            with pytest.raises(UpstreamUnavailable) as caught:
                await ask(client, url)
            assert caught.value.code == code


async def test_a_slow_reader_makes_the_upstream_wait():
    """40 MB are on their way; no more than a little over half a megabyte of it is held here."""
    block = b"x" * 65_536
    sent = 0

    async def serve(peer: Peer) -> None:
        nonlocal sent
        await peer.read_request()
        await peer.answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(block) * 640))
        for _ in range(640):
            await peer.answer(block)
            sent += len(block)

    async with serving(serve) as (base, _), transport() as client:
        response = await client.open(request(base))
        await asyncio.sleep(0.2)
        assert response._buffered < 1_000_000
        assert sent < 20_000_000
        got = 0
        async for chunk in response.chunks():
            got += len(chunk)
        assert got == len(block) * 640
        response.close()


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_answer_is_read_and_bounded(name, pack):
    packed = pack(b"a" * 3_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\ncontent-length: {len(packed)}\r\n\r\n".encode()
    async with serving(always(head + packed)) as (base, _), transport() as client:
        assert await ask(client, base) == (200, b"a" * 3_000_000)
        response = await client.open(request(base))
        assert sum([len(chunk) async for chunk in response.chunks()]) == 3_000_000
        response.close()
        response = await client.open(request(base))
        with pytest.raises(UpstreamError) as caught:
            await response.read(limit=100_000)
        assert caught.value.code == "upstream_too_large"
        response.close()


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_compression_that_cannot_be_undone_is_an_error_of_the_upstream(encoding):
    answer = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 4\r\n\r\nabcd".encode()
    async with serving(always(answer)) as (base, _), transport() as client:
        with pytest.raises(UpstreamError) as caught:
            await ask(client, base)
        assert caught.value.code == "upstream_protocol"


async def test_a_certificate_of_nobody_is_refused(tmp_path):
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with serving(always(OK), ssl=context) as (base, _), transport() as client:
        with pytest.raises(UpstreamUnavailable) as caught:
            await ask(client, base.replace("http:", "https:"))
        assert caught.value.code == "upstream_tls"


async def test_tls_works_with_a_certificate_that_is_trusted(tmp_path, monkeypatch):
    certificate, key = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with serving(always(OK), ssl=context) as (base, peers), transport() as client:
        for _ in range(3):
            assert await ask(client, base.replace("http:", "https:")) == (200, b"ok")
        assert len(peers) == 1


def make_certificate(folder):
    """A self-signed one for 127.0.0.1."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "cert.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path
