"""`naru dictionary` and `naru pattern`: an organisation's or team's own terms and expressions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import segment
from naru.cli.output import moment, plain, print_json, print_table
from naru.cli.unit_scope import NameArgument, WordScopeArgument, unit_path
from naru.kernel.errors import BadRequest

dictionaries = typer.Typer(
    help="Staff, customers, products: terms that are looked for in every call of an organisation or "
    "team, and rest sealed.",
    no_args_is_help=True,
)
patterns = typer.Typer(
    help="Staff numbers, case numbers: expressions that are looked for in every call of an organisation or "
    "team.",
    no_args_is_help=True,
)


@dictionaries.command("list")
@with_access
def list_dictionaries(access: Access) -> None:
    """Print dictionaries: names and counts, never a term.

    Example: naru dictionary list
    """
    _print_all(access, "dictionaries", "terms", lambda one: f"{one['terms']:,}")


@patterns.command("list")
@with_access
def list_patterns(access: Access) -> None:
    """Print patterns.

    Example: naru pattern list
    """
    _print_all(access, "patterns", "expression", lambda one: one["expression"] or "(hidden)")


@dictionaries.command("add")
@with_access
def add_dictionary(
    access: Access,
    scope: WordScopeArgument,
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="UTF-8 text, one term a line; - for stdin.")],
) -> None:
    """Add a dictionary, or write one anew: all of its terms at once.

    Example: naru dictionary add team:acme/search customers customers.txt
    """
    from naru.trust.term_file import read_terms

    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.", param="file") from None
    found = _put(access, "dictionaries", scope, name, {"terms": read_terms(data)})
    if access.as_json:
        print_json(found)
    else:
        typer.echo(f"{found['terms']:,} terms are found as {found['type']}.")


@patterns.command("add")
@with_access
def add_pattern(
    access: Access,
    scope: WordScopeArgument,
    name: NameArgument,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="No look-around, no back reference.")
    ],
) -> None:
    """Add a pattern, or write one anew.

    Example: naru pattern add team:acme/search staff 'EMP-[0-9]{6}'
    """
    found = _put(access, "patterns", scope, name, {"expression": expression})
    if access.as_json:
        print_json(found)
    else:
        typer.echo(f"It is found as {found['type']}.")


@dictionaries.command("delete")
@with_access
def delete_dictionary(access: Access, scope: WordScopeArgument, name: NameArgument) -> None:
    """Forget a dictionary. Forgetting one that is not there changes nothing.

    Example: naru dictionary delete team:acme/search customers
    """
    _delete(access, "dictionaries", scope, name)


@patterns.command("delete")
@with_access
def delete_pattern(access: Access, scope: WordScopeArgument, name: NameArgument) -> None:
    """Forget a pattern. Forgetting one that is not there changes nothing.

    Example: naru pattern delete team:acme/search staff
    """
    _delete(access, "patterns", scope, name)


_NOUNS = {"dictionaries": "dictionary", "patterns": "pattern"}


def _print_all(access: Access, plural: str, heading: str, read: Callable[[dict[str, Any]], str]) -> None:
    with access.open() as control:
        found: list[dict[str, Any]] = control.request("GET", f"/api/{plural}")[plural]
    if access.as_json:
        print_json(found)
        return
    rows = [
        (f"{one['scope_kind']}:{one['scope_path']}", one["name"], read(one), moment(one["updated_at"]))
        for one in found
    ]
    noun = _NOUNS[plural]
    print_table(
        ("scope", "name", heading, "since (UTC)"), rows, f"No {noun} yet; `naru {noun} add` adds one."
    )


def _put(access: Access, plural: str, scope: str, name: str, body: dict[str, object]) -> dict[str, Any]:
    with access.open() as control:
        path = f"/api/{plural}/{unit_path(control, scope)}/{segment(name)}"
        found: dict[str, Any] = control.request("PUT", path, body)
        return found


def _delete(access: Access, plural: str, scope: str, name: str) -> None:
    with access.open() as control:
        control.request("DELETE", f"/api/{plural}/{unit_path(control, scope)}/{segment(name)}")
    if access.as_json:
        print_json({"scope": scope, "name": name, "deleted": True})
    else:
        typer.echo(f"{plain(scope)} has no {_NOUNS[plural]} {plain(name)}.")
