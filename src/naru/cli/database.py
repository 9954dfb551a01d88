"""`naru database`: look at the database, check what replicas share, and move from one database to another."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naru.kernel.errors import ConfigError, NaruError

if TYPE_CHECKING:
    from naru.engines.sql.base import SqlEngine
    from naru.engines.sql.move import Comparison, Report
    from naru.settings import Settings

app = typer.Typer(
    help="Look at the database, check what replicas share, and move from SQLite to PostgreSQL.",
    no_args_is_help=True,
)

_HOME = Path(".naru")
_CONFIG = Path("naru.toml")
_FROM_ENVIRONMENT = "env:"
_CLOCK_MS = 1_000
_NEAR = tuple(f"postgresql://{host}" for host in ("/", "127.0.0.1", "localhost", "[::1]"))
"""Places that no wire leads to."""

HomeOption = Annotated[Path, typer.Option(help="Folder of the database, as given to `naru up`.")]
ConfigOption = Annotated[
    Path | None, typer.Option(help="Settings, as given to `naru up`; default: naru.toml in this folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


@app.command()
def info(home: HomeOption = _HOME, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print which database it is, how large, and at which step it stands. Changes nothing.

    Example: naru database info --json
    """
    with open_engine(home, config) as engine:
        engine.check_server()
        facts = engine.read_facts() | {"step": engine.read_step()}
        rows = engine.count_rows()
    if as_json:
        print(json.dumps(facts | {"rows": rows}))
        return
    for name, value in facts.items():
        print(f"{name:<16}{'-' if value is None else value}")
    for table, count in rows.items():
        print(f"{table:<28}{count:>14,}")


