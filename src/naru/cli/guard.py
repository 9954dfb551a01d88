"""`naru guard`: what the guard says of a text on stdin. Nothing is stored, and no verdict holds the text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naru.cli.text_lines import answer_line, number_lines, read_text, write_answers
from naru.kernel.errors import BadRequest

if TYPE_CHECKING:
    from naru.trust.guard import Guard, Kind, Source, Verdict

_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("injection", "injection"),
    ("toxicity", "toxicity"),
    ("secrets", "secret"),
    ("urls", "url"),
)


def guard(
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help='Each line is {"id", "text"}; so is each answer, with the verdicts.'),
    ] = False,
    source: Annotated[
        str, typer.Option(help="Who wrote the text: user, tool, retrieved or system.")
    ] = "user",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A host that addresses may lead to, *.example.com for all below; repeat it."),
    ] = None,
) -> None:
    """Judge a text on stdin: injection, toxicity, secrets and addresses, each with score and reasons."""
    from naru.trust.guard import SOURCES, Guard

    written_by = next((known for known in SOURCES if known == source), None)
    if written_by is None:
        raise BadRequest(f"No such source: say one of {', '.join(SOURCES)}.", param="source")
    judge = Guard()
    hosts = tuple(allow_host or ())

    def run(text: str) -> dict[str, Any]:
        return _judge(judge, text, written_by, hosts)

    if jsonl:
        write_answers("guard", ((number, answer_line(line, number, run)) for number, line in number_lines()))
    else:
        print(json.dumps(run(read_text()), ensure_ascii=False, indent=2))


def _judge(judge: Guard, text: str, source: Source, hosts: tuple[str, ...]) -> dict[str, Any]:
    found = {verdict.kind: verdict for verdict in judge.check_output(text, allowed_hosts=hosts)}
    found |= {verdict.kind: verdict for verdict in judge.check_input(text, source=source)}
    return {name: _render(found.get(kind)) for name, kind in _COLUMNS}


def _render(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"score": 0.0, "verdict": "pass", "reasons": []}
    return {"score": verdict.score, "verdict": verdict.action, "reasons": list(verdict.reasons)}
