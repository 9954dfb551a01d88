"""A party's own step: one table in, two files out that share nothing but random serials.

Rows come out in the order of their serials, which is random: their place says nothing about the table.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from naru.kernel.errors import BadRequest
from naru.trust.combine import normalise
from naru.trust.combine.classes import group
from naru.trust.combine.clock import require_open
from naru.trust.combine.files import read_rows, replacing, write_rows
from naru.trust.combine.keys import ProjectKey, read_key
from naru.trust.combine.plan import Derived, Plan
from naru.trust.combine.table import Table, read_table
from naru.trust.combine.workspace import Workspace
from naru.trust.entity import Entity

Progress = Callable[[int], None]
_EVERY: Final = 50_000
_IDENTIFYING: Final = ("name", "birth_date", "phone", "email", "address", "text")
_DIRECT = re.compile(
    r"(?P<resident>(?<!\d)\d{2}[01]\d[0-3]\d\s?[-–]?\s?[0-9]\d{6}(?!\d))"
    r"|(?P<phone>(?<!\d)(?:\+?82[- ]?|0)1[016-9][-. ]?\d{3,4}[-. ]?\d{4}(?!\d))"
    r"|(?P<email>[\w.+-]{1,64}@[\w-]{1,63}\.\w)"
)
_OWN: Final = "<KEY_ITEM>"
_SHORTEST: Final = 6
"""No direct identifier is shorter; most attributes are."""


class Scan(Protocol):
    """As `naru.trust.detect.Scanner`."""

    def scan(self, text: str) -> list[Entity]: ...


def prepare(
    work: Workspace,
    party: str,
    path: Path,
    *,
    secret: Path | None = None,
    encoding: str = "utf-8-sig",
    scanner: Scan | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the key manager's file and the body's file of one party.

    Args:
        scanner: masks the columns that the plan calls free text.
        progress: told of the rows read so far, now and then.

    Returns:
        Counts: rows, rows with a key, rows without by item; `unchanged` when it was all done before.

    Raises:
        BadRequest: the table is damaged, or an attribute holds identifiers.
    """
    plan = work.plan
    require_party(plan, party)
    require_open(plan, work.clock)
    key = read_key(secret or work.secret, plan.project.name)
    if plan.project.lunar == "convert" and find_spec("korean_lunar_calendar") is None:
        raise BadRequest(
            'lunar = "convert" needs korean-lunar-calendar: install Naru with its extra `combine`, or let '
            "both parties keep lunar dates"
        )
    settings = [key.fingerprint, encoding, plan.parties[party].attributes, plan.parties[party].derived,
                plan.roles.text, scanner is not None]  # fmt: skip
    name = f"prepare:{party}"
    done = work.is_done(name, {"table": path}, settings) if path.is_file() else None
    if done is not None:
        return {**done, "unchanged": True}
    reader = _Reader(plan, party, key, scanner)
    table = read_table(plan.columns_of(party), reader.read(path, encoding, progress))
    if not table.rows:
        why = f"has all key items ({_counts(reader.without)})" if reader.rows else "stands below the header"
        raise BadRequest(f"{path}: no row {why}; look at the columns")
    reader.refuse_identifiers(path, table.rows)
    outputs = _write(work, party, table, reader.digests)
    facts = {
        "rows": reader.rows,
        "rows_with_key": table.rows,
        "without": dict(reader.without),
        "masked": reader.masked,
        "key": key.fingerprint,
    }
    work.finish(name, {"table": path}, outputs, facts, settings)
    return facts


