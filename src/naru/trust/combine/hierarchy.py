"""Levels of coarseness of a column: from its values as they are, step by step, to `*`."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naru.kernel.errors import ConfigError, NotFound
from naru.trust.combine.classes import Floats
from naru.trust.combine.plan import Treatment
from naru.trust.combine.table import Column, to_number

STAR = "*"


@dataclass(frozen=True, slots=True)
class Levels:
    """`labels[level][code]` is what a value becomes; `losses[level]` is what a row loses on average, 0 to 1.

    The loss is the normalised certainty penalty (Xu et al. 2006): of all other values of the column, the
    share that the row can no longer be told from.
    """

    labels: list[list[str]]
    losses: list[float]


def code_numbers(column: Column, treatment: Treatment, where: str) -> Column:
    """Rounding, then top and bottom coding. Texts that are no numbers are an error, missing ones stay.

    Raises:
        ConfigError: the column holds something that is no number.
    """
    if treatment.top is None and treatment.bottom is None and treatment.round is None:
        return column
    numbers = _numbers(column, where)
    labels = []
    for value, number in zip(column.values, numbers, strict=True):
        changed = number
        if treatment.round is not None:
            changed = number if math.isnan(number) else round(number / treatment.round) * treatment.round
        if treatment.top is not None and changed > treatment.top:
            changed = treatment.top
        if treatment.bottom is not None and changed < treatment.bottom:
            changed = treatment.bottom
        labels.append(value if math.isnan(number) or changed == number else _plain(changed))
    return column.map(labels)


def build_levels(column: Column, treatment: Treatment, folder: Path, where: str) -> Levels:
    """All levels of a column.

    Args:
        folder: where the plan lies; a `map` is read from there.
        where: the column's name, for errors.

    Raises:
        ConfigError: the treatment does not fit the values.
    """
    labels = [list(column.values)]
    if treatment.kind == "interval":
        numbers = _numbers(column, where)
        is_whole = all(math.isnan(number) or number == int(number) for number in numbers)
        labels += [[_interval(number, step, is_whole) for number in numbers] for step in treatment.steps]
    elif treatment.kind == "prefix":
        labels += [[_cut(value, count) for value in column.values] for count in treatment.cut]
    elif treatment.kind == "address":
        labels.append([value.split(" ")[0] if value else "" for value in column.values])
    elif treatment.kind == "map":
        labels += _read_map(column, folder / treatment.file, where)
    if treatment.kind != "none" and treatment.may_be_star:
        labels.append([STAR] * len(column.values))
    frequency = np.bincount(column.codes, minlength=len(column.values)).astype(float)
    return Levels(labels, [_loss(level, frequency) for level in labels])


def _loss(labels: list[str], frequency: Floats) -> float:
    count = len(labels)
    if count < 2:
        return 0.0
    _, inverse, sizes = np.unique(np.array(labels, dtype=object), return_inverse=True, return_counts=True)
    penalty = (sizes[inverse] - 1) / (count - 1)
    return float((penalty * frequency).sum() / max(frequency.sum(), 1.0))


def _numbers(column: Column, where: str) -> list[float]:
    found = []
    for value in column.values:
        number = to_number(value)
        if number is None:
            raise ConfigError(f"treat.{where}: the column holds values that are no numbers", path="plan")
        found.append(number)
    return found


def _interval(number: float, step: float, is_whole: bool) -> str:
    """Half open: 40-49 for whole numbers in tens, [2.5,5) for others."""
    if math.isnan(number):
        return ""
    low = math.floor(number / step) * step
    if is_whole and step == int(step):
        return f"{int(low)}" if step == 1 else f"{int(low)}-{int(low + step) - 1}"
    return f"[{_plain(low)},{_plain(low + step)})"


def _cut(text: str, count: int) -> str:
    kept = max(len(text) - count, 0)
    return text[:kept] + STAR * (len(text) - kept)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(round(number, 9))


def _read_map(column: Column, path: Path, where: str) -> list[list[str]]:
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as file:
            rows = {row[0]: row[1:] for row in csv.reader(file) if row}
    except OSError:
        raise NotFound(f"treat.{where}: {path} is not here") from None
    except (csv.Error, UnicodeDecodeError):
        raise ConfigError(f"treat.{where}: is no CSV in UTF-8", path=str(path)) from None
    depth = min(map(len, rows.values()), default=0)
    missing = sum(1 for value in column.values if value not in rows)
    if missing or not depth:
        raise ConfigError(
            f"treat.{where}: {missing} values of the column are not in the first column, or there is no "
            "level",
            path=str(path),
        )
    found = [[rows[value][level] for value in column.values] for level in range(depth)]
    previous = list(column.values)
    for number, labels in enumerate(found, 1):
        parents: dict[str, str] = {}
        for child, parent in zip(previous, labels, strict=True):
            if parents.setdefault(child, parent) != parent:
                raise ConfigError(f"treat.{where}: level {number} parts what was one before", path=str(path))
        previous = labels
    return found
