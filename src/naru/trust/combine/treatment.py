"""Makes the joined table coarser until the bounds hold, losing as little as can be (추가 가명처리).

Full-domain generalisation over the lattice of levels, then record suppression of the classes that still fail.
The loss of a choice is at least that of its generalisation, so the search may stop as soon as that alone is
too dear.
"""

from __future__ import annotations

import heapq
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naru.kernel.errors import Conflict
from naru.trust.combine.classes import Pairs, group
from naru.trust.combine.clock import require_open
from naru.trust.combine.files import write_rows
from naru.trust.combine.hierarchy import Levels, build_levels, code_numbers
from naru.trust.combine.join import codes_of, read_joined
from naru.trust.combine.ordering import closeness, find_ranks
from naru.trust.combine.plan import Bounds, Plan, Treatment
from naru.trust.combine.table import Codes, Table
from naru.trust.combine.workspace import Workspace

Node = tuple[int, ...]
_MAX_NODES: Final = 20_000
"""Above it every combination of levels would take too long: the search goes greedily instead."""
_ROUNDS: Final = 25
_EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Choice:
    """A point of the lattice that works: levels by column, classes to leave out, and what both cost."""

    node: Node
    loss: float
    suppressed: int
    is_optimal: bool
    tried: int


class Lattice:
    """The table, counted once, under every combination of levels.

    Args:
        table: already top, bottom and round coded.
        levels: of each quasi-identifier, in their order.
    """

    def __init__(self, table: Table, plan: Plan, levels: Mapping[str, Levels]) -> None:
        self._bounds: Bounds = plan.bounds
        self._levels = list(levels.values())
        self.rows = table.rows
        self._weights = [plan.treat.get(name, Treatment()).weight for name in levels]
        classes, count = codes_of(table, list(levels))
        first = np.zeros(count, np.int64)
        first[classes[::-1]] = np.arange(table.rows)[::-1]
        self._sizes = np.bincount(classes, minlength=count)
        self._codes = [table.columns[name].codes[first] for name in levels]
        self.classes = classes
        self._recoded: list[list[tuple[Codes, int]]] = [[_number(labels) for labels in one.labels]
                                                        for one in self._levels]  # fmt: skip
        self._sensitive = []
        for name in plan.roles.sensitive:
            column = table.columns[name]
            ranks = find_ranks(column, plan.roles.ordinal.get(name, ()), name)
            pairs = Pairs.of(classes, column.codes, count, len(column.values))
            self._sensitive.append((pairs, ranks))
        self.tried = 0

    @property
    def depth(self) -> list[int]:
        """How many levels each column has."""
        return [len(levels.labels) for levels in self._levels]

    def generalisation_loss(self, node: Node) -> float:
        """0 where nothing is changed, 1 where every column is `*`."""
        total = sum(self._weights)
        lost = sum(
            weight * levels.losses[level]
            for weight, levels, level in zip(self._weights, self._levels, node, strict=True)
        )
        return lost / total if total else 0.0

    def evaluate(self, node: Node) -> tuple[int, NDArray[np.bool_]] | None:
        """Rows to leave out and, for each class of the untouched table, whether it stays; None if too many
        go.
        """
        self.tried += 1
        bounds = self._bounds
        chosen = [recoded[level] for recoded, level in zip(self._recoded, node, strict=True)]
        columns = [recoded[codes] for (recoded, _), codes in zip(chosen, self._codes, strict=True)]
        classes, count = group(columns, [size for _, size in chosen], len(self._sizes))
        sizes = np.bincount(classes, weights=self._sizes, minlength=count).astype(np.int64)
        kept = sizes >= bounds.k
        limit = bounds.max_suppressed * self.rows + _EPSILON
        if sizes[~kept].sum() > limit:
            return None
        merged = []
        for pairs, ranks in self._sensitive:
            one = Pairs.of(classes[pairs.classes], pairs.values, count, pairs.value_count, pairs.counts)
            kept &= one.distinct() >= bounds.l
            kept &= one.entropy() >= bounds.entropy_l - _EPSILON
            merged.append((one, ranks))
        if bounds.t < 1 and not self._bring_close(kept, merged, sizes, limit):
            return None
        gone = sizes[~kept].sum()
        if gone > limit or not kept.any():
            return None
        return int(gone), kept[classes]

    def _bring_close(
        self,
        kept: NDArray[np.bool_],
        merged: Sequence[tuple[Pairs, Codes | None]],
        sizes: Codes,
        limit: float,
    ) -> bool:
        """Leave out classes too far from the whole; that moves the whole, so look again until none is."""
        for _ in range(_ROUNDS):
            if not kept.any() or sizes[~kept].sum() > limit:
                return False
            far = np.zeros(int(kept.sum()), bool)
            for pairs, ranks in merged:
                far |= closeness(pairs.keep(kept), ranks) > self._bounds.t + _EPSILON
            if not far.any():
                return True
            kept[np.flatnonzero(kept)[far]] = False
        return False


