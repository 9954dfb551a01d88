"""All figures of one run, the goals they are held against, and the run's JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.contenders import FAST, SLOW
from bench.figures import median, paired_ratio
from bench.scenarios.fidelity import Fidelity
from bench.scenarios.head_of_line import HeadOfLine
from bench.scenarios.latency import Latency
from bench.scenarios.memory import Memory
from bench.scenarios.sockets import NoDelay
from bench.scenarios.startup import Startup
from bench.scenarios.streaming import Crowd, FirstToken
from bench.scenarios.throughput import Throughput

RATIOS = {"litellm": 30.0, "portkey": 2.5, "bare": 0.5}
GROWTH_LIMIT_MIB = 5.0
"""What still counts as flat: the allocator's breathing between two readings 100,000 requests apart."""
STALL_LIMIT_MS = 10.0
"""How much the small streams' 99th percentile gap may grow beside huge requests: half a token's pace."""


@dataclass(slots=True)
class Results:
    """Whatever was measured; what is missing was not asked for or failed (`failures` says why)."""

    machine: dict[str, str]
    conditions: dict[str, str]
    titles: dict[str, str]
    throughput: dict[str, dict[str, Throughput]] = field(default_factory=dict)
    latency: dict[str, Latency] = field(default_factory=dict)
    first_token: dict[str, FirstToken] = field(default_factory=dict)
    crowds: dict[str, list[Crowd]] = field(default_factory=dict)
    head_of_line: dict[str, HeadOfLine] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    ledger_rows: tuple[int, int] | None = None
    startup: Startup | None = None
    fidelity: dict[str, Fidelity] = field(default_factory=dict)
    sockets: NoDelay | None = None
    failures: dict[str, str] = field(default_factory=dict)

    def ratio(self, upstream: str, other: str) -> float | None:
        """Naru's rate by the other's, round by round; None when either has no valid rounds."""
        return self._divide(upstream, "naru", other)

    def ratio_at_most(self, upstream: str, other: str) -> float | None:
        """The same for asking the upstream itself: what no gateway can exceed with so many connections."""
        return self._divide(upstream, "direct", other)

    def _divide(self, upstream: str, one: str, other: str) -> float | None:
        found = self.throughput.get(upstream, {})
        ours, theirs = found.get(one), found.get(other)
        if ours is None or theirs is None or ours.void or theirs.void:
            return None
        return paired_ratio(ours.rounds, theirs.rounds)

    def explain(self, upstream: str, other: str) -> str:
        """Why there is no ratio."""
        found = self.throughput.get(upstream, {})
        reasons = [
            f"{n} void: {found[n].void.splitlines()[0]}"
            for n in ("naru", other)
            if n in found and found[n].void
        ]
        return "; ".join(reasons) or "not measured"

    def to_json(self) -> dict[str, Any]:
        document = asdict(self)
        document["goals"] = [asdict(goal) for goal in judge(self)]
        return document


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the first table. `is_met` is None where there is no figure or nobody could meet it."""

    name: str
    wanted: str
    measured: str
    is_met: bool | None


def judge(results: Results) -> list[Goal]:
    """Every goal of the project for speed and size, in the order in which the docs name them."""
    return [*_judge_rates(results), *_judge_times(results), *_judge_size(results)]


def _judge_rates(results: Results) -> Iterator[Goal]:
    for upstream, delay in ((FAST, "0 ms"), (SLOW, "20 ms")):
        for other, factor in RATIOS.items():
            ratio, most = results.ratio(upstream, other), results.ratio_at_most(upstream, other)
            measured = results.explain(upstream, other) if ratio is None else f"{ratio:.2f} ×"
            is_met = None if ratio is None else ratio >= factor
            if most is not None and most < factor:
                measured += f" (even without a gateway only {most:.2f} ×)"
                is_met = is_met or None
            name = f"requests/s, 64 connections, upstream {delay}: by {results.titles.get(other, other)}"
            yield Goal(name, f"≥ {factor:g} ×", measured, is_met)


def _judge_times(results: Results) -> Iterator[Goal]:
    latency = results.latency.get("naru")
    for name, limit, value in (
        ("p50", 0.7, None if latency is None else latency.added_p50_ms),
        ("p99", 2.0, None if latency is None else latency.added_p99_ms),
    ):
        yield _below(f"added latency, 1 connection, {name}", limit, "ms", value)
    nodelay = results.sockets
    yield Goal(
        "TCP_NODELAY on both sides",
        "every socket",
        "not measured"
        if nodelay is None
        else f"clients {nodelay.client_side_set} of {nodelay.client_side}, "
        f"upstream {nodelay.upstream_side_set} of {nodelay.upstream_side}",
        None if nodelay is None else nodelay.is_set_everywhere,
    )
    crowds = results.crowds.get("naru", [])
    crowd = crowds[0] if crowds else None
    yield Goal(
        "256 streams at 20 ms a token, every chunk intact",
        "all",
        "not measured" if crowd is None else f"{crowd.clean} of {crowd.streams}",
        None if crowd is None else crowd.clean == crowd.streams and crowd.at_once == 256,
    )
    first = results.first_token.get("naru")
    yield _below(
        "added first-token time, 16 streams, p99", 5, "ms", None if first is None else first.added_p99_ms
    )
    beside = results.head_of_line.get("naru")
    yield Goal(
        "small streams beside a 100k-token request every 200 ms: growth of their p99 gap",
        f"< {STALL_LIMIT_MS:g} ms, all intact",
        "not measured"
        if beside is None
        else f"{beside.growth_ms:+.2f} ms, {beside.clean} of {beside.streams} intact",
        None
        if beside is None
        else beside.growth_ms < STALL_LIMIT_MS
        and beside.clean == beside.streams
        and beside.bulky_answered > 0,
    )


def _judge_size(results: Results) -> Iterator[Goal]:
    memory = results.memory.get("naru")
    requests = memory.readings[-1][0] if memory else 0
    yield _below(
        f"resident memory of the worker over {requests:,} requests"
        if requests
        else "resident memory of the worker",
        150,
        "MiB",
        None if memory is None else max(mib for _, mib in memory.readings),
    )
    growth = memory.growth_mib(requests // 2) if memory and len(memory.readings) > 2 else None
    yield _below("growth over the second half of them", GROWTH_LIMIT_MIB, "MiB", growth)
    rows = results.ledger_rows
    yield Goal(
        "ledger rows of these requests",
        "one each",
        "not measured" if rows is None else f"{rows[0]:,} rows for {rows[1]:,} answers",
        None if rows is None else rows[0] >= rows[1],
    )
    startup = results.startup
    yield _below(
        "start to first answer, new home", 2, "s", None if startup is None else median(startup.first_s)
    )
    yield _below(
        "start to first answer, existing home", 2, "s", None if startup is None else median(startup.again_s)
    )
    same = results.fidelity.get("naru")
    yield Goal(
        "answers as the upstream sent them",
        "same bytes, same events",
        "not measured"
        if same is None
        else f"whole: {'same' if same.is_whole_same else 'changed'}, "
        f"streamed: {'same' if same.is_stream_same else 'changed'}",
        None if same is None else same.is_whole_same and same.is_stream_same,
    )


def _missing(value: float | None, show: Any) -> str:
    return "not measured" if value is None or math.isnan(value) else show(value)


def _below(name: str, limit: float, unit: str, value: float | None) -> Goal:
    shown = _missing(value, lambda number: f"{number:.2f} {unit}")
    return Goal(name, f"< {limit:g} {unit}", shown, None if value is None else value < limit)
