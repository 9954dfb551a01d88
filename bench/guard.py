"""The guard measured: harmless prompts flagged, attacks caught, toxicity, and time.

Usage: python -m bench.guard [--shared DIR] [--seed N] [--public FILE.jsonl ...]

Harmless texts are other people's and are read beside the checkout (`../shared/data`); what is absent is left
out. Attacks are `tools/guard_corpus` with a seed of its own, and `bench/guard_attacks.txt`, which is not
trained on but was in sight of who wrote what is. `--public` measures anyone's sets instead, from rows
{"source", "text", "label"} with 1 for an attack and optionally "from", who wrote it (`user`, `tool`,
`retrieved`).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.guard_corpus import read_rows

from naru.trust.guard import Guard, Source

ROOT = Path(__file__).parents[1]
LINE = 0.5


def read_harmless(shared: Path) -> Iterator[tuple[str, list[str], str]]:
    """(name, texts, source and licence) of each set that is there."""
    for part in ("one", "two"):
        path = shared / f"injection/notinject_{part}.json"
        if path.exists():
            yield (
                f"NotInject {part}",
                [row["prompt"] for row in json.loads(path.read_text("utf-8"))],
                "PIGuard, MIT",
            )
    path = shared / "pii/klue_ner_dev_first_half.tsv"
    if path.exists():
        lines = path.read_text("utf-8").splitlines()
        texts = [line.split("\t", 1)[1] for line in lines if line.startswith("## klue") and "\t" in line]
        yield "KLUE-NER sentences", texts, "KLUE, CC BY-SA 4.0"
    path = shared / "cache/parakqc_dev.txt"
    if path.exists():
        texts = [line.split("\t")[-1] for line in path.read_text("utf-8").splitlines() if line.strip()]
        yield "paraKQC utterances", texts, "paraKQC, CC BY-SA 4.0"
    path = shared / "routing/mmlu_pairs.csv.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            texts = [row["prompt"] for row in csv.DictReader(file)]
        yield "MMLU prompts, 2,000", random.Random(0).sample(texts, 2000), "RouteLLM, Apache-2.0"
    own = (ROOT / "bench/guard_harmless.txt").read_text("utf-8").splitlines()
    yield "own, hard", [line for line in own if line and not line.startswith("#")], "Apache-2.0"
    pages = sorted((ROOT / "docs").glob("*.md"))
    paragraphs = [part for page in pages for part in page.read_text("utf-8").split("\n\n") if len(part) > 60]
    yield "Naru's own pages", paragraphs, "Apache-2.0"


def read_unseen() -> Iterator[tuple[str, str]]:
    """(family, text) of the attacks that nothing was trained on."""
    family = ""
    for line in (ROOT / "bench/guard_attacks.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            family = line[3:]
        elif line and family:
            yield family, line.replace("\\n", "\n")


def is_flagged(guard: Guard, text: str, source: Source = "user") -> bool:
    """Whether the guard draws its own line."""
    verdict = guard.check_input(text, source=source).find("injection")
    return verdict is not None and verdict.score >= LINE


def source_of(family: str) -> Source:
    """Indirect attacks come in documents and tool results."""
    return (
        "retrieved"
        if family.startswith(("indirect", "i-", "k-indirect"))
        else "tool"
        if family.startswith("tool")
        else "user"
    )


def report_harmless(guard: Guard, shared: Path, *, is_verbose: bool) -> None:
    """Share of harmless texts flagged for injection and for toxicity."""
    print("harmless set            texts  injection  toxicity")
    for name, texts, _ in read_harmless(shared):
        flagged = toxic = 0
        for text in texts:
            verdicts = guard.check_input(text)
            injection, toxicity = verdicts.find("injection"), verdicts.find("toxicity")
            flagged += injection is not None and injection.score >= LINE
            toxic += toxicity is not None and toxicity.score >= LINE
            # Rows of the second part are for validation alone, and are not looked at.
            if (
                is_verbose
                and name != "NotInject two"
                and ((injection and injection.score >= LINE) or (toxicity and toxicity.score >= LINE))
            ):
                print("   ", injection, toxicity, repr(text[-160:]))
        print(
            f"{name:<22} {len(texts):>6}  {flagged / len(texts):>8.2%}  {toxic / len(texts):>8.2%}",
            flush=True,
        )


def report_attacks(guard: Guard, seed: int, *, is_verbose: bool) -> None:
    """Share of attacks caught, by family."""
    for title, pairs in (
        (
            "corpus, other draws than the training's",
            [(row.family, row.text) for row in read_rows(4, seed) if row.is_attack],
        ),
        ("unseen", list(read_unseen())),
    ):
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for family, text in pairs:
            caught = is_flagged(guard, text, source_of(family))
            counts[family][0] += caught
            counts[family][1] += 1
            if is_verbose and not caught and title == "unseen":
                print("    missed", family, repr(text[:150]))
        total, all_of = sum(c for c, _ in counts.values()), sum(n for _, n in counts.values())
        print(f"\nattacks ({title}): {total} of {all_of} caught, {total / all_of:.1%}")
        for family, (caught, count) in sorted(counts.items()):
            print(f"  {family:<24} {caught:>4} of {count:>4}  {caught / count:>7.1%}")


def report_public(guard: Guard, files: list[Path], *, is_verbose: bool) -> None:
    """Share flagged of each source's attacks and harmless texts."""
    counts: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            hit = is_flagged(guard, row["text"], row.get("from", "user"))
            for source in (row["source"], "all"):
                counts[int(row["label"]), source][0] += hit
                counts[int(row["label"]), source][1] += 1
            if is_verbose and hit != bool(row["label"]):
                print("    wrong", row["source"], row["label"], repr(row["text"][:150]))
    for label, title in ((1, "attacks caught"), (0, "harmless texts flagged")):
        for (_, source), (hits, count) in sorted(pair for pair in counts.items() if pair[0][0] == label):
            print(f"{title:<22}  {source:<30} {hits:>5} of {count:>5}  {hits / count:>7.1%}")


