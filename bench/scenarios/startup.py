"""From starting the process to the first 200 of a chat completion: on a new home and on an old one."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contenders import FAST, Place, launch_naru, naru_endpoints
from bench.http1 import Connection
from bench.processes import BenchError, Process

LIMIT_S = 30


@dataclass(frozen=True, slots=True)
class Startup:
    """Seconds of each try. A first start also makes the database and the admin key."""

    first_s: tuple[float, ...]
    again_s: tuple[float, ...]


def measure(place: Place, tries: int) -> Startup:
    """`tries` new homes; each is started twice."""
    first: list[float] = []
    again: list[float] = []
    for index in range(tries):
        folder = place.folder / f"start-{index}"
        folder.mkdir()
        here = replace(place, folder=folder)
        home = folder / "home"
        first.append(_time_start(here, home))
        again.append(_time_start(here, home))
        shutil.rmtree(folder)
    return Startup(tuple(first), tuple(again))


def _time_start(place: Place, home: Path) -> float:
    process, port = launch_naru(place, home)
    try:
        return _poll(process, home, port)
    finally:
        process.stop()


def _poll(process: Process, home: Path, port: int) -> float:
    while time.perf_counter() - process.started_at < LIMIT_S:
        process.check_alive()
        with contextlib.suppress(OSError, BenchError, ValueError):
            endpoint = naru_endpoints(home, port)[FAST]
            with Connection(port) as connection:
                status, _ = connection.ask(endpoint.build_request(endpoint.build_body("Awake?")))
            if status == 200:
                return time.perf_counter() - process.started_at
        time.sleep(0.005)
    raise BenchError(f"naru gave no answer in {LIMIT_S} s (log: {process.log})")
