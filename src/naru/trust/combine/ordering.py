"""Whether a column's values have an order, and which: it decides the ground distance of t."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from naru.kernel.errors import ConfigError
from naru.trust.combine.classes import Floats, Pairs
from naru.trust.combine.table import Codes, Column

_INTERVAL = re.compile(r"(-?\d+)-(?:-?\d+)|\[(-?[\d.]+),-?[\d.]+\)")


def find_ranks(column: Column, stated: Sequence[str], where: str) -> Codes | None:
    """Place of each value: as stated, else by number (an interval by its lower end), else None: no order.

    Raises:
        ConfigError: an order is stated and leaves out values.
    """
    if stated:
        places = {value: place for place, value in enumerate(stated)}
        missing = sum(1 for value in column.values if value not in places)
        if missing:
            raise ConfigError(
                f"roles.ordinal.{where}: {missing} values of the column are not in it", path="plan"
            )
        return np.array([places[value] for value in column.values], np.int64)
    numbers = column.numbers()
    if numbers is None:
        numbers = _lower_ends(column)
    if numbers is None:
        return None
    filled = np.where(np.isnan(numbers), -np.inf, numbers)  # a missing value stands below all
    _, ranks = np.unique(filled, return_inverse=True)
    # "1" and "1.0" are one number and two texts; each keeps a place of its own, as neighbours.
    return np.argsort(np.argsort(ranks, kind="stable"), kind="stable").astype(np.int64)


def closeness(pairs: Pairs, ranks: Codes | None) -> Floats:
    """t of each class: ordered distance where there is an order, equal distance where not."""
    return pairs.equal_distance() if ranks is None else pairs.ordered_distance(ranks)


def _lower_ends(column: Column) -> Floats | None:
    found = []
    for value in column.values:
        match = _INTERVAL.fullmatch(value)
        if match is None and value:
            return None
        found.append(float(match[1] or match[2]) if match else float("nan"))
    return np.array(found) if any(column.values) else None
