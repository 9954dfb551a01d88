"""The body's step of measuring: read a table, measure it, write the report down."""

from __future__ import annotations

import json
from typing import Any, Final

from naru.trust.combine.clock import stamp
from naru.trust.combine.files import read_rows, replacing
from naru.trust.combine.join import read_joined
from naru.trust.combine.opinion import ask_pycanon, is_there
from naru.trust.combine.plan import Plan
from naru.trust.combine.prepare import Scan
from naru.trust.combine.risk import measure
from naru.trust.combine.table import Table, read_table
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
    parties = None
    if name == "joined" and all(work.attributes(party).is_file() for party in plan.parties):
        parties = {party: _read_sent(work, plan, party) for party in plan.parties}
        inputs |= {party: work.attributes(party) for party in plan.parties}
    report = measure(table, plan, parties, scanner)
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


def _read_sent(work: Workspace, plan: Plan, party: str) -> Table:
    columns = plan.columns_of(party)
    return read_table(columns, (cells for _, cells in read_rows(work.attributes(party), columns)))
