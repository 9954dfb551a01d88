"""`naru budget`: money for a scope and a period, how it stands, and a top-up when it must last longer."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import segment
from naru.cli.output import moment, plain, print_fields, print_json, print_table
from naru.kernel.errors import NotFound

app = typer.Typer(
    help="Budgets that calls cannot overrun. SCOPE: org:REF, team:REF, project:REF, key:REF (id or path) or "
    "tag:NAME=VALUE; ID is a budget's id.",
    no_args_is_help=True,
)

BudgetId = Annotated[str, typer.Argument(metavar="ID", help="The budget's id, bud_….")]
Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="E.g. team:acme/search, or tag:env=prod.")]
Period = Literal["day", "week", "month", "fixed"]
Currency = Literal["USD", "KRW"]
Unpriced = Literal["refuse", "allow"]
_HEADINGS: Final = ("id", "scope", "period", "limit (USD)", "spent", "reserved", "left", "state")


@app.command()
@with_access
def create(
    access: Access,
    scope: Scope,
    amount: Annotated[str, typer.Argument(help="How much, in the currency.")],
    period: Annotated[Period, typer.Option(help="Aligned to the calendar of the time zone.")] = "month",
    currency: Annotated[Currency, typer.Option(help="KRW needs an exchange rate.")] = "USD",
    time_zone: Annotated[str, typer.Option(help="IANA name; days begin at its midnight.")] = "UTC",
    name: Annotated[str, typer.Option(help="Tells budgets of one scope and period apart.")] = "",
    starts: Annotated[str | None, typer.Option(help="Of a fixed one: RFC 3339.")] = None,
    ends: Annotated[str | None, typer.Option(help="Of a fixed one: RFC 3339, excluded.")] = None,
    warn: Annotated[
        list[int] | None, typer.Option(help="Tell when so many percent are spent; repeatable.")
    ] = None,
    stop: Annotated[
        int, typer.Option(min=0, max=1000, help="Refuse calls from so many percent on; 0 only warns.")
    ] = 100,
    allow_unpriced: Annotated[
        bool, typer.Option("--allow-unpriced", help="Let calls for models without a known price pass.")
    ] = False,
) -> None:
    """Make a budget. The same one again is found, not made twice.

    Example: naru budget create team:acme/search 500 --time-zone Asia/Seoul --warn 50 --warn 80
    """
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
    with access.open() as control:
        _print(control.request("POST", "/api/budgets", body), as_json=access.as_json)


@app.command("list")
@with_access
def list_(
    access: Access,
    scope: Annotated[str | None, typer.Option(help="Only those of this scope.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="The ended ones instead.")] = False,
) -> None:
    """Print budgets and how they stand; with --ended those that hold nobody any more.

    Example: naru budget list --scope team:acme/search
    """
    with access.open() as control:
        if ended:
            _print_ended(control.request("GET", "/api/budgets/ended")["budgets"], as_json=access.as_json)
            return
        found = control.request("GET", "/api/budgets", query={"scope": scope})["budgets"]
    if access.as_json:
        print_json(found)
        return
    rows = [
        (
            b["id"],
            b["scope_path"] + (f" ({b['name']})" if b["name"] else ""),
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
@with_access
def show(access: Access, id: BudgetId) -> None:
    """Print one budget and how it stands.

    Example: naru budget show bud_01k… --json
    """
    with access.open() as control:
        _print(control.request("GET", f"/api/budgets/{segment(id)}"), as_json=access.as_json)


@app.command()
@with_access
def update(
    access: Access,
    id: BudgetId,
    amount: Annotated[str | None, typer.Option(help="How much, in the currency.")] = None,
    warn: Annotated[list[int] | None, typer.Option(help="Thresholds in percent; repeatable.")] = None,
    stop: Annotated[
        int | None, typer.Option(min=0, max=1000, help="Refuse from so many percent on; 0 only warns.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Another name; an empty one takes it off.")] = None,
    unpriced: Annotated[
        Unpriced | None, typer.Option(help="What happens to calls for models without a known price.")
    ] = None,
) -> None:
    """Change a budget; in force at once, in the present window too.

    Example: naru budget update bud_01k… --amount 800 --warn 50 --warn 90
    """
    body: dict[str, Any] = {
        field: value for field, value in (("name", name), ("on_unpriced", unpriced)) if value is not None
    }
    if amount is not None:
        body["amount"] = amount
    if warn is not None:
        body["warn_percents"] = warn
    if stop is not None:
        body["stop_percent"] = stop or None
    with access.open() as control:
        _print(control.request("PATCH", f"/api/budgets/{segment(id)}", body), as_json=access.as_json)


@app.command("top-up")
@with_access
def top_up(
    access: Access,
    id: BudgetId,
    amount: Annotated[str, typer.Argument(help="How much more, in the budget's currency.")],
    until: Annotated[
        str | None, typer.Option(help="RFC 3339; default: the end of the present window.")
    ] = None,
    request_id: Annotated[
        str | None, typer.Option("--id", help="Makes a repeated command one top-up.")
    ] = None,
) -> None:
    """Add money to the present window. What is spent of it stays spent when it ends.

    Example: naru budget top-up bud_01k… 100 --id launch-day-1
    """
    body = {"amount": amount, "expires_at": until, "id": request_id}
    with access.open() as control:
        found = control.request("POST", f"/api/budgets/{segment(id)}/top-ups", body)
    if access.as_json:
        print_json(found)
        return
    print_fields([("added", f"{found['amount_usd']} USD"), ("until", f"{moment(found['expires_at'])} UTC")])


@app.command()
@with_access
def delete(access: Access, id: BudgetId) -> None:
    """End a budget; its history stays, and it can be restored. Ended already is done.

    Example: naru budget delete bud_01k…
    """
    with access.open() as control:
        control.request("DELETE", f"/api/budgets/{segment(id)}")
    if access.as_json:
        print_json({"id": id, "deleted": True})
    else:
        typer.echo(f"No budget {plain(id)} holds any more. `naru budget list --ended` shows ended ones.")


@app.command()
@with_access
def restore(access: Access, id: BudgetId) -> None:
    """Put an ended budget in force again, with its history. What was spent meanwhile does not count.

    Example: naru budget restore bud_01k…
    """
    with access.open() as control:
        _print(control.request("POST", f"/api/budgets/{segment(id)}/restore"), as_json=access.as_json)


@app.command()
@with_access
def history(access: Access, id: BudgetId) -> None:
    """Print a budget's windows, newest first, and its top-ups.

    Example: naru budget history bud_01k…
    """
    with access.open() as control:
        found = control.request("GET", f"/api/budgets/{segment(id)}/history")
    if access.as_json:
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


def _print_ended(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (
            b["id"],
            b["scope_path"],
            b["name"] or "-",
            b["period"],
            b["amount"],
            b["currency"],
            moment(b["ended_at"]),
        )
        for b in found
    ]
    headings = ("id", "scope", "name", "period", "amount", "currency", "ended (UTC)")
    print_table(headings, rows, "No budget was ended yet.")


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
        ("scope", budget["scope_path"]),
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
