"""`team:acme/search` on a command line, as the address of a policy or of words in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from naru.cli.units import find
from naru.kernel.errors import BadRequest

if TYPE_CHECKING:
    from naru.cli.control import Control

_PLURALS = {"org": "orgs", "team": "teams", "project": "projects"}

ScopeArgument = Annotated[
    str, typer.Argument(metavar="SCOPE", help="org:REF, team:REF or project:REF (id or path).")
]
WordScopeArgument = Annotated[str, typer.Argument(metavar="SCOPE", help="org:REF or team:REF (id or path).")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Found as CUSTOM:NAME.")]


def find_unit(control: Control, scope: str) -> dict[str, Any]:
    """The unit that `scope` names, as the API shows it.

    Raises:
        BadRequest: it is no scope.
        NotFound: there is none.
    """
    kind, _, ref = scope.partition(":")
    if kind not in _PLURALS or not ref:
        raise BadRequest("SCOPE is org:REF, team:REF or project:REF, e.g. team:acme/search.", param="scope")
    return find(control, _PLURALS[kind], ref)


def unit_path(control: Control, scope: str) -> str:
    """`team/team_…`, as paths of the API go on."""
    unit = find_unit(control, scope)
    return f"{unit['kind']}/{unit['id']}"
