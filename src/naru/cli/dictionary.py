"""`naru dictionary`: an organisation's or team's own terms, looked for in every call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control, segment
from naru.cli.output import moment, plain, print_json, print_table
from naru.cli.unit_scope import NameArgument, WordScopeArgument, unit_path
from naru.kernel.errors import BadRequest

app = typer.Typer(
    help="Staff, customers, products: terms that are looked for in every call of an organisation or "
    "team, and rest sealed.",
    no_args_is_help=True,
)


@app.command("list")
def list_(
    home: HomeOption = HOME, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Print dictionaries: names and counts, never a term.

    Example: naru dictionary list
    """
    with open_control(home, url, key) as control:
        found: list[dict[str, Any]] = control.request("GET", "/api/dictionaries")["dictionaries"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            f"{one['scope_kind']}:{one['scope_path']}",
            one["name"],
            f"{one['terms']:,}",
            moment(one["updated_at"]),
        )
        for one in found
    ]
    print_table(
        ("scope", "name", "terms", "since (UTC)"), rows, "No dictionary yet; `naru dictionary add` adds one."
    )


@app.command()
def add(
    scope: WordScopeArgument,
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="UTF-8 text, one term a line; - for stdin.")],
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a dictionary, or write one anew: all of its terms at once.

    Example: naru dictionary add team:acme/search customers customers.txt
    """
    from naru.trust.term_file import read_terms

    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.", param="file") from None
    terms = read_terms(data)
    with open_control(home, url, key) as control:
        path = f"/api/dictionaries/{unit_path(control, scope)}/{segment(name)}"
        found = control.request("PUT", path, {"terms": terms})
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['terms']:,} terms are found as {found['type']}.")


@app.command()
def delete(
    scope: WordScopeArgument,
    name: NameArgument,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a dictionary. Forgetting one that is not there changes nothing.

    Example: naru dictionary delete team:acme/search customers
    """
    with open_control(home, url, key) as control:
        control.request("DELETE", f"/api/dictionaries/{unit_path(control, scope)}/{segment(name)}")
    if as_json:
        print_json({"scope": scope, "name": name, "deleted": True})
    else:
        typer.echo(f"{plain(scope)} has no dictionary {plain(name)}.")
