"""`naru up` as a person meets it: no settings, no key, no network; what it prints works when pasted."""

import asyncio
import json
import os
import re
import signal
import stat
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

NARU = Path(sys.executable).with_name("naru")
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@asynccontextmanager
async def naru_up(folder, *arguments):
    """A running `naru up`; yields the process and what it printed up to the last line of its greeting."""
    process = await asyncio.create_subprocess_exec(
        NARU,
        "up",
        "--port",
        "0",
        *arguments,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        printed = ""
        async with asyncio.timeout(90):
            while "Ctrl-C" not in printed:
                line = await process.stdout.readline()
                assert line, f"it ended early: {printed}"
                printed += line.decode()
        yield process, printed
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await process.wait()


async def run(command, folder):
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    return Path(f"/proc/{pid}").exists()


def address_in(printed):
    return re.search(r"http://127\.0\.0\.1:\d+", printed)[0]


async def test_the_printed_curl_answers(tmp_path):
    """The whole first meeting: start, paste, read an answer; the key's file is private; Ctrl-C ends all."""
    async with naru_up(tmp_path) as (process, printed):
        curl = printed[printed.index("curl ") : printed.index("Ctrl-C")]
        answer = json.loads(await run(curl, tmp_path))
        assert answer["choices"][0]["message"]["content"]
        assert answer["usage"]["completion_tokens"] > 0
        key = tmp_path / ".naru" / "admin.key"
        assert str(key) in printed
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        children = children_of(process.pid)
        assert children, "the model runs in a process of its own"
    assert process.returncode in (0, -signal.SIGINT, 130)
    assert not any(map(is_running, children))


async def test_a_tool_call_streams_through_it_and_is_counted(tmp_path):
    """The issue's sentence: the OpenAI SDK streams a tool call through it. Then the ledger knows of it."""
    async with naru_up(tmp_path) as (_, printed):
        base = address_in(printed)
        key = (tmp_path / ".naru" / "admin.key").read_text().strip()
        async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0) as client:
            stream = await client.chat.completions.create(
                model="smollm2",
                messages=[{"role": "user", "content": "What is the weather in Seoul?"}],
                tools=[TOOL],
                tool_choice={"type": "function", "function": {"name": "get_weather"}},
                stream=True,
            )
            chunks = [chunk async for chunk in stream]
        deltas = [d for c in chunks if c.choices for d in c.choices[0].delta.tool_calls or ()]
        assert deltas[0].function.name == "get_weather"
        assert "city" in json.loads("".join(delta.function.arguments or "" for delta in deltas))
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
        curl = f'curl -s {base}/api/calls -H "Authorization: Bearer {key}"'
        async with asyncio.timeout(10):
            while not (calls := json.loads(await run(curl, tmp_path))["calls"]):  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.1)
        call = calls[0]
        assert call["model_served"] == "smollm2"
        assert call["status"] == "ok"


async def test_a_second_start_keeps_its_key(tmp_path):
    """What the first start made stays: the key still opens the second."""
    async with naru_up(tmp_path) as (_, first):
        key = (tmp_path / ".naru" / "admin.key").read_text()
        assert first
    async with naru_up(tmp_path) as (_, printed):
        assert (tmp_path / ".naru" / "admin.key").read_text() == key
        answer = await run(
            f'curl -s {address_in(printed)}/v1/models -H "Authorization: Bearer {key.strip()}"', tmp_path
        )
        assert [model["id"] for model in json.loads(answer)["data"]] == ["smollm2"]


async def test_nothing_stays_behind_after_kill_9(tmp_path):
    """kill -9 of the gateway takes the model's process with it."""
    async with naru_up(tmp_path) as (process, _):
        (child,) = children_of(process.pid)
        descriptor = os.pidfd_open(child)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, ended.set)
        process.kill()
        async with asyncio.timeout(10):
            await ended.wait()
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
