"""`naru combine`: two parties' tables joined under pseudonyms (가명정보 결합), measured and exported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from naru.cli.output import plain, print_fields, print_json, print_table
from naru.kernel.errors import BadRequest

if TYPE_CHECKING:
    from naru.kernel.audit import AuditEvent
    from naru.local import LocalNaru
    from naru.trust.combine.clock import What
    from naru.trust.combine.prepare import Scan
    from naru.trust.combine.workspace import Workspace
    from naru.trust.entity import Entity

app = typer.Typer(
    help="Join two parties' tables under pseudonyms (가명정보 결합). Begin with `naru combine init "
    "plan.toml`. Joining data of different controllers is for a designated body (결합전문기관): Naru is a "
    "tool, and no such body.",
    no_args_is_help=True,
)

Plan = Annotated[Path, typer.Argument(metavar="PLAN", help="The plan, a TOML file.")]
WorkOption = Annotated[
    Path | None,
    typer.Option("--work", help="Folder to work in; default: beside the plan, by the project's name."),
]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of a Naru whose audit log is told of every hand-over.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
PartyOption = Annotated[str, typer.Option("--party", help="Which party's, by its short name in the plan.")]
_EXAMPLE_DAYS: Final = 180
_CHUNK_ROWS: Final = 50_000


@app.command()
def init(plan: Plan, work: WorkOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Write an example plan where there is none; check the plan and make the folder where there is one."""
    if not plan.exists():
        from datetime import UTC, datetime, timedelta

        from naru.trust.combine.example import write_example
        from naru.trust.combine.files import replacing

        end = datetime.now(UTC).date() + timedelta(days=_EXAMPLE_DAYS)
        with replacing(plan) as file:
            file.write(write_example(plan.stem, str(end)))
        _show(
            {"plan": str(plan), "is_new": True},
            f"An example plan was written to {plan}. Make it yours, then run this again.",
            as_json,
        )
        return
    with _open(plan, work, home) as space:
        is_new = space.begin()
        left = str(space.plan.project.destroy_on)
        words = "is ready" if is_new else "was ready already"
        _show(
            {"project": space.plan.project.name, "is_new": is_new, "destroy_on": left},
            f"The plan holds, and {space.folder} {words}. Everything in it is to be destroyed on {left}.",
            as_json,
        )


