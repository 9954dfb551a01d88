"""Every example of the documentation runs, against a real Naru in front of the scripted upstream."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import pytest

from naru.app import App
from naru.server import bind, new_server
from naru.settings import load
from naru.testing.upstream import Script, ToolCall, Upstream
from tests.docs.pages import read_blocks

# The pages ask for the embedded model; here the same name is served by the scripted upstream.
CONFIG = """
[local]
enabled = false

[providers.scripted]
kind = "openai-compatible"
base_url = "{url}/v1"
models = ["*"]

[models.smollm2]
targets = ["scripted/smollm2"]
"""
DOCUMENTED = "127.0.0.1:8400"

# Pages on parts that need no Naru are run by those parts' tests.
PYTHON = [(where, block) for where, block in read_blocks("python") if DOCUMENTED in block]
CURL = [
    (where, block) for where, block in read_blocks("sh") if block.startswith("curl") and DOCUMENTED in block
]
CALL = Script(tool_calls=(ToolCall(name="get_weather", arguments='{"city": "Seoul"}'),))


@asynccontextmanager
async def naru_for(block, tmp_path):
    """A Naru whose home is `.naru` in `tmp_path`, as the pages say; yields its address."""
    async with Upstream(CALL if "tools=" in block else Script()) as upstream:
        path = tmp_path / "naru.toml"
        path.write_text(CONFIG.format(url=upstream.url))
        app = App(load(path, {}), home=tmp_path / ".naru", config_path=path, environ={})
        await app.start()
        listener = bind("127.0.0.1", 0)
        listener.listen()  # a client that comes before the server is up waits
        server = new_server(app)
        serving = asyncio.create_task(
            server._serve([listener])
        )  # `serve` would take pytest's signal handlers
        try:
            yield "{}:{}".format(*listener.getsockname())
        finally:
            server.should_exit = True
            await serving
            await app.stop()
            listener.close()


async def run(*command, cwd):
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.parametrize(("where", "block"), PYTHON, ids=[where for where, _ in PYTHON])
async def test_python_examples_run(where, block, tmp_path):
    async with naru_for(block, tmp_path) as address:
        status, output = await run(sys.executable, "-c", block.replace(DOCUMENTED, address), cwd=tmp_path)
    assert status == 0, f"{where}\n{output}"
    assert output.strip() or " -o " in block, f"{where} shows nothing"


@pytest.mark.parametrize(("where", "block"), CURL, ids=[where for where, _ in CURL])
async def test_curl_examples_answer(where, block, tmp_path):
    """Pasted as they stand, they end well: any HTTP error is a failure."""
    strict = 'curl() { command curl -fsS "$@"; }\n'
    async with naru_for(block, tmp_path) as address:
        status, output = await run("bash", "-euc", strict + block.replace(DOCUMENTED, address), cwd=tmp_path)
    assert status == 0, f"{where}\n{output}"
    assert output.strip() or " -o " in block, f"{where} shows nothing"
