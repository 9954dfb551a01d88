"""Lines of `{"id", "text"}` on stdin, one answer a line: for `naru mask` and `naru guard`, --jsonl.

A line that cannot be read is answered in its place, so that none is lost; no fault holds a word of it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, NoReturn

import typer

from naru.kernel.errors import BadRequest

BAD: Final = 1
"""Exit code when a line could not be answered, or nobody reads the answers."""
_FORM: Final = "each line is an object with `id` and `text`"


class Answer(NamedTuple):
    """What stands on stdout for one line."""

    text: str
    fault: str | None


def read_text() -> str:
    """All of stdin.

    Raises:
        BadRequest: it is not UTF-8.
    """
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The text is not UTF-8 (at byte {error.start}).") from None


def number_lines() -> Iterator[tuple[int, bytes]]:
    """Every line of stdin that is not blank, with its number."""
    return ((number, line) for number, line in enumerate(sys.stdin.buffer, 1) if line.strip())


def answer_line(line: bytes, number: int, judge: Callable[[str], dict[str, Any]]) -> Answer:
    """The line's id and what `judge` says of its text."""
    id: Any = None
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
        if not isinstance(row, dict):
            return _refuse(None, number, f"no JSON object; {_FORM}")
        id = row.get("id")
        if not isinstance(row.get("text"), str):
            return _refuse(id, number, f"no `text`; {_FORM}")
        found = judge(row["text"])
    except (ValueError, RecursionError):
        return _refuse(id, number, f"no JSON in UTF-8; {_FORM}")
    except Exception as error:  # noqa: BLE001 - one line that cannot be looked through loses no other
        return _refuse(id, number, f"it could not be looked through ({type(error).__name__})")
    return Answer(_write({"id": id, **found}), None)


def write_answers(command: str, answers: Iterable[tuple[int, Answer]]) -> None:
    """Each as soon as it is known; faults on stderr, too.

    Raises:
        typer.Exit: a line was bad, or whoever reads has enough.
    """
    is_bad = False
    out = sys.stdout.buffer
    try:
        for number, answer in answers:
            if answer.fault is not None:
                is_bad = True
                print(f"naru {command}: line {number}: {answer.fault}", file=sys.stderr, flush=True)
            out.write(answer.text.encode() + b"\n")
            out.flush()
    except BrokenPipeError:
        leave_quietly()
    if is_bad:
        raise typer.Exit(BAD)


def leave_quietly() -> NoReturn:
    """Who reads has enough. Python would say so again when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(BAD) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN is no JSON: the answer would be none, either


def _refuse(id: object, number: int, fault: str) -> Answer:
    return Answer(_write({"id": id, "line": number, "error": fault}), fault)


def _write(row: dict[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, in the id
        return json.dumps(row)
    return text
