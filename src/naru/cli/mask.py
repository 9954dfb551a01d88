"""`naru mask`: a text on stdin with its personal data masked, on stdout. Nothing is stored or logged."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from naru.cli.text_lines import Answer, answer_line, leave_quietly, number_lines, read_text, write_answers
from naru.kernel.errors import BadRequest

if TYPE_CHECKING:
    from naru.trust.entity import Entity
    from naru.trust.preview import Preview

_BATCH: Final = 64
"""Lines that a worker takes at once; so many are in memory for each worker, times four."""
_MAX_WORKERS: Final = 64


class _Setup(NamedTuple):
    """What is looked for. Sent to worker processes whole."""

    only: frozenset[str]
    threshold: float
    dictionaries: tuple[tuple[str, tuple[str, ...]], ...]
    patterns: tuple[tuple[str, str], ...]


def mask(
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help='Each line is {"id", "text"}; so is each answer, with "masked" instead.'
        ),
    ] = False,
    types: Annotated[bool, typer.Option("--types", help="List the types there are, and end.")] = False,
    only: Annotated[str | None, typer.Option(help="Only these types, e.g. PERSON,PHONE.")] = None,
    threshold: Annotated[
        float, typer.Option(min=0.01, max=1, help="Score from which a finding counts.")
    ] = 0.5,
    dictionary: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: terms of your own, one a line, found as CUSTOM:NAME. Repeat it."),
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option(help="NAME=EXPRESSION of your own, found as CUSTOM:NAME. Repeat it."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=_MAX_WORKERS, help="Processes; with --jsonl. Lines go in batches then.")
    ] = 1,
) -> None:
    """Mask the personal data of a text on stdin. With --jsonl each line is a conversation of its own.

    Example: naru mask --jsonl < prompts.jsonl > masked.jsonl
    """
    if types:
        _print_types()
        return
    setup = _Setup(_read_types(only), threshold, _read_dictionaries(dictionary), _read_patterns(pattern))
    run = _new_masker(setup)  # here too, so that what is wrong with it is said before a line is read
    if jsonl:
        one_by_one = ((number, _answer(line, number, run)) for number, line in number_lines())
        write_answers("mask", one_by_one if workers == 1 else _in_workers(setup, workers))
        return
    try:
        sys.stdout.write(run(read_text()).masked)
        sys.stdout.flush()
    except BrokenPipeError:
        leave_quietly()


def _answer(line: bytes, number: int, run: Callable[[str], Preview]) -> Answer:
    def judge(text: str) -> dict[str, Any]:
        found = run(text)
        return {"masked": found.masked, "entities": [_entity(entity) for entity in found.entities]}

    return answer_line(line, number, judge)


def _entity(entity: Entity) -> dict[str, Any]:
    found = entity._asdict()
    found["score"] = round(entity.score, 4)
    return found


# --- worker processes ------------------------------------------------------------------------------------


def _in_workers(setup: _Setup, workers: int) -> Iterator[tuple[int, Answer]]:
    """The same in several processes: batches go out and come back in order, a bounded number at a time."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import get_context

    numbered = number_lines()
    waiting: deque[Future[list[tuple[int, Answer]]]] = deque()
    context = get_context("spawn")  # a fork would copy the threads' locks of what is loaded
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(setup,)) as pool:
        while batch := list(islice(numbered, _BATCH)):
            waiting.append(pool.submit(_work, batch))
            if len(waiting) >= 4 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


class _Worker:
    """What a worker process holds."""

    run: Callable[[str], Preview]


def _begin(setup: _Setup) -> None:
    _Worker.run = staticmethod(_new_masker(setup))


def _work(batch: list[tuple[int, bytes]]) -> list[tuple[int, Answer]]:
    return [(number, _answer(line, number, _Worker.run)) for number, line in batch]


# --- what is looked for ----------------------------------------------------------------------------------


def _new_masker(setup: _Setup) -> Callable[[str], Preview]:
    from naru.trust.detect import Dictionary, Pattern, Scanner
    from naru.trust.mask import Rules
    from naru.trust.preview import preview

    try:
        scanner = Scanner(
            threshold=setup.threshold,
            dictionaries=[Dictionary(name, terms) for name, terms in setup.dictionaries],
            patterns=[Pattern(name, expression) for name, expression in setup.patterns],
        )
    except ValueError as error:
        raise BadRequest(f"A dictionary or pattern is refused: {error}.") from None
    only = setup.only

    def find(text: str) -> list[Entity]:
        found = scanner.scan(text)
        return [entity for entity in found if entity.type in only] if only else found

    rules = Rules(note=False)
    return lambda text: preview(text, find, rules)


def _read_types(only: str | None) -> frozenset[str]:
    from naru.trust.entity import CUSTOM, ENTITY_TYPES

    chosen = frozenset(type.strip() for type in (only or "").split(",") if type.strip())
    for type in chosen:
        if type not in ENTITY_TYPES and not type.startswith(CUSTOM):
            raise BadRequest(f"There is no type {type}; `naru mask --types` lists them.", param="only")
    return chosen


def _read_dictionaries(given: list[str] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    from naru.trust.term_file import read_terms

    found = []
    for name, file in _read_pairs(given, "dictionary", "FILE"):
        try:
            found.append((name, tuple(read_terms(Path(file).read_bytes()))))
        except OSError as error:
            raise BadRequest(f"{file} cannot be read: {error.strerror}.", param="dictionary") from None
    return tuple(found)


def _read_patterns(given: list[str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(_read_pairs(given, "pattern", "EXPRESSION"))


def _read_pairs(given: list[str] | None, option: str, what: str) -> Iterator[tuple[str, str]]:
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise BadRequest(f"--{option} is NAME={what}.", param=option)
        yield name, value


def _print_types() -> None:
    from naru.trust.about import ABOUT

    for type, about in ABOUT.items():
        print(f"{type:<17} {about}")
    print(f"{'CUSTOM:<name>':<17} your own, of --dictionary and --pattern")
