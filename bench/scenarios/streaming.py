"""Streams paced at 20 ms a token: is every chunk intact, how much later is the first, how even the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.contenders import PACE_MS, PACED, Target
from bench.figures import percentile
from bench.streams import Stream, run_streams

CROWD_TOKENS = 128
CROWD_SPREAD_S = 0.5
"""Short against the 2.6 s of a stream, so that all of them do run at once."""
FIRST_TOKENS = 8
FIRST_SPREAD_S = FIRST_TOKENS * PACE_MS / 1e3


@dataclass(frozen=True, slots=True)
class FirstToken:
    """At 16 streams, in milliseconds; `added_*` is the percentile minus the baseline's."""

    streams: int
    p50_ms: float
    p99_ms: float
    added_p50_ms: float
    added_p99_ms: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many streams at once: `clean` came whole, in order and in time."""

    at_once: int
    streams: int
    clean: int
    gap_p50_ms: float
    gap_p99_ms: float
    slowest_s: float
    flaw: str


def measure_first_token(targets: Sequence[Target], rounds: int, each: int) -> dict[str, FirstToken]:
    """16 connections without pause, their starts spread; short streams, since only the start matters."""
    firsts: dict[str, list[float]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            streams = run_streams(
                target.endpoints[PACED], 16, each, FIRST_TOKENS, FIRST_SPREAD_S, each * 2.0 + 10
            )
            firsts[target.name] += [stream.first_token_s for stream in streams if stream.is_clean]
    base = firsts[targets[0].name]
    base_p50, base_p99 = percentile(base, 50), percentile(base, 99)
    return {
        name: FirstToken(
            len(taken),
            percentile(taken, 50) * 1e3,
            percentile(taken, 99) * 1e3,
            (percentile(taken, 50) - base_p50) * 1e3,
            (percentile(taken, 99) - base_p99) * 1e3,
        )
        for name, taken in firsts.items()
        if taken
    }


def measure_crowd(target: Target, each: int, levels: Sequence[int]) -> list[Crowd]:
    """Many streams at once, then fewer until all of them are clean: the table says what each can carry."""
    results: list[Crowd] = []
    ideal_s = CROWD_TOKENS * PACE_MS / 1e3 * each + CROWD_SPREAD_S
    for level in levels:
        streams = run_streams(
            target.endpoints[PACED], level, each, CROWD_TOKENS, CROWD_SPREAD_S, ideal_s * 1.5 + 3
        )
        results.append(summarise(level, streams))
        if results[-1].clean == results[-1].streams:
            break
        time.sleep(1)  # a swamped gateway gets a moment to drop what its clients have left
    return results


def summarise(level: int, streams: Sequence[Stream]) -> Crowd:
    gaps = [gap for stream in streams for gap in stream.gaps_s]
    clean = sum(stream.is_clean for stream in streams)
    return Crowd(
        level,
        len(streams),
        clean,
        percentile(gaps, 50) * 1e3 if gaps else float("nan"),
        percentile(gaps, 99) * 1e3 if gaps else float("nan"),
        max(stream.duration_s for stream in streams),
        next((stream.flaw for stream in streams if not stream.is_clean), ""),
    )