def select(work: Workspace, party: str, listed: Path | None = None) -> dict[str, Any]:
    """Leave in the body's file only the rows that will join (가명정보 추출).

    Args:
        listed: the extraction list from the key manager.
    """
    require_party(work.plan, party)
    require_open(work.plan, work.clock)
    listed = listed or work.extract(party)
    wanted = {cells[0] for _, cells in read_rows(listed, ["serial"])}
    path = work.attributes(party)
    header = ["serial", *work.plan.columns_of(party)]
    rows = [cells for _, cells in read_rows(path, header)]
    is_kept = [cells[0] in wanted for cells in rows]
    kept = [cells for cells, stays in zip(rows, is_kept, strict=True) if stays]
    if len(kept) < len(wanted):
        raise BadRequest(f"{listed} names serials that {path.name} does not have: it is of another run")
    if len(kept) < len(rows):
        target = _target(work, party)
        work.tell("combine.hand_over", target, {"file": path.name, "to": "body", "rows": len(kept)})
        table = read_table(header[1:], (cells[1:] for cells in rows))
        quasi = work.plan.quasi_of(party)
        with replacing(work.counts(party)) as file:
            json.dump(count_sent(table, quasi, np.array(is_kept)), file, indent=1)
        write_rows(path, header, kept)
        outputs = [work.keys(party), path, work.counts(party)]
        work.amend(f"prepare:{party}", outputs, {"selected": len(kept)})
    return {"rows": len(kept), "left_out": len(rows) - len(kept)}


def count_sent(table: Table, quasi: list[str], joined: NDArray[np.bool_]) -> dict[str, Any]:
    """Figures that need all rows of a party, also those that will not join.

    Returns:
        `quasi`, the columns looked at; `unique`, the share of rows alone in them; `presence`: of the rows
        alike in them the share that joins, at the `highest` (δ-presence), and the share of rows where all
        alike join, whose being the other's customers is `certain`. Both None without columns to look at.
    """
    if not quasi:
        return {"quasi": [], "unique": None, "presence": None}
    chosen = [table.columns[name] for name in quasi]
    classes, count = group([c.codes for c in chosen], [len(c.values) for c in chosen], table.rows)
    had = np.bincount(classes, minlength=count)
    went = np.bincount(classes[joined], minlength=count)
    rows = max(table.rows, 1)
    return {
        "quasi": quasi,
        "unique": round(float((had == 1).sum() / rows), 6),
        "presence": {
            "highest": round(float((went / had).max(initial=0.0)), 6),
            "certain": round(float(had[went == had].sum() / rows), 6),
        },
    }


def require_party(plan: Plan, party: str) -> None:
    """Raises BadRequest where the plan has no such party."""
    if party not in plan.parties:
        raise BadRequest(f"the plan has no party {party}; it has {' and '.join(plan.parties)}")


