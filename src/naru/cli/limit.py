"""`naru limit`: how fast a scope may go."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import segment
from naru.cli.output import print_fields, print_json, print_table

app = typer.Typer(
    help="Requests and tokens a minute, and calls at once. SCOPE is team:REF, project:REF, key:REF, org:REF "
    "(id or path) or tag:NAME=VALUE.",
    no_args_is_help=True,
)

Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="E.g. team:acme/search.")]
_BOUNDS = ("requests_per_minute", "tokens_per_minute", "concurrent_calls")


@app.command("set")
@with_access
def set_(
    access: Access,
    scope: Scope,
    requests: Annotated[int | None, typer.Option(help="Requests a minute.", min=1)] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens a minute, in and out.", min=1)] = None,
    concurrent: Annotated[int | None, typer.Option(help="Calls at the same time.", min=1)] = None,
) -> None:
    """Set all bounds of a scope; what is left out is no bound.

    Example: naru limit set team:acme/search --requests 600 --tokens 200000 --concurrent 20
    """
    body = dict(zip(_BOUNDS, (requests, tokens, concurrent), strict=True))
    with access.open() as control:
        found = control.request("PUT", f"/api/limits/{segment(scope)}", body)
    if access.as_json:
        print_json(found)
        return
    print_fields([("scope", found["scope_path"]), *((name, _bound(found[name])) for name in _BOUNDS)])


@app.command("list")
@with_access
def list_(access: Access) -> None:
    """Print limits.

    Example: naru limit list --json
    """
    with access.open() as control:
        found: list[dict[str, Any]] = control.request("GET", "/api/limits")["limits"]
    if access.as_json:
        print_json(found)
        return
    rows = [(f["scope_path"], *(_bound(f[name]) for name in _BOUNDS)) for f in found]
    print_table(
        ("scope", "requests/min", "tokens/min", "at once"),
        rows,
        "No limit yet; `naru limit set SCOPE` sets one.",
    )


@app.command()
@with_access
def delete(access: Access, scope: Scope) -> None:
    """Lift every bound of a scope. Lifting what is not there changes nothing.

    Example: naru limit delete team:acme/search
    """
    with access.open() as control:
        control.request("DELETE", f"/api/limits/{segment(scope)}")
    if access.as_json:
        print_json({"scope": scope, "deleted": True})
    else:
        typer.echo(f"{scope} has no limit of its own.")


def _bound(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"