def search(lattice: Lattice, start: Iterable[Node] = ()) -> Choice | None:
    """The cheapest choice that holds all bounds; None when even the coarsest does not.

    Args:
        start: points found elsewhere, tried first.
    """
    best: Choice | None = None
    for node in start:
        best = _better(lattice, node, best)
    is_small = math.prod(lattice.depth) <= _MAX_NODES
    if is_small:
        ranges = [range(depth) for depth in lattice.depth]
        queue = [(lattice.generalisation_loss(node), node) for node in product(*ranges)]
        heapq.heapify(queue)
        while queue:
            floor, node = heapq.heappop(queue)
            if best is not None and floor >= best.loss - _EPSILON:
                break
            best = _better(lattice, node, best)
    else:
        best = _climb(lattice, best)
    if best is None:
        return None
    return Choice(best.node, best.loss, best.suppressed, is_small, lattice.tried)


def _better(lattice: Lattice, node: Node, best: Choice | None) -> Choice | None:
    found = lattice.evaluate(node)
    if found is None:
        return best
    share = found[0] / lattice.rows
    loss = lattice.generalisation_loss(node) * (1 - share) + share
    if best is not None and loss >= best.loss:
        return best
    return Choice(node, loss, found[0], is_optimal=False, tried=0)


def _climb(lattice: Lattice, best: Choice | None) -> Choice | None:
    """Up by the step that costs least until the bounds hold, then down again wherever they still do."""
    node = tuple(0 for _ in lattice.depth)
    while True:
        best = _better(lattice, node, best)
        steps = [
            (*node[:at], level + 1, *node[at + 1 :])
            for at, level in enumerate(node)
            if level + 1 < lattice.depth[at]
        ]
        if best is not None or not steps:
            break
        node = min(steps, key=lattice.generalisation_loss)
    improved = best is not None
    while improved and best is not None:
        improved = False
        for at, level in enumerate(best.node):
            for lower in range(level):
                found = _better(lattice, (*best.node[:at], lower, *best.node[at + 1 :]), best)
                if found is not best and found is not None:
                    best, improved = found, True
                    break
            if improved:
                break
    return best


def prepare_table(table: Table, plan: Plan, folder: Path) -> tuple[Table, dict[str, Levels]]:
    """Number coding, and the first level of treated columns that are no quasi-identifiers; levels of
    those.
    """
    coded = Table(dict(table.columns), table.rows)
    for name, treatment in plan.treat.items():
        column = code_numbers(coded.columns[name], treatment, name)
        if name not in plan.roles.quasi and treatment.kind not in ("none", "all"):
            column = column.map(build_levels(column, treatment, folder, name).labels[1])
        coded.columns[name] = column
    levels = {
        name: build_levels(coded.columns[name], plan.treat.get(name, Treatment()), folder, name)
        for name in plan.roles.quasi
    }
    return coded, levels


