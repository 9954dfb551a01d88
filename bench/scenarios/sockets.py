"""TCP_NODELAY, asked of the kernel on the gateway's own live sockets and not of its source."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import FAST, Target
from bench.http1 import Connection
from bench.processes import find_descendants

_PIDFD_GETFD = 438
"""The system call's number, the same on x86-64 and arm64."""


@dataclass(frozen=True, slots=True)
class NoDelay:
    """Open TCP connections of the gateway by side, and how many of them send at once."""

    client_side: int
    client_side_set: int
    upstream_side: int
    upstream_side_set: int

    @property
    def is_set_everywhere(self) -> bool:
        has_both = self.client_side > 0 and self.upstream_side > 0
        return has_both and (self.client_side, self.upstream_side) == (
            self.client_side_set,
            self.upstream_side_set,
        )


def measure(target: Target, upstream_port: int) -> NoDelay:
    """While one client connection is open and the upstream's is kept alive behind it."""
    endpoint = target.endpoints[FAST]
    counts = {"client": [0, 0], "upstream": [0, 0]}
    with Connection(endpoint.port) as connection:
        connection.ask(endpoint.build_request(endpoint.build_body("Still there?")))
        for pid in (target.process.pid, *find_descendants(target.process.pid)):
            for peer, local, is_set in _read_sockets(pid):
                side = "upstream" if peer == upstream_port else "client" if local == endpoint.port else None
                if side is not None:
                    counts[side][0] += 1
                    counts[side][1] += is_set
    return NoDelay(*counts["client"], *counts["upstream"])


def _read_sockets(pid: int) -> list[tuple[int, int, bool]]:
    """Peer's port, own port and TCP_NODELAY of each connected socket of a child of ours."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    handle = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            copy = libc.syscall(_PIDFD_GETFD, handle, int(entry.name), 0)
            if copy < 0:
                continue
            with contextlib.suppress(OSError):
                found.append(_read_socket(copy))
            with contextlib.suppress(OSError):
                os.close(copy)
    finally:
        os.close(handle)
    return found


def _read_socket(fd: int) -> tuple[int, int, bool]:
    """Raises OSError for what is no connected TCP socket."""
    with socket.socket(fileno=os.dup(fd)) as live:
        if live.family not in (socket.AF_INET, socket.AF_INET6):
            raise OSError("a local socket pair")
        peer, own = live.getpeername()[1], live.getsockname()[1]
        return peer, own, bool(live.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
