"""`python -m bench.pii_speed [TSV]`: processor time by kind of text and detector, one core.

Ordinary Korean and English prose without personal data, prose with names (KLUE-NER, CC BY-SA 4.0, where it
lies beside the checkout), and made documents dense with personal data; 100 kB, 4 kB and a short prompt.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.pii.documents import make_documents
from bench.pii_names import DEFAULT, klue
from naru.trust.detect import Scanner
from naru.trust.detect.scanner import default_detectors

KOREAN_PROMPT = (
    "다음 분기 사업 계획서를 세 문단으로 요약하고, 핵심 지표를 표로 정리해서 팀원들에게 보낼 초안을 써 줘."
)
ENGLISH_PROMPT = "Summarise the quarterly plan in three short paragraphs please"
_ENGLISH = """
The committee met on Thursday to review the budget for the coming year, and most of its members agreed.
Heavy rain delayed the opening of the new library, which had been planned for the first week of March.
Researchers at several universities have shown that short walks after lunch improve attention for hours.
You can change the settings of your account at any time by opening the menu in the upper right corner.
When the service restarts, every worker reads its settings again and reports its state to the controller.
According to the Department of Transportation, nearly 40 percent of commuters share a car once a week.
She closed the window, put the letters back into the drawer and waited until the street was quiet again.
Our customers in Germany and Japan asked for longer opening hours, those in Canada for faster delivery.
If the temperature falls below 5 degrees, the pump stops and a warning appears on the screen for 30 seconds.
The novel tells the story of a small village in the mountains whose people refuse to sell their land.
"""
CLEAN_KOREAN = """
오늘 회의에서는 다음 분기의 계획과 예산을 함께 살펴보았습니다.
새로운 기능은 사용자가 직접 설정을 바꿀 수 있도록 만들었습니다.
비가 많이 와서 행사를 실내에서 열기로 했다고 합니다.
첨부한 보고서를 세 문단으로 요약하고 핵심을 표로 정리해 줘.
이번 조사에서는 응답자의 절반 이상이 가격보다 품질을 더 중요하게 여긴다고 답했다.
정부는 내년부터 전기차 충전 시설을 전국 주요 도로에 두 배로 늘릴 계획이다.
서버가 다시 시작되면 모든 작업자는 설정을 새로 읽고 상태를 보고한다.
아이들은 방과 후에 도서관에서 책을 읽거나 운동장에서 공을 찼다.
"""


def fill(parts: list[str], size: int, seed: int = 7) -> str:
    """Parts in random order, a line each, as long as `size` bytes of UTF-8 hold them."""
    rng = random.Random(seed)
    lines: list[str] = []
    have = 0
    while have < size:
        line = rng.choice(parts)
        lines.append(line)
        have += len(line.encode()) + 1
    return "\n".join(lines)


def make_texts(size: int, path: Path) -> dict[str, str]:
    """Texts of `size` bytes by kind."""
    texts = {
        "Korean prose": fill(CLEAN_KOREAN.strip().split("\n"), size),
        "English prose": fill(_ENGLISH.strip().split("\n"), size),
        "personal data": fill([document.text for document in make_documents(2_000, 7)], size),
    }
    if path.exists():
        texts["KLUE sentences"] = fill([row.text for row in klue(path)], size)
    return texts


def time_us(find: Callable[[str], object], text: str, budget_s: float = 1.0) -> tuple[float, float, float]:
    """Best, median and 99th percentile of calls in microseconds of processor time."""
    times: list[float] = []
    began = time.process_time()
    while len(times) < 5 or (len(times) < 2_000 and time.process_time() - began < budget_s):
        before = time.process_time_ns()
        find(text)
        times.append((time.process_time_ns() - before) / 1e3)
    times.sort()
    return times[0], times[len(times) // 2], times[len(times) * 99 // 100]


def main(path: Path) -> None:
    """Prints the tables."""
    scan = Scanner().scan
    parts = {d.name: (lambda text, f=d.find: list(f(text))) for d in default_detectors()}
    for name, text in make_texts(100_000, path).items():
        best, median, _ = time_us(scan, text)
        split = "  ".join(f"{n} {time_us(find, text, 0.3)[1] / 1e3:.1f}" for n, find in parts.items())
        rate = len(text.encode()) / median
        times = f"best {best / 1e3:5.1f} ms, p50 {median / 1e3:5.1f} ms, {rate:5.2f} MB/s"
        print(f"100 kB {name:15} {times} ({split})")
    for name, text in make_texts(4_000, path).items():
        best, median, p99 = time_us(scan, text)
        print(f"  4 kB {name:15} best {best:5.0f} µs, p50 {median:5.0f} µs, p99 {p99:5.0f} µs")
    for name, text in (("Korean", KOREAN_PROMPT), ("English", ENGLISH_PROMPT)):
        best, median, p99 = time_us(scan, text, 0.3)
        split = "  ".join(f"{n} {time_us(find, text, 0.2)[1]:.1f}" for n, find in parts.items())
        times = f"best {best:5.1f} µs, p50 {median:5.1f} µs, p99 {p99:5.1f} µs"
        print(f"{len(text)} chars {name:13} {times} ({split})")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
