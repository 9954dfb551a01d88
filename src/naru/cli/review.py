"""`naru review`: calls that the guard wants a person to look at."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control, segment
from naru.cli.output import moment, print_json, print_table

app = typer.Typer(help="Calls that the guard wants a person to look at.", no_args_is_help=True)

_HEADINGS = ("call", "time (UTC)", "verdicts", "decision", "by")


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="open, decided or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print calls to be reviewed, newest first."""
    with open_control(home, url, key) as control:
        found = control.request("GET", "/api/reviews", query={"state": state, "limit": limit})["reviews"]
    if as_json:
        print_json(found)
        return
    print_table(_HEADINGS, [_row(review) for review in found], "No call waits for a review.")


@app.command()
def decide(
    call: Annotated[str, typer.Argument(help="Id of the call, req_….")],
    decision: Annotated[str, typer.Argument(help="harmless, harmful or unclear.")],
    note: Annotated[str | None, typer.Option(help="Why; nothing personal.")] = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a call was."""
    with open_control(home, url, key) as control:
        done = control.request("POST", f"/api/reviews/{segment(call)}", {"decision": decision, "note": note})
    if as_json:
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
