"""`naru pattern`: an organisation's or team's own expressions, looked for in every call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control, segment
from naru.cli.output import moment, plain, print_json, print_table
from naru.cli.unit_scope import NameArgument, WordScopeArgument, unit_path

app = typer.Typer(
    help="Staff numbers, case numbers: expressions that are looked for in every call of an organisation or "
    "team.",
    no_args_is_help=True,
)


@app.command("list")
def list_(
    home: HomeOption = HOME, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Print patterns.

    Example: naru pattern list
    """
    with open_control(home, url, key) as control:
        found: list[dict[str, Any]] = control.request("GET", "/api/patterns")["patterns"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            f"{one['scope_kind']}:{one['scope_path']}",
            one["name"],
            one["expression"] or "(hidden)",
            moment(one["updated_at"]),
        )
        for one in found
    ]
    print_table(
        ("scope", "name", "expression", "since (UTC)"), rows, "No pattern yet; `naru pattern add` adds one."
    )


@app.command()
def add(
    scope: WordScopeArgument,
    name: NameArgument,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="No look-around, no back reference.")
    ],
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a pattern, or write one anew.

    Example: naru pattern add team:acme/search staff 'EMP-[0-9]{6}'
    """
    with open_control(home, url, key) as control:
        path = f"/api/patterns/{unit_path(control, scope)}/{segment(name)}"
        found = control.request("PUT", path, {"expression": expression})
    if as_json:
        print_json(found)
    else:
        typer.echo(f"It is found as {found['type']}.")


@app.command()
def delete(
    scope: WordScopeArgument,
    name: NameArgument,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a pattern. Forgetting one that is not there changes nothing.

    Example: naru pattern delete team:acme/search staff
    """
    with open_control(home, url, key) as control:
        control.request("DELETE", f"/api/patterns/{unit_path(control, scope)}/{segment(name)}")
    if as_json:
        print_json({"scope": scope, "name": name, "deleted": True})
    else:
        typer.echo(f"{plain(scope)} has no pattern {plain(name)}.")
