"""A policy as the fields of a form, and back. What a form does not show stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, cast

import msgspec

from naru.kernel.errors import BadRequest
from naru.trust.entity import CUSTOM, ENTITY_TYPES
from naru.trust.policy import ACTIONS, ANY, GUARD_ACTIONS, GUARD_KINDS, Action, GuardAction, GuardKind, Rules

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "people": ("PERSON", "PHONE", "EMAIL", "ADDRESS", "POSTAL_CODE", "BIRTH_DATE"),
    "papers": (
        "KR_RRN",
        "KR_FRN",
        "PASSPORT",
        "DRIVER_LICENSE",
        "HEALTH_INSURANCE",
        "US_SSN",
        "VEHICLE",
    ),
    "money": ("CARD", "ACCOUNT", "IBAN", "KR_BRN", "KR_CRN"),
    "secrets": ("PASSWORD", "API_KEY", "PRIVATE_KEY", "JWT", "URL", "IP"),
}
"""Every type, as a reader looks for it."""
DONE: Final = ("set", "removed", "undone", "words", "forgotten")
"""What a page may say that was done."""
MAX_OWN: Final = 50
"""Own words with a line of theirs in the form; a form has a hundred fields at most."""
ListName = Literal["fakes", "restore_hosts", "restore_tools"]
LISTS: Final[tuple[ListName, ...]] = ("fakes", "restore_hosts", "restore_tools")
_BREAK: Final = re.compile(r"[,\r\n]+")
_FIELD: Final[Mapping[str, str]] = {"action": "action.", "guard": "guard."}


def list_groups(own: Iterable[str], rules: Rules) -> dict[str, tuple[str, ...]]:
    """The lines of the form: all types, own words that there are or that the policy names, and all others."""
    custom = sorted({*own, *(type for type in rules.actions if type.startswith(CUSTOM))})
    return {**GROUPS, "own": tuple(custom[:MAX_OWN]), "others": (ANY,)}


def read_rules(form: Mapping[str, str], known: Rules) -> Rules:
    """What the form says.

    Args:
        known: what the policy says now; fields that the form lacks stay as they are there.

    Raises:
        BadRequest: a field holds what no select of ours offers.
    """
    actions = dict(known.actions)
    for type, said in _read(form, "action").items():
        actions.pop(type, None)
        if said:
            actions[type] = cast("Action", _one_of(said, ACTIONS))
    guard = dict(known.guard)
    for kind, said in _read(form, "guard").items():
        named = cast("GuardKind", _one_of(kind, GUARD_KINDS))
        guard.pop(named, None)
        if said:
            guard[named] = cast("GuardAction", _one_of(said, GUARD_ACTIONS))
    lists = {name: _read_list(form, name, getattr(known, name)) for name in LISTS}
    consent = known.capture_consent
    if "consent" in form:
        consent = {"yes": True, "no": False}.get(form["consent"])
    return Rules(actions=actions, guard=guard, capture_consent=consent, **lists)


def write_undo(rules: Rules | None) -> str:
    """What the policy said before, for the form that brings it back; "" when there was none."""
    return "" if rules is None else msgspec.json.encode(rules).decode()


def read_undo(text: str) -> Rules | None:
    """The same back.

    Raises:
        BadRequest: it is not what we wrote.
    """
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Rules)
    except msgspec.DecodeError:
        raise BadRequest("What there was before cannot be read. Set it by hand.") from None


def strictest_types(rules: Rules) -> list[tuple[str, Action]]:
    """What a policy says of types, the strictest first, then in the order of the form."""
    order = {type: place for place, type in enumerate((ANY, *ENTITY_TYPES))}
    said = sorted(rules.actions.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    return sorted(said, key=lambda item: -ACTIONS.index(item[1]))


def _read(form: Mapping[str, str], kind: str) -> dict[str, str]:
    prefix = _FIELD[kind]
    return {name[len(prefix) :]: said for name, said in form.items() if name.startswith(prefix)}


def _read_list(form: Mapping[str, str], name: str, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if f"said.{name}" not in form:
        return known
    named = tuple(part.strip() for part in _BREAK.split(form.get(f"list.{name}", "")) if part.strip())
    # Who writes names and forgets the select beside them means the names.
    return named if form[f"said.{name}"] or named else None


def _one_of(said: str, offered: Iterable[str]) -> str:
    if said not in offered:
        raise BadRequest("The form says what cannot be chosen there. Load the page again.")
    return said
