"""A table of text in little memory: each column is an array of codes beside its list of distinct values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
_CHUNK_ROWS = 65_536


@dataclass(slots=True)
class Column:
    """`codes[row]` is an index into `values`; the empty string is a missing value and a value like others."""

    codes: Codes
    values: list[str]

    def take(self, rows: Codes) -> Column:
        """The same column with these rows in this order; values no row has any more are left out."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        return Column(codes.astype(np.int64), [self.values[code] for code in used])

    def map(self, labels: Sequence[str]) -> Column:
        """Each value replaced by the label at its place; equal labels become one value."""
        index = _Index()
        new = np.fromiter((index[label] for label in labels), np.int64, len(labels))
        return Column(new[self.codes] if len(new) else self.codes, list(index))

    def numbers(self) -> NDArray[np.float64] | None:
        """The values as numbers (NaN where missing), None when one of them is no number."""
        found = np.empty(len(self.values))
        for at, value in enumerate(self.values):
            number = to_number(value)
            if number is None:
                return None
            found[at] = number
        return None if bool(np.isnan(found).all()) else found


@dataclass(slots=True)
class Table:
    """Columns of equal length, by name."""

    columns: dict[str, Column] = field(default_factory=dict)
    rows: int = 0

    def take(self, rows: Codes) -> Table:
        """These rows, in this order."""
        return Table({name: column.take(rows) for name, column in self.columns.items()}, len(rows))

    def iterate(self) -> Iterator[tuple[str, ...]]:
        """Row after row, without making a list of them."""
        for start in range(0, self.rows, _CHUNK_ROWS):
            part = slice(start, start + _CHUNK_ROWS)
            chunk = [
                map(column.values.__getitem__, column.codes[part].tolist())
                for column in self.columns.values()
            ]
            yield from zip(*chunk, strict=True)


class _Index(dict[str, int]):
    """Numbers each new text; a lookup of a known one never leaves C."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self)
        return number


def to_number(text: str) -> float | None:
    """A finite number (thousands may be parted by commas), NaN for an empty text, None for anything else."""
    if not text:
        return float("nan")
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def read_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Rows into columns; each row is as long as `names`."""
    indexes = [_Index() for _ in names]
    parts: list[list[Codes]] = [[] for _ in names]
    count = 0
    source = iter(rows)
    while chunk := list(islice(source, _CHUNK_ROWS)):
        count += len(chunk)
        for at, cells in enumerate(zip(*chunk, strict=True)):
            parts[at].append(np.fromiter(map(indexes[at].__getitem__, cells), np.int64, len(chunk)))
    empty = np.empty(0, np.int64)
    return Table(
        {
            name: Column(np.concatenate([empty, *part]), list(index))
            for name, part, index in zip(names, parts, indexes, strict=True)
        },
        count,
    )
