"""`naru budget`: money for a scope and a period, how it stands, and a top-up when it must last longer."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control, segment
from naru.cli.output import moment, print_fields, print_json, print_table
from naru.kernel.errors import NotFound

app = typer.Typer(
    help="Budgets that calls cannot overrun. SCOPE: org:REF, team:REF, project:REF, key:REF (id or path) or "
    "tag:NAME=VALUE; ID is a budget's id.",
    no_args_is_help=True,
)

BudgetId = Annotated[str, typer.Argument(metavar="ID", help="The budget's id, bud_….")]
Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="E.g. team:acme/search, or tag:env=prod.")]
_HEADINGS: Final = ("id", "scope", "period", "limit (USD)", "spent", "reserved", "left", "state")


@app.command()
def create(
    scope: Scope,
    amount: Annotated[str, typer.Argument(help="How much, in the currency.")],
    period: Annotated[str, typer.Option(help="day, week, month or fixed.")] = "month",
    currency: Annotated[str, typer.Option(help="USD or KRW.")] = "USD",
    time_zone: Annotated[str, typer.Option(help="IANA name; days begin at its midnight.")] = "UTC",
    name: Annotated[str, typer.Option(help="Tells budgets of one scope and period apart.")] = "",
    starts: Annotated[str | None, typer.Option(help="Of a fixed one: RFC 3339.")] = None,
    ends: Annotated[str | None, typer.Option(help="Of a fixed one: RFC 3339, excluded.")] = None,
    warn: Annotated[
        list[int] | None, typer.Option(help="Tell when so many percent are spent; repeatable.")
    ] = None,
    stop: Annotated[int, typer.Option(help="Refuse calls from so many percent on; 0 only warns.")] = 100,
    allow_unpriced: Annotated[
        bool, typer.Option("--allow-unpriced", help="Let calls for models without a known price pass.")
    ] = False,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a budget. The same one again is found, not made twice."""
    body: dict[str, Any] = {
        "scope": scope,
        "amount": amount,
        "period": period,
        "currency": currency,
        "time_zone": time_zone,
        "name": name,
        "starts_at": starts,
        "ends_at": ends,
        "warn_percents": warn if warn is not None else [80],
        "stop_percent": stop or None,
        "on_unpriced": "allow" if allow_unpriced else "refuse",
    }
    with open_control(home, url, key) as control:
        _print(control.request("POST", "/api/budgets", body), as_json=as_json)


@app.command("list")
def list_(
    scope: Annotated[str | None, typer.Option(help="Only those of this scope.")] = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print budgets and how they stand."""
    with open_control(home, url, key) as control:
        found = control.request("GET", "/api/budgets", query={"scope": scope})["budgets"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            b["id"],
            b["scope"] + (f" ({b['name']})" if b["name"] else ""),
            b["period"],
            b["limit_usd"] or "none",
            b["window"]["spent_usd"] if b["window"] else "-",
            b["reserved_usd"],
            b["left_usd"] or "-",
            _state(b),
        )
        for b in found
    ]
    print_table(_HEADINGS, rows, "No budget yet; `naru budget create SCOPE AMOUNT` makes one.")


@app.command()
def show(
    id: BudgetId,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one budget and how it stands."""
    with open_control(home, url, key) as control:
        _print(control.request("GET", f"/api/budgets/{segment(id)}"), as_json=as_json)


@app.command()
def update(
    id: BudgetId,
    amount: Annotated[str | None, typer.Option(help="How much, in the currency.")] = None,
    warn: Annotated[list[int] | None, typer.Option(help="Thresholds in percent; repeatable.")] = None,
    stop: Annotated[int | None, typer.Option(help="Refuse from so many percent on; 0 only warns.")] = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a budget; in force at once, in the present window too."""
    body: dict[str, Any] = {}
    if amount is not None:
        body["amount"] = amount
    if warn is not None:
        body["warn_percents"] = warn
    if stop is not None:
        body["stop_percent"] = stop or None
    with open_control(home, url, key) as control:
        _print(control.request("PATCH", f"/api/budgets/{segment(id)}", body), as_json=as_json)


@app.command("top-up")
def top_up(
    id: BudgetId,
    amount: Annotated[str, typer.Argument(help="How much more, in the budget's currency.")],
    until: Annotated[
        str | None, typer.Option(help="RFC 3339; default: the end of the present window.")
    ] = None,
    request_id: Annotated[
        str | None, typer.Option("--id", help="Makes a repeated command one top-up.")
    ] = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add money to the present window. What is spent of it stays spent when it ends."""
    body = {"amount": amount, "expires_at": until, "id": request_id}
    with open_control(home, url, key) as control:
        found = control.request("POST", f"/api/budgets/{segment(id)}/top-ups", body)
    if as_json:
        print_json(found)
        return
    print_fields([("added", f"{found['amount_usd']} USD"), ("until", f"{moment(found['expires_at'])} UTC")])


@app.command()
def delete(
    id: BudgetId,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a budget; its history stays. Ending one that is not there changes nothing."""
    with open_control(home, url, key) as control:
        control.request("DELETE", f"/api/budgets/{segment(id)}")
    if as_json:
        print_json({"id": id, "deleted": True})
    else:
        typer.echo(f"{id} has ended.")


@app.command()
def history(
    id: BudgetId,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a budget's windows, newest first, and its top-ups."""
    with open_control(home, url, key) as control:
        found = control.request("GET", f"/api/budgets/{segment(id)}/history")
    if as_json:
        print_json(found)
        return
    rows = [
        (
            moment(w["start"]),
            moment(w["end"]),
            w["amount_usd"],
            w["spent_usd"],
            w["unknown_usd"],
            w["overrun_usd"],
        )
        for w in found["windows"]
    ]
    headings = ("from (UTC)", "to (UTC)", "amount (USD)", "spent", "unknown", "over-run")
    print_table(headings, rows, "Nothing was asked of this budget yet.")
    if found["top_ups"]:
        typer.echo()
        print_table(
            ("added (UTC)", "amount (USD)", "until (UTC)", "by"),
            [
                (moment(t["created_at"]), t["amount_usd"], moment(t["expires_at"]), t["created_by"])
                for t in found["top_ups"]
            ],
            "",
        )


def _state(budget: dict[str, Any]) -> str:
    if budget["window"] is None:
        return "not in force"
    if budget["is_stopped"]:
        return "stopped"
    return "warned" if budget["is_warned"] else "ok"


def _print(budget: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(budget)
        return
    if not budget:
        raise NotFound("There is no such budget.")
    window = budget["window"]
    fields = [
        ("id", budget["id"]),
        ("scope", budget["scope"]),
        ("name", budget["name"] or "-"),
        ("period", f"{budget['period']}, {budget['time_zone']}"),
        ("amount", f"{budget['amount']} {budget['currency']}"),
        ("warns at", ", ".join(f"{percent} %" for percent in budget["warn_percents"]) or "never"),
        ("stops at", "never" if budget["stop_percent"] is None else f"{budget['stop_percent']} %"),
        ("unpriced models", "pass" if budget["on_unpriced"] == "allow" else "are refused"),
        ("state", _state(budget)),
    ]
    if window is not None:
        fields += [
            ("window (UTC)", f"{moment(window['start'])} to {moment(window['end'])}"),
            ("limit", f"{budget['limit_usd'] or 'none'} USD"),
            ("spent", f"{window['spent_usd']} USD"),
            ("reserved", f"{budget['reserved_usd']} USD"),
            ("left", f"{budget['left_usd'] or '-'} USD"),
        ]
    print_fields(fields)
