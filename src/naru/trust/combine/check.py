"""The body's step of measuring: read a table, measure it, write the report down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from naru.trust.combine.clock import stamp
from naru.trust.combine.files import read_rows, replacing
from naru.trust.combine.join import read_joined, read_rates
from naru.trust.combine.opinion import ask_pycanon, is_there
from naru.trust.combine.plan import Plan
from naru.trust.combine.prepare import Scan, count_sent
from naru.trust.combine.risk import measure
from naru.trust.combine.table import read_table
from naru.trust.combine.workspace import Workspace

TABLES: Final = ("mock", "joined", "treated")


def check(
    work: Workspace, name: str, *, scanner: Scan | None = None, second_opinion: bool = True
) -> dict[str, Any]:
    """Measure one of TABLES and write `reports/NAME.json`.

    Args:
        second_opinion: let pycanon measure too, where it is installed.

    Returns:
        What `risk.measure` says, and `second_opinion` (None without).
    """
    plan = work.plan
    table = read_joined(work, name)
    inputs = {"table": work.table(name)}
    sent = {party: _count_sent(work, party) for party in plan.parties} if name == "joined" else {}
    report = measure(table, plan, {party: one for party, one in sent.items() if one}, scanner)
    report["table"] = name
    report["measured_at"] = stamp(work.clock)
    report["second_opinion"] = ask_pycanon(table, plan) if second_opinion and is_there() else None
    if report["second_opinion"] is not None:
        agrees = report["second_opinion"]["agrees"]
        report["bounds"]["second_opinion"] = {"asked": 1, "found": int(agrees), "holds": agrees}
        report["holds"] = report["holds"] and agrees
    with replacing(work.report(name)) as file:
        json.dump(report, file, ensure_ascii=False, indent=1)
    facts = {"holds": report["holds"], "k": report["k"]["min"], "rows": table.rows}
    work.finish(f"check:{name}", inputs, [work.report(name)], facts, settings_of(plan))
    return report


def settings_of(plan: Plan) -> list[str]:
    """What a measurement depends on beside the table: with other bounds it is another one."""
    return [str(plan.roles), str(plan.bounds)]


def _count_sent(work: Workspace, party: str) -> dict[str, Any] | None:
    """What a party that selected rows says itself, else counted here; None where neither can be known."""
    quasi = work.plan.quasi_of(party)
    if work.counts(party).is_file():
        found: dict[str, Any] = json.loads(work.counts(party).read_text("utf-8"))
        return found if found["quasi"] == quasi else None
    path = work.attributes(party)
    if not path.is_file() or not work.links.is_file():
        return None
    linked = {cells[0] for _, cells in read_rows(work.links, [f"serial_{party}"])}
    is_linked: list[bool] = []

    def rows() -> Iterator[tuple[str, ...]]:
        for _, cells in read_rows(path, ["serial", *quasi]):
            is_linked.append(cells[0] in linked)
            yield cells[1:]

    table = read_table(quasi, rows())
    if quasi and len(is_linked) < read_rates(work)["parties"][party]["rows"]:
        return None  # rows were left out, and their counts were not handed over
    return count_sent(table, quasi, np.array(is_linked, bool))
