"""Joins two parties: keys to links at the key manager, links and attributes to one table at the body."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from naru.kernel.errors import BadRequest, Conflict, NotFound
from naru.trust.combine.classes import group
from naru.trust.combine.clock import require_open
from naru.trust.combine.files import read_header, read_rows, replacing, write_rows
from naru.trust.combine.plan import Plan
from naru.trust.combine.table import Codes, Column, Table, read_table
from naru.trust.combine.workspace import Workspace

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_SERIAL: Final = re.compile(r"[0-9a-f]{32}")
_MOST_PER_ROW: Final = 20
_Serials = list[str]


def link(work: Workspace) -> dict[str, Any]:
    """The key manager's step: compare keys, hand on which serial belongs to which, and nothing else.

    Returns:
        For each party rows, distinct keys and rows whose key occurs more than once; how many persons matched,
        how many pairs of rows that makes, and the join rates.
    """
    require_open(work.plan, work.clock)
    first, second = work.plan.party_names
    inputs = {first: work.keys(first), second: work.keys(second)}
    for party, path in inputs.items():
        if not path.is_file():
            raise NotFound(f"{path} is not here: {party} makes it with `naru combine prepare`")
    duplicates = work.plan.project.duplicates
    done = work.is_done("link", inputs, duplicates)
    if done is not None:
        return {**done, "unchanged": True}
    sides = {party: _read_keys(path) for party, path in inputs.items()}
    left, right = sides[first], sides[second]
    shared = left.keys() & right.keys()
    one_to_one = sum(1 for key in shared if len(left[key]) == len(right[key]) == 1)
    ambiguous = len(shared) - one_to_one
    if duplicates == "all":
        _refuse_explosion(sum(len(left[key]) * len(right[key]) for key in shared), left, right)
    pairs = [
        (one, other)
        for key in shared
        if duplicates == "all" or len(left[key]) == len(right[key]) == 1
        for one in left[key]
        for other in right[key]
    ]
    pairs.sort()  # by a random number: the order of the keys is not handed on
    facts: dict[str, Any] = {
        "parties": {
            party: {
                "rows": sum(map(len, keys.values())),
                "keys": len(keys),
                "rows_of_repeated_keys": sum(len(serials) for serials in keys.values() if len(serials) > 1),
            }
            for party, keys in sides.items()
        },
        "matched_keys": len(shared),
        "matched_one_to_one": one_to_one,
        "matched_repeated": ambiguous,
        "joined_rows": len(pairs),
    }
    for place, party in enumerate(work.plan.party_names):
        rows = facts["parties"][party]["rows"]
        facts["parties"][party]["join_rate"] = round(len({pair[place] for pair in pairs}) / rows, 6)
    union = len(left) + len(right) - len(shared)
    facts["rate_of_all"] = round(len(shared) / union, 6)
    with work.handing_over(work.links, "body", _target(work)) as file:
        file.write(f"serial_{first},serial_{second}\n")
        file.writelines(f"{one},{other}\n" for one, other in pairs)
    with replacing(work.link_counts) as file:
        json.dump(facts, file, ensure_ascii=False, indent=1)
    work.finish("link", inputs, [work.links, work.link_counts], facts, duplicates)
    return facts


def read_rates(work: Workspace) -> dict[str, Any]:
    """What `link` counted, at the key manager or at the body.

    Raises:
        NotFound: nothing is linked yet.
    """
    try:
        found: dict[str, Any] = json.loads(work.link_counts.read_text("utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"{work.link_counts} is not here: the key manager makes it with `naru combine link`"
        ) from None
    return found


def extract(work: Workspace) -> dict[str, Any]:
    """The key manager's lists of rows that will join, one a party, so that no other row leaves it."""
    require_open(work.plan, work.clock)
    pairs = [cells for _, cells in read_rows(work.links, _link_columns(work.plan))]
    counts: dict[str, Any] = {}
    for place, party in enumerate(work.plan.party_names):
        serials = sorted({cells[place] for cells in pairs})
        work.tell("combine.hand_over", f"{_target(work)}/{party}",
                  {"file": work.extract(party).name, "to": party, "rows": len(serials)})  # fmt: skip
        write_rows(work.extract(party), ["serial"], ((serial,) for serial in serials))
        counts[party] = len(serials)
    return {"rows": counts}


