"""Resident memory at rest and after many requests: a leak shows as growth that does not end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import FAST, Target
from bench.machine import Cores
from bench.processes import BenchError
from bench.scenarios.throughput import run_wrk

SETTLE_S = 2.0
"""Lets queues be written and buffers be given back before each reading."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Readings as (requests so far, MiB): the first is at rest."""

    readings: tuple[tuple[int, float], ...]
    seconds: float

    @property
    def idle_mib(self) -> float:
        return self.readings[0][1]

    @property
    def last_mib(self) -> float:
        return self.readings[-1][1]

    def growth_mib(self, since: int) -> float:
        """From the first reading at `since` requests or more to the last."""
        return self.last_mib - next(mib for requests, mib in self.readings if requests >= since)


def measure(target: Target, marks: Sequence[int], timeout_s: float, cores: Cores, folder: Path) -> Memory:
    """Load until each mark is passed, rest, read. Stops at the time limit with what it has."""
    start = time.monotonic()
    readings = [(0, target.process.read_resident_mib())]
    done = 0
    rate = float(marks[0])  # so the first burst is a second long and tells the rate
    for mark in marks:
        while done < mark and time.monotonic() - start < timeout_s:
            seconds = max(1, min(10, int((mark - done) / rate)))
            load = run_wrk(target, FAST, seconds, cores, folder)
            if load.failures:
                raise BenchError(f"{load.failures} of {load.requests} requests to {target.name} failed")
            done += load.requests
            rate = max(load.per_second, 1.0)
        time.sleep(SETTLE_S)
        readings.append((done, target.process.read_resident_mib()))
        print(f"    {target.name:8} {done:8,d} requests: {readings[-1][1]:6.1f} MiB", flush=True)
    return Memory(tuple(readings), time.monotonic() - start)
