"""`naru key`: keys of projects. A secret is printed once, alone on stdout, so that a script can take it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from naru.cli.access import Access, with_access
from naru.cli.output import listed, moment, plain, print_fields, print_json, print_table
from naru.cli.units import find, list_all
from naru.kernel.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from naru.cli.control import Control

app = typer.Typer(
    help="Keys for programs: create, rotate, revoke. REF is an id, the visible prefix (naru_…), a path like "
    "acme/search/bot/ci, or the end of one.",
    no_args_is_help=True,
)

Reference = Annotated[str, typer.Argument(metavar="REF", help="Id, visible prefix, or path.")]
ModelOption = Annotated[
    list[str] | None,
    typer.Option("--model", help="Only models of this name; * and ? stand for any. May be repeated."),
]
EndpointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint", help="Only this one: chat, completions, responses, messages, embeddings. Repeatable."
    ),
]
SiteOption = Annotated[
    list[str] | None, typer.Option("--site", help="Only answered at this site. May be repeated.")
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", help="name=value on every call; clients cannot change it. May be repeated."),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires", help="After 12h, 30d or 1y, at a UTC date like 2027-01-31, or `never`."),
]
_SPAN: Final = re.compile(r"(\d{1,6})([smhdwy])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_HEADINGS: Final = ("path", "id", "prefix", "state", "last used (UTC)", "expires (UTC)")


@app.command("list")
@with_access
def list_(
    access: Access,
    org: Annotated[str | None, typer.Option(help="Only of this organisation (id or path).")] = None,
    team: Annotated[str | None, typer.Option(help="Only of this team.")] = None,
    project: Annotated[str | None, typer.Option(help="Only of this project.")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Revoked ones too.")] = False,
) -> None:
    """Print keys, without their secrets.

    Example: naru key list --org acme --revoked
    """
    query: dict[str, str | None] = {
        "org": org,
        "team": team,
        "project": project,
        "revoked": "true" if revoked else None,
    }
    with access.open() as control:
        found = list_all(control, "keys", query, cursor="before")
    if access.as_json:
        print_json(found)
        return
    rows = sorted(
        (
            k["path"],
            k["id"],
            k["prefix"],
            _state(k),
            moment(k["last_used_at"], "never"),
            moment(k["expires_at"], "never"),
        )
        for k in found
    )
    print_table(_HEADINGS, rows, "No key yet; `naru key create NAME` makes one.")


@app.command()
@with_access
def show(access: Access, ref: Reference) -> None:
    """Print one key, without its secret; a revoked one by its id.

    Example: naru key show bot/ci
    """
    with access.open() as control:
        _print(find(control, "keys", ref), as_json=access.as_json)


@app.command()
@with_access
def create(
    access: Access,
    name: Annotated[str, typer.Argument(help="Its name in the project; no slash.")],
    project: Annotated[
        str | None, typer.Option(help="Id or path of its project; default: the default one.")
    ] = None,
    model: ModelOption = None,
    endpoint: EndpointOption = None,
    site: SiteOption = None,
    tag: TagOption = None,
    expires: ExpiresOption = None,
) -> None:
    """Make a key and print it, this once. Where the project has one of this name, nothing changes.

    Example: naru key create ci --project acme/search/bot --model 'gpt-*' --expires 90d
    """
    body: dict[str, Any] = {"name": name, **_scope(model, endpoint, site, tag)}
    if project is not None:
        body["project"] = project
    if expires is not None:
        body["expires_at"] = _moment(expires)
    with access.open() as control:
        made = control.request("POST", "/api/keys", body)
    if access.as_json:
        print_json(made)
    elif made["created"]:
        typer.echo(f"{plain(made['path'])} was made: {made['id']}. The key, shown this once:", err=True)
        typer.echo(made["secret"])
    else:
        typer.echo(
            f"{plain(made['path'])} exists already: {made['id']} ({made['prefix']}…); nothing was changed. "
            "`naru key rotate` gives it a new secret.",
            err=True,
        )


@app.command()
@with_access
def update(
    access: Access,
    ref: Reference,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    model: ModelOption = None,
    endpoint: EndpointOption = None,
    site: SiteOption = None,
    tag: TagOption = None,
    expires: ExpiresOption = None,
) -> None:
    """Change what a key may reach; a list that is given replaces the old one, an empty text clears it.

    Example: naru key update bot/ci --model 'gpt-*' --model 'claude-*' --site ""
    """
    body: dict[str, Any] = dict(_scope(model, endpoint, site, tag))
    if name is not None:
        body["name"] = name
    if expires is not None:
        body["expires_at"] = _moment(expires)
    with access.open() as control:
        _print(_patch(control, ref, body), as_json=access.as_json)


@app.command()
@with_access
def rename(
    access: Access,
    ref: Reference,
    name: Annotated[str, typer.Argument(help="New name; no slash.")],
) -> None:
    """Give a key another name.

    Example: naru key rename bot/ci nightly
    """
    with access.open() as control:
        _print(_patch(control, ref, {"name": name}), as_json=access.as_json)


@app.command()
@with_access
def disable(access: Access, ref: Reference) -> None:
    """Switch a key off for now, in every replica within two seconds.

    Example: naru key disable bot/ci
    """
    with access.open() as control:
        _print(_patch(control, ref, {"disabled": True}), as_json=access.as_json)


@app.command()
@with_access
def enable(access: Access, ref: Reference) -> None:
    """Switch a key on again.

    Example: naru key enable bot/ci
    """
    with access.open() as control:
        _print(_patch(control, ref, {"disabled": False}), as_json=access.as_json)


@app.command()
@with_access
def rotate(
    access: Access,
    ref: Reference,
    overlap: Annotated[
        str, typer.Option(help="For how long the secret from before still opens: 0s, 2h, 1d … 30d.")
    ] = "1d",
) -> None:
    """Give a key a new secret, valid at once, and print it, this once.

    Example: naru key rotate bot/ci --overlap 2h
    """
    overlap_s = _seconds(overlap, "--overlap")
    if overlap_s > 30 * _SECONDS["d"]:
        raise BadRequest("--overlap is 30d at most.", param="overlap_s")
    with access.open() as control:
        found = find(control, "keys", ref)
        rotated = control.request("POST", f"/api/keys/{found['id']}/rotate", {"overlap_s": overlap_s})
    if access.as_json:
        print_json(rotated)
        return
    until = rotated["overlap_until"]
    old = f"opens until {moment(until)} UTC" if until is not None else "opens no more"
    typer.echo(f"{plain(rotated['path'])}: the secret from before {old}. The new key, this once:", err=True)
    typer.echo(rotated["secret"])


@app.command()
@with_access
def revoke(access: Access, ref: Reference) -> None:
    """End a key for good, in every replica within two seconds. Revoked already is done.

    Example: naru key revoke bot/ci
    """
    with access.open() as control:
        found = _find_also_revoked(control, ref)
        _print(control.request("POST", f"/api/keys/{found['id']}/revoke"), as_json=access.as_json)


def _find_also_revoked(control: Control, ref: str) -> dict[str, Any]:
    """The key, or the newest revoked one that bore this name: a repeated command meets what it has done."""
    try:
        return find(control, "keys", ref)
    except NotFound:
        for key in list_all(control, "keys", {"revoked": "true"}, cursor="before"):
            if key["revoked_at"] is not None and f"/{key['path']}".endswith(f"/{ref}"):
                return key
        raise


def _scope(
    model: list[str] | None, endpoint: list[str] | None, site: list[str] | None, tag: list[str] | None
) -> dict[str, object]:
    given: dict[str, object] = {}
    for name, values in (("models", model), ("endpoints", endpoint), ("sites", site)):
        if values is not None:
            given[name] = [value for value in values if value]
    if tag is not None:
        pairs = [text.partition("=") for text in tag if text]
        if not all(separator for _, separator, _ in pairs):
            raise BadRequest("--tag is written name=value.", param="tags")
        given["tags"] = {name: value for name, _, value in pairs}
    return given


def _moment(text: str) -> str | None:
    if text == "never":
        return None
    if _SPAN.fullmatch(text):
        return (datetime.now(UTC) + timedelta(seconds=_seconds(text, "--expires"))).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            "--expires is a span like 12h, 30d or 1y, a date like 2027-01-31, or `never`.", param="expires_at"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _seconds(text: str, option: str) -> int:
    match = _SPAN.fullmatch(text)
    if match is None or int(match[1]) * _SECONDS[match[2]] > 100 * _SECONDS["y"]:
        raise BadRequest(f"{option} is a span like 0s, 2h or 30d.")
    return int(match[1]) * _SECONDS[match[2]]


def _patch(control: Control, ref: str, body: dict[str, Any]) -> dict[str, Any]:
    found = find(control, "keys", ref)
    changed: dict[str, Any] = control.request("PATCH", f"/api/keys/{found['id']}", body)
    return changed


def _state(key: dict[str, Any]) -> str:
    if key["revoked_at"] is not None:
        return "revoked"
    if key["active"]:
        return "active"
    if key["expires_at"] is not None and datetime.fromisoformat(key["expires_at"]) <= datetime.now(UTC):
        return "expired"
    return "disabled" if key["disabled"] else "disabled above"


def _print(key: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    fields = [
        ("path", key["path"]),
        ("id", key["id"]),
        ("prefix", key["prefix"] + "…"),
        ("state", _state(key)),
        ("models", listed(key["models"])),
        ("endpoints", listed(key["endpoints"])),
        ("sites", listed(key["sites"])),
        ("tags", ", ".join(f"{name}={value}" for name, value in key["tags"].items()) or "none"),
        ("created", f"{moment(key['created_at'])} UTC by {key['created_by']}"),
        ("expires", moment(key["expires_at"], "never")),
        ("last used", moment(key["last_used_at"], "never")),
    ]
    if key["overlap_until"] is not None:
        fields.append(("old secret until", moment(key["overlap_until"])))
    print_fields(fields)
