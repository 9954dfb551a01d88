"""What the figures were measured on, and which core each party of the bench may use."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Disjoint where the machine allows: the gateway never shares its core with client or upstream."""

    gateway: frozenset[int]
    upstream: frozenset[int]
    client: frozenset[int]

    @property
    def is_pinned(self) -> bool:
        return self.gateway != self.client

    def describe(self) -> str:
        if not self.is_pinned:
            return "one core for everything: nothing pinned"
        parts = (("gateway", self.gateway), ("upstream", self.upstream), ("client", self.client))
        return ", ".join(f"{name} on core {min(cores)}" for name, cores in parts)


def assign_cores() -> Cores:
    """One core for the gateway; upstream and client get others, or share one when there are just two."""
    free = sorted(os.sched_getaffinity(0))
    if len(free) == 1:
        only = frozenset(free)
        return Cores(only, only, only)
    return Cores(frozenset(free[:1]), frozenset(free[1:2]), frozenset(free[2:3] or free[1:2]))


def describe_machine() -> dict[str, str]:
    """Processor, system and versions of what all gateways stand on, for the head of the table."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "aiohttp"))
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_read_cpu_model()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory_gib:.0f} GiB",
        "system": f"Linux {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": libraries,
    }


def measure_busy_share(seconds: float) -> float:
    """How much of all cores others use just now: over a few per cent, a run is not worth keeping."""
    before = _read_ticks()
    time.sleep(seconds)
    after = _read_ticks()
    total, idle = (late - early for late, early in zip(after, before, strict=True))
    return 1 - idle / total if total else 0.0


def describe_load(busy_share: float) -> str:
    """For the record of a run, before and after."""
    averages = " / ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{busy_share:.0%} of the cores in use by others, load averages {averages}"


def _read_ticks() -> tuple[int, int]:
    """All ticks of all cores since boot, and the idle ones among them (waiting for a disk is idle)."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    ticks = [int(field) for field in fields]
    return sum(ticks), ticks[3] + ticks[4]


def _read_cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
