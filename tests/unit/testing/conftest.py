"""A running upstream, and a client that shows the bytes as they come."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from naru.testing.upstream import Upstream


@pytest.fixture
async def upstream():
    async with Upstream() as running:
        yield running


@dataclass
class Heard:
    """What came over a socket: the head, each read of the body, and how it ended."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    reads: list[bytes] = field(default_factory=list)
    is_reset: bool = False
    is_open: bool = False

    @property
    def raw(self) -> bytes:
        return b"".join(self.reads)

    @property
    def body(self) -> bytes:
        """The body without its chunks; of an unfinished one as much as there is."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.raw
        rest, out = self.raw, b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            out += rest[:length]
            rest = rest[length + 2 :]
        return out

    @property
    def events(self) -> list[str]:
        """The `data:` of each event, read line by line as the standard says."""
        text = self.body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        out = []
        for block in text.split("\n\n"):
            lines = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
            if lines:
                out.append("\n".join(lines))
        return out


@pytest.fixture
def ask():
    """Sends one request over a socket of its own and listens to the end, or `listen_s` beyond the head."""

    async def ask(
        upstream, path="/v1/chat/completions", body=None, *, listen_s=5.0, head_s=5.0, lines=(), **script
    ):
        if body is None:
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        payload = json.dumps(body).encode()
        head = [f"POST {path} HTTP/1.1", "host: x", "connection: close", f"content-length: {len(payload)}"]
        if script:
            head.append("x-upstream-script: " + json.dumps(script))
        request = "\r\n".join([*head, *lines]).encode() + b"\r\n\r\n" + payload
        reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
        heard = Heard()
        try:
            writer.write(request)
            async with asyncio.timeout(head_s):
                answer = await reader.readuntil(b"\r\n\r\n")
            first, *rest = answer.decode().strip().split("\r\n")
            heard.status = int(first.split()[1])
            heard.headers = dict(line.split(": ", 1) for line in rest)
            async with asyncio.timeout(listen_s):
                while data := await reader.read(1 << 20):
                    heard.reads.append(data)
        except asyncio.IncompleteReadError:
            pass
        except ConnectionResetError:
            heard.is_reset = True
        except TimeoutError:
            heard.is_open = True
        finally:
            writer.close()
        return heard

    return ask
