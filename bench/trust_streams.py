"""`python -m bench.trust_streams [--streams N]`: what masking a prompt and restoring its stream cost.

The same streamed call through one Naru with trust off and on, in turn, over one connection: time to the first
content at the client, and to the end. The upstream answers at once, so nearly all of it is Naru's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from naru.app import App
from naru.server import bind, new_server
from naru.settings import load
from naru.testing.upstream import Upstream

CONFIG = """
[local]
enabled = false
[providers.out]
kind = "openai-compatible"
base_url = "{url}/v1"
api_key = "x"
models = ["*"]
[trust]
enabled = {on}
"""
PROMPT = (
    "고객 이름: 김민수, 전화 010-2345-6789, 주민번호 850101-1234567, 메일 minsu.kim@example.com, "
    "주소 서울특별시 강남구 테헤란로 152, 3층. 이 고객에게 배송이 늦어진다고 정중히 알리는 글을 써 주세요. "
)
REPLY = "<PERSON_1>은 <PHONE_1>로 연락 주세요. <EMAIL_1>로도 됩니다. " * 5


class Contender:
    """One Naru in this process."""

    def __init__(self, url: str, folder: Path, *, on: bool) -> None:
        folder.mkdir()
        path = folder / "naru.toml"
        path.write_text(CONFIG.format(url=url, on=str(on).lower()))
        self.app = App(load(path, {}), home=folder / "home", config_path=path, environ={})

    async def start(self) -> None:
        await self.app.start()
        self._listener = bind("127.0.0.1", 0)
        self._server = new_server(self.app)
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup([self._listener])
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/chat/completions"

    async def stop(self) -> None:
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
        await self.app.stop()
        self._listener.close()

    async def stream(self, http: aiohttp.ClientSession) -> tuple[float, float, str]:
        """Milliseconds to the first content and to the end, and the text."""
        body = {"model": "out/m", "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
        headers = {"authorization": f"Bearer {self.app.admin_key}"}
        began = time.perf_counter()
        first, text = 0.0, []
        async with http.post(self.url, json=body, headers=headers) as answer:
            async for line in answer.content:
                if line.startswith(b"data: {"):
                    delta = json.loads(line[6:])["choices"]
                    said = delta[0]["delta"].get("content") if delta else None
                    if said:
                        first = first or time.perf_counter() - began
                        text.append(said)
        return first * 1000, (time.perf_counter() - began) * 1000, "".join(text)


async def measure(streams: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        async with Upstream(keep=0) as upstream, aiohttp.ClientSession() as http:
            upstream.script(reply=REPLY)
            off, on = (
                Contender(upstream.url, Path(folder) / name, on=name == "on") for name in ("off", "on")
            )
            await off.start()
            await on.start()
            times: dict[str, list[tuple[float, float]]] = {"off": [], "on": []}
            for number in range(streams + 50):
                for name, contender in (("off", off), ("on", on)):
                    first, whole, text = await contender.stream(http)
                    assert ("김민수" in text) is (name == "on"), "nothing was restored"
                    if number >= 50:
                        times[name].append((first, whole))
            await off.stop()
            await on.stop()
    print("| trust | first content p50 ms | p99 ms | whole stream p50 ms |")
    print("| --- | --: | --: | --: |")
    p50: dict[str, float] = {}
    for name, got in times.items():
        firsts = sorted(first for first, _ in got)
        p50[name] = statistics.median(firsts)
        p99 = firsts[int(len(firsts) * 0.99)]
        whole = statistics.median(whole for _, whole in got)
        print(f"| {name} | {p50[name]:.2f} | {p99:.2f} | {whole:.2f} |")
    print(f"added to the first content, p50: {p50['on'] - p50['off']:.2f} ms (goal: under 1 ms)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.trust_streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    asyncio.run(measure(parser.parse_args().streams))
