"""What a joined table gives away: the measures of a review (적정성 검토), none of them a legal threshold.

Counts and shares only: no value of any row is in what these functions return. Singling out, linkability and
inference are the three questions of the Article 29 Working Party's opinion 05/2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naru.trust.combine.classes import Pairs
from naru.trust.combine.join import codes_of
from naru.trust.combine.ordering import closeness, find_ranks
from naru.trust.combine.plan import Bounds, Plan
from naru.trust.combine.prepare import Scan
from naru.trust.combine.table import Codes, Column, Table

_STEPS: Final = ((1, "1"), (2, "2"), (4, "3-4"), (9, "5-9"), (19, "10-19"), (99, "20-99"))
_CELLS_TO_TRY: Final = 40_000_000
"""Rows times combinations of columns that singling out looks at: about 2 s."""
_TEXTS_TO_SCAN: Final = 20_000
_EPSILON: Final = 1e-9


def measure(
    table: Table,
    plan: Plan,
    sent: Mapping[str, Mapping[str, Any]] | None = None,
    scanner: Scan | None = None,
) -> dict[str, Any]:
    """Every measure of one table.

    Args:
        table: joined or treated.
        sent: what `prepare.count_sent` says of each party's rows: uniqueness before the join, and presence.
        scanner: looks for identifiers in free text.
    """
    quasi, bounds = plan.roles.quasi, plan.bounds
    classes, count = codes_of(table, quasi)
    sizes = np.bincount(classes, minlength=count)
    report: dict[str, Any] = {
        "rows": table.rows,
        "columns": len(table.columns),
        "k": _k(sizes, table.rows, bounds.k),
        "sensitive": {name: _sensitive(table, plan, name, classes, count) for name in plan.roles.sensitive},
        "uniqueness": _uniqueness(table, plan, sent or {}),
        "singling_out": _singling_out(table),
        "linkability": {party: _linkability(table, plan, party) for party in plan.parties},
        "presence": {party: counts["presence"] for party, counts in (sent or {}).items()},
        "outliers": _outliers(table, bounds.small_cell),
        "small_cells": _small_cells(table, plan),
        "text": _scan(table, plan, scanner),
    }
    report["bounds"] = _judge(report, bounds)
    report["holds"] = all(bound["holds"] for bound in report["bounds"].values())
    return report


def _k(sizes: Codes, rows: int, k: int) -> dict[str, Any]:
    histogram: dict[str, int] = {}
    below = 0
    for top, name in _STEPS:
        chosen = (sizes > below) & (sizes <= top)
        histogram[name] = int(sizes[chosen].sum())
        below = top
    histogram["100+"] = int(sizes[sizes > below].sum())
    return {
        "min": int(sizes.min(initial=rows)),
        "mean": _short(rows / max(len(sizes), 1)),
        "classes": len(sizes),
        "rows_by_class_size": histogram,
        "share_below_3": _share(sizes[sizes < 3].sum(), rows),
        "share_below_5": _share(sizes[sizes < 5].sum(), rows),
        "share_below_k": _share(sizes[sizes < k].sum(), rows),
    }


def _sensitive(table: Table, plan: Plan, name: str, classes: Codes, count: int) -> dict[str, Any]:
    column = table.columns[name]
    ranks = find_ranks(column, plan.roles.ordinal.get(name, ()), name)
    pairs = Pairs.of(classes, column.codes, count, len(column.values))
    sizes, distinct = pairs.sizes(), pairs.distinct()
    entropy, distance = pairs.entropy(), closeness(pairs, ranks)
    return {
        "values": len(column.values),
        "ground": "equal" if ranks is None else "ordered",
        "l_min": int(distinct.min(initial=len(column.values))),
        "entropy_l_min": _short(float(entropy.min(initial=float(len(column.values))))),
        "t_max": _short(float(distance.max(initial=0.0))),
        "share_homogeneous": _share(sizes[distinct == 1].sum(), table.rows),
        "share_below_l": _share(sizes[distinct < plan.bounds.l].sum(), table.rows),
        "inference": _inference(pairs, table.rows),
    }


def _inference(pairs: Pairs, rows: int) -> dict[str, float]:
    """How often somebody guesses the value from the class.

    `baseline` guesses the commonest value of all; `known_inside` sees the person's own row in its class;
    `others` sees only the other rows of the class, so what it gains over the baseline the table gives away
    about anybody; `risk` is that gain as a share of what was left to gain.
    """
    baseline = float(pairs.overall().max(initial=0.0))
    order = np.lexsort((-pairs.counts, pairs.classes))
    classes, counts = pairs.classes[order], pairs.counts[order]
    first = np.flatnonzero(np.concatenate([[True], classes[1:] != classes[:-1]])) if len(classes) else classes
    top = counts[first]
    second = np.zeros_like(top)
    has_second = np.diff(np.concatenate([first, [len(classes)]])) > 1
    second[has_second] = counts[first[has_second] + 1]
    is_top = np.zeros(len(classes), bool)
    is_top[first] = True
    rival = np.where(is_top, second[classes], top[classes])
    right = np.where(counts - 1 > rival, 1.0, np.where(counts - 1 == rival, 0.5, 0.0))
    alone = (top + second)[classes] == 1  # nobody else there: the baseline's guess
    right = np.where(alone, baseline, right)
    others = float((right * counts).sum() / max(rows, 1))
    return {
        "baseline": _short(baseline),
        "known_inside": _short(float(top.sum() / max(rows, 1))),
        "others": _short(others),
        "risk": _short(max(0.0, (others - baseline) / (1 - baseline)) if baseline < 1 else 0.0),
    }


def _uniqueness(table: Table, plan: Plan, sent: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Share of rows that no other row equals in the quasi-identifiers: of each side alone, and of both."""
    found = {}
    for party in plan.parties:
        own = [name for name in plan.roles.quasi if name.startswith(f"{party}.")]
        if not own:
            continue
        if party in sent:
            found[f"{party} before"] = float(sent[party]["unique"])
        found[f"{party} after"] = _unique(table, own)
    found["both"] = _unique(table, plan.roles.quasi)
    return found