def measure(work: Callable[[str], object], texts: list[str]) -> tuple[float, float]:
    """p50 and p99 of the processor time a text takes, in ms."""
    times = []
    for text in texts:
        began = time.process_time_ns()
        work(text)
        times.append((time.process_time_ns() - began) / 1e6)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


def report_time(guard: Guard, seed: int) -> None:
    """Processor time by length and language, and that ten times the length takes ten times as long."""
    rng = random.Random(seed)
    rows = read_rows(4, seed)
    english = [row.text for row in rows if not row.is_attack and row.language == "en"]
    korean = [row.text for row in rows if not row.is_attack and row.language == "ko"]
    print("\nprocessor time, ms      p50     p99")
    for name, pool in (("English", english), ("Korean", korean)):
        for length in (200, 4_000, 40_000):
            count = 400 if length < 10_000 else 30
            texts = []
            for _ in range(count):
                parts: list[str] = []
                while sum(map(len, parts)) < length:
                    parts.append(rng.choice(pool))
                texts.append(" ".join(parts)[:length])
            guard.check_input(texts[0])
            p50, p99 = measure(guard.check_input, texts)
            size = len(texts[0].encode())
            print(f"{name} {length:>6} letters ({size:>6} B) {p50:>7.3f} {p99:>7.3f}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description="Measure the guard.")
    parser.add_argument(
        "--shared", type=Path, default=Path(os.environ.get("NARU_SHARED_DATA", ROOT.parent / "shared/data"))
    )
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--verbose", action="store_true", help="print what was flagged or missed")
    parser.add_argument("--public", type=Path, action="append", help="JSON lines to measure instead")
    options = parser.parse_args()
    guard = Guard()
    if options.public:
        report_public(guard, options.public, is_verbose=options.verbose)
        return
    report_harmless(guard, options.shared, is_verbose=options.verbose)
    report_attacks(guard, options.seed, is_verbose=options.verbose)
    report_time(guard, options.seed)


if __name__ == "__main__":
    main()
