"""Time on one core by size of text, in processor time: other work on the machine does not count."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from bench.pii.documents import make_documents

SIZES = {"60 chars": 150, "4 kB": 4_000, "100 kB": 100_000}
_KOREAN = (
    "오늘 회의에서는 다음 분기의 계획과 예산을 함께 살펴보았습니다. ",
    "새로운 기능은 사용자가 직접 설정을 바꿀 수 있도록 만들었습니다. ",
    "비가 많이 와서 행사를 실내에서 열기로 했다고 합니다. ",
    "첨부한 보고서를 세 문단으로 요약하고 핵심을 표로 정리해 줘. ",
)
_CLEAN = "오늘 서울 날씨가 어때? 내일 회의 준비를 위해 자료를 정리해 줘. 감사합니다 여러분 모두 수고하셨어요"


def make_texts(seed: int = 7) -> dict[str, str]:
    """A clean prompt of 60 characters, and texts of 4 kB and 100 kB with a planted value every 250 bytes."""
    rng = random.Random(seed)
    planted = [document.text for document in make_documents(2_000, seed)]
    texts = {"60 chars": _CLEAN}
    for name, size in list(SIZES.items())[1:]:
        text, have = "", 0
        while have < size:
            part = (rng.choice(planted) if rng.random() < 0.3 else rng.choice(_KOREAN) * 2) + "\n"
            text, have = text + part, have + len(part.encode())
        texts[name] = text
    return texts


def measure(find: Callable[[str], object], texts: Mapping[str, str]) -> dict[str, str]:
    """Median and 99th percentile of a text's time, and megabytes (UTF-8) a second for the longest."""
    result: dict[str, str] = {}
    for name, text in texts.items():
        find(text)
        times: list[float] = []
        started = time.process_time()
        while len(times) < 5 or (len(times) < 2_000 and time.process_time() - started < 2.0):
            before = time.process_time_ns()
            find(text)
            times.append((time.process_time_ns() - before) / 1e3)
        times.sort()
        median, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
        rate = len(text.encode()) / median
        result[name] = f"p50 {median:,.0f} µs, p99 {p99:,.0f} µs, {rate:.2f} MB/s;"
    return result
