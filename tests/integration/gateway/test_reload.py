"""naru.toml changes while Naru runs: no request fails, and a bad file changes nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from naru.testing.upstream import Upstream

BODY = {"model": "house", "messages": [{"role": "user", "content": "hi"}]}
CONFIG = """
[local]
enabled = false
[providers.up]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "x"
[models.house]
targets = ["up/{model}"]
"""


async def test_no_request_fails_while_the_settings_change_under_load(start, upstream, http):
    async with Upstream() as second:
        naru = await start(CONFIG.format(url=upstream.url, model="one"))
        statuses: list[int] = []
        served: set[str] = set()
        is_over = asyncio.Event()

        async def load() -> None:
            while not is_over.is_set():
                async with http.post(
                    f"{naru.base}/v1/chat/completions", json=BODY, headers=naru.headers
                ) as response:
                    await response.read()
                    statuses.append(response.status)
                    served.add(response.headers["x-naru-model"])

        workers = [asyncio.create_task(load()) for _ in range(8)]
        while not statuses:  # noqa: ASYNC110 - counting real answers
            await asyncio.sleep(0.005)
        for number, (url, model) in enumerate([(second.url, "two"), (upstream.url, "three")] * 3):
            new = naru.config_path.with_suffix(".new")
            new.write_text(CONFIG.format(url=url, model=model) + f"# {number}\n")
            new.replace(naru.config_path)
            assert await naru.app.watcher.reload()
            before = len(statuses)
            while len(statuses) < before + 20:  # noqa: ASYNC110 - counting real answers
                await asyncio.sleep(0.005)
        is_over.set()
        await asyncio.gather(*workers)
    assert set(statuses) == {200}
    assert served == {"one", "two", "three"}


async def test_a_stream_ends_with_the_settings_it_began_with(start, upstream):
    naru = await start(CONFIG.format(url=upstream.url, model="one"))
    upstream.script(tokens=40, delay_token_ms=10)
    async with naru.openai() as client:
        stream = await client.chat.completions.create(**BODY, stream=True)
        first = await anext(aiter(stream))
        naru.config_path.write_text(CONFIG.format(url="http://127.0.0.1:9", model="two"))
        assert await naru.app.watcher.reload()
        rest = [chunk async for chunk in stream]
    assert first.model == "one"
    assert rest[-1].choices[0].finish_reason == "stop"


async def test_a_bad_file_is_refused_with_line_and_reason_and_the_old_one_runs(start, upstream, http, caplog):
    naru = await start(CONFIG.format(url=upstream.url, model="one"))
    for bad, line, reason in (
        ("[models.house]\ntargets = [\n", 3, ""),
        (CONFIG.format(url=upstream.url, model="one").replace("up/one", "down/one"), 9, "down"),
        (CONFIG.format(url=upstream.url, model="one") + "[server]\nprot = 1\n", 11, "port"),
    ):
        naru.config_path.write_text(bad)
        assert not await naru.app.watcher.reload()
        error = naru.app.watcher.last_error
        assert f"naru.toml:{line}" in error.message or line == 3
        assert reason in error.message
        assert "settings refused" in caplog.text
        async with http.post(f"{naru.base}/v1/chat/completions", json=BODY, headers=naru.headers) as response:
            assert response.status == 200


async def test_nagle_is_off_on_both_sides(naru, upstream, http):
    """Nagle and delayed ACK together cost 40 ms a chunk elsewhere."""
    async with http.post(
        f"{naru.base}/v1/chat/completions", json={**BODY, "model": "openai/m"}, headers=naru.headers
    ) as response:
        assert response.status == 200
        accepted = _tcp_sockets()
    ours = [s for s in accepted if s.getsockname()[1] == naru.port]
    to_upstream = [s for s in accepted if s.getpeername()[1] == int(upstream.url.rpartition(":")[2])]
    assert ours
    assert to_upstream
    for s in (*ours, *to_upstream):
        assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    for s in accepted:
        s.close()


def _tcp_sockets() -> list[socket.socket]:
    """Duplicates of this process's connected TCP sockets."""
    found = []
    for name in (path.name for path in Path("/proc/self/fd").iterdir()):
        try:
            duplicate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        try:
            duplicate.getpeername()
            is_tcp = duplicate.family == socket.AF_INET and duplicate.type == socket.SOCK_STREAM
        except OSError:
            is_tcp = False
        if is_tcp:
            found.append(duplicate)
        else:
            duplicate.close()
    return found
