"""The few statistics the tables need. Pure functions; a percentile of nothing is an error, never 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

__all__ = ["median", "paired_ratio", "percentile", "spread"]


def percentile(values: Sequence[float], rank: float) -> float:
    """The value below which `rank` per cent of `values` lie, interpolated between neighbours.

    Raises:
        ValueError: there are no values, or the rank is not in [0, 100].
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0 <= rank <= 100:
        raise ValueError(f"a percentile's rank is in [0, 100], not {rank}")
    ordered = sorted(values)
    position = (len(ordered) - 1) * rank / 100
    low, high = math.floor(position), math.ceil(position)
    if low == high:
        return ordered[low]
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round: drift of the machine hits both sides of a pair.

    Raises:
        ValueError: the rounds do not pair up, there are none, or a divisor is not positive.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError("ratios need the same number of rounds on both sides, at least one")
    if min(theirs) <= 0:
        raise ValueError("a ratio to nothing is not a number")
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def spread(values: Sequence[float]) -> float:
    """How far the rounds lie apart: (max - min) / median, 0 for one that never varies."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0
