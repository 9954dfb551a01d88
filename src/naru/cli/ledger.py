"""`naru ledger`: read the ledger of calls. Only reads; safe beside a running Naru."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naru.kernel.cells import quote_formula
from naru.kernel.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from naru.kernel.tokens import Usage
    from naru.metering import Call, Cost, LedgerReader

app = typer.Typer(
    help="Read the ledger: one row for every call, with its attempts, tokens and cost. Never the text.",
    no_args_is_help=True,
)

HomeOption = Annotated[Path, typer.Option(help="Folder of the database, as given to `naru up`.")]
ConfigOption = Annotated[
    Path | None, typer.Option(help="Settings, as given to `naru up`; default: naru.toml in this folder.")
]
ModelOption = Annotated[str | None, typer.Option(help="Only calls served by this model.")]
ProviderOption = Annotated[str | None, typer.Option(help="Only calls answered by this provider.")]
StatusOption = Annotated[
    str | None, typer.Option(help="Only calls that ended so: ok, error, partial, cancelled, rejected.")
]
TeamOption = Annotated[str | None, typer.Option(help="Only calls of this team.")]
SinceOption = Annotated[
    str | None, typer.Option(help="Only later calls: 30m, 24h, 7d, or a UTC date like 2026-11-21.")
]
_HOME = Path(".naru")
_SPAN = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_(
    home: HomeOption = _HOME,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many calls.")] = 20,
    model: ModelOption = None,
    provider: ProviderOption = None,
    status: StatusOption = None,
    team: TeamOption = None,
    since: SinceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the newest calls, newest first.

    Unknown is shown as `?`, never as 0; `~` marks a cost made from estimated tokens.

    Example: naru ledger list --since 24h --status error
    """
    with _open(home, config) as reader:
        calls = reader.list_calls(
            limit=limit, model=model, provider=provider, status=status, team=team, from_ns=_from_ns(since)
        )
    if as_json:
        for call in calls:
            print(_json_line(call))
        return
    if not calls:
        typer.echo("No calls match.", err=True)
        return
    rows = [_HEADINGS, *(_summary(call) for call in calls)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The call's id: `req_…`, in the header x-naru-request-id.")],
    home: HomeOption = _HOME,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print everything that is known of one call, with each of its attempts."""
    with _open(home, config) as reader:
        call = reader.find_call(id)
    if call is None:
        raise NotFound(f"no call {id} is in the ledger; `naru ledger list` shows those that are")
    if as_json:
        print(_json_line(call))
        return
    for name, value in _pairs(call):
        print(f"{name:<16}{value}")
    for attempt in call.attempts:
        print(f"\nattempt {attempt.number}")
        for name, value in _pairs(attempt):
            print(f"  {name:<16}{value}")


@app.command()
def export(
    home: HomeOption = _HOME,
    config: ConfigOption = None,
    as_csv: Annotated[bool, typer.Option("--csv/--json", help="CSV, or one JSON object a line.")] = False,
    model: ModelOption = None,
    provider: ProviderOption = None,
    status: StatusOption = None,
    team: TeamOption = None,
    since: SinceOption = None,
) -> None:
    """Write every call to standard output, newest first, in little memory.

    JSON carries the attempts; CSV has one row a call. An empty CSV field is an unknown value.

    Example: naru ledger export --csv --since 7d > calls.csv
    """
    import csv
    import sys

    with _open(home, config) as reader:
        calls = reader.export_calls(
            model=model, provider=provider, status=status, team=team, from_ns=_from_ns(since)
        )
        if not as_csv:
            for call in calls:
                print(_json_line(call))
            return
        writer = None
        for call in calls:
            row = _flat(call)
            if writer is None:
                writer = csv.DictWriter(sys.stdout, fieldnames=list(row))
                writer.writeheader()
            writer.writerow(
                {name: quote_formula(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
            )


@contextmanager
def _open(home: Path, config: Path | None) -> Iterator[LedgerReader]:
    from naru.cli.database import open_engine
    from naru.metering import LedgerReader

    with open_engine(home, config) as engine:
        engine.require_current()
        yield LedgerReader(engine)


def _from_ns(since: str | None) -> int | None:
    if since is None:
        return None
    span = _SPAN.fullmatch(since)
    try:
        if span is not None:
            start = datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        else:
            start = datetime.fromisoformat(since)
            start = start.replace(tzinfo=start.tzinfo or UTC)
        return max(0, int(start.timestamp())) * 1_000_000_000
    except (ValueError, OverflowError):
        raise BadRequest(
            f"--since {since} is neither a span (30m, 24h, 7d) nor a date (2026-11-21)", param="since"
        ) from None


_HEADINGS = ("time (UTC)", "id", "status", "model", "provider", "in", "out", "USD", "ms")


def _summary(call: Call) -> tuple[str, ...]:
    usage = call.usage
    return (
        _time(call.started_at_ns)[:19],
        call.id,
        call.status,
        _plain(call.model_served or call.model_asked or "?")[:48],
        call.provider or "-",
        "?" if usage is None else str(usage.total_input_tokens),
        "?" if usage is None else str(usage.total_output_tokens),
        _money(call.cost),
        f"{call.duration_ms:.0f}",
    )


def _plain(text: str) -> str:
    """Without control characters: clients choose some of these, and a terminal obeys what it prints."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _money(cost: Cost) -> str:
    from naru.kernel.money import format_usd

    if cost.state == "none":
        return "-"
    if cost.nano_usd is None:
        return "?"
    return ("~" if cost.state == "estimated" else "") + format_usd(cost.nano_usd)


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(sep=" ", timespec="milliseconds")


def _json_line(call: Call) -> str:
    import msgspec

    return msgspec.json.encode(call).decode()


def _pairs(thing: Any) -> Iterator[tuple[str, str]]:
    for name in thing.__struct_fields__:
        value = getattr(thing, name)
        if name in {"attempts", "number"}:
            continue
        if name == "started_at_ns":
            yield "started_at", _time(value)
        elif name == "usage":
            yield "tokens", _tokens(value)
        elif name == "cost":
            yield "cost_usd", f"{_money(value)} ({value.state}, {value.price_version or 'no price'})"
        elif name == "tags":
            yield name, _plain(", ".join(f"{k}={v}" for k, v in value.items())) or "-"
        else:
            yield name, "-" if value is None else _plain(str(value))


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return "?"
    said = [(n, v) for n in usage.__struct_fields__ if (v := getattr(usage, n)) and n.endswith("_tokens")]
    text = ", ".join(f"{name.removesuffix('_tokens')} {value}" for name, value in said) or "none"
    return f"{text} (estimated)" if usage.is_estimated else text


def _flat(call: Call) -> dict[str, Any]:
    import msgspec

    from naru.kernel.tokens import BUCKETS

    row: dict[str, Any] = {
        name: getattr(call, name)
        for name in call.__struct_fields__
        if name not in {"usage", "cost", "tags", "attempts"}
    }
    row["started_at"] = _time(call.started_at_ns)
    row["tags"] = msgspec.json.encode(call.tags).decode() if call.tags else None
    for name in BUCKETS:
        row[name] = None if call.usage is None else getattr(call.usage, name)
    row["is_usage_estimated"] = None if call.usage is None else call.usage.is_estimated
    row["cost_nano_usd"] = call.cost.nano_usd
    row["cost_state"] = call.cost.state
    row["price_version"] = call.cost.price_version
    row["attempts"] = len(call.attempts)
    return row
