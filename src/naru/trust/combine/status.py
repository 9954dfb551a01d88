"""Where a combination stands: what is done, what comes next and whose turn it is."""

from __future__ import annotations

from typing import Any

from naru.trust.combine.clock import days_left
from naru.trust.combine.workspace import Workspace


def read_status(work: Workspace) -> dict[str, Any]:
    """Steps with their times, the next one, and how long the data may live."""
    state = work.read_state()
    steps = state["steps"]
    return {
        "project": work.plan.project.name,
        "destroy_on": str(work.plan.project.destroy_on),
        "days_left": days_left(work.plan, work.clock),
        "steps": {name: {"at": step["at"], "facts": step["facts"]} for name, step in steps.items()},
        "events": len(state["events"]),
        "next": _next(work, steps),
    }


def _next(work: Workspace, steps: dict[str, Any]) -> dict[str, str]:
    plan = work.plan
    if days_left(plan, work.clock) <= 0:
        return {"who": "everybody", "command": "destroy --what all"}
    if "export" in steps:
        is_linked = work.links.is_file() or work.secret.is_file()
        command = "destroy" if is_linked else f"destroy --what all (on {plan.project.destroy_on})"
        return {"who": "everybody", "command": command}
    for party in plan.parties:
        if f"prepare:{party}" not in steps and not work.keys(party).is_file():
            if not work.secret.is_file():
                return {"who": "body", "command": "key"}
            return {"who": party, "command": f"prepare --party {party}"}
    if not work.links.is_file():
        return {"who": "key manager", "command": "link"}
    if "join" not in steps:
        return {"who": "body", "command": "join"}
    order = (
        ("check:joined", "check --table joined"),
        ("treat", "treat"),
        ("check:treated", "check --table treated"),
    )
    for step, command in order:
        if step not in steps:
            return {"who": "body", "command": command}
    return {"who": "body", "command": "export"}
