"""`naru org`: organisations."""

from __future__ import annotations

import typer

from naru.cli.access import Access, with_access
from naru.cli.units import Level, NameArgument, create_unit, print_units

app = typer.Typer(
    help="Organisations: list, create, rename, disable, enable, delete. REF is an id, a path like acme, "
    "or the end of one.",
    no_args_is_help=True,
)


@app.command("list")
@with_access
def list_(access: Access) -> None:
    """Print organisations, by path.

    Example: naru org list --json
    """
    with access.open() as control:
        print_units(control, "orgs", {}, as_json=access.as_json)


@app.command()
@with_access
def create(access: Access, name: NameArgument) -> None:
    """Make one; one of this name stays as it is.

    Example: naru org create acme
    """
    with access.open() as control:
        create_unit(control, "orgs", {"name": name}, as_json=access.as_json)


Level("orgs").add_to(app)
