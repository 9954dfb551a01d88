"""A small linear model on hashed letter groups: what attacks sound like, beyond the words the rules know.

Trained by `tools/train_guard.py` on texts written for it; the weights are a file of this package. A long text
is judged by its most suspicious window, so that an order buried in a document is not averaged away.
"""

from __future__ import annotations

import struct
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 16
GRAMS = (2, 3, 4, 5)
WINDOW = 256
STRIDE = 64
MAX_CHARS = 32_768
_HEADER = struct.Struct("<4sBff")
_MAGIC = b"NGM1"

Indices = NDArray[np.uint32]
Weights = NDArray[np.float32]


def hash_grams(text: str) -> list[Indices]:
    """For each group length, the bucket of every group of letters of a text, in order of place.

    A polynomial hash modulo 2^32 and a multiplicative mix (Knuth, The Art of Computer Programming 3, 6.4);
    its top BITS bits are the bucket.
    """
    padded = f" {text[:MAX_CHARS]} ".replace("\n", " ")
    codes = np.frombuffer(padded.encode("utf-32-le", "replace"), dtype=np.uint32)
    out: list[Indices] = []
    rolling = codes
    for length in range(2, GRAMS[-1] + 1):
        if len(codes) < length:
            break
        rolling = rolling[:-1] * np.uint32(0x01000193) + codes[length - 1 :]
        mixed = (rolling ^ (rolling >> np.uint32(15))) * np.uint32(0x9E3779B1)
        out.append(mixed >> np.uint32(32 - BITS))
    return out


class Model(NamedTuple):
    """Weights and bias of the logistic regression; the probability is sigmoid(sum/√n + bias)."""

    weights: Weights
    bias: float

    def logit(self, text: str) -> float:
        """The log odds of a folded text's most suspicious window; longer texts pay for their many windows."""
        grams = hash_grams(text)
        if not grams:
            return self.bias
        length = len(grams[0])
        if length <= WINDOW * 3 // 2:
            total = sum(float(self.weights[indices].sum()) for indices in grams)
            return total / float(np.sqrt(sum(map(len, grams)))) + self.bias
        sums = np.zeros(length + 1, dtype=np.float64)
        for indices in grams:
            sums[1 : len(indices) + 1] += self.weights[indices]
        np.cumsum(sums, out=sums)
        starts = np.arange(0, length - WINDOW + STRIDE, STRIDE)
        ends = np.minimum(starts + WINDOW, length)
        best = float((sums[ends] - sums[starts]).max())
        return best / float(np.sqrt(len(GRAMS) * WINDOW)) + self.bias - 0.5 * float(np.log2(len(starts)))

    def score(self, text: str) -> float:
        """The probability that a folded text is an attack, 0..1."""
        return float(1.0 / (1.0 + np.exp(-self.logit(text))))

    def pack(self) -> bytes:
        """The file's bytes: magic, bits, bias, scale, then one signed byte a bucket."""
        scale = float(np.abs(self.weights).max()) / 127.0 or 1.0
        body = np.clip(np.rint(self.weights / scale), -127, 127).astype(np.int8)
        head = _HEADER.pack(_MAGIC, BITS, self.bias, scale)
        return head + bytes(body.tobytes())


def unpack(data: bytes) -> Model:
    """A model of a file's bytes. Raises ValueError when they are no model of this version."""
    magic, bits, bias, scale = _HEADER.unpack_from(data)
    if magic != _MAGIC or bits != BITS or len(data) != _HEADER.size + (1 << BITS):
        raise ValueError("not a model file of this version; train it anew: python -m tools.train_guard")
    weights = np.frombuffer(data, dtype=np.int8, offset=_HEADER.size).astype(np.float32) * np.float32(scale)
    return Model(weights, bias)


@cache
def load_model() -> Model:
    """The model of this package, read at first use."""
    return unpack(files(__package__).joinpath("injection.bin").read_bytes())
