"""The limit: the least proxy that Naru's own libraries allow. No key check, no metering, no ledger.

`python -m bench.bare --port P --upstream http://127.0.0.1:Q/v1`. Reads the body, sends it on, streams the
answer through. The header `x-bench-upstream: N` takes the N-th `--upstream`.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BareProxy:
    """A plain ASGI callable; the session is born and closed with the server's lifespan."""

    def __init__(self, upstreams: list[str]) -> None:
        self._urls = [f"{upstream}/chat/completions" for upstream in upstreams]
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._forward(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**18,
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._session.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _forward(self, scope: Message, receive: Receive, send: Send) -> None:
        assert self._session is not None
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        body = b"".join(parts)
        chosen = dict(scope["headers"]).get(b"x-bench-upstream", b"0")
        headers = {"content-type": "application/json", "authorization": "Bearer x"}
        async with self._session.post(self._urls[int(chosen)], data=body, headers=headers) as answer:
            kept = [(b"content-type", answer.headers["content-type"].encode())]
            length = answer.headers.get("content-length")
            if length is not None:
                kept.append((b"content-length", length.encode()))
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            if length is not None:
                await send({"type": "http.response.body", "body": await answer.read()})
                return
            async for data in answer.content.iter_any():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", action="append", required=True)
    options = parser.parse_args()
    uvicorn.run(
        BareProxy(options.upstream),
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        backlog=2048,
    )


if __name__ == "__main__":
    main()
