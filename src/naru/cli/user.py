"""`naru user`: people who may sign in, and their roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import segment
from naru.cli.output import plain, print_fields, print_json, print_table
from naru.kernel.errors import BadRequest

if TYPE_CHECKING:
    from naru.cli.control import Control

app = typer.Typer(
    help="People who may sign in: make, list, give roles, disable, reset. PERSON is an id or an address.",
    no_args_is_help=True,
)

PersonArgument = Annotated[str, typer.Argument(help="Id (usr_…) or e-mail address.")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="viewer, operator, finance, security or admin; ORG:ROLE for one organisation. May be repeated.",
    ),
]
_PAGE: Final = 500
_ROLES: Final = ("viewer", "operator", "finance", "security", "admin")
_NOBODY: Final = "Nobody yet; `naru user create --email ADDRESS --role admin` makes an account."
_HEADINGS: Final = ("email", "id", "name", "state", "roles", "second factor", "last sign-in (UTC)")


@app.command()
@with_access
def create(
    access: Access,
    email: Annotated[str, typer.Option(help="Address; also the name at the sign-in.")],
    role: RoleOption = None,
    name: Annotated[str, typer.Option(help="As pages show them.")] = "",
    password: Annotated[
        bool, typer.Option(help="Make a one-time password; not for who comes by single sign-on alone.")
    ] = True,
) -> None:
    """Make an account and print its one-time password, which must be changed at the first sign-in.

    For an address that has an account already nothing changes, and no password is printed.

    Example: naru user create --role admin --email kim@example.com
    """
    body = {"email": email, "name": name, "roles": _roles(role or []), "password": password}
    with access.open() as control:
        made = control.request("POST", "/api/people", body)
    if access.as_json:
        print_json(made)
        return
    if not made["created"]:
        typer.echo(f"{plain(made['email'])} has an account already ({made['id']}); nothing was changed.")
        return
    typer.echo(f"{plain(made['email'])} was made: {made['id']}", err=True)
    if made["one_time_password"]:
        typer.echo("One-time password, shown this once, good for three days and one sign-in:", err=True)
        typer.echo(made["one_time_password"])


@app.command("list")
@with_access
def list_(access: Access) -> None:
    """Print everybody, by address.

    Example: naru user list --json
    """
    found: list[dict[str, Any]] = []
    with access.open() as control:
        after: str | None = ""
        while after is not None:
            page = control.request("GET", "/api/people", query={"limit": _PAGE, "after": after})
            found += page["people"]
            after = page["next_after"]
    if access.as_json:
        print_json(found)
        return
    print_table(_HEADINGS, [_summary(person) for person in found], _NOBODY)


@app.command()
@with_access
def show(access: Access, person: PersonArgument) -> None:
    """Print one person.

    Example: naru user show kim@example.com
    """
    with access.open() as control:
        _print_person(control.request("GET", _path(person)), access.as_json)


@app.command()
@with_access
def roles(access: Access, person: PersonArgument, role: RoleOption = None) -> None:
    """Write all roles anew; without --role every one is taken. Those of the identity provider stay its own.

    Example: naru user roles kim@example.com --role viewer --role acme:finance
    """
    with access.open() as control:
        path = _path(person, "roles")
        _print_person(control.request("PUT", path, {"roles": _roles(role or [])}), access.as_json)


@app.command()
@with_access
def rename(
    access: Access,
    person: PersonArgument,
    name: Annotated[str, typer.Argument(help="As pages show them.")],
) -> None:
    """Change the name that pages show.

    Example: naru user rename kim@example.com "Kim Minji"
    """
    with access.open() as control:
        _print_person(control.request("PATCH", _path(person), {"name": name}), access.as_json)


@app.command()
@with_access
def disable(access: Access, person: PersonArgument) -> None:
    """Close the account; every session ends within two seconds, in every replica.

    Example: naru user disable kim@example.com
    """
    _switch(access.open(), person, is_disabled=True, as_json=access.as_json)


@app.command()
@with_access
def enable(access: Access, person: PersonArgument) -> None:
    """Open a disabled account again.

    Example: naru user enable kim@example.com
    """
    _switch(access.open(), person, is_disabled=False, as_json=access.as_json)


@app.command("reset-password")
@with_access
def reset_password(access: Access, person: PersonArgument) -> None:
    """Print a one-time password instead of the old one; sessions end, and a lock-out is lifted.

    Example: naru user reset-password kim@example.com
    """
    with access.open() as control:
        answer = control.request("POST", _path(person, "password"))
    if access.as_json:
        print_json(answer)
    else:
        typer.echo("One-time password, shown this once, good for three days and one sign-in:", err=True)
        typer.echo(answer["one_time_password"])


@app.command("remove-totp")
@with_access
def remove_totp(access: Access, person: PersonArgument) -> None:
    """Take the second factor off, for who lost the phone and the recovery codes.

    Example: naru user remove-totp kim@example.com
    """
    with access.open() as control:
        _print_person(control.request("DELETE", _path(person, "totp")), access.as_json)


@app.command("sign-out")
@with_access
def sign_out(access: Access, person: PersonArgument) -> None:
    """End every session of a person, within two seconds in every replica.

    Example: naru user sign-out kim@example.com
    """
    with access.open() as control:
        control.request("DELETE", _path(person, "sessions"))
    _print_done(f"{plain(person)} was signed out everywhere.", access.as_json)


@app.command()
@with_access
def delete(
    access: Access,
    person: PersonArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the account for good; what it did stays in the audit log under its id. Gone already is done.

    Example: naru user delete kim@example.com --yes
    """
    from naru.kernel.errors import NotFound

    if not yes:
        typer.confirm(f"Delete the account of {plain(person)}?", abort=True, err=True)
    with access.open() as control:
        try:
            control.request("DELETE", _path(person))
        except NotFound as error:
            if error.code != "person_not_found":
                raise
    _print_done(f"{plain(person)} has no account.", access.as_json)


def _switch(control: Control, person: str, *, is_disabled: bool, as_json: bool) -> None:
    with control:
        _print_person(control.request("PATCH", _path(person), {"disabled": is_disabled}), as_json)


def _path(person: str, *rest: str) -> str:
    return "/".join(["/api/people", segment(person), *rest])


def _roles(given: Sequence[str]) -> list[dict[str, str]]:
    found = []
    for text in given:
        org, _, role = text.rpartition(":")
        if role not in _ROLES or text.startswith(":"):
            known = ", ".join(_ROLES)
            raise BadRequest(f"--role is ROLE, or ORG:ROLE for one organisation; a role is one of {known}.")
        found.append({"role": role, "org": org or "*"})
    return found


def _summary(person: dict[str, Any]) -> tuple[str, ...]:
    state = "disabled" if person["disabled"] else "invited" if person["must_change_password"] else "active"
    last = person["last_sign_in_at"]
    return (
        plain(person["email"]),
        person["id"],
        plain(person["name"]) or "-",
        state,
        ", ".join(_role_text(role) for role in person["roles"]) or "none",
        "on" if person["has_totp"] else "off",
        last[:19].replace("T", " ") if last else "never",
    )


def _role_text(role: dict[str, str]) -> str:
    return role["role"] if role["org"] == "*" else f"{role['org_name'] or role['org']}:{role['role']}"


def _print_person(person: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(person)
        return
    print_fields(list(zip(_HEADINGS, _summary(person), strict=True)))


def _print_done(text: str, as_json: bool) -> None:
    if as_json:
        print_json({"done": True})
    else:
        typer.echo(text)