@app.command()
def key(plan: Plan, work: WorkOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The body makes the project's secret, for both parties and never for the key manager. It is not
    printed.
    """
    with _open(plan, work, home) as space:
        from naru.trust.combine.clock import require_open
        from naru.trust.combine.keys import create_key, read_key

        space.read_state()
        require_open(space.plan, space.clock)
        name = space.plan.project.name
        is_new = not space.secret.exists()
        if is_new:
            space.tell("combine.key", f"combine:{name}", {})
        made = create_key(space.secret, name) if is_new else read_key(space.secret, name)
        words = "is" if is_new else "was there already, and stays:"
        _show(
            {"file": str(space.secret), "fingerprint": made.fingerprint, "is_new": is_new},
            f"The secret {words} in {space.secret}, for its owner alone. Fingerprint: {made.fingerprint}\n"
            "Hand the file to both parties over a channel that you trust, and never to the key manager.",
            as_json,
        )


@app.command()
def prepare(
    plan: Plan,
    table: Annotated[Path, typer.Argument(help="The party's own table: CSV or Parquet.")],
    party: PartyOption,
    secret: Annotated[
        Path | None, typer.Option(help="The secret's file; default: secret/project.key in the work folder.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a CSV: utf-8, or cp949 as Korean spreadsheets write.")] = (
        "utf-8-sig"
    ),
    work: WorkOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """A party makes two files: keys for the key manager, attributes for the body. Identifiers go into
    neither.
    """
    with _open(plan, work, home) as space:
        from naru.trust.combine.prepare import prepare as run

        facts = run(
            space,
            party,
            table,
            secret=secret,
            encoding="utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding,
            scanner=_LazyScanner(),
            progress=_progress(),
        )
        without = ", ".join(f"{count:,} without {item}" for item, count in facts["without"].items())
        _show(
            {**facts, "keys": str(space.keys(party)), "attributes": str(space.attributes(party))},
            f"{_again(facts)}{facts['rows_with_key']:,} of {facts['rows']:,} rows have a key"
            + (f" ({without})" if without else "")
            + (f", {facts['masked']:,} places in attributes were masked" if facts["masked"] else "")
            + f".\nFor the key manager: {space.keys(party)}\nFor the body:        {space.attributes(party)}",
            as_json,
        )


@app.command()
def link(plan: Plan, work: WorkOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The key manager compares keys and hands on serial beside serial, without keys."""
    with _open(plan, work, home) as space:
        from naru.trust.combine.join import link as run

        facts = run(space)
        _show(
            facts,
            f"{_again(facts)}{facts['matched_keys']:,} keys match, {facts['joined_rows']:,} rows will join.\n"
            f"For the body: {space.links}",
            as_json,
        )


@app.command()
def rate(plan: Plan, work: WorkOption = None, as_json: JsonOption = False) -> None:
    """Print the join rate (결합률) and repeated keys (1:n), without joining anything."""
    with _open(plan, work, None) as space:
        from naru.trust.combine.join import read_rates

        facts = read_rates(space)
        if as_json:
            print_json(facts)
            return
        rows = [
            (name, f"{one['rows']:,}", f"{one['keys']:,}", f"{one['rows_of_repeated_keys']:,}",
             f"{100 * one['join_rate']:.2f} %")
            for name, one in facts["parties"].items()
        ]  # fmt: skip
        print_table(("party", "rows", "keys", "rows of repeated keys", "join rate"), rows, "")
        repeated = (
            "left out"
            if space.plan.project.duplicates == "drop"
            else "joined, each row of one with each of the other"
        )
        print(
            f"{facts['matched_keys']:,} keys match: {facts['matched_one_to_one']:,} one to one, "
            f"{facts['matched_repeated']:,} repeated ({repeated}); {100 * facts['rate_of_all']:.2f} % of all "
            "persons."
        )


@app.command()
def mock(
    plan: Plan,
    sample: Annotated[float, typer.Option(help="Share of the links to try, above 0 and at most 1.")] = 0.1,
    work: WorkOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The body tries the join on a random part (모의결합)."""
    with _open(plan, work, home) as space:
        _join(space, sample, as_json)


@app.command()
def extract(
    plan: Plan, work: WorkOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """The key manager lists for each party the serials that will join (가명정보 추출)."""
    with _open(plan, work, home) as space:
        from naru.trust.combine.join import extract as run

        facts = run(space)
        lines = [f"For {party}: {space.extract(party)} ({n:,} rows)" for party, n in facts["rows"].items()]
        _show(facts, "\n".join(lines), as_json)


@app.command()
def select(
    plan: Plan,
    party: PartyOption,
    listed: Annotated[
        Path | None, typer.Option("--list", help="The key manager's list; default: as `extract` wrote it.")
    ] = None,
    work: WorkOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """A party keeps in the body's file only the rows that will join."""
    with _open(plan, work, home) as space:
        from naru.trust.combine.prepare import select as run

        facts = run(space, party, listed)
        words = f"{facts['rows']:,} rows go to the body, {facts['left_out']:,} were left out."
        _show(facts, words, as_json)


@app.command()
def join(plan: Plan, work: WorkOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The body joins: one table with the columns of both, without serials, in a new random order."""
    with _open(plan, work, home) as space:
        _join(space, None, as_json)


@app.command()
def check(
    plan: Plan,
    table: Annotated[str, typer.Option(help="joined, treated or mock.")] = "joined",
    second_opinion: Annotated[
        bool, typer.Option(help="Let pycanon measure too, on as many rows as it manages in seconds.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 when a bound does not hold.")] = False,
    work: WorkOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The body measures a table: k, l, t, uniqueness, singling out, linkability, inference, outliers, free
    text.
    """
    with _open(plan, work, home) as space:
        from naru.trust.combine.check import TABLES
        from naru.trust.combine.check import check as run

        if table not in TABLES:
            raise BadRequest(f"--table is one of {', '.join(TABLES)}")
        report = run(space, table, scanner=_LazyScanner(), second_opinion=second_opinion)
        if as_json:
            print_json(report)
        else:
            _print_check(report)
            print(f"Whole report: {space.report(table)}")
    if strict and not report["holds"]:
        raise typer.Exit(1)


@app.command()
def treat(
    plan: Plan,
    with_anjana: Annotated[
        bool,
        typer.Option("--with-anjana", help="Also try the levels that anjana finds (at most 20,000 rows)."),
    ] = False,
    work: WorkOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The body makes the table coarser until the bounds hold, losing as little as can be."""
    with _open(plan, work, home) as space:
        from naru.trust.combine.treatment import treat as run

        facts = run(space, with_anjana=with_anjana)
        if as_json:
            print_json(facts)
            return
        rows = [
            (name, f"{one['level']} of {one['of']}", f"{one['values_before']:,}", f"{one['values_after']:,}",
             f"{100 * one['loss']:.1f} %")
            for name, one in facts["columns"].items()
        ]  # fmt: skip
        print_table(("column", "level", "values before", "after", "loss"), rows, "")
        print(
            f"{_again(facts)}{facts['suppressed']:,} rows left out ({100 * facts['suppressed_share']:.2f} "
            f"%), {facts['rows']:,} stay; {100 * facts['loss']:.1f} % of the information is lost.\n"
            f"Treated table: {space.table('treated')}"
        )


@app.command()
def export(plan: Plan, work: WorkOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The body packs data, report and hashes into one signed zip (반출). Refused while a bound does not
    hold.
    """
    with _open(plan, work, home) as space:
        from naru.trust.combine.export import export as run

        facts = run(space)
        _show(
            {**facts, "pack": str(space.pack)},
            f"{_again(facts)}{facts['rows']:,} rows are in {space.pack}\n"
            f"SHA-256:    {facts['sha256']}\nPublic key: {facts['public_key']}\n"
            "Now `naru combine destroy` keys and links.",
            as_json,
        )


@app.command()
def verify(
    pack: Annotated[
        Path, typer.Argument(help="As `naru combine export` wrote it, or evidence of `destroy`.")
    ],
    public_key: Annotated[
        str | None, typer.Option("--public-key", help="As the body told you, not as the pack says.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a pack's hashes and signature, or a record of destruction. Ends with 1 when one does not hold."""
    if pack.suffix == ".json":
        from naru.trust.combine.destroy import verify_evidence

        holds = verify_evidence(pack)
        words = "The record is as it was signed." if holds else "The record was changed after it was signed."
        _show({"holds": holds}, words, as_json)
        if not holds:
            raise typer.Exit(1)
        return
    from naru.trust.combine.export import verify as run

    found = run(pack, public_key)
    if as_json:
        print_json(found)
    elif found["holds"]:
        trust = (
            "" if found["is_key_given"] else " by the key in the pack itself; give --public-key to be sure"
        )
        print(
            plain(
                f"The pack of {found['project']} is whole, signed{trust}. Destroy it on "
                f"{found['destroy_on']}."
            )
        )
    else:
        for fault in found["faults"]:
            typer.echo(plain(fault), err=True)
    if not found["holds"]:
        raise typer.Exit(1)


@app.command()
def destroy(
    plan: Plan,
    what: Annotated[
        str, typer.Option(help="links: secret, keys, serials and links; all: the data too.")
    ] = "links",
    pack: Annotated[
        Path | None,
        typer.Option("--pack", help="The exported pack, to show to a folder that is not the body's."),
    ] = None,
    abandon: Annotated[
        str, typer.Option(help="Why it is done before its time; stands in the evidence.")
    ] = "",
    work: WorkOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy with evidence (파기): links once exported, all on the destruction date; earlier only with a
    reason.
    """
    with _open(plan, work, home) as space:
        from naru.trust.combine.destroy import destroy as run

        if what not in ("links", "all"):
            raise BadRequest("--what is links or all")
        chosen: What = "all" if what == "all" else "links"
        facts = run(space, chosen, pack=pack, reason=abandon)
        _show(facts, f"{facts['files']} files were destroyed. Evidence: {facts['evidence']}", as_json)


@app.command()
def status(plan: Plan, work: WorkOption = None, as_json: JsonOption = False) -> None:
    """Print what is done, whose turn it is, and how long the data may live."""
    with _open(plan, work, None) as space:
        from naru.trust.combine.status import read_status

        found = read_status(space)
        if as_json:
            print_json(found)
            return
        rows = [(name, step["at"].replace("T", " ").rstrip("Z")) for name, step in found["steps"].items()]
        print_table(("step", "done (UTC)"), rows, "Nothing is done yet.")
        print_fields(
            [
                ("destroy on", f"{found['destroy_on']} ({found['days_left']} days)"),
                ("next", f"{found['next']['who']}: naru combine {found['next']['command']}"),
            ]
        )


def _join(space: Workspace, sample: float | None, as_json: bool) -> None:
    from naru.trust.combine.join import join as run

    facts = run(space, sample=sample)
    name = "joined" if sample is None else "mock"
    _show(
        facts,
        f"{_again(facts)}{facts['rows']:,} rows with {facts['columns']} columns are in {space.table(name)}\n"
        f"{100 * facts['unique_share']:.2f} % of them are unique in their quasi-identifiers.",
        as_json,
    )


def _print_check(report: dict[str, Any]) -> None:
    rows = [
        (
            name.replace("_", " "),
            f"{one['asked']:g}",
            f"{one['found']:g}",
            "holds" if one["holds"] else "DOES NOT HOLD",
        )
        for name, one in report["bounds"].items()
    ]
    print_table(("bound", "asked", "found", ""), rows, "")
    both = report["uniqueness"]["both"]
    fields = [
        ("rows", f"{report['rows']:,} in {report['k']['classes']:,} classes"),
        ("unique in the quasi-identifiers", _percent(both)),
        ("singled out by up to 3 columns", _percent(report["singling_out"]["share"])),
    ]
    fields += [
        (f"found again by {party}'s own file", _percent(one["unique"]))
        for party, one in report["linkability"].items()
    ]
    fields += [
        (f"inference of {name}", _percent(one["inference"]["risk"]))
        for name, one in report["sensitive"].items()
    ]
    if report["outliers"]:
        fields.append(("outliers in", ", ".join(report["outliers"])))
    cells = sum(one["cells"] for one in report["small_cells"].values())
    fields.append(("small cells", f"{cells:,}"))
    if report["text"]["columns"] and not report["text"]["is_scanned"]:
        fields.append(("free text", "NOT SCANNED: the PII scanner is missing"))
    opinion = report["second_opinion"]
    if opinion is not None:
        words = "the same" if opinion["agrees"] else "SOMETHING ELSE"
        fields.append(("pycanon measures", f"{words}, on {opinion['rows']:,} rows"))
    print_fields(fields)


@contextmanager
def _open(plan: Path, work: Path | None, home: Path | None) -> Iterator[Workspace]:
    """The workspace; with `home` its audit log is told."""
    try:
        from naru.trust.combine.workspace import open_workspace
    except ModuleNotFoundError as error:
        raise BadRequest(
            f"`naru combine` needs {error.name}: install Naru with its extra `combine`"
        ) from None
    sink = _HomeAudit(home) if home is not None else None
    try:
        yield open_workspace(plan, work, sink=sink, actor="admin-key" if sink else "naru")
    finally:
        if sink is not None:
            sink.close()


class _HomeAudit:
    """The audit log of a Naru's database: each event is on disk before its act goes on."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._naru: LocalNaru | None = None

    def record(self, event: AuditEvent) -> None:
        if self._naru is None:
            from naru.local import open_local

            self._naru = open_local(self._home)
        self._naru.audit.record_now(event)

    def close(self) -> None:
        if self._naru is not None:
            self._naru.close()


class _LazyScanner:
    """The PII scanner, built when there is a text to scan: most tables have none."""

    def __init__(self) -> None:
        self._scanner: Scan | None = None

    def scan(self, text: str) -> list[Entity]:
        if self._scanner is None:
            from naru.trust.detect import Scanner

            self._scanner = Scanner()
        return self._scanner.scan(text)


def _progress() -> Any:
    """Rows so far, on one line, for a person who watches."""
    if not sys.stderr.isatty():
        return None
    return lambda rows: print(
        f"\r{rows:,} rows", end="\n" if rows % _CHUNK_ROWS else "", file=sys.stderr, flush=True
    )


def _show(facts: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print(words)


def _again(facts: dict[str, Any]) -> str:
    return "Done before, nothing was changed. " if facts.get("unchanged") else ""


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
