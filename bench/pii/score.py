"""Exact-span precision, recall and F1 by type, and how many planted letters would have left the company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bench.pii.documents import Document

Found = Iterable[tuple[str, int, int]]


@dataclass(slots=True)
class Score:
    """Counts over documents. A hit has the right type, start and end."""

    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    letters: int = 0
    leaked: int = 0
    leaky_spans: int = 0
    spans: int = 0
    errors: list[tuple[str, str, str]] = field(default_factory=list)

    def f1(self, kind: str | None = None) -> float:
        hits = self.hits.total() if kind is None else self.hits[kind]
        wrong = (self.misses + self.false).total() if kind is None else self.misses[kind] + self.false[kind]
        return 2 * hits / (2 * hits + wrong) if hits else 0.0

    def leak_rate(self) -> float:
        """Share of planted spans of which any letter was in no entity at all, whatever its type."""
        return self.leaky_spans / self.spans if self.spans else 0.0


def score(
    documents: Iterable[Document], find: Callable[[str], Found], types: Iterable[str] | None = None
) -> Score:
    """What `find` finds in the documents, against what is in them.

    Args:
        types: only these count, for tools that know fewer.
    """
    result = Score()
    wanted = None if types is None else set(types)
    for document in documents:
        gold = {(s.type, s.start, s.end) for s in document.spans if wanted is None or s.type in wanted}
        found = {f for f in find(document.text) if wanted is None or f[0] in wanted}
        covered = {i for _, start, end in found for i in range(start, end)}
        for kind, start, end in gold:
            result.spans += 1
            (result.hits if (kind, start, end) in found else result.misses)[kind] += 1
            open_letters = [i for i in range(start, end) if i not in covered]
            result.letters += end - start
            result.leaked += len(open_letters)
            result.leaky_spans += bool(open_letters)
            if (kind, start, end) not in found:
                result.errors.append(
                    (
                        "missed",
                        kind,
                        document.text[max(0, start - 25) : start]
                        + "["
                        + document.text[start:end]
                        + "]"
                        + document.text[end : end + 15],
                    )
                )
        for kind, start, end in found - gold:
            result.false[kind] += 1
            result.errors.append(
                (
                    "false",
                    kind,
                    document.text[max(0, start - 25) : start]
                    + "["
                    + document.text[start:end]
                    + "]"
                    + document.text[end : end + 15],
                )
            )
    return result
