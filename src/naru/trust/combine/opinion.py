"""A second opinion from packages that others wrote: pycanon measures again, anjana searches again.

Both go through pandas row by row and class by class: bounded here to tables they finish within seconds. Both
count a missing value as a value because ours are empty texts; pandas would drop rows with NaN from every
class.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from naru.trust.combine.classes import Pairs
from naru.trust.combine.hierarchy import Levels
from naru.trust.combine.join import codes_of
from naru.trust.combine.ordering import closeness, find_ranks
from naru.trust.combine.plan import Plan
from naru.trust.combine.table import Table

_MAX_ROWS: Final = 20_000
_MAX_CELLS: Final = 5_000
"""Classes times values: pycanon filters the table for each, some 100 µs, in four measures: about 2 s."""
_CLOSE: Final = 1e-9


def is_there() -> bool:
    """Whether pycanon and anjana are installed (Naru's extra `combine`)."""
    return find_spec("pycanon") is not None and find_spec("anjana") is not None


def ask_pycanon(table: Table, plan: Plan) -> dict[str, Any]:
    """pycanon's k, l, entropy l and t beside ours, of the whole table or of as many rows as it can manage.

    Returns:
        `rows`, `is_whole`, `agrees`, both sets of figures, and, of a whole table, pycanon's α of
        (α,k)-anonymity, c of recursive (c,l)-diversity, basic β-likeness and δ-disclosure, which Naru does
        not measure itself.
    """
    import pandas as pd  # noqa: PLC0415 - 0.3 s and an optional dependency
    from pycanon import anonymity  # noqa: PLC0415 - as above

    quasi, sensitive = plan.roles.quasi, plan.roles.sensitive
    rows = min(table.rows, _MAX_ROWS)
    while rows > 50 and _cells(table, plan, rows) > _MAX_CELLS:
        rows //= 2
    part = table if rows == table.rows else table.take(np.arange(rows))  # rows stand in random order
    frame = pd.DataFrame(
        {name: [part.columns[name].values[code] for code in part.columns[name].codes] for name in quasi}
    )
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    classes, count = codes_of(part, quasi)
    ours["k"] = int(np.bincount(classes, minlength=count).min())
    theirs["k"] = int(anonymity.k_anonymity(frame, quasi))
    for name in sensitive:
        column = part.columns[name]
        ranks = find_ranks(column, plan.roles.ordinal.get(name, ()), name)
        pairs = Pairs.of(classes, column.codes, count, len(column.values))
        # An order is handed to pycanon as whole numbers: it takes every distinct number as one place.
        frame[name] = ranks[column.codes] if ranks is not None else [f"v{code}" for code in column.codes]
        ours[f"l {name}"] = int(pairs.distinct().min())
        ours[f"entropy l {name}"] = float(pairs.entropy().min())
        ours[f"t {name}"] = float(closeness(pairs, ranks).max())
        theirs[f"l {name}"] = int(anonymity.l_diversity(frame, quasi, [name]))
        theirs[f"entropy l {name}"] = int(anonymity.entropy_l_diversity(frame, quasi, [name]))
        is_single = len(column.values) == 1  # pycanon divides by values - 1
        theirs[f"t {name}"] = 0.0 if is_single else float(anonymity.t_closeness(frame, quasi, [name]))
    found = {
        "rows": rows,
        "is_whole": rows == table.rows,
        "agrees": all(_agree(name, ours[name], theirs[name]) for name in ours),
        "ours": {name: round(value, 6) for name, value in ours.items()},
        "pycanon": {name: round(value, 6) for name, value in theirs.items()},
    }
    if found["is_whole"] and sensitive:
        alpha, _ = anonymity.alpha_k_anonymity(frame, quasi, sensitive)
        spread, _ = anonymity.recursive_c_l_diversity(frame, quasi, sensitive)
        found["alpha"] = round(float(alpha), 6)
        found["recursive_c"] = None if np.isnan(spread) else int(spread)
        found["basic_beta"] = round(float(anonymity.basic_beta_likeness(frame, quasi, sensitive)), 6)
        found["delta_disclosure"] = round(float(anonymity.delta_disclosure(frame, quasi, sensitive)), 6)
    return found


def anjana_levels(table: Table, plan: Plan, levels: Mapping[str, Levels]) -> tuple[int, ...] | None:
    """The levels at which anjana reaches k-anonymity, as a start for our search; None where it cannot.

    It raises whichever column has most values, so it may end coarser than needed, and a label that occurs on
    two levels of a column confuses it: every label is marked with its level.
    """
    import pandas as pd  # noqa: PLC0415 - as above
    from anjana.anonymity import k_anonymity_inner  # noqa: PLC0415 - as above

    if not is_there() or table.rows > _MAX_ROWS:
        return None
    frame, hierarchies = {}, {}
    for name, one in levels.items():
        marked = [
            np.array([f"{level}:{label}" for label in labels]) for level, labels in enumerate(one.labels)
        ]
        hierarchies[name] = dict(enumerate(marked))
        frame[name] = marked[0][table.columns[name].codes]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it thinks of the table
        found, _, reached = k_anonymity_inner(
            pd.DataFrame(frame),
            [],
            list(levels),
            plan.bounds.k,
            plan.bounds.max_suppressed * 100,
            hierarchies,
        )
    return tuple(int(reached[name]) for name in levels) if len(found) else None


def _agree(name: str, ours: float, theirs: float) -> bool:
    if name.startswith("entropy l"):  # pycanon cuts the fraction off, after rounding errors of its own
        return theirs in (int(ours - _CLOSE), int(ours + _CLOSE))
    return abs(ours - theirs) < _CLOSE


def _cells(table: Table, plan: Plan, rows: int) -> int:
    part = table.take(np.arange(rows))
    _, count = codes_of(part, plan.roles.quasi)
    values = sum(len(part.columns[name].values) for name in plan.roles.sensitive)
    return count * max(values, 1)