def _singling_out(table: Table) -> dict[str, Any]:
    """Share of rows that a question on one, two or three columns of any sort finds alone."""
    names = list(table.columns)
    every = [chosen for size in (1, 2, 3) for chosen in combinations(names, size)]
    tried = every[: max(len(names), _CELLS_TO_TRY // max(table.rows, 1))]
    anywhere = np.zeros(table.rows, bool)
    worst: dict[int, tuple[float, tuple[str, ...]]] = {}
    for chosen in tried:
        alone = _alone(table, chosen)
        anywhere |= alone
        share = float(alone.mean()) if table.rows else 0.0
        if share > worst.get(len(chosen), (-1.0, ()))[0]:
            worst[len(chosen)] = (share, chosen)
    return {
        "share": _share(anywhere.sum(), table.rows),
        "worst": {
            str(size): {"columns": list(chosen), "share": _short(share)}
            for size, (share, chosen) in sorted(worst.items())
        },
        "tried": len(tried),
        "of": len(every),
    }


def _alone(table: Table, names: Sequence[str]) -> NDArray[np.bool_]:
    columns = [table.columns[name] for name in names]
    span = 1
    for column in columns:
        span *= max(len(column.values), 1)
    if span <= 8 * table.rows:  # counting is several times quicker than sorting
        combined = np.zeros(table.rows, np.int64)
        for column in columns:
            combined = combined * max(len(column.values), 1) + column.codes
        return np.asarray(np.bincount(combined, minlength=span)[combined] == 1)
    classes, count = codes_of(table, list(names))
    return np.asarray(np.bincount(classes, minlength=count)[classes] == 1)


def _linkability(table: Table, plan: Plan, party: str) -> dict[str, float]:
    """A party that kept its own file looks for its customers in the result, by the columns it had sent.

    `unique` is the share of rows it finds for certain, and so learns the other side's columns of; `expected`
    is the share it gets right by guessing within rows that look alike.
    """
    own = [name for name in table.columns if name.startswith(f"{party}.")]
    classes, count = codes_of(table, own)
    sizes = np.bincount(classes, minlength=count)
    return {
        "unique": _share((sizes == 1).sum(), table.rows),
        "expected": _share(count, table.rows),
        "share_below_k": _share(sizes[sizes < plan.bounds.k].sum(), table.rows),
    }


def _outliers(table: Table, small: int) -> dict[str, Any]:
    """특이정보: numbers far outside (beyond three quartile ranges, Tukey) and values that few rows have."""
    found = {}
    for name, column in table.columns.items():
        counts = np.bincount(column.codes, minlength=len(column.values))
        numbers = column.numbers()
        one: dict[str, Any] = {}
        if numbers is not None and len(column.values) > 2:
            each = numbers[column.codes]
            each = each[~np.isnan(each)]
            low, high = np.quantile(each, [0.25, 0.75])
            reach = 3 * (high - low)
            far = int(((each > high + reach) | (each < low - reach)).sum()) if reach > 0 else 0
            one["far_rows"] = far
        if numbers is None:
            rare = counts[(counts > 0) & (counts < small)]
            one["rare_values"], one["rare_rows"] = len(rare), int(rare.sum())
        if any(one.values()):
            found[name] = one
    return found


def _small_cells(table: Table, plan: Plan) -> dict[str, Any]:
    """Cells below the bound in the cross tables of each quasi-identifier with each sensitive column."""
    small, found = plan.bounds.small_cell, {}
    for one in plan.roles.quasi:
        for other in plan.roles.sensitive:
            classes, count = codes_of(table, [one, other])
            sizes = np.bincount(classes, minlength=count)
            cells = int((sizes < small).sum())
            if cells:
                found[f"{one} x {other}"] = {
                    "cells": cells,
                    "of": count,
                    "rows": int(sizes[sizes < small].sum()),
                }
    return found


def _scan(table: Table, plan: Plan, scanner: Scan | None) -> dict[str, Any]:
    columns = [name for name, one in table.columns.items() if name in plan.roles.text or _is_text(one)]
    if not columns or scanner is None:
        return {"columns": columns, "scanned": 0, "found": {}, "is_scanned": not columns}
    found: dict[str, dict[str, int]] = {}
    scanned = 0
    for name in columns:
        for value in table.columns[name].values[:_TEXTS_TO_SCAN]:
            scanned += 1
            for entity in scanner.scan(value):
                counts = found.setdefault(name, {})
                counts[entity.type] = counts.get(entity.type, 0) + 1
    whole = all(len(table.columns[name].values) <= _TEXTS_TO_SCAN for name in columns)
    return {"columns": columns, "scanned": scanned, "found": found, "is_scanned": whole}


def _is_text(column: Column) -> bool:
    some = column.values[:200]
    return (
        len(some) > 1 and sum(map(len, some)) / len(some) > 24 and sum(" " in v for v in some) > len(some) / 2
    )


def _judge(report: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
    """Each bound that was chosen: asked, found, holds."""
    sensitive = report["sensitive"].values()
    found: dict[str, Any] = {"k": _bound(bounds.k, report["k"]["min"], report["k"]["min"] >= bounds.k)}
    if bounds.l > 1:
        least = min((one["l_min"] for one in sensitive), default=0)
        found["l"] = _bound(bounds.l, least, least >= bounds.l)
    if bounds.entropy_l > 1:
        lowest = min((one["entropy_l_min"] for one in sensitive), default=0.0)
        found["entropy_l"] = _bound(bounds.entropy_l, lowest, lowest >= bounds.entropy_l - 1e-6)
    if bounds.t < 1:
        furthest = max((one["t_max"] for one in sensitive), default=0.0)
        found["t"] = _bound(bounds.t, furthest, furthest <= bounds.t + 1e-6)
    shares = (
        ("singled_out", bounds.max_singled_out, [report["singling_out"]["share"]]),
        ("linkability", bounds.max_linkability, [one["unique"] for one in report["linkability"].values()]),
        ("inference", bounds.max_inference, [one["inference"]["risk"] for one in sensitive]),
    )
    for name, asked, shown in shares:
        if asked < 1:
            worst = max(shown, default=0.0)
            found[name] = _bound(asked, worst, worst <= asked + 1e-6)
    identifiers = sum(sum(types.values()) for types in report["text"]["found"].values())
    if report["text"]["columns"]:
        holds = identifiers == 0 and report["text"]["is_scanned"]
        found["identifiers_in_text"] = _bound(0, identifiers, holds)
    return found


def _bound(asked: float, found: float, holds: bool) -> dict[str, Any]:
    return {"asked": asked, "found": found, "holds": bool(holds)}


def _unique(table: Table, names: list[str]) -> float:
    return _share(_alone(table, names).sum(), table.rows)


def _share(count: float | np.integer[Any], rows: int) -> float:
    return _short(float(count) / max(rows, 1))


def _short(number: float) -> float:
    return round(number, 6)
