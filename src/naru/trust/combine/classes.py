"""k, l and t of equivalence classes, by sorting: a million rows in a second or two.

Sources: k-anonymity Sweeney 2002; l-diversity Machanavajjhala et al. 2007 (distinct and entropy);
t-closeness Li et al. 2007 (earth mover's distance, equal and ordered ground distance). `pycanon` is the
oracle of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from naru.trust.combine.table import Codes

Floats = NDArray[np.float64]


def group(columns: Sequence[Codes], sizes: Sequence[int], rows: int) -> tuple[Codes, int]:
    """Number the combinations of values.

    Args:
        columns: codes, one array a column, each of length `rows`.
        sizes: how many codes each column may have.

    Returns:
        The number of each row's class, from 0 without gaps, and how many classes there are.
    """
    combined = np.zeros(rows, np.int64)
    span = 1
    for codes, size in zip(columns, sizes, strict=True):
        if span * max(size, 1) >= 2**62:  # close the gaps before the product leaves 64 bits
            known, combined = np.unique(combined, return_inverse=True)
            span = len(known)
        combined = combined * max(size, 1) + codes
        span *= max(size, 1)
    known, numbers = np.unique(combined, return_inverse=True)
    return numbers.astype(np.int64), len(known)


@dataclass(frozen=True, slots=True)
class Pairs:
    """How often each value of one column occurs in each class; sorted by class, then by value."""

    classes: Codes
    values: Codes
    counts: Codes
    class_count: int
    value_count: int

    @classmethod
    def of(
        cls, classes: Codes, values: Codes, class_count: int, value_count: int, counts: Codes | None = None
    ) -> Pairs:
        """Count (class, value) pairs; with `counts` each given pair already stands for so many rows."""
        both = classes * max(value_count, 1) + values
        known, first = np.unique(both, return_inverse=True)
        if counts is None:
            total = np.bincount(first, minlength=len(known))
        else:
            total = np.bincount(first, weights=counts, minlength=len(known))
        return cls(
            known // max(value_count, 1),
            known % max(value_count, 1),
            total.astype(np.int64),
            class_count,
            value_count,
        )

    def keep(self, is_kept: NDArray[np.bool_]) -> Pairs:
        """Without the classes that are False; the others get new numbers without gaps."""
        renumber = np.cumsum(is_kept) - 1
        chosen = is_kept[self.classes]
        return Pairs(
            renumber[self.classes[chosen]],
            self.values[chosen],
            self.counts[chosen],
            int(is_kept.sum()),
            self.value_count,
        )

    def sizes(self) -> Codes:
        """Rows a class."""
        return np.bincount(self.classes, weights=self.counts, minlength=self.class_count).astype(np.int64)

    def distinct(self) -> Codes:
        """Distinct l of each class: how many different values it has."""
        return np.bincount(self.classes, minlength=self.class_count)

    def entropy(self) -> Floats:
        """Entropy l of each class: exp of the Shannon entropy of its values, from 1 to distinct l."""
        share = self.counts / self.sizes()[self.classes]
        return np.exp(-np.bincount(self.classes, weights=share * np.log(share), minlength=self.class_count))

    def largest(self) -> Codes:
        """Rows that have a class's commonest value."""
        found = np.zeros(self.class_count, np.int64)
        np.maximum.at(found, self.classes, self.counts)
        return found

    def overall(self) -> Floats:
        """Share of each value in all classes together."""
        total = np.bincount(self.values, weights=self.counts, minlength=self.value_count)
        return np.asarray(total / max(total.sum(), 1))

    def equal_distance(self) -> Floats:
        """t of each class with equal ground distance (values without an order): total variation."""
        overall = self.overall()
        share = self.counts / self.sizes()[self.classes]
        there = np.bincount(
            self.classes, weights=np.abs(share - overall[self.values]), minlength=self.class_count
        )
        seen = np.bincount(self.classes, weights=overall[self.values], minlength=self.class_count)
        return np.clip(0.5 * (there + 1.0 - seen), 0.0, 1.0)

    def ordered_distance(self, ranks: Codes | None = None) -> Floats:
        """t of each class with ordered ground distance: sum of |cumulated differences| / (m - 1).

        Between two values that a class has, its own cumulated share stands still while that of all rows
        rises, so each stretch is summed in closed form: the cost follows the pairs, not classes times values.

        Args:
            ranks: place of each value in the order; default: as the codes are. Values that occur nowhere
                do not count as places.
        """
        order = np.arange(self.value_count) if ranks is None else ranks
        occurring = np.zeros(self.value_count, bool)
        occurring[self.values] = True
        used = np.flatnonzero(occurring)
        places = len(used)
        if places < 2 or self.class_count == 0:
            return np.zeros(self.class_count)
        by_rank = used[np.argsort(order[used], kind="stable")]
        place = np.zeros(self.value_count, np.int64)
        place[by_rank] = np.arange(places)
        rising = np.cumsum(self.overall()[by_rank])  # P_i, i = 0..m-1
        summed = np.concatenate([[0.0], np.cumsum(rising)])

        at = place[self.values]
        sorting = np.lexsort((at, self.classes))
        classes, at = self.classes[sorting], at[sorting]
        share = (self.counts / self.sizes()[self.classes])[sorting]
        running = np.cumsum(share)
        first = np.flatnonzero(np.concatenate([[True], classes[1:] != classes[:-1]]))
        before = np.concatenate([[0.0], running])[first]
        own = running - np.repeat(before, np.diff(np.concatenate([first, [len(classes)]])))
        until = np.concatenate([at[1:], [places]])
        until[np.concatenate([first[1:] - 1, [len(classes) - 1]])] = places
        # Places at..until-1, where the class's own share stands at `own`: |own - P_i|, P rising.
        turn = np.clip(np.searchsorted(rising, own, side="right"), at, until)
        stretch = (
            own * (turn - at)
            - (summed[turn] - summed[at])
            + (summed[until] - summed[turn])
            - own * (until - turn)
        )
        found = np.bincount(classes, weights=stretch, minlength=self.class_count)
        found += summed[at[first]]  # before its first value a class stands at 0
        return np.clip(found / (places - 1), 0.0, 1.0)
