"""`naru rate`: what a won is worth, from which day on."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import segment
from naru.cli.output import print_fields, print_json, print_table
from naru.kernel.errors import BadRequest

app = typer.Typer(help="Exchange rates of budgets that are not in USD.", no_args_is_help=True)


@app.command("set")
@with_access
def set_(
    access: Access,
    currency: Annotated[Literal["KRW"], typer.Argument(help="The won is the one currency beside USD.")],
    valid_from: Annotated[str, typer.Argument(metavar="DAY", help="First day, like 2026-01-01.")],
    usd_per_unit: Annotated[str, typer.Argument(metavar="USD", help="USD for one unit, like 0.00072.")],
) -> None:
    """Set a rate from a day on. Windows of budgets that are open keep theirs.

    Example: naru rate set KRW 2026-01-01 0.00072
    """
    try:
        date.fromisoformat(valid_from)
    except ValueError:
        raise BadRequest("DAY is written like 2026-01-01.", param="valid_from") from None
    path = f"/api/rates/{segment(currency)}/{segment(valid_from)}"
    with access.open() as control:
        found = control.request("PUT", path, {"usd_per_unit": usd_per_unit})
    if access.as_json:
        print_json(found)
        return
    print_fields(list(found.items()))


@app.command("list")
@with_access
def list_(access: Access) -> None:
    """Print the rates, newest first.

    Example: naru rate list
    """
    with access.open() as control:
        found = control.request("GET", "/api/rates")["rates"]
    if access.as_json:
        print_json(found)
        return
    rows = [(f["currency"], f["valid_from"], f["usd_per_unit"]) for f in found]
    print_table(
        ("currency", "from", "USD a unit"), rows, "No rate yet; `naru rate set KRW 2026-01-01 0.00072`."
    )