class _Reader:
    """Turns rows into digests and attributes, and counts what it meets. Holds no row."""

    def __init__(self, plan: Plan, party: str, key: ProjectKey, scanner: Scan | None) -> None:
        side = plan.parties[party]
        self._plan, self._side, self._key, self._scanner = plan, side, key, scanner
        self._texts = {column for column in side.attributes if f"{party}.{column}" in plan.roles.text}
        self.digests = bytearray()
        self.rows = 0
        self.masked = 0
        self.without: Counter[str] = Counter()
        self._echoes: Counter[str] = Counter()
        if self._texts and scanner is None:
            raise BadRequest(
                f"{', '.join(sorted(self._texts))}: free text needs the PII scanner, which is missing"
            )

    def read(self, path: Path, encoding: str, progress: Progress | None) -> Iterator[list[str]]:
        side, plan = self._side, self._plan
        items = list(side.key)
        columns = [*side.key.values(), *side.attributes]
        unique = list(dict.fromkeys(columns))
        places = [unique.index(column) for column in columns]
        identifying = [places[at] for at, item in enumerate(items) if item in _IDENTIFYING]
        attributes = list(zip(side.attributes, places[len(items) :], strict=True))
        wanted = [(item, places[items.index(item)]) for item in plan.key_items]
        calendar = places[items.index("calendar")] if "calendar" in items else None
        leap = places[items.index("leap")] if "leap" in items else None
        derived = [self._derive(what, items, places) for what in side.derived]
        for line, cells in read_rows(path, unique, encoding):
            self.rows += 1
            if progress is not None and self.rows % _EVERY == 0:
                progress(self.rows)
            made = [self._item(item, cells[at], cells, calendar, leap) for item, at in wanted]
            if "" in made:
                self.without[plan.key_items[made.index("")]] += 1
                continue
            self.digests += bytes.fromhex(self._key.combine(made))
            kept = [derive(cells) for derive in derived]
            own = {cells[at] for at in identifying}
            for column, at in attributes:
                cell = cells[at]
                if column in self._texts and cell:
                    cell = self._mask(cell, own)
                elif cell in own and cell:
                    self._echoes[column] += 1
                    self.masked += 1
                    cell = ""
                if len(cell) >= _SHORTEST and (match := _DIRECT.search(cell)):
                    raise BadRequest(
                        f"{path}, line {line}, column {column}: holds a direct identifier "
                        f"({match.lastgroup}); "
                        "leave the column out of `attributes`, or name it in roles.text to have it masked"
                    )
                kept.append(cell)
            yield kept

    def refuse_identifiers(self, path: Path, rows: int) -> None:
        """A column that again and again equals a key item of its row is that key item under another name; a
        cell that did so here and there was left empty."""
        for column, count in self._echoes.items():
            if count > max(1, rows // 200):
                raise BadRequest(
                    f"{path}, column {column}: equals a key item of its own row in {count} of {rows} rows; "
                    "leave it out of `attributes`"
                )

    def _item(
        self, item: str, cell: str, cells: tuple[str, ...], calendar: int | None, leap: int | None
    ) -> str:
        if item == "birth_date":
            return normalise.birth_date(
                cell,
                "" if calendar is None else cells[calendar],
                "" if leap is None else cells[leap],
                self._plan.project.lunar,
            )
        if item == "sex":
            return normalise.sex(cell, self._side.sex_codes)
        return normalise.NORMALISERS[item](cell)

    def _derive(self, what: Derived, items: list[str], places: list[int]) -> Callable[[tuple[str, ...]], str]:
        at = places[items.index({"birth_year": "birth_date", "sex": "sex"}.get(what, "address"))]
        codes = self._side.sex_codes
        if what == "birth_year":
            return lambda cells: normalise.birth_year(cells[at])
        if what == "sex":
            return lambda cells: normalise.sex(cells[at], codes)
        part = 0 if what == "sido" else 1
        return lambda cells: normalise.district(cells[at])[part]

    def _mask(self, text: str, own: set[str]) -> str:
        """Without the row's own key items, as they are written there or without blanks, and what is found."""
        assert self._scanner is not None
        for value in own:
            for form in {value, value.replace(" ", "")}:
                if len(form) > 1 and form in text:
                    text = text.replace(form, _OWN)
                    self.masked += 1
        for entity in reversed(self._scanner.scan(text)):
            text = f"{text[: entity.start]}<{entity.type}>{text[entity.end :]}"
            self.masked += 1
        return text


def _write(work: Workspace, party: str, table: Table, digests: bytearray) -> list[Path]:
    count = table.rows
    serials = np.frombuffer(secrets.token_bytes(16 * count), np.uint8).reshape(count, 16)
    order = np.lexsort(serials.view(">u8").T[::-1])
    serial_text = serials[order].tobytes().hex()
    keys = np.frombuffer(bytes(digests), np.uint8).reshape(count, 32)[order].tobytes().hex()
    shuffled = table.take(order.astype(np.int64))
    target = _target(work, party)
    outputs = [work.keys(party), work.attributes(party)]
    work.counts(party).unlink(missing_ok=True)  # of a run whose rows were selected from
    with work.handing_over(outputs[0], "key manager", target) as file:
        file.write("key,serial\n")
        file.writelines(
            f"{keys[64 * row : 64 * row + 64]},{serial_text[32 * row : 32 * row + 32]}\n"
            for row in range(count)
        )
    work.tell("combine.hand_over", target, {"file": outputs[1].name, "to": "body", "rows": count})
    write_rows(
        outputs[1],
        ["serial", *shuffled.columns],
        ((serial_text[32 * row : 32 * row + 32], *cells) for row, cells in enumerate(shuffled.iterate())),
    )
    return outputs


def _target(work: Workspace, party: str) -> str:
    return f"combine:{work.plan.project.name}/{party}"


def _counts(without: Counter[str]) -> str:
    return ", ".join(f"{count} without {item}" for item, count in without.most_common())
