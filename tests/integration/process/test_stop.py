"""`naru up` as a process: what it does when told to stop, and when it cannot start."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import sys
from pathlib import Path

import aiohttp
import pytest

from naru.testing.upstream import Upstream
from tests.integration.conftest import CONFIG

USER = [{"role": "user", "content": "hi"}]


async def start(tmp_path: Path, config: str) -> tuple[asyncio.subprocess.Process, str, dict[str, str]]:
    path, home = tmp_path / "naru.toml", tmp_path / "home"
    path.write_text(config)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "naru", "up", "--config", str(path), "--home", str(home), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    seen = b""
    while not (match := re.search(rb"Console +(http://\S+)/\n", seen)):
        line = await process.stdout.readline()
        assert line, seen
        seen += line
    key = (home / "admin.key").read_text().strip()
    return process, match[1].decode(), {"authorization": f"Bearer {key}"}


def rows(tmp_path: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(tmp_path / "home" / "naru.db")
    try:
        return connection.execute("SELECT status, http_status FROM calls ORDER BY id").fetchall()
    finally:
        connection.close()


async def test_a_stop_lets_streams_finish_and_writes_every_row(tmp_path, upstream: Upstream):
    upstream.script(tokens=20, delay_token_ms=20)
    process, base, headers = await start(tmp_path, CONFIG.format(url=upstream.url))
    url, body = f"{base}/v1/chat/completions", {"model": "openai/m", "messages": USER}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url, json={**body, "stream": True}) as stream:
            async with session.post(url, json=body) as whole:
                assert whole.status == 200
            process.send_signal(signal.SIGTERM)  # the row just made waits to be written
            assert (await stream.read()).endswith(b"data: [DONE]\n\n")
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert b"Traceback" not in output
    assert rows(tmp_path) == [("ok", 200), ("ok", 200)]


async def test_a_second_signal_ends_running_calls_and_writes_their_rows(tmp_path, upstream: Upstream):
    upstream.script(tokens=10_000, delay_token_ms=20)
    process, base, headers = await start(tmp_path, CONFIG.format(url=upstream.url))
    body = {"model": "openai/m", "messages": USER, "stream": True}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{base}/v1/chat/completions", json=body) as stream,
    ):
        assert stream.status == 200
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert b"Traceback" not in output
    assert rows(tmp_path) == [("cancelled", 200)]


@pytest.mark.parametrize("kind", ["home is a file", "no database"])
async def test_an_unusable_home_is_said_in_one_line(tmp_path, kind):
    home = tmp_path / "home"
    if kind == "home is a file":
        home.touch()
    else:
        home.mkdir()
        (home / "naru.db").write_bytes(b"anything but a database, and longer than its header" * 4)
    config = tmp_path / "naru.toml"
    config.write_text("[local]\nenabled = false\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "naru", "up", "--config", str(config), "--home", str(home), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert b"Traceback" not in output
    assert str(home).encode() in output
