"""`naru feedback`: ratings of calls, and the training data made of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from naru.cli.access import Access, with_access
from naru.cli.control import HOME, HomeOption, KeyOption, UrlOption, open_control, segment
from naru.cli.output import moment, print_json, print_table
from naru.kernel.errors import BadRequest

app = typer.Typer(help="What people say of calls: thumbs, scores, labels, corrections.", no_args_is_help=True)

FromOption = Annotated[str | None, typer.Option("--from", help="Rated from this time on.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Rated before this time.")]
LabelOption = Annotated[str | None, typer.Option(help="Only with this label.")]
ScoreOption = Annotated[float | None, typer.Option("--min-score", help="Only with at least this score.")]
ThumbOption = Annotated[str | None, typer.Option(help="Only with this thumb, up or down.")]
_PRIVATE = 0o600
_HEADINGS = ("id", "time (UTC)", "call", "thumb", "score", "label", "text", "rater")


@app.command("list")
@with_access
def list_(
    access: Access,
    call: Annotated[str | None, typer.Option(help="Only of this call.")] = None,
    since: FromOption = None,
    until: ToOption = None,
    label: LabelOption = None,
    min_score: ScoreOption = None,
    thumb: ThumbOption = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
) -> None:
    """Print ratings, newest first; never their text."""
    query = _query(since, until, label, min_score, thumb)
    with access.open() as control:
        if call is not None:
            found: list[dict[str, Any]] = control.request("GET", f"/api/calls/{segment(call)}/feedback")[
                "feedback"
            ]
        else:
            found = control.request("GET", "/api/feedback", query={**query, "limit": limit})["feedback"]
    if access.as_json:
        print_json(found)
        return
    print_table(_HEADINGS, [_row(rating) for rating in found], "No rating matches.")


@app.command()
@with_access
def add(
    access: Access,
    call: Annotated[str, typer.Argument(help="Id of the call, req_….")],
    thumb: Annotated[str | None, typer.Option(help="up or down.")] = None,
    score: Annotated[float | None, typer.Option(min=0, max=1, help="0 (worst) to 1 (best).")] = None,
    label: Annotated[str | None, typer.Option(help="One word of yours.")] = None,
    comment_file: Annotated[
        Path | None, typer.Option(help="File with a comment; kept only with the team's consent.")
    ] = None,
    correction_file: Annotated[
        Path | None, typer.Option(help="File with the answer as it should have been; as the comment.")
    ] = None,
) -> None:
    """Rate a call. Text comes from files, so that it stands in no shell history.

    Example: naru feedback add req_0abc --thumb up --label invoice
    """
    body = {
        "thumb": thumb,
        "score": score,
        "label": label,
        "comment": _read(comment_file),
        "correction": _read(correction_file),
    }
    with access.open() as control:
        made = control.request("POST", f"/api/calls/{segment(call)}/feedback", body)
    if access.as_json:
        print_json(made)
    else:
        print_table(_HEADINGS, [_row(made)], "")


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="File to write, readable by you alone.")],
    format: Annotated[str, typer.Option(help="openai-jsonl: one example a line.")] = "openai-jsonl",
    since: FromOption = None,
    until: ToOption = None,
    label: LabelOption = None,
    min_score: ScoreOption = None,
    thumb: ThumbOption = None,
    home: HomeOption = HOME,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Write rated prompts and answers as training data, in clear. The audit log has an entry for it.

    Example: naru feedback export --min-score 0.8 --out examples.jsonl
    """
    query = {**_query(since, until, label, min_score, thumb), "format": format}
    descriptor = _open_private(out)  # first: an export that cannot be written must not stand in the audit log
    with os.fdopen(descriptor, "w", encoding="utf-8") as file, open_control(home, url, key) as control:
        text = control.request("GET", "/api/feedback/export", query=query) or ""
        file.truncate(0)
        file.write(text)
    typer.echo(f"{text.count(chr(10)):,} examples in {out}")


def _open_private(out: Path) -> int:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT, _PRIVATE)
        os.fchmod(descriptor, _PRIVATE)  # it may have been there, open to others
    except OSError as error:
        raise BadRequest(f"{out} cannot be written: {error.strerror}.", param="out") from None
    return descriptor


def _read(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{file} is not UTF-8.") from None


def _query(
    since: str | None, until: str | None, label: str | None, min_score: float | None, thumb: str | None
) -> dict[str, object]:
    return {"from": since, "to": until, "label": label, "min_score": min_score, "thumb": thumb}


def _row(rating: dict[str, Any]) -> tuple[str, ...]:
    kinds = [kind for kind in ("comment", "correction") if rating[f"has_{kind}"]]
    return (
        rating["id"],
        moment(rating["created_at"]),
        rating["call_id"],
        rating["thumb"] or "-",
        "-" if rating["score"] is None else f"{rating['score']:g}",
        rating["label"] or "-",
        ", ".join(kinds) or "-",
        rating["rater"],
    )
