"""`python -m bench.pii_written [--rivals] [--errors N]`: documents by writers who had not seen the detectors.

`bench/pii/written`: 244 Korean and 224 English documents in each half, mails, chats, forms, tables, code and
logs, a third without anything personal. What the `seen` half missed was looked at while building, of `unseen`
only the figures. All persons and numbers in them are made up.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.pii.documents import Document, Span
from bench.pii.rivals import RIVALS, run_rival
from bench.pii.score import Score, score
from naru.trust.detect import Scanner

FOLDER = Path(__file__).parent / "pii/written"
SETS = ("korean_seen", "korean_unseen", "english_seen", "english_unseen")


def read_set(name: str) -> list[Document]:
    """The documents of one set, with what is personal in them."""
    documents = []
    for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        spans = tuple(Span(e["type"], e["start"], e["end"]) for e in row["entities"])
        documents.append(Document(row["text"], spans, name.partition("_")[0]))
    return documents


def overlap_f1(documents: Iterable[Document], find: Callable[[str], list[tuple[str, int, int]]]) -> float:
    """F1 where a hit is of the right type and shares a letter."""
    gold_hit = gold = found_hit = found = 0
    for document in documents:
        spans = [(s.type, s.start, s.end) for s in document.spans]
        hits = find(document.text)
        gold += len(spans)
        found += len(hits)
        gold_hit += sum(any(_meet(span, hit) for hit in hits) for span in spans)
        found_hit += sum(any(_meet(span, hit) for span in spans) for hit in hits)
    recall, precision = gold_hit / gold, found_hit / max(found, 1)
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def _meet(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def main() -> None:
    """Print what each set gives, in all and by type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rivals", action="store_true", help="Presidio and ko-pii too, in environments of their own"
    )
    parser.add_argument(
        "--errors", type=int, default=0, help="show so many misses of each kind, of `seen` alone"
    )
    options = parser.parse_args()
    scanner = Scanner()

    def scan(text: str) -> list[tuple[str, int, int]]:
        return [(e.type, e.start, e.end) for e in scanner.scan(text)]

    for name in SETS:
        documents = read_set(name)
        spans = sum(len(document.spans) for document in documents)
        print(f"\n{name}: {len(documents)} documents, {spans} spans")
        result = _report("naru", documents, scan, None)
        if options.errors and name.endswith("_seen"):
            for what, kind, text in result.errors[: options.errors]:
                print(f"    {what} {kind}: {text!r}")
        for rival in RIVALS if options.rivals else ():
            texts = [document.text for document in documents]
            answers, _ = run_rival(rival, texts, {})
            hits = ([(str(kind), int(start), int(end)) for kind, start, end in answer] for answer in answers)
            found = dict(zip(texts, hits, strict=True))
            _report(rival, documents, found.__getitem__, None)
            _report(f"{rival}, types it knows", documents, found.__getitem__, RIVALS[rival].types)


def _report(
    name: str,
    documents: list[Document],
    find: Callable[[str], list[tuple[str, int, int]]],
    types: Iterable[str] | None,
) -> Score:
    result = score(documents, find, types)
    clean = [document for document in documents if not document.spans]
    flagged = sum(bool(find(document.text)) for document in clean)
    overlap = "" if types is not None else f", overlap {overlap_f1(documents, find):.3f}"
    leaked = result.leaked / max(result.letters, 1)
    print(
        f"  {name:28} F1 {result.f1():.3f}{overlap}, letters that leak {leaked:.1%}, "
        f"clean documents flagged {flagged} of {len(clean)}"
    )
    if name == "naru":
        kinds = sorted(result.hits | result.misses | result.false)
        print("    " + ", ".join(f"{kind} {result.f1(kind):.2f}" for kind in kinds))
    return result


if __name__ == "__main__":
    main()