def treat(work: Workspace, *, with_anjana: bool = False) -> dict[str, Any]:
    """The body's step: write `treated.csv`, and say what it cost.

    Args:
        with_anjana: also try the levels that anjana's search finds (small tables only).

    Raises:
        Conflict: no combination of levels holds the bounds.
    """
    require_open(work.plan, work.clock)
    plan = work.plan
    maps = {
        f"map:{name}": work.plan_path.parent / treatment.file
        for name, treatment in plan.treat.items()
        if treatment.file
    }
    inputs = {"joined": work.table("joined"), **{name: path for name, path in maps.items() if path.is_file()}}
    table = read_joined(work, "joined")
    settings = [str(plan.roles), str(plan.bounds), str(plan.treat), with_anjana]
    done = work.is_done("treat", inputs, settings)
    if done is not None:
        return {**done, "unchanged": True}
    coded, levels = prepare_table(table, plan, work.plan_path.parent)
    lattice = Lattice(coded, plan, levels)
    start = []
    if with_anjana:
        from naru.trust.combine.opinion import anjana_levels  # noqa: PLC0415 - loads pandas and scipy

        start = [node for node in [anjana_levels(coded, plan, levels)] if node is not None]
    choice = search(lattice, start)
    if choice is None:
        raise Conflict(
            "no combination of levels holds the bounds: give columns coarser levels (treat), let more rows "
            "go (bounds.max_suppressed), or leave a sensitive column out"
        )
    treated = apply_choice(coded, lattice, levels, choice)
    facts = _facts(table, treated, levels, choice, start)
    order = np.argsort(np.frombuffer(secrets.token_bytes(8 * treated.rows), np.uint64)).astype(np.int64)
    shuffled = treated.take(order)
    write_rows(work.table("treated"), list(shuffled.columns), shuffled.iterate())
    target = f"combine:{plan.project.name}"
    work.tell("combine.treat", target, {"rows": treated.rows, "suppressed": choice.suppressed})
    work.finish("treat", inputs, [work.table("treated")], facts, settings)
    return facts


def apply_choice(table: Table, lattice: Lattice, levels: Mapping[str, Levels], choice: Choice) -> Table:
    """The table under a choice: labels of its levels, without the rows it leaves out."""
    found = lattice.evaluate(choice.node)
    assert found is not None
    kept_rows = np.flatnonzero(found[1][lattice.classes]).astype(np.int64)
    changed = Table(dict(table.columns), table.rows)
    for (name, one), level in zip(levels.items(), choice.node, strict=True):
        changed.columns[name] = table.columns[name].map(one.labels[level])
    return changed.take(kept_rows)


def _facts(
    before: Table, after: Table, levels: Mapping[str, Levels], choice: Choice, start: Sequence[Node]
) -> dict[str, Any]:
    quasi = list(levels)
    classes, count = codes_of(after, quasi)
    sizes = np.bincount(classes, minlength=count)
    return {
        "rows": after.rows,
        "suppressed": choice.suppressed,
        "suppressed_share": round(choice.suppressed / before.rows, 6),
        "columns": {
            name: {
                "level": level,
                "of": len(one.labels) - 1,
                "loss": round(one.losses[level], 6),
                "values_before": len(before.columns[name].values),
                "values_after": len(after.columns[name].values),
            }
            for (name, one), level in zip(levels.items(), choice.node, strict=True)
        },
        "loss": round(choice.loss, 6),
        "discernibility": int((sizes.astype(np.int64) ** 2).sum()) + choice.suppressed * before.rows,
        "average_class": round(after.rows / max(count, 1), 3),
        "is_optimal": choice.is_optimal,
        "tried": choice.tried,
        "anjana": [list(node) for node in start],
    }


def _number(labels: Sequence[str]) -> tuple[Codes, int]:
    known: dict[str, int] = {}
    codes = np.fromiter((known.setdefault(label, len(known)) for label in labels), np.int64, len(labels))
    return codes, len(known)
