"""`naru policy`: what becomes of personal data in the calls of an organisation, a team or a project."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from naru.cli.access import Access, with_access
from naru.cli.output import moment, plain, print_fields, print_json, print_table
from naru.cli.unit_scope import ScopeArgument, find_unit, unit_path
from naru.kernel.errors import BadRequest, NotFound

app = typer.Typer(
    help="What becomes of personal data: masked, kept inside, blocked or let through, by type. Nearest wins: "
    "project, team, organisation, naru.toml.",
    no_args_is_help=True,
)

_LISTS = ("fakes", "restore_hosts", "restore_tools")


@app.command("list")
@with_access
def list_(access: Access) -> None:
    """Print who has a policy of their own.

    Example: naru policy list --json
    """
    with access.open() as control:
        found: list[dict[str, Any]] = control.request("GET", "/api/policies")["policies"]
    if access.as_json:
        print_json(found)
        return
    rows = [
        (f"{one['kind']}:{one['path']}", "; ".join(_lines(one["rules"])), moment(one["updated_at"]))
        for one in found
    ]
    print_table(
        ("scope", "says", "since (UTC)"), rows, "No policy yet: what naru.toml says holds for everybody."
    )


@app.command()
@with_access
def show(
    access: Access,
    scope: ScopeArgument,
    effective: Annotated[
        bool, typer.Option("--effective", help="What holds there, and where each line comes from.")
    ] = False,
    site: Annotated[str | None, typer.Option(help="For a target at this site; with --effective.")] = None,
    route: Annotated[str | None, typer.Option(help="For this model or route; with --effective.")] = None,
) -> None:
    """Print what a scope says by itself, or what holds there.

    Example: naru policy show team:acme/search --effective
    """
    with access.open() as control:
        path = f"/api/policies/{unit_path(control, scope)}"
        if not effective:
            found = control.request("GET", path)
        else:
            found = control.request("GET", f"{path}/effective", query={"site": site, "route": route})
    if access.as_json:
        print_json(found)
    elif not effective:
        for line in _lines(found["rules"]):
            typer.echo(plain(line))
    else:
        _print_effective(found)


@app.command("set")
@with_access
def set_(
    access: Access,
    scope: ScopeArgument,
    actions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TYPE=ACTION…", help="E.g. KR_RRN=block '*=mask'; allow, mask, keep_inside or block."
        ),
    ] = None,
    guard: Annotated[
        list[str] | None,
        typer.Option(help="KIND=ACTION, e.g. injection=flag; off, log, flag, block or review. Repeat it."),
    ] = None,
    fake: Annotated[
        list[str] | None, typer.Option(help="Type that gets a value that looks real. Repeat it.")
    ] = None,
    restore_host: Annotated[
        list[str] | None, typer.Option(help="Host inside whose URLs values are restored. Repeat it.")
    ] = None,
    restore_tool: Annotated[
        list[str] | None, typer.Option(help="Provider's tool whose arguments are restored. Repeat it.")
    ] = None,
    consent: Annotated[
        bool | None,
        typer.Option("--consent/--no-consent", help="Whether rated answers may be exported."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="JSON of a whole policy, in the place of what it says now; - for stdin."),
    ] = None,
) -> None:
    """Say something more, or something else; what is not named stays as it is.

    Example: naru policy set team:acme/search KR_RRN=block PERSON=mask --guard injection=flag
    """
    changes: dict[str, Any] = {"actions": _pairs(actions), "guard": _pairs(guard)}
    given = {"fakes": fake, "restore_hosts": restore_host, "restore_tools": restore_tool}
    with access.open() as control:
        path = f"/api/policies/{unit_path(control, scope)}"
        rules = _find_rules(control, path) if file is None else _read(file)
        for name, lines in changes.items():
            if lines:
                rules[name] = {**(rules.get(name) or {}), **lines}
        rules |= {name: value for name, value in given.items() if value is not None}
        if consent is not None:
            rules["capture_consent"] = consent
        found = control.request("PUT", path, rules)
    if access.as_json:
        print_json(found)
        return
    for line in _lines(found["rules"]):
        typer.echo(plain(line))


@app.command()
@with_access
def unset(
    access: Access,
    scope: ScopeArgument,
    lines: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LINE…",
            help="Types, kinds of verdict, fakes, restore_hosts, restore_tools, capture_consent; none: all.",
        ),
    ] = None,
) -> None:
    """Say nothing on some lines any more, or remove the whole policy; what is further away holds again.

    Example: naru policy unset team:acme/search KR_RRN
    """
    with access.open() as control:
        unit = find_unit(control, scope)
        path = f"/api/policies/{unit['kind']}/{unit['id']}"
        rules = _find_rules(control, path) if lines else {}
        for line in lines or ():
            rules[line] = None
            for name in ("actions", "guard"):
                rules[name] = {k: v for k, v in (rules.get(name) or {}).items() if k != line}
        rules = {name: value for name, value in rules.items() if value not in (None, {})}
        if rules:
            control.request("PUT", path, rules)
        else:
            control.request("DELETE", path)
    if access.as_json:
        print_json({"kind": unit["kind"], "id": unit["id"], "rules": rules or None})
    elif rules:
        for said in _lines(rules):
            typer.echo(plain(said))
    else:
        typer.echo(f"{plain(scope)} has no policy of its own.")


@app.command("try")
@with_access
def try_(
    access: Access,
    text: Annotated[str | None, typer.Argument(help="Default: stdin.")] = None,
    scope: Annotated[
        str | None, typer.Option(help="As whose call: org:REF, team:REF or project:REF.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Where it would go; default: outside.")] = None,
    route: Annotated[str | None, typer.Option(help="The model that would be asked for.")] = None,
) -> None:
    """Print what is found in a text and how it would leave. Nothing of it is kept.

    Example: naru policy try '김민수, 010-2345-6789' --scope team:acme/search
    """
    body: dict[str, Any] = {"text": sys.stdin.read() if text is None else text, "site": site, "route": route}
    with access.open() as control:
        if scope is not None:
            unit = find_unit(control, scope)
            body |= {"kind": unit["kind"], "id": unit["id"]}
        found = control.request("POST", "/api/policies/try", body)
    if access.as_json:
        print_json(found)
        return
    leaves = "nothing leaves" if found["action"] == "block" else found["masked"]
    print_fields([("action", found["action"]), ("leaves as", leaves)])
    rows = [
        (e["type"], f"{e['start']}-{e['end']}", f"{e['score']:.2f}", e["action"], e["reason"])
        for e in found["entities"]
    ]
    if rows:
        typer.echo("")
    print_table(("type", "place", "score", "action", "reason"), rows, "Nothing was found.")


def _find_rules(control: Any, path: str) -> dict[str, Any]:
    try:
        rules: dict[str, Any] = control.request("GET", path)["rules"]
    except NotFound:
        return {}
    return rules


def _read(file: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise BadRequest(f"{file} cannot be read as JSON: {type(error).__name__}.", param="file") from None
    if not isinstance(found, dict):
        raise BadRequest(f"{file} holds no JSON object.", param="file")
    rules = found.get("rules", found)  # as `show --json` writes it, too
    if not isinstance(rules, dict):
        raise BadRequest(f"{file} holds no JSON object of rules.", param="file")
    return rules


def _pairs(given: Sequence[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given or ():
        name, equals, action = text.rpartition("=")
        if not equals or not name:
            raise BadRequest(f"{text!r} is not of the form NAME=ACTION, e.g. KR_RRN=block.")
        pairs[name] = action
    return pairs


def _lines(rules: dict[str, Any]) -> list[str]:
    lines = [f"{type}={action}" for type, action in sorted((rules.get("actions") or {}).items())]
    lines += [f"{kind}={action}" for kind, action in sorted((rules.get("guard") or {}).items())]
    for name in _LISTS:
        if rules.get(name) is not None:
            lines.append(f"{name}={','.join(rules[name])}")
    if rules.get("capture_consent") is not None:
        lines.append(f"capture_consent={str(rules['capture_consent']).lower()}")
    return lines


def _print_effective(found: dict[str, Any]) -> None:
    rows = [(line["type"], line["action"], line["source_name"]) for line in found["actions"]]
    rows += [(line["kind"], line["action"], line["source_name"]) for line in found["guard"]]
    rows += [(name, ",".join(found[name]["value"]) or "none", found[name]["source_name"]) for name in _LISTS]
    consent = found["capture_consent"]
    rows.append(("capture_consent", str(consent["value"]).lower(), consent["source_name"]))
    print_table(("line", "holds", "says who"), rows, "")
