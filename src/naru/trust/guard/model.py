"""A small linear model on hashed letters, words and concepts: what attacks sound like.

Trained by `tools/train_guard.py` on texts written for it; the weights are a file of this package. A long text
is judged by its most suspicious window, so that an order buried in a document is not averaged away. numpy is
imported at the first use only: whoever imports the guard does not pay for it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from naru.trust.guard.terms import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Indices = NDArray[np.uint32]
    Places = NDArray[np.int64]
    Weights = NDArray[np.float32]

BITS = 20
LETTERS = (2, 4)
"""The shortest and the longest group of letters."""
WORD_GAIN = 8.0
CONCEPT_GAIN = 8.0
"""What a word's or a concept's weight counts against a group of letters': there are fewer of them."""
WINDOW = 256
STRIDE = 64
MAX_CHARS = 65_537
WINDOW_PRICE = 0.8
"""What each doubling of the windows costs: of many, one is suspicious by chance."""
REACH = 120
"""Concepts further apart, in code points, say nothing together."""
_BASE = 0x01000193
_HEADER = struct.Struct("<4sBff")
_MAGIC = b"NGM2"


class Features(NamedTuple):
    """Buckets of a text's features and where they begin.

    Attributes:
        letters: for each group length, a bucket at every place.
        sparse: (buckets, places, gain) of words and of concepts.
    """

    letters: list[Indices]
    sparse: list[tuple[Indices, Places, float]]


def _bucket(hashes: Indices) -> Indices:
    """A multiplicative mix (Knuth, The Art of Computer Programming 3, 6.4); its top bits are the bucket."""
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    mixed = (hashes ^ (hashes >> np.uint32(15))) * np.uint32(0x9E3779B1)
    return mixed >> np.uint32(32 - BITS)


@cache
def _powers() -> tuple[Indices, Indices]:
    """Powers of the hash's base modulo 2^32, and their inverses: the base is odd, so it has one."""
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    def grow(base: int) -> Indices:
        steps = np.full(MAX_CHARS + 3, base, dtype=np.uint32)
        steps[0] = 1
        return np.cumprod(steps, dtype=np.uint32)

    return grow(_BASE), grow(pow(_BASE, -1, 1 << 32))


@cache
def _word_table() -> NDArray[np.int8]:
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    return np.array([chr(code).isalnum() or chr(code) == "'" for code in range(128)], dtype=np.int8)


def read_features(text: str, hits: Sequence[Hit] = ()) -> Features:
    """The features of a folded text, in time linear in its length.

    Args:
        text: as `normalise` folds it; of more than MAX_CHARS code points the first are read.
        hits: the concepts in it, in order of place.
    """
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    padded = f" {text[: MAX_CHARS - 1]} ".replace("\n", " ")
    codes = np.frombuffer(padded.encode("utf-32-le", "replace"), dtype=np.uint32)
    letters: list[Indices] = []
    rolling = codes
    for length in range(2, LETTERS[1] + 1):
        if len(codes) < length:
            break
        rolling = rolling[:-1] * np.uint32(_BASE) + codes[length - 1 :]
        letters.append(_bucket(rolling))
    sparse = [(*_read_words(codes), WORD_GAIN)]
    if hits:
        sparse.append((*_read_concepts(hits), CONCEPT_GAIN))
    return Features(letters, sparse)


def _read_words(codes: Indices) -> tuple[Indices, Places]:
    """Words, pairs, pairs with one between, and threes of words. A word's hash does not know its place.

    A word ends where its script does, so that `prompt를` is `prompt` and its particle.
    """
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    powers, inverses = _powers()
    sort = np.where(codes < 128, _word_table()[np.minimum(codes, 127)], np.int8(2))
    edges = np.flatnonzero(sort[1:] != sort[:-1]) + 1
    spans = np.flatnonzero(sort[edges[:-1]] > 0)
    starts, ends = edges[spans], edges[spans + 1]
    sums = np.zeros(len(codes) + 1, dtype=np.uint32)
    np.cumsum(codes * powers[: len(codes)], dtype=np.uint32, out=sums[1:])
    words = (sums[ends] - sums[starts]) * inverses[starts]
    return _join(words * np.uint32(0x85EBCA6B), starts, 4_000)


