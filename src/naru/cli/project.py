"""`naru project`: projects of a team; keys belong to them."""

from __future__ import annotations

from typing import Annotated

import typer

from naru.cli.access import Access, with_access
from naru.cli.units import Level, NameArgument, create_unit, print_units

app = typer.Typer(
    help="Projects: list, create, rename, disable, enable, delete. REF is an id, a path like "
    "acme/search/bot, or the end of one.",
    no_args_is_help=True,
)
TeamOption = Annotated[str | None, typer.Option(help="Id or path of a team.")]


@app.command("list")
@with_access
def list_(access: Access, team: TeamOption = None) -> None:
    """Print projects, by path.

    Example: naru project list --team acme/search
    """
    with access.open() as control:
        print_units(control, "projects", {"team": team}, as_json=access.as_json)


@app.command()
@with_access
def create(access: Access, name: NameArgument, team: TeamOption = None) -> None:
    """Make one, in the default team unless another is named; one of this name stays as it is.

    Example: naru project create bot --team acme/search
    """
    body = {"name": name} if team is None else {"name": name, "team": team}
    with access.open() as control:
        create_unit(control, "projects", body, as_json=access.as_json)


Level("projects").add_to(app)