@app.command()
def check(home: HomeOption = _HOME, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Try everything that replicas need of the database and of Redis; exit 1 when something fails.

    Example: naru database check --config /etc/naru/naru.toml
    """
    settings = _settings(config)
    findings = [*_check_database(settings, home), *_check_redis(settings)]
    for state, text in findings:
        print(json.dumps({"state": state, "text": text}) if as_json else f"{state:<5} {text}")
    if any(state == "fail" for state, _ in findings):
        raise typer.Exit(1)


@app.command()
def move(
    source: Annotated[str, typer.Option("--from", help="sqlite:///PATH or postgresql://…, or env:VARIABLE.")],
    target: Annotated[str, typer.Option("--to", help="The same, of an empty database.")],
    resume: Annotated[bool, typer.Option(help="Go on with a move that broke off.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy everything to an empty database, and compare both: every row, every value, every sum.

    Stop Naru first. The source is only read. A move that broke off goes on with --resume; until it is
    complete no Naru starts on the target. In env:VARIABLE the address, which may hold a password, stays out
    of the process list.

    Example: naru database move --from sqlite:///.naru/naru.db --to env:NARU_DATABASE_URL
    """
    from contextlib import ExitStack

    from naru.engines.sql.move import move as move_database
    from naru.engines.sql.registry import open_url

    with ExitStack() as stack:
        engines = []
        for url, must_exist in ((source, True), (target, False)):
            engine = open_url(_address(url), must_exist=must_exist)
            stack.callback(engine.close)
            engines.append(engine)
        report = move_database(*engines, is_resumed=resume, on_progress=_show_progress)
        place = engines[1].place
    if as_json:
        print(json.dumps(_as_json(report)))
    else:
        _print_report(report)
    if not report.is_equal:
        raise ConfigError(
            "source and target differ (see above), so the target stays closed. Something wrote to one of "
            "them meanwhile: stop every Naru, then run the same command with --resume, or start anew on an "
            "empty database",
            path=place,
        )
    if not as_json:
        print(f"\nEverything is in {place}. Name it in [database] of naru.toml, then start Naru.")


def _settings(config: Path | None) -> Settings:
    from naru.settings import PLACES, load

    path = config or (_CONFIG if _CONFIG.exists() else None)
    return load(path, os.environ, only=PLACES)


@contextmanager
def open_engine(home: Path, config: Path | None) -> Iterator[SqlEngine]:
    """The database that `naru up` would use with the same `--home` and `--config`; none is made.

    Raises:
        ConfigError: there is none yet, or the settings are wrong.
    """
    engine = _open_engine(_settings(config), home)
    try:
        yield engine
    finally:
        engine.close()


def _open_engine(settings: Settings, home: Path) -> SqlEngine:
    from naru.engines.sql.registry import find_engine

    engine = find_engine(settings.database, home)
    if engine is None:
        raise ConfigError(
            "there is no database here yet; start `naru up` once, or point --home at its folder",
            path=str(home),
        )
    return engine


def _address(text: str) -> str:
    if not text.startswith(_FROM_ENVIRONMENT):
        return text
    variable = text.removeprefix(_FROM_ENVIRONMENT)
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError("this environment variable is not set", path=text)
    return value


def _check_database(settings: Settings, home: Path) -> Iterator[tuple[str, str]]:
    try:
        engine = _open_engine(settings, home)
    except NaruError as error:
        yield "fail", error.message
        return
    try:
        engine.check_server()
        engine.require_current()
        facts = engine.read_facts()
        yield (
            "ok",
            f"{engine.place} answers ({facts['kind']} {facts['version']}) at step {engine.read_step()}",
        )
        engine.check_writable()
        yield "ok", "it can be written to"
    except NaruError as error:
        yield "fail", error.message
        return
    finally:
        engine.close()
    if facts["kind"] != "postgresql":
        yield "warn", "SQLite is for one Naru; more than one replica needs PostgreSQL (naru database move)"
        return
    if facts["is_standby"]:
        yield "fail", "this server is a standby: it takes no writes"
    if not facts["is_encrypted"] and not engine.place.startswith(_NEAR):
        yield "warn", "the connection is not encrypted; add sslmode=verify-full to the address"
    ahead_ms = facts["clock_ahead_ms"]
    assert isinstance(ahead_ms, int)
    if abs(ahead_ms) > _CLOCK_MS:
        yield "warn", f"clocks differ: the server is {ahead_ms} ms ahead of this machine; run NTP on both"
    allowed = facts["max_connections"]
    assert isinstance(allowed, int)
    yield (
        "ok",
        f"{allowed // settings.database.pool_size} replicas of {settings.database.pool_size} connections fit",
    )


def _check_redis(settings: Settings) -> Iterator[tuple[str, str]]:
    import asyncio

    from naru.engines.kv.registry import open_store
    from naru.kernel.clock import SystemClock

    if settings.redis.url is None:
        return

    async def ask() -> dict[str, str | int | float | bool | None]:
        store = open_store(settings.redis, SystemClock())
        try:
            facts = await store.read_facts()
            await store.acquire("check", "naru-database-check", limit=1, ttl_s=1)
        finally:
            await store.close()
        return facts

    try:
        facts = asyncio.run(ask())
    except NaruError as error:
        cause = type(error.__cause__).__name__ if error.__cause__ else error.code
        yield "fail", f"Redis cannot be used ({cause}); is its address, password and state right?"
        return
    yield "ok", f"{facts['place']} answers ({facts['kind']} {facts['version']})"
    if facts["is_standby"]:
        yield "fail", "this Redis is a replica: it takes no writes"
    if facts["eviction"] != "noeviction":
        policy = facts["eviction"]
        yield "warn", f"a full Redis throws counters away (maxmemory-policy {policy}); set noeviction"


def _show_progress(table: str, done: int, total: int) -> None:
    if total:
        end = "\n" if done >= total or not sys.stderr.isatty() else "\r"
        print(f"  {table:<28}{done:>14,} of {total:,}", end=end, file=sys.stderr, flush=True)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "is_equal": report.is_equal,
        "replaced": report.replaced,
        "tables": [
            {
                "table": comparison.table,
                "is_equal": comparison.is_equal,
                "source": comparison.source._asdict(),
                "target": comparison.target._asdict(),
            }
            for comparison in report.tables
        ],
    }


def _print_report(report: Report) -> None:
    print(f"{'table':<44}{'source':>24}{'target':>24}")
    for comparison in report.tables:
        for name, source, target in _figures(comparison):
            mark = "" if source == target else "   DIFFERS"
            print(f"{name:<44}{source:>24}{target:>24}{mark}")
    if report.replaced:
        print(f"{report.replaced} texts held a NUL, which PostgreSQL cannot store: it is ? now.")


def _figures(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    source, target = comparison.source, comparison.target
    yield f"{comparison.table} rows", f"{source.rows:,}", f"{target.rows:,}"
    for name, value in source.sums.items():
        yield f"  {name}", f"{value:,}", f"{target.sums.get(name, 0):,}"
    yield "  every value (digest)", source.digest[:16], target.digest[:16]
