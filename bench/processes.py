"""Child processes of the bench: started on their core, measured with their children, always stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class BenchError(Exception):
    """A phase cannot be measured; the message says why. Others go on."""


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One server under test or beside it. A group of its own, so that `stop` reaches its children."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        cores: frozenset[int],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.started_at = time.perf_counter()
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, sorted(cores))), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def check_alive(self) -> None:
        """Raises BenchError with the end of its log once the process is gone."""
        if self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-1500:]
            raise BenchError(f"{self.name} ended with status {self._child.returncode}:\n{tail}")

    def wait_for_port(self, port: int, timeout_s: float) -> None:
        """Until it accepts connections."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.check_alive()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.02)
        raise BenchError(f"{self.name} does not listen on {port} after {timeout_s:.0f} s (log: {self.log})")

    def read_resident_mib(self) -> float:
        """Resident memory of the process and all its children."""
        pages = 0
        for pid in (self.pid, *find_descendants(self.pid)):
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self, grace_s: float = 10) -> None:
        """Ask, wait, then kill the whole group."""
        if self._child.poll() is None:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()


def find_descendants(pid: int) -> list[int]:
    """Children, their children and so on, by the kernel's own list."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                children = [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
                found += children
                waiting += children
    return found
