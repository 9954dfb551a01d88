"""`naru vault`: what is sealed, rotation of the operator's key, shredding."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from naru.cli.access import Access, with_access
from naru.cli.output import moment, print_fields, print_json, print_table

app = typer.Typer(
    help="What is kept beyond a call, sealed: named conversations, captured text, comments.",
    no_args_is_help=True,
)


@app.command()
@with_access
def info(access: Access) -> None:
    """Print how much is sealed, and with which keys."""
    with access.open() as control:
        found = control.request("GET", "/api/vault")
    if access.as_json:
        print_json(found)
        return
    typer.echo(f"conversations: {found['mode']}")
    rows = [
        (h["name"], f"{h['records']:,}", f"{h['bytes']:,}", moment(h["oldest_at"]), _keys(h["by_key"]))
        for h in found["holdings"]
    ]
    print_table(("sealed", "records", "bytes", "oldest (UTC)", "wrapped by"), rows, "Nothing is sealed.")


@app.command()
@with_access
def rotate(
    access: Access,
    keep_key: Annotated[
        bool, typer.Option("--keep-key", help="Make no new key: wrap with the newest in the file.")
    ] = False,
) -> None:
    """Wrap everything sealed with a new key of the operator's, then forget the older ones."""
    with access.open() as control:
        done = control.request("POST", "/api/vault/rotate", {"keep_key": keep_key})
    if access.as_json:
        print_json(done)
        return
    print_fields([(name, str(value)) for name, value in done.items()])


@app.command()
@with_access
def shred(
    access: Access,
    conversation: Annotated[
        str | None, typer.Option(help="One conversation by its name; needs --owner.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Id of the key it is called with, key_….")] = None,
    org: Annotated[str | None, typer.Option(help="Everything of an organisation, by its id.")] = None,
    before: Annotated[
        str | None, typer.Option(help="Everything made before this time, like 2026-11-21T09:00Z.")
    ] = None,
) -> None:
    """Make sealed records unreadable for good by deleting their wrapped keys.

    Example: naru vault shred --conversation ticket-17 --owner key_0abc
    """
    body = {"conversation": conversation, "owner": owner, "org": org, "before": before}
    with access.open() as control:
        done: dict[str, Any] = control.request("POST", "/api/vault/shred", body)["shredded"]
    if access.as_json:
        print_json(done)
        return
    print_fields([(name, f"{count:,}") for name, count in done.items()])


def _keys(by_key: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in by_key.items()) or "-"