def join(work: Workspace, *, sample: float | None = None) -> dict[str, Any]:
    """The body's step: one table with the columns of both, without serials, in a new random order.

    Args:
        sample: share of the links to try the join with (모의결합), written to `mock.csv`; None joins all.

    Raises:
        BadRequest: links and attributes are not of the same run.
    """
    require_open(work.plan, work.clock)
    plan = work.plan
    if sample is not None and not 0 < sample <= 1:
        raise BadRequest("a sample is a share above 0 and at most 1")
    first, second = plan.party_names
    inputs = {"links": work.links, first: work.attributes(first), second: work.attributes(second)}
    for path in inputs.values():
        if not path.is_file():
            raise NotFound(f"{path} is not here yet; `naru combine status` says who makes it")
    name = "join" if sample is None else "mock"
    output = work.table("joined" if sample is None else "mock")
    settings = [sample, plan.joined_columns]
    done = work.is_done(name, inputs, settings)
    if done is not None:
        return {**done, "unchanged": True}
    pairs = [cells for _, cells in read_rows(work.links, _link_columns(plan))]
    if sample is not None:
        # Serials are random, so the first links are a random sample, and the same one when it is asked again.
        pairs = pairs[: max(1, round(len(pairs) * sample))] if pairs else []
    if not pairs:
        raise Conflict(
            "nothing joins: no link was found; compare key items and normalisation of both parties"
        )
    joined = Table(rows=len(pairs))
    for place, party in enumerate(plan.party_names):
        table, index = _read_attributes(work, party)
        try:
            rows = np.fromiter((index[cells[place]] for cells in pairs), np.int64, len(pairs))
        except KeyError:
            raise BadRequest(
                f"{work.links.name} names serials that {work.attributes(party).name} does not have: prepare "
                "and link are of different runs"
            ) from None
        for column, values in table.take(rows).columns.items():
            joined.columns[f"{party}.{column}"] = values
    del pairs
    order = np.argsort(np.frombuffer(secrets.token_bytes(8 * joined.rows), np.uint64)).astype(np.int64)
    shuffled = joined.take(order)
    write_rows(output, list(shuffled.columns), shuffled.iterate())
    facts: dict[str, Any] = {"rows": shuffled.rows, "columns": len(shuffled.columns)}
    facts["unique_share"] = round(_unique_share(shuffled, plan.roles.quasi), 6)
    work.tell("combine.join", _target(work), {"rows": shuffled.rows, "mock": sample is not None})
    work.finish(name, inputs, [output], facts, settings)
    return facts


def read_joined(work: Workspace, name: str) -> Table:
    """`mock`, `joined` or `treated` as a table."""
    path = work.table(name)
    if not path.is_file():
        raise NotFound(f"{path} is not here yet; `naru combine status` says what comes first")
    header = read_header(path)
    return read_table(header, (cells for _, cells in read_rows(path, header)))


def _refuse_explosion(count: int, left: Mapping[bytes, _Serials], right: Mapping[bytes, _Serials]) -> None:
    """A key that both have a thousand times makes a million rows: such a key is a placeholder, no person."""
    given = sum(map(len, left.values())) + sum(map(len, right.values()))
    if count > _MOST_PER_ROW * given:
        raise Conflict(
            f"{count:,} rows would come of {given:,}: some key stands for many people at once (a placeholder "
            "in a key item?); mend the tables, or set duplicates to drop"
        )


def _read_keys(path: Path) -> dict[bytes, _Serials]:
    """Serials of each key."""
    found: dict[bytes, _Serials] = {}
    seen = 0
    for line, (key, serial) in read_rows(path, ["key", "serial"]):
        if not _KEY.fullmatch(key) or not _SERIAL.fullmatch(serial):
            at = "key" if not _KEY.fullmatch(key) else "serial"
            raise BadRequest(f"{path}, line {line}, column {at}: is not what `naru combine prepare` writes")
        digest = bytes.fromhex(key)
        known = found.get(digest)
        if known is None:
            found[digest] = [serial]
        else:
            known.append(serial)
        seen += 1
    if not seen:
        raise BadRequest(f"{path}: holds no key")
    return found


def _read_attributes(work: Workspace, party: str) -> tuple[Table, dict[str, int]]:
    """A party's attributes, and the row of each serial."""
    path = work.attributes(party)
    columns = work.plan.columns_of(party)
    index: dict[str, int] = {}

    def rows() -> Iterator[tuple[str, ...]]:
        for row, (line, cells) in enumerate(read_rows(path, ["serial", *columns])):
            if index.setdefault(cells[0], row) != row:
                raise BadRequest(f"{path}, line {line}, column serial: the same serial twice")
            yield cells[1:]

    return read_table(columns, rows()), index


def codes_of(table: Table, columns: list[str]) -> tuple[Codes, int]:
    """Classes of rows that agree in these columns."""
    chosen: list[Column] = [table.columns[column] for column in columns]
    return group([c.codes for c in chosen], [len(c.values) for c in chosen], table.rows)


def _unique_share(table: Table, columns: list[str]) -> float:
    classes, count = codes_of(table, columns)
    return float((np.bincount(classes, minlength=count) == 1).sum() / max(table.rows, 1))


def _link_columns(plan: Plan) -> list[str]:
    return [f"serial_{party}" for party in plan.party_names]


def _target(work: Workspace) -> str:
    return f"combine:{work.plan.project.name}"
