"""One run from start to end: starts everybody, asks every question in turn, stops everybody in any case."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contenders import (
    FAST,
    MODELS,
    SLOW,
    STARTERS,
    Place,
    Target,
    make_direct,
    start_upstream,
    wait_until_answering,
)
from bench.environments import LITELLM, PORTKEY
from bench.machine import assign_cores, describe_load, describe_machine, measure_busy_share
from bench.processes import BenchError, Process
from bench.results import Results
from bench.scenarios import (
    fidelity,
    head_of_line,
    latency,
    memory,
    sockets,
    startup,
    streaming,
    throughput,
)

BUSY_S = 2.0
BUSY_LIMIT = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each phase may take."""

    warm_s: int
    rounds: int
    seconds: int
    latency_requests: int
    latency_timeout_s: float
    first_token_rounds: int
    streams_each: int
    crowd_levels: tuple[int, ...]
    beside_each: int
    naru_marks: tuple[int, ...]
    other_marks: tuple[int, ...]
    memory_timeout_s: float
    starts: int


FULL = Plan(3, 5, 6, 5000, 20, 4, 2, (256, 64, 16), 4, (20_000, 100_000, 200_000), (20_000,), 150, 5)
QUICK = Plan(1, 2, 2, 500, 4, 1, 1, (256,), 1, (4_000, 8_000), (), 15, 1)


@dataclass(slots=True)
class Bench:
    """What the phases share."""

    plan: Plan
    place: Place
    targets: list[Target]
    direct: Target
    results: Results

    def find(self, name: str) -> Target | None:
        return next((target for target in self.targets if target.name == name), None)


def run(only: Sequence[str], phases: Sequence[str], plan: Plan) -> Results:
    """Raises BenchError when Naru itself or the upstream does not start; a rival that does not is noted."""
    signal.signal(signal.SIGTERM, _interrupt)
    cores = assign_cores()
    machine = describe_machine()
    os.sched_setaffinity(0, cores.client)
    busy_share = measure_busy_share(BUSY_S)
    if busy_share > BUSY_LIMIT:
        print(f"others use {busy_share:.0%} of this machine: such figures are not worth keeping", flush=True)
    conditions = {
        "pinned": cores.describe(),
        "before the run": describe_load(busy_share),
        "rivals": f"litellm[proxy] {LITELLM}, @portkey-ai/gateway {PORTKEY}",
    }
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="naru-bench-"))
    processes: list[Process] = []
    try:
        upstreams: dict[str, Process] = {}
        ports: dict[str, int] = {}
        for kind in MODELS:
            upstreams[kind], ports[kind] = start_upstream(folder, cores, kind)
            processes.append(upstreams[kind])
        place = Place(folder, cores, ports)
        direct = make_direct(place, upstreams)
        results = Results(machine, conditions, {direct.name: direct.title})
        bench = Bench(plan, place, [], direct, results)
        for name in only:
            _start(name, bench, processes)
        for phase in phases:
            _run_phase(phase, bench)
    finally:
        for process in reversed(processes):
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)
    conditions["after the run"] = describe_load(measure_busy_share(BUSY_S))
    conditions["took"] = f"{(time.monotonic() - start) / 60:.1f} minutes"
    return results


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _start(name: str, bench: Bench, processes: list[Process]) -> None:
    print(f"starting {name}", flush=True)
    try:
        target = STARTERS[name](bench.place, processes)
        wait_until_answering(target)
    except (BenchError, OSError) as error:
        if name == "naru":
            raise BenchError(str(error)) from error
        print(f"  {name} is left out: {error}", flush=True)
        bench.results.failures[name] = str(error)
        return
    bench.targets.append(target)
    bench.results.titles[name] = target.title


def _run_phase(name: str, bench: Bench) -> None:
    start = time.monotonic()
    print(f"{name}", flush=True)
    with _noting(name, bench.results):
        PHASES[name](bench)
    print(f"  {name} took {time.monotonic() - start:.0f} s", flush=True)


@contextlib.contextmanager
def _noting(name: str, results: Results) -> Iterator[None]:
    """A question that cannot be answered does not take the others with it."""
    try:
        yield
    except (BenchError, OSError, ValueError) as error:
        print(f"  {name}: {error}", flush=True)
        results.failures[name] = str(error) or type(error).__name__


def _each(bench: Bench, name: str, ask: Callable[[Target], None], targets: Sequence[Target]) -> None:
    for target in targets:
        with _noting(f"{name} of {target.name}", bench.results):
            ask(target)


