"""How commands that administer print: JSON for scripts, a table for people."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer


def print_json(value: object) -> None:
    """One document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    """Columns as wide as they need to be; `empty` is said on stderr when there are no rows."""
    if not rows:
        typer.echo(empty, err=True)
        return
    lines = [list(headings), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = (text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """A name and a value a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        typer.echo(f"{name:<{width}}  {plain(value)}")


def _width(text: str) -> int:
    """Columns of a terminal: Korean takes two a letter."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def plain(text: str) -> str:
    """`text` without what a terminal would obey: names are other people's."""
    return "".join(c if c.isprintable() else "?" for c in text)


def moment(text: str | None, missing: str = "-") -> str:
    """A time of the API, in UTC to the minute."""
    return missing if text is None else datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")


def listed(values: Sequence[Any]) -> str:
    """A restriction; an empty one is none."""
    return ", ".join(map(str, values)) or "any"
