"""Added latency at one connection: a blocking client, blocks of requests in turn to each target."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.contenders import FAST, Target
from bench.figures import percentile
from bench.http1 import Connection
from bench.processes import BenchError
from bench.scenarios.throughput import PROMPT

BLOCK = 25
"""Requests in a row to one target: few enough that a disturbance hits all, enough to stay off cold caches."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one target, in milliseconds; `added_*` is its percentile minus the baseline's."""

    requests: int
    p50_ms: float
    p99_ms: float
    added_p50_ms: float
    added_p99_ms: float


def measure(targets: Sequence[Target], requests: int, timeout_s: float) -> dict[str, Latency]:
    """The first target is the baseline. A target whose share of the time is used up stops early; one that
    fails a request is left out."""
    wires = {t.name: _build_wire(t) for t in targets}
    times: dict[str, list[float]] = {target.name: [] for target in targets}
    spent = dict.fromkeys(times, 0.0)
    with contextlib.ExitStack() as stack:
        connections = {t.name: stack.enter_context(Connection(t.endpoints[FAST].port)) for t in targets}
        for target in targets:
            try:
                for _ in range(50):  # warm
                    _ask(connections[target.name], wires[target.name])
            except (BenchError, OSError) as error:
                _leave_out(target.name, error, times)
        gc.collect()
        gc.disable()
        stack.callback(gc.enable)
        while waiting := [n for n, t in times.items() if len(t) < requests and spent[n] < timeout_s]:
            for name in waiting:
                try:
                    block = [_ask(connections[name], wires[name]) for _ in range(BLOCK)]
                except (BenchError, OSError) as error:
                    _leave_out(name, error, times)
                    continue
                times[name] += block
                spent[name] += sum(block)
    base = times[targets[0].name]
    base_p50, base_p99 = percentile(base, 50), percentile(base, 99)
    return {
        name: Latency(
            len(taken),
            percentile(taken, 50) * 1e3,
            percentile(taken, 99) * 1e3,
            (percentile(taken, 50) - base_p50) * 1e3,
            (percentile(taken, 99) - base_p99) * 1e3,
        )
        for name, taken in times.items()
    }


def _build_wire(target: Target) -> bytes:
    endpoint = target.endpoints[FAST]
    return endpoint.build_request(endpoint.build_body(PROMPT, max_tokens=256))


def _leave_out(name: str, error: Exception, times: dict[str, list[float]]) -> None:
    print(f"    {name} is left out: {error}", flush=True)
    del times[name]


def _ask(connection: Connection, wire: bytes) -> float:
    start = time.perf_counter()
    status, _ = connection.ask(wire)
    taken = time.perf_counter() - start
    if status != 200:
        raise BenchError(f"it answered {status}")
    return taken
