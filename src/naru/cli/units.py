"""What `naru org`, `naru team` and `naru project` have in common: the same commands on three levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from naru.cli.access import Access, with_access
from naru.cli.output import moment, plain, print_fields, print_json, print_table
from naru.kernel.errors import NotFound

if TYPE_CHECKING:
    from naru.cli.control import Control

NameArgument = Annotated[str, typer.Argument(help="Its name; no slash.")]
Reference = Annotated[str, typer.Argument(metavar="REF", help="Id, path, or end of a path.")]
_PAGE: Final = 500
_NOUNS: Final = {"orgs": "organisation", "teams": "team", "projects": "project", "keys": "key"}
_ABSENT: Final = ("unit_not_found", "key_not_found")
_EXAMPLES: Final = {"orgs": "acme", "teams": "acme/search", "projects": "acme/search/bot"}
_HEADINGS: Final = ("path", "id", "state", "created (UTC)")


def find(control: Control, plural: str, name: str) -> dict[str, Any]:
    """What has this id, path or end of a path; raises NotFound when nothing has."""
    try:
        found: list[dict[str, Any]] = control.request("GET", f"/api/{plural}", query={"ref": name})["items"]
    except NotFound as error:
        if error.code not in _ABSENT:
            raise  # there is no Naru at that address at all
        noun = _NOUNS[plural]
        raise NotFound(
            f"No {noun} is called {plain(name)!r}; `naru {plural[:-1]} list` shows them.", code=error.code
        ) from None
    return found[0]


def list_all(
    control: Control, plural: str, query: dict[str, str | None], *, cursor: str = "after"
) -> list[dict[str, Any]]:
    """Every item of a paged list."""
    found: list[dict[str, Any]] = []
    at: str | None = None
    while True:
        page = control.request("GET", f"/api/{plural}", query={**query, "limit": _PAGE, cursor: at})
        found += page["items"]
        at = page[f"next_{cursor}"]
        if at is None:
            return found


def print_units(control: Control, plural: str, query: dict[str, str | None], *, as_json: bool) -> None:
    """All of a level that can be seen."""
    found = list_all(control, plural, query)
    if as_json:
        print_json(found)
        return
    rows = sorted((unit["path"], unit["id"], _state(unit), moment(unit["created_at"])) for unit in found)
    print_table(_HEADINGS, rows, "None yet.")


def create_unit(control: Control, plural: str, body: dict[str, str], *, as_json: bool) -> None:
    """Make one, and say whether it was there."""
    made = control.request("POST", f"/api/{plural}", body)
    if as_json:
        print_json(made)
    elif made["created"]:
        typer.echo(f"{plain(made['path'])} was made: {made['id']}")
    else:
        typer.echo(f"{plain(made['path'])} exists already: {made['id']}; nothing was changed.")


class Level:
    """The commands that are alike on every level.

    Args:
        plural: as in the API's paths.
    """

    def __init__(self, plural: str) -> None:
        self.plural = plural

    def add_to(self, app: typer.Typer) -> None:
        """Make them commands of `app`, each with an example of its level."""
        for command, more in (
            (self.show, ""),
            (self.rename, " new-name"),
            (self.disable, ""),
            (self.enable, ""),
            (self.delete, ""),
        ):
            name = command.__name__
            example = f"naru {self.plural[:-1]} {name} {_EXAMPLES[self.plural]}{more}"
            app.command(help=f"{command.__doc__}\n\nExample: {example}")(with_access(command))

    def show(self, access: Access, ref: Reference) -> None:
        """Print one."""
        with access.open() as control:
            _print(find(control, self.plural, ref), as_json=access.as_json)

    def rename(self, access: Access, ref: Reference, name: NameArgument) -> None:
        """Give it another name; its id stays, and so does all that was booked on it."""
        with access.open() as control:
            _print(self._patch(control, ref, {"name": name}), as_json=access.as_json)

    def disable(self, access: Access, ref: Reference) -> None:
        """Switch it off: no key in it opens, in every replica within two seconds."""
        with access.open() as control:
            _print(self._patch(control, ref, {"disabled": True}), as_json=access.as_json)

    def enable(self, access: Access, ref: Reference) -> None:
        """Switch it on again."""
        with access.open() as control:
            _print(self._patch(control, ref, {"disabled": False}), as_json=access.as_json)

    def delete(self, access: Access, ref: Reference) -> None:
        """Delete it when it is empty. The ledger keeps what was booked on it. Gone already is done."""
        with access.open() as control:
            try:
                found = find(control, self.plural, ref)
                control.request("DELETE", f"/api/{self.plural}/{found['id']}")
            except NotFound as error:
                if error.code not in _ABSENT:
                    raise
                if access.as_json:
                    print_json({"id": None, "deleted": False})
                else:
                    typer.echo(f"{error.message} Nothing was deleted.")
                return
        if access.as_json:
            print_json({"id": found["id"], "deleted": True})
        else:
            typer.echo(f"{plain(found['path'])} was deleted.")

    def _patch(self, control: Control, ref: str, body: dict[str, object]) -> dict[str, Any]:
        found = find(control, self.plural, ref)
        changed: dict[str, Any] = control.request("PATCH", f"/api/{self.plural}/{found['id']}", body)
        return changed


def _state(unit: dict[str, Any]) -> str:
    if unit["active"]:
        return "active"
    return "disabled" if unit["disabled"] else "disabled above"


def _print(unit: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(unit)
        return
    print_fields(
        [
            ("path", unit["path"]),
            ("id", unit["id"]),
            ("state", _state(unit)),
            ("created", f"{moment(unit['created_at'])} UTC"),
        ]
    )
