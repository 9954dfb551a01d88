"""`naru org`: organisations."""

from __future__ import annotations

import typer

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control
from naru.cli.units import Level, NameArgument, create_unit, print_units

app = typer.Typer(
    help="Organisations: list, create, rename, disable, enable, delete. REF is an id, a path like acme, "
    "or the end of one.",
    no_args_is_help=True,
)


@app.command("list")
def list_(
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print organisations, by path.

    Example: naru org list --json
    """
    with open_control(home, url, key) as control:
        print_units(control, "orgs", {}, as_json=as_json)


@app.command()
def create(
    name: NameArgument,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one; one of this name stays as it is.

    Example: naru org create acme
    """
    with open_control(home, url, key) as control:
        create_unit(control, "orgs", {"name": name}, as_json=as_json)


Level("orgs").add_to(app)