def _read_concepts(hits: Sequence[Hit]) -> tuple[Indices, Places]:
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    ids = np.array([_name(hit.concept) for hit in hits], dtype=np.uint32)
    return _join(ids, np.array([hit.start for hit in hits], dtype=np.int64), REACH)


@cache
def _name(concept: str) -> int:
    value = 7
    for letter in concept:
        value = (value * 31 + ord(letter)) & 0xFFFFFFFF
    return value * 0x27D4EB2F & 0xFFFFFFFF


def _join(names: Indices, places: Places, reach: int) -> tuple[Indices, Places]:
    """Each name, and names joined with the next, the one after it, and both, where they are near enough."""
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    found, where = [names], [places]
    if len(names) > 1:
        near = places[1:] - places[:-1] <= reach
        found.append((names[:-1] * np.uint32(31) + names[1:] * np.uint32(17))[near])
        where.append(places[:-1][near])
    if len(names) > 2:
        near = places[2:] - places[:-2] <= reach
        ends = names[:-2] * np.uint32(37) + names[2:] * np.uint32(41)
        found += [ends[near], (ends + names[1:-1] * np.uint32(29))[near]]
        where += [places[:-2][near], places[:-2][near]]
    return _bucket(np.concatenate(found)), np.concatenate(where)


class Model(NamedTuple):
    """Weights and bias of the logistic regression; the probability is sigmoid(sum/√n + bias)."""

    weights: Weights
    bias: float

    def logit(self, text: str, hits: Sequence[Hit] = ()) -> float:
        """The log odds of a folded text's most suspicious window; longer texts pay for their many windows."""
        import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

        features = read_features(text, hits)
        if not features.letters:
            return self.bias
        length = len(features.letters[0])
        if length <= WINDOW * 3 // 2:
            total = sum(float(self.weights[indices].sum()) for indices in features.letters)
            total += sum(float(self.weights[indices].sum()) * gain for indices, _, gain in features.sparse)
            return total / math.sqrt(sum(map(len, features.letters))) + self.bias
        sums = np.zeros(length + 1, dtype=np.float64)
        for indices in features.letters:
            sums[1 : len(indices) + 1] += self.weights[indices]
        for indices, places, gain in features.sparse:
            sums[1:] += np.bincount(
                np.minimum(places, length - 1), self.weights[indices] * gain, minlength=length
            )
        np.cumsum(sums, out=sums)
        starts = np.arange(0, length - WINDOW + STRIDE, STRIDE)
        ends = np.minimum(starts + WINDOW, length)
        best = float((sums[ends] - sums[starts]).max())
        return (
            best / math.sqrt(len(features.letters) * WINDOW)
            + self.bias
            - WINDOW_PRICE * math.log2(len(starts) + 1)
        )

    def score(self, text: str, hits: Sequence[Hit] = ()) -> float:
        """The probability that a folded text is an attack, 0..1."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, self.logit(text, hits))))

    def pack(self) -> bytes:
        """The file's bytes: magic, bits, bias, scale, then one signed byte a bucket."""
        import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

        scale = float(np.abs(self.weights).max()) / 127.0 or 1.0
        body = np.clip(np.rint(self.weights / scale), -127, 127).astype(np.int8)
        head = _HEADER.pack(_MAGIC, BITS, self.bias, scale)
        return head + bytes(body.tobytes())


def unpack(data: bytes) -> Model:
    """A model of a file's bytes. Raises ValueError when they are no model of this version."""
    import numpy as np  # noqa: PLC0415  # only who judges a text pays for it

    magic, bits, bias, scale = _HEADER.unpack_from(data)
    if magic != _MAGIC or bits != BITS or len(data) != _HEADER.size + (1 << BITS):
        raise ValueError("not a model file of this version; train it anew: python -m tools.train_guard")
    weights = np.frombuffer(data, dtype=np.int8, offset=_HEADER.size).astype(np.float32) * np.float32(scale)
    return Model(weights, bias)


@cache
def load_model() -> Model:
    """The model of this package, read at first use."""
    return unpack(files(__package__).joinpath("injection.bin").read_bytes())
