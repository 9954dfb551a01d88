"""Does one huge request hold up the small streams beside it? Their gaps with it and without it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contenders import FAST, PACED, Target
from bench.figures import percentile
from bench.processes import BenchError
from bench.streams import run_beside

STREAMS = 16
TOKENS = 64
EVERY_S = 0.2
BULKY_PROMPT = "한 강을 건너는 나루에 people and goods meet, and every crossing is counted once. " * 4_800
"""About 100,000 tokens in 400 kB of text, Korean and English mixed as users write."""


@dataclass(frozen=True, slots=True)
class HeadOfLine:
    """99th percentile and longest gap of the small streams, in milliseconds."""

    bulky_answered: int
    clean: int
    streams: int
    alone_p99_ms: float
    alone_max_ms: float
    beside_p99_ms: float
    beside_max_ms: float

    @property
    def growth_ms(self) -> float:
        return self.beside_p99_ms - self.alone_p99_ms


def measure(target: Target, each: int) -> HeadOfLine:
    """The same small streams twice: alone, then with a huge request every 200 ms, which another upstream
    answers: it is the gateway that is asked not to stall."""
    endpoint, other = target.endpoints[PACED], target.endpoints[FAST]
    bulky = (other.port, other.build_request(other.build_body(BULKY_PROMPT, max_tokens=16)))
    alone, _ = run_beside(endpoint, STREAMS, each, TOKENS, None, EVERY_S)
    beside, answered = run_beside(endpoint, STREAMS, each, TOKENS, bulky, EVERY_S)
    if not alone or not beside:
        raise BenchError("no stream came through")
    alone_gaps = [gap * 1e3 for stream in alone for gap in stream.gaps_s]
    beside_gaps = [gap * 1e3 for stream in beside for gap in stream.gaps_s]
    return HeadOfLine(
        answered,
        sum(stream.is_clean for stream in beside),
        STREAMS * each,
        percentile(alone_gaps, 99),
        max(alone_gaps),
        percentile(beside_gaps, 99),
        max(beside_gaps),
    )
