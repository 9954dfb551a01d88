"""`naru team`: teams of an organisation."""

from __future__ import annotations

from typing import Annotated

import typer

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control
from naru.cli.units import Level, NameArgument, create_unit, print_units

app = typer.Typer(
    help="Teams: list, create, rename, disable, enable, delete. REF is an id, a path like acme/search, "
    "or the end of one.",
    no_args_is_help=True,
)
OrgOption = Annotated[str | None, typer.Option(help="Id or path of an organisation.")]


@app.command("list")
def list_(
    org: OrgOption = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print teams, by path.

    Example: naru team list --org acme
    """
    with open_control(home, url, key) as control:
        print_units(control, "teams", {"org": org}, as_json=as_json)


@app.command()
def create(
    name: NameArgument,
    org: OrgOption = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one, in the default org unless another is named; one of this name stays as it is.

    Example: naru team create search --org acme
    """
    body = {"name": name} if org is None else {"name": name, "org": org}
    with open_control(home, url, key) as control:
        create_unit(control, "teams", body, as_json=as_json)


Level("teams").add_to(app)
