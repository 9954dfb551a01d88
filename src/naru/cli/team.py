"""`naru team`: teams of an organisation."""

from __future__ import annotations

from typing import Annotated

import typer

from naru.cli.access import Access, with_access
from naru.cli.units import Level, NameArgument, create_unit, print_units

app = typer.Typer(
    help="Teams: list, create, rename, disable, enable, delete. REF is an id, a path like acme/search, "
    "or the end of one.",
    no_args_is_help=True,
)
OrgOption = Annotated[str | None, typer.Option(help="Id or path of an organisation.")]


@app.command("list")
@with_access
def list_(access: Access, org: OrgOption = None) -> None:
    """Print teams, by path.

    Example: naru team list --org acme
    """
    with access.open() as control:
        print_units(control, "teams", {"org": org}, as_json=access.as_json)


@app.command()
@with_access
def create(access: Access, name: NameArgument, org: OrgOption = None) -> None:
    """Make one, in the default org unless another is named; one of this name stays as it is.

    Example: naru team create search --org acme
    """
    body = {"name": name} if org is None else {"name": name, "org": org}
    with access.open() as control:
        create_unit(control, "teams", body, as_json=access.as_json)


Level("teams").add_to(app)
