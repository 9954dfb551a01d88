"""`naru review`: calls that the guard wants a person to look at."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import segment
from naru.cli.output import moment, print_json, print_table

app = typer.Typer(help="Calls that the guard wants a person to look at.", no_args_is_help=True)

_HEADINGS = ("call", "time (UTC)", "verdicts", "decision", "by")


@app.command("list")
@with_access
def list_(
    access: Access,
    state: Annotated[str, typer.Option(help="open, decided or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
) -> None:
    """Print calls to be reviewed, newest first."""
    with access.open() as control:
        found = control.request("GET", "/api/reviews", query={"state": state, "limit": limit})["reviews"]
    if access.as_json:
        print_json(found)
        return
    print_table(_HEADINGS, [_row(review) for review in found], "No call waits for a review.")


@app.command()
@with_access
def decide(
    access: Access,
    call: Annotated[str, typer.Argument(help="Id of the call, req_….")],
    decision: Annotated[str, typer.Argument(help="harmless, harmful or unclear.")],
    note: Annotated[str | None, typer.Option(help="Why; nothing personal.")] = None,
) -> None:
    """Say what a call was."""
    with access.open() as control:
        done = control.request("POST", f"/api/reviews/{segment(call)}", {"decision": decision, "note": note})
    if access.as_json:
        print_json(done)
    else:
        print_table(_HEADINGS, [_row(done)], "")


def _row(review: dict[str, Any]) -> tuple[str, ...]:
    verdicts = ", ".join(f"{kind} {review['scores'].get(kind, 0):.2f}" for kind in review["kinds"])
    return (
        review["call_id"],
        moment(review["created_at"]),
        verdicts,
        review["decision"] or "-",
        review["decided_by"] or "-",
    )
