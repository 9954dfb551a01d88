"""The plan of one combination, as both parties and the body agree on it: a TOML file that holds no secret."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import msgspec

from naru.kernel.errors import ConfigError

KeyItem = Literal["name", "birth_date", "sex", "phone", "email", "address", "text"]
Derived = Literal["birth_year", "sex", "sido", "sigungu"]
DERIVED_FROM: Final[dict[str, str]] = {
    "birth_year": "birth_date",
    "sex": "sex",
    "sido": "address",
    "sigungu": "address",
}
_NAME = re.compile(r"[\w-]{1,60}")
_PARTY = re.compile(r"[A-Za-z0-9_-]{1,20}")


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side: which of its columns are key items, and which may leave it as attributes."""

    key: dict[str, str]
    """Key item -> column. Beside the items `calendar` (양력/음력) and `leap` (윤달) may name columns."""
    attributes: list[str] = []
    """Columns that go to the body as they are. Every column that is not named stays at home."""
    derived: list[Derived] = []
    """Coarse values made of key items: birth_year, sex, sido (시도), sigungu (시군구)."""
    label: str = ""
    sex_codes: dict[str, Literal["M", "F"]] = {}
    """What this party's own codes of sex mean, e.g. {"0" = "M", "1" = "F"}."""


class Roles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each joined column, written PARTY.column, is for the measures."""

    quasi: list[str]
    sensitive: list[str] = []
    ordinal: dict[str, list[str]] = {}
    """Order of the values of a column whose values are no numbers, lowest first."""
    text: list[str] = []
    """Columns of free text, scanned whatever they look like."""


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold before an export. Chosen by the parties and the body: the law names no figure."""

    k: int = 5
    l: int = 1  # noqa: E741 - the field's own name for it
    entropy_l: float = 1.0
    t: float = 1.0
    max_suppressed: float = 0.05
    """Share of rows that `treat` may leave out."""
    max_singled_out: float = 1.0
    """Share of rows that a question on up to three columns of any kind may find alone."""
    max_linkability: float = 1.0
    """Share of rows that a party may find again by the columns it had sent."""
    max_inference: float = 1.0
    """How much better than guessing a class may tell the sensitive value of somebody else in it."""
    small_cell: int = 5


class Treatment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a column may be made coarser."""

    kind: Literal["none", "interval", "prefix", "address", "map", "all"] = "all"
    """interval: numbers in steps; prefix: cut from the right; address: 시군구 → 시도; map: a CSV of levels;
    all: only to `*`; none: never."""
    steps: list[float] = []
    cut: list[int] = []
    """For prefix: how many letters each level replaces by `*`."""
    file: str = ""
    """For map: CSV beside the plan, one row a value: value, level 1, level 2, ..."""
    top: float | None = None
    """Every number above it becomes it (상단코딩)."""
    bottom: float | None = None
    round: float | None = None
    """Numbers are rounded to multiples of it, before anything else."""
    may_be_star: bool = True
    weight: float = 1.0
    """How much it hurts to lose this column's detail, beside the other columns."""


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name, purpose and end."""

    name: str
    purpose: Literal["statistics", "research", "archive"]
    """통계작성, 과학적 연구, 공익적 기록보존: the three of the Personal Information Protection Act, 28-2."""
    destroy_on: date
    duplicates: Literal["drop", "all"] = "drop"
    """A key that one party has more than once: leave it out, or join every row of it (1:n)."""
    lunar: Literal["keep", "convert"] = "keep"
    """Lunar birth dates: kept and marked as lunar, or converted to the solar date."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    project: Project
    parties: dict[str, Party]
    roles: Roles
    key_items: list[KeyItem]
    bounds: Bounds = Bounds()
    treat: dict[str, Treatment] = {}

    @property
    def party_names(self) -> tuple[str, str]:
        """Both, in the order of the file."""
        first, second = self.parties
        return first, second

    def columns_of(self, party: str) -> list[str]:
        """What the body gets of a party, without the serial: derived columns first."""
        return [*self.parties[party].derived, *self.parties[party].attributes]

    def quasi_of(self, party: str) -> list[str]:
        """A party's quasi-identifiers, by its own names."""
        own = f"{party}."
        return [name.removeprefix(own) for name in self.roles.quasi if name.startswith(own)]

    @property
    def joined_columns(self) -> list[str]:
        """Columns of the joined table."""
        return [f"{party}.{column}" for party in self.parties for column in self.columns_of(party)]


def read_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises:
        ConfigError: with the place and how to mend it.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ConfigError("the plan cannot be read; `naru combine init` writes one", path=str(path)) from None
    try:
        plan = msgspec.convert(tomllib.loads(text), Plan)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(f"{error}", path=str(path), line=int(line[1]) if line else None) from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{error}", path=str(path)) from None
    for fault in _faults(plan):
        raise ConfigError(fault, path=str(path))
    return plan


