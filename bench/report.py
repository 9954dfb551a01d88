"""The run as Markdown, and its place in the docs: between two marks, so that the words around it stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.contenders import FAST, SLOW
from bench.results import Results, judge

BEGIN = "<!-- bench:begin (written by `make bench`; do not edit) -->"
END = "<!-- bench:end -->"


def render(results: Results) -> str:
    """All tables of one run."""
    sections = [
        _machine(results),
        "### Goals\n\n" + _goals(results),
        _throughput(results),
        _latency(results),
        _streaming(results),
        _head_of_line(results),
        _memory(results),
        _startup(results),
        _failures(results),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def write_into(page: Path, text: str) -> None:
    """Replace what stands between the marks.

    Raises:
        ValueError: the page lacks a mark.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the marks between which the tables go")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine(results: Results) -> str:
    facts = {**results.machine, **results.conditions}
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _goals(results: Results) -> str:
    marks = {True: "met", False: "**not met**", None: "–"}
    return _table(
        ("goal", "wanted", "measured", "met"),
        ((goal.name, goal.wanted, goal.measured, marks[goal.is_met]) for goal in judge(results)),
    )


def _throughput(results: Results) -> str:
    if not results.throughput:
        return ""
    rows = []
    for name, title in results.titles.items():
        row = [title]
        for upstream in (FAST, SLOW):
            found = results.throughput.get(upstream, {}).get(name)
            if found is None:
                row += ["–", "–"]
            elif found.void:
                row += ["void", found.void.splitlines()[0][:80]]
            else:
                row += [f"{found.per_second:,.0f}", f"{found.spread:.0%}"]
        rows.append(row)
    head = ("", "upstream 0 ms", "spread", "upstream 20 ms", "spread")
    return "### Requests per second, 64 connections\n\n" + _table(head, rows)


def _latency(results: Results) -> str:
    if not results.latency:
        return ""
    rows = [
        (
            results.titles[name],
            f"{found.p50_ms:.3f}",
            f"{found.p99_ms:.3f}",
            f"{found.added_p50_ms:.3f}",
            f"{found.added_p99_ms:.3f}",
            f"{found.requests:,}",
        )
        for name, found in results.latency.items()
    ]
    head = ("", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", "requests")
    return "### Latency at one connection\n\n" + _table(head, rows)


def _streaming(results: Results) -> str:
    if not results.first_token and not results.crowds:
        return ""
    parts = ["### Streaming, 20 ms a token"]
    if results.first_token:
        rows = [
            (
                results.titles[name],
                f"{found.p50_ms:.2f}",
                f"{found.p99_ms:.2f}",
                f"{found.added_p50_ms:.2f}",
                f"{found.added_p99_ms:.2f}",
                f"{found.streams:,}",
            )
            for name, found in results.first_token.items()
        ]
        head = ("first token, 16 at once", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", "streams")
        parts.append(_table(head, rows))
    if results.crowds:
        crowded = [
            (
                results.titles[name],
                str(crowd.at_once),
                f"{crowd.clean} of {crowd.streams}",
                f"{crowd.gap_p50_ms:.1f}",
                f"{crowd.gap_p99_ms:.1f}",
                f"{crowd.slowest_s:.2f}",
                crowd.flaw or "",
            )
            for name, crowds in results.crowds.items()
            for crowd in crowds
        ]
        head_crowded = (
            "many at once",
            "at once",
            "clean",
            "gap p50 ms",
            "gap p99 ms",
            "slowest s",
            "first flaw",
        )
        parts.append(_table(head_crowded, crowded))
    return "\n\n".join(parts)


def _head_of_line(results: Results) -> str:
    if not results.head_of_line:
        return ""
    rows = [
        (
            results.titles[name],
            f"{found.alone_p99_ms:.1f}",
            f"{found.beside_p99_ms:.1f}",
            f"{found.beside_p99_ms / found.alone_p99_ms:.2f}",
            f"{found.alone_max_ms:.1f}",
            f"{found.beside_max_ms:.1f}",
            f"{found.clean} of {found.streams}",
            str(found.bulky_answered),
        )
        for name, found in results.head_of_line.items()
    ]
    head = (
        "gaps in ms",
        "p99 alone",
        "p99 beside",
        "ratio",
        "max alone",
        "max beside",
        "clean",
        "huge ones answered",
    )
    return "### 16 small streams beside a 100k-token request every 200 ms\n\n" + _table(head, rows)


def _memory(results: Results) -> str:
    if not results.memory:
        return ""
    rows = [
        (
            results.titles[name],
            ", ".join(
                f"{mib:.0f} ({'at rest' if requests == 0 else f'{requests:,}'})"
                for requests, mib in found.readings
            ),
        )
        for name, found in results.memory.items()
    ]
    return "### Resident memory, MiB (after so many requests)\n\n" + _table(("", "readings"), rows)


def _startup(results: Results) -> str:
    if results.startup is None:
        return ""
    rows = [
        (title, ", ".join(f"{value:.2f}" for value in values))
        for title, values in (
            ("new home", results.startup.first_s),
            ("existing home", results.startup.again_s),
        )
    ]
    return "### Start to first answer, seconds of each try\n\n" + _table(("Naru", "tries"), rows)


def _failures(results: Results) -> str:
    if not results.failures:
        return ""
    lines = [f"- {name}: {reason.splitlines()[0]}" for name, reason in results.failures.items()]
    return "### Not measured\n\n" + "\n".join(lines)
