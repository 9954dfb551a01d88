"""Trains the guard's small model on `tools/guard_corpus` and writes its weights into the package.

Usage: python -m tools.train_guard [--families]

The result is the same, byte for byte, for the same corpus, seed and numpy. With `--families` nothing is
written: each family of attacks is left out of the training once, and what the model catches of it is printed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from naru.trust.guard.model import BITS, WINDOW, Model, read_features
from naru.trust.guard.normalise import normalise
from naru.trust.guard.rules import find_said
from tools.guard_corpus import Row, read_rows

TARGET = Path(__file__).parents[1] / "src/naru/trust/guard/injection.bin"
SEED = 20_261_121
EACH = 24
ROUNDS = 150
RATE = 0.35
DECAY = 8e-6
UNREAD = {"encoding", "manyshot", "split", "delimiter", "tool", "e-coded"}
"""Families whose letters say nothing: ciphers, and shapes that code, exams and transcripts have too."""
HARMLESS_WEIGHT = 2.0
"""A harmless prompt flagged costs more than an attack let through to the next line of defence."""


def build(rows: Sequence[Row], seed: int) -> tuple[list[str], np.ndarray]:
    """Folded texts and labels: the rows, attacks buried between harmless sentences, and windows of pages."""
    rng = random.Random(seed)  # noqa: S311  # a mix that can be repeated, no secret
    attacks = [row for row in rows if row.is_attack and row.family not in UNREAD]
    harmless = [row for row in rows if not row.is_attack]
    texts = [row.text for row in attacks] + [row.text for row in harmless]
    labels = [1.0] * len(attacks) + [0.0] * len(harmless)
    for _ in range(len(attacks) // 4):
        before, attack, after = rng.choice(harmless).text, rng.choice(attacks).text, rng.choice(harmless).text
        texts.append(f"{before[:90]} {attack} {after[:60] if rng.random() < 0.4 else ''}")
        labels.append(1.0)
    for _ in range(len(attacks) // 2):
        page = " ".join(rng.choice(harmless).text for _ in range(5))
        start = rng.randrange(max(1, len(page) - WINDOW))
        texts.append(page[start : start + WINDOW])
        labels.append(0.0)
    return [normalise(text).plain for text in texts], np.array(labels)


def train(rows: Sequence[Row], seed: int = SEED) -> Model:
    """Logistic regression by full-batch Adam (Kingma & Ba, 2015) with weight decay."""
    texts, labels = build(rows, seed)
    columns: list[np.ndarray] = []
    values: list[np.ndarray] = []
    counts: list[int] = []
    for text in texts:
        text = text[:400]
        features = read_features(text, find_said(text))
        share = 1.0 / np.sqrt(sum(map(len, features.letters)))
        before = len(columns)
        for indices, gain in (
            *((indices, 1.0) for indices in features.letters),
            *((indices, gain) for indices, _, gain in features.sparse),
        ):
            columns.append(indices)
            values.append(np.full(len(indices), gain * share, dtype=np.float32))
        counts.append(sum(map(len, columns[before:])))
    column = np.concatenate(columns).astype(np.int64)
    value, owner = np.concatenate(values), np.repeat(np.arange(len(texts)), counts)
    cost = np.where(labels > 0.5, 1.0, HARMLESS_WEIGHT * labels.sum() / (len(labels) - labels.sum()))
    cost /= cost.sum()
    size = 1 << BITS
    weights, bias = np.zeros(size), 0.0
    mean, spread = np.zeros(size + 1), np.zeros(size + 1)
    for step in range(1, ROUNDS + 1):
        logits = np.bincount(owner, weights[column] * value, len(texts)) + bias
        error = (1.0 / (1.0 + np.exp(-logits)) - labels) * cost
        gradient = np.append(np.bincount(column, value * error[owner], size) + DECAY * weights, error.sum())
        mean = 0.9 * mean + 0.1 * gradient
        spread = 0.99 * spread + 0.01 * gradient**2
        change = RATE * (mean / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-6)
        weights -= change[:-1]
        bias -= float(change[-1])
    return Model(weights.astype(np.float32), bias)


def score_text(model: Model, text: str) -> float:
    """What a model alone says of a text."""
    plain = normalise(text).plain
    return model.score(plain, find_said(plain))


def report_families(rows: Sequence[Row]) -> None:
    """Leave one family of attacks out, train on the rest, and count what the model alone catches of it."""
    for family in sorted({row.family for row in rows if row.is_attack and row.family not in UNREAD}):
        model = train([row for row in rows if row.family != family])
        left_out = [row for row in rows if row.family == family]
        caught = sum(score_text(model, row.text) >= 0.5 for row in left_out)
        sys.stdout.write(f"{family:<12} {caught:>5} of {len(left_out):>5}  {caught / len(left_out):.3f}\n")


def main() -> None:
    """Train on all rows, or report how the method does on families it has not seen."""
    rows = read_rows(EACH, SEED)
    if "--families" in sys.argv[1:]:
        report_families(rows)
        return
    model = train(rows)
    TARGET.write_bytes(model.pack())
    sys.stdout.write(
        f"{TARGET.name}: {len(rows)} texts, {TARGET.stat().st_size} bytes, bias {model.bias:.3f}\n"
    )


if __name__ == "__main__":
    main()
