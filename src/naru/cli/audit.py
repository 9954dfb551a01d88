"""`naru audit`: read the audit log, prove an entry, and find whatever was changed in it."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control
from naru.cli.output import print_fields, print_json, print_table
from naru.kernel.errors import BadRequest, ConfigError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from naru.audit import AuditReader, Kept, PublicKey, Report

app = typer.Typer(
    help="The audit log: who did what, chained and signed so that no entry can be changed unnoticed.",
    no_args_is_help=True,
)

Seq = Annotated[int, typer.Argument(min=1, help="Number of the entry.")]
CheckpointOption = Annotated[
    list[Path] | None,
    typer.Option("--checkpoint", help="File with checkpoints that you kept elsewhere. May be repeated."),
]
PublicKeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--public-key",
        help="Public key to trust, or a file that holds it, instead of the one beside the log.",
    ),
]
Outcome = Literal["done", "denied", "failed"]
_HEADINGS: Final = ("seq", "time (UTC)", "actor", "action", "target", "outcome", "facts")


@app.command("list")
@with_access
def list_(
    access: Access,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many entries.")] = 20,
    before: Annotated[int | None, typer.Option(min=1, help="Only entries before this number.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only of this actor, e.g. user:usr_…")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action; `key.` for all of them.")] = None,
    target: Annotated[str | None, typer.Option(help="Only done to this, e.g. key:key_…")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only those that ended so.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this time on, like 2026-11-21T09:00Z.")] = None,
) -> None:
    """Print the newest entries, newest first.

    Example: naru audit list --action key. --outcome denied
    """
    query = {
        "limit": limit,
        "before": before,
        "actor": actor,
        "action": action,
        "target": target,
        "outcome": outcome,
        "from": since,
    }
    with access.open() as control:
        found = control.request("GET", "/api/audit", query=query)["entries"]
    if access.as_json:
        print_json(found)
        return
    rows = [
        (
            str(e["seq"]),
            e["at"][:19].replace("T", " "),
            e["actor"],
            e["action"],
            e["target"] or "-",
            e["outcome"],
            _facts(e["facts"]),
        )
        for e in found
    ]
    given = any((before, actor, action, target, outcome, since))
    print_table(_HEADINGS, rows, "No entry matches." if given else "No entry yet.")


@app.command()
@with_access
def show(access: Access, seq: Seq) -> None:
    """Print one entry.

    Example: naru audit show 1 --json
    """
    with access.open() as control:
        entry = control.request("GET", f"/api/audit/{seq}")
    if access.as_json:
        print_json(entry)
        return
    entry["facts"] = _facts(entry["facts"])
    print_fields([(name, str(value)) for name, value in entry.items() if name != "at_ns"])


@app.command()
def export(
    to: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Write the whole log, with its checkpoints, one JSON object a line.

    Example: naru audit export --to audit.jsonl && naru audit verify audit.jsonl
    """
    with open_control(home, url, key) as control:
        text = control.request("GET", "/api/audit/export") or ""
    if to is None:
        print(text, end="")
    else:
        to.write_text(text, "utf-8")


@app.command()
@with_access
def checkpoint(
    access: Access,
    now: Annotated[bool, typer.Option("--now", help="Sign one first, over everything so far.")] = False,
) -> None:
    """Print the newest checkpoint. Keep it elsewhere: only a copy shows that the log was cut off later.

    Example: naru audit checkpoint --now > /mnt/elsewhere/checkpoint.txt
    """
    with access.open() as control:
        found = control.request("POST" if now else "GET", "/api/audit/checkpoint")
    if access.as_json:
        print_json(found)
        return
    if found["checkpoint"] is None:
        raise NotFound("there is no checkpoint yet; `naru audit checkpoint --now` signs one")
    print(found["checkpoint"], end="")


@app.command("public-key")
@with_access
def public_key(access: Access) -> None:
    """Print the public key that checks checkpoints and proofs, in the form of C2SP signed notes.

    After a change of keys every one is printed, newest last. Keep them where you keep checkpoints.

    Example: naru audit public-key > audit.pub
    """
    with access.open() as control:
        found = control.request("GET", "/api/audit/checkpoint")["public_keys"]
    if access.as_json:
        print_json(found)
        return
    for line in found:
        print(line)