def _faults(plan: Plan) -> list[str]:
    """What msgspec cannot know."""
    found = []
    if not _NAME.fullmatch(plan.project.name):
        found.append("project.name: letters, digits, _ and - only, at most 60: it becomes a file's name")
    if len(plan.parties) != 2:
        found.append("parties: exactly two; combine a third with the result as a project of its own")
    if not plan.key_items or len(set(plan.key_items)) != len(plan.key_items):
        found.append("key_items: at least one, each once")
    for name, party in plan.parties.items():
        found += _party_faults(plan, name, party)
    columns = plan.joined_columns
    for role, named in (
        ("quasi", plan.roles.quasi),
        ("sensitive", plan.roles.sensitive),
        ("ordinal", plan.roles.ordinal),
        ("text", plan.roles.text),
        ("treat", plan.treat),
    ):
        found += [
            f"{role}: there is no joined column {column}; there are {', '.join(columns)}"
            for column in named
            if column not in columns
        ]
    if not plan.roles.quasi:
        found.append("roles.quasi: name the columns from which somebody could tell who a row is")
    if set(plan.roles.quasi) & set(plan.roles.sensitive):
        found.append("roles: a column is quasi or sensitive, not both")
    found += _bound_faults(plan.bounds)
    found += [
        fault for column, treatment in plan.treat.items() for fault in _treatment_faults(column, treatment)
    ]
    return found


def _bound_faults(bounds: Bounds) -> list[str]:
    found = []
    if bounds.k < 2 or bounds.l < 1 or bounds.entropy_l < 1 or not 0 <= bounds.t <= 1:
        found.append("bounds: k at least 2, l and entropy_l at least 1, t between 0 and 1")
    if not 0 <= bounds.max_suppressed < 1 or bounds.small_cell < 1:
        found.append("bounds: max_suppressed is a share from 0 to below 1, small_cell at least 1")
    shares = (bounds.max_singled_out, bounds.max_linkability, bounds.max_inference)
    if not all(0 <= share <= 1 for share in shares):
        found.append("bounds: max_singled_out, max_linkability and max_inference are shares from 0 to 1")
    return found


def _party_faults(plan: Plan, name: str, party: Party) -> list[str]:
    where = f"parties.{name}"
    found = []
    if not _PARTY.fullmatch(name):
        found.append(f"{where}: a party's short name has letters, digits, _ and - only, at most 20")
    found += [
        f"{where}.key: no column for the key item {item}" for item in plan.key_items if item not in party.key
    ]
    known = {*plan.key_items, "calendar", "leap", *DERIVED_FROM.values()}
    found += [f"{where}.key: {item} is no key item of this plan" for item in party.key if item not in known]
    identifiers = {column for item, column in party.key.items() if item not in ("calendar", "leap")}
    found += [
        f"{where}.attributes: {column} is a key item and never goes to the body; name a coarse form of it "
        "in `derived`"
        for column in party.attributes
        if column in identifiers
    ]
    found += [
        f"{where}.derived: {what} needs a column for {DERIVED_FROM[what]} in {where}.key"
        for what in party.derived
        if DERIVED_FROM[what] not in party.key
    ]
    columns = [*party.derived, *party.attributes]
    if len(set(columns)) != len(columns) or "serial" in columns or "" in columns:
        found.append(f"{where}: each attribute once, none of them called serial")
    if not columns:
        found.append(f"{where}: no attribute: there is nothing to combine")
    return found


def _treatment_faults(column: str, treatment: Treatment) -> list[str]:
    where, found = f"treat.{column}", []
    if treatment.kind == "interval" and not treatment.steps:
        found.append(f"{where}: interval needs steps, like [5, 10, 20]")
    if treatment.kind == "prefix" and not treatment.cut:
        found.append(f"{where}: prefix needs cut, like [2, 4]")
    if treatment.kind == "map" and not treatment.file:
        found.append(f"{where}: map needs file, a CSV of value, level 1, level 2, ...")
    rising = list(treatment.steps)
    if any(step <= 0 for step in rising) or rising != sorted(set(rising)):
        found.append(f"{where}.steps: rising, above 0")
    if any(later % earlier for earlier, later in pairwise(rising)):
        found.append(f"{where}.steps: each a multiple of the one before, so that levels nest")
    if any(cut < 1 for cut in treatment.cut) or treatment.cut != sorted(set(treatment.cut)):
        found.append(f"{where}.cut: rising, at least 1")
    if treatment.round is not None and treatment.round <= 0:
        found.append(f"{where}.round: above 0")
    return found


def core_of(plan: Plan) -> Mapping[str, object]:
    """What may not change once keys are made: it decides what the keys mean."""
    return {
        "name": plan.project.name,
        "lunar": plan.project.lunar,
        "key_items": plan.key_items,
        "keys": {
            name: {"key": party.key, "sex_codes": dict(party.sex_codes)}
            for name, party in plan.parties.items()
        },
    }
