"""`python -m bench.pii [--rivals] [--documents 6000] [--seed N]`: accuracy, then speed, on one core.

Rivals are installed under .bench/ and run in environments of their own, on the same texts.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from bench.pii.documents import SEED, make_documents
from bench.pii.rivals import RIVALS, run_rival
from bench.pii.score import Score, score
from bench.pii.speed import make_texts, measure
from naru.trust.detect import Scanner


def main() -> None:
    """Print what was found, missed and wrongly found by type, then time by size of text."""
    options = _parse()
    documents = make_documents(options.documents, options.seed)
    spans = sum(len(document.spans) for document in documents)
    print(f"{len(documents)} documents, {spans} spans, seed {options.seed}")
    scanner = Scanner()

    def find(text: str) -> list[tuple[str, int, int]]:
        return [(e.type, e.start, e.end) for e in scanner.scan(text)]

    _print("naru", score(documents, find), options.errors)
    texts = make_texts()
    speeds = {"naru": measure(find, texts)}
    if options.rivals:
        lines = [document.text for document in documents[: options.rival_documents]]
        for name in RIVALS:
            answers, speed = run_rival(name, lines, texts)
            found = dict(zip(lines, answers, strict=True))
            judged = documents[: options.rival_documents]
            planted = {span.type for document in judged for span in document.spans}
            _print(name, score(judged, found.__getitem__, planted & set(RIVALS[name].types)), 0)
            speeds[name] = speed
        _print("naru, the same documents", score(documents[: options.rival_documents], find), 0)
    for name, speed in speeds.items():
        print(f"{name:10} " + "  ".join(f"{size} {value}" for size, value in speed.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:  # noqa: PTH123 - a path of the user's
            json.dump(speeds, file)


def _print(name: str, result: Score, errors: int) -> None:
    print(f"\n{name}: F1 {result.f1():.4f}, spans that leak {result.leak_rate():.4%}")
    for kind in sorted(result.hits | result.misses | result.false):
        counts = f"found {result.hits[kind]}, missed {result.misses[kind]}, false {result.false[kind]}"
        print(f"  {kind:18} {result.f1(kind):.4f}  {counts}")
    shown: Counter[tuple[str, str]] = Counter()
    for what, kind, text in result.errors:
        shown[what, kind] += 1
        if shown[what, kind] <= errors:
            print(f"    {what} {kind}: {text!r}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pii", description=__doc__)
    parser.add_argument("--documents", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--errors", type=int, default=3, help="examples to show of each kind of error")
    parser.add_argument("--rivals", action="store_true", help="Presidio and ko-pii, too (installs them)")
    parser.add_argument("--rival-documents", type=int, default=600)
    parser.add_argument("--json", help="where to write the speeds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