@app.command()
def proof(
    seq: Seq,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Print as JSON a proof that an entry is in the newest checkpoint; `naru audit check-proof` checks it.

    Example: naru audit proof 1 > proof.json && naru audit check-proof proof.json --public-key audit.pub
    """
    with open_control(home, url, key) as control:
        print_json(control.request("GET", f"/api/audit/{seq}/proof"))


@app.command("check-proof")
def check_proof(
    file: Annotated[Path, typer.Argument(help="As `naru audit proof` printed it.")],
    public_key: Annotated[
        str | None, typer.Option("--public-key", help="The log's public key, or a file that holds it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof, without any Naru. Ends with 1 when it does not hold.

    Without --public-key the key in the proof itself is used, which shows only that the proof is whole.

    Example: naru audit check-proof proof.json --public-key audit.pub
    """
    from naru.audit import check_proof

    given = _read_json(file)
    keys = _keys([public_key or str(given.get("public_key"))])
    faults = [check_proof(given, key) for key in keys]
    fault = "" if "" in faults else faults[-1]
    if as_json:
        print_json({"holds": not fault, "fault": fault or None, "is_key_given": public_key is not None})
    elif fault:
        typer.echo(f"The proof does not hold: {fault}.", err=True)
    else:
        trust = (
            "" if public_key else " (signed with the key in the proof itself; give --public-key to be sure)"
        )
        typer.echo(f"The proof holds: entry {given['seq']} of {given['size']}{trust}.")
    if fault:
        raise typer.Exit(1)


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export to verify instead of the database.")] = None,
    checkpoint: CheckpointOption = None,
    public_key: PublicKeyOption = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings that say where the database is; default: naru.toml here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find every entry that was altered, removed, moved, inserted or cut off. Ends with 1 when there is one.

    Checks the chain, the tree, every checkpoint and its signature, HOME/audit-checkpoints.txt, and what
    --checkpoint names. Changes nothing. With --url the server verifies itself; to trust nobody, verify
    an export.

    Example: naru audit verify --checkpoint /mnt/elsewhere/checkpoint.txt
    """
    from naru.audit import read_kept

    kept = [copy for path in checkpoint or () for copy in read_kept(path)]
    keys = _keys(public_key or [])
    if file is not None:
        report = _verify_file(file, kept, keys)
    elif url is not None:
        body = {"checkpoints": [copy.note for copy in kept], "public_keys": [str(k) for k in keys]}
        with open_control(home, url, key) as control:
            _print_report(control.request("POST", "/api/audit/verify", body), as_json)
        return
    else:
        with _open(home, config) as reader:
            report = reader.verify(kept=kept, keys=keys)
    _print_report(_plain_report(report), as_json)


def _verify_file(file: Path, kept: list[Kept], keys: list[PublicKey]) -> Report:
    from naru.audit import read_export, verify

    log, own = read_export(file)
    if not keys and own is not None:
        typer.echo(
            "Checked with the key that the file itself names; give --public-key to know who signed.", err=True
        )
        keys = _keys([own])
    return verify(log, keys=keys, kept=kept, now_ns=time.time_ns())


@contextmanager
def _open(home: Path, config: Path | None) -> Iterator[AuditReader]:
    """The log in a database, to read alone: a verification of evidence must not change it."""
    from naru.audit import KEY_FILE, WITNESS_FILE, AuditReader
    from naru.engines.sql.registry import open_engine
    from naru.engines.sql.sqlite import FILE_NAME
    from naru.kernel.clock import SystemClock
    from naru.local import read_settings

    settings = read_settings(config)
    if settings.database.url is None and not (home / FILE_NAME).is_file():
        raise ConfigError("there is no database here; point --home at its folder", path=str(home / FILE_NAME))
    folder = home if settings.secrets.folder is None else Path(settings.secrets.folder)
    kept = [home / WITNESS_FILE, *map(Path, settings.audit.witness_files)]
    engine = open_engine(settings.database, home)
    try:
        engine.require_current()
        yield AuditReader(engine, folder / KEY_FILE, SystemClock(), kept_paths=kept)
    finally:
        engine.close()


def _print_report(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        for finding in report["findings"]:
            typer.echo(f"{finding['kind']:<11}{finding['what']}")
        if report["more"]:
            typer.echo(f"and {report['more']} more")
        state = "intact" if report["is_intact"] else "NOT INTACT"
        typer.echo(
            f"{state}: {report['size']} entries, {report['covered']} of them under {report['checkpoints']} "
            f"checkpoints; compared with {report['kept']} kept elsewhere; {report['duration_ms']:.0f} ms",
            err=not report["is_intact"],
        )
    if not report["is_intact"]:
        raise typer.Exit(1)


def _plain_report(report: Report) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(report)
    return plain


def _keys(given: list[str]) -> list[PublicKey]:
    """Keys as text, or files of keys."""
    from naru.audit import PublicKey

    found = []
    for text in given:
        lines = [text] if "+" in text and not Path(text).is_file() else _read_text(Path(text)).split()
        found += [PublicKey.parse(line) for line in lines]
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"{path} cannot be read", param="public_key") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read_text(path))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadRequest(f"{path} holds no JSON object; `naru audit proof` prints one")
    return found


def _facts(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name}={'-' if value is None else value}" for name, value in facts.items()) or "-"