def _fidelity(bench: Bench) -> None:
    bench.results.fidelity = fidelity.measure([bench.direct, *bench.targets])
    for name, same in bench.results.fidelity.items():
        print(f"    {name:8} whole same: {same.is_whole_same}, streamed same: {same.is_stream_same}")
    naru = bench.find("naru")
    if naru is not None:
        bench.results.sockets = sockets.measure(naru, bench.place.upstream_ports[FAST])


def _throughput(bench: Bench) -> None:
    for upstream in (FAST, SLOW):
        print(f"  {upstream} upstream", flush=True)
        bench.results.throughput[upstream] = throughput.measure(
            [*bench.targets, bench.direct],
            upstream,
            (bench.plan.warm_s, bench.plan.rounds, bench.plan.seconds),
            bench.place.cores,
            bench.place.folder,
        )


def _latency(bench: Bench) -> None:
    found = latency.measure(
        [bench.direct, *bench.targets], bench.plan.latency_requests, bench.plan.latency_timeout_s
    )
    bench.results.latency = found
    for name, figures in found.items():
        added = f"p50 {figures.added_p50_ms:+.3f}, p99 {figures.added_p99_ms:+.3f}"
        print(f"    {name:8} added {added} ms over {figures.requests} requests", flush=True)


def _streaming(bench: Bench) -> None:
    everyone = [bench.direct, *bench.targets]
    found = streaming.measure_first_token(everyone, bench.plan.first_token_rounds, 8)
    bench.results.first_token = found
    for name, figures in found.items():
        added = f"p50 {figures.added_p50_ms:+.2f}, p99 {figures.added_p99_ms:+.2f}"
        print(f"    {name:8} first token added {added} ms over {figures.streams} streams", flush=True)

    def ask(target: Target) -> None:
        crowds = streaming.measure_crowd(target, bench.plan.streams_each, bench.plan.crowd_levels)
        bench.results.crowds[target.name] = crowds
        for crowd in crowds:
            clean = f"{crowd.clean} of {crowd.streams} clean"
            gaps = f"gap p99 {crowd.gap_p99_ms:.1f} ms"
            print(f"    {target.name:8} {crowd.at_once} at once: {clean}, {gaps} {crowd.flaw}", flush=True)

    _each(bench, "streams", ask, everyone)


def _head_of_line(bench: Bench) -> None:
    def ask(target: Target) -> None:
        found = head_of_line.measure(target, bench.plan.beside_each)
        bench.results.head_of_line[target.name] = found
        gaps = f"gap p99 {found.alone_p99_ms:.1f} ms alone, {found.beside_p99_ms:.1f} ms beside"
        print(f"    {target.name:8} {gaps} ({found.bulky_answered} huge ones)", flush=True)

    _each(bench, "head of line", ask, [bench.direct, *bench.targets])


def _memory(bench: Bench) -> None:
    """Each in a new process, so that nothing before counts."""
    plan = bench.plan
    names = [t.name for t in bench.targets if t.name == "naru" or plan.other_marks]
    for name in names:
        marks = plan.naru_marks if name == "naru" else plan.other_marks
        limit_s = plan.memory_timeout_s if name == "naru" else plan.memory_timeout_s / 5
        folder = bench.place.folder / f"memory-{name}"
        folder.mkdir()
        processes: list[Process] = []
        try:
            with _noting(f"memory of {name}", bench.results):
                target = STARTERS[name](replace(bench.place, folder=folder), processes)
                wait_until_answering(target)
                home = folder / "naru-home"
                before = _count_rows(home) if name == "naru" else 0
                found = memory.measure(target, marks, limit_s, bench.place.cores, folder)
                bench.results.memory[name] = found
                if name == "naru":
                    bench.results.ledger_rows = (_count_rows(home) - before, found.readings[-1][0])
        finally:
            for process in processes:
                process.stop()


def _count_rows(home: Path) -> int:
    """Calls in Naru's ledger, read from its database while it runs."""
    time.sleep(memory.SETTLE_S)
    for path in home.glob("*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM calls").fetchone()[0])
    raise BenchError("naru's home has no database")


def _startup(bench: Bench) -> None:
    if bench.find("naru") is None:
        return
    bench.results.startup = startup.measure(bench.place, bench.plan.starts)
    first, again = bench.results.startup.first_s, bench.results.startup.again_s
    print(f"    naru     {min(first):.2f} s on a new home, {min(again):.2f} s on an old one", flush=True)


PHASES: Mapping[str, Callable[[Bench], None]] = {
    "fidelity": _fidelity,
    "throughput": _throughput,
    "latency": _latency,
    "streaming": _streaming,
    "head-of-line": _head_of_line,
    "startup": _startup,
    "memory": _memory,
}
