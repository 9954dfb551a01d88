"""Where each line of a policy comes from: the same rules as `PolicyTable.resolve`, with the source kept.

A property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from naru.trust.policy import (
    ANY,
    GUARD_KINDS,
    Action,
    GuardAction,
    GuardKind,
    PolicyTable,
    Rules,
    Scoped,
    stricter,
)

T = TypeVar("T")
DEFAULT = "default"
SETTINGS = "naru.toml"


class Line(NamedTuple, Generic[T]):
    """One thing that holds, and who says so: `default`, `naru.toml`, `inside`, `org:…`, `team:…`,
    `project:…`, `route:…` or `site:…`."""

    value: T
    source: str


class Explained(msgspec.Struct, frozen=True):
    """A policy, line by line."""

    actions: dict[str, Line[Action]]
    """Of the types that somebody names, and `*` for the others."""
    guard: dict[GuardKind, Line[GuardAction]]
    fakes: Line[tuple[str, ...]]
    restore_hosts: Line[tuple[str, ...]]
    restore_tools: Line[tuple[str, ...]]
    capture_consent: Line[bool]

    def action_of(self, type: str) -> Line[Action]:
        """What becomes of a value of this type."""
        return self.actions.get(type) or self.actions[ANY]


def explain(
    table: PolicyTable,
    org: str | None,
    team: str | None,
    project: str | None,
    route: str | None = None,
    site: str | None = None,
    *,
    is_inside: bool = False,
) -> Explained:
    """The policy of a call as `table.resolve` would give it; site None: any site outside."""
    chain, floors = table.find_layers(org, team, project, route, site)
    actions: dict[str, Line[Action]] = {}
    for layer in chain:
        if ANY in layer.rules.actions:
            actions.clear()
        actions |= {type: Line(action, _name(layer)) for type, action in layer.rules.actions.items()}
    actions.setdefault(ANY, Line("mask", DEFAULT))
    if is_inside:
        actions = {
            type: line if line.value == "block" else Line("allow", "inside") for type, line in actions.items()
        }
    for layer in floors:
        said = layer.rules.actions
        named = {*actions, *said}
        actions = {type: _raise(actions, type, said, _name(layer)) for type in named}
    every = [*chain, *floors]
    return Explained(
        actions=actions,
        guard={kind: _last(every, _verdict_on(kind), "off") for kind in GUARD_KINDS},
        fakes=_last(every, lambda rules: rules.fakes, ()),
        restore_hosts=_last(every, lambda rules: rules.restore_hosts, ()),
        restore_tools=_last(every, lambda rules: rules.restore_tools, ()),
        capture_consent=_last(chain, lambda rules: rules.capture_consent, False),
    )


def _raise(actions: dict[str, Line[Action]], type: str, said: dict[str, Action], source: str) -> Line[Action]:
    line = actions.get(type) or actions[ANY]
    floor = said.get(type) or said.get(ANY) or "allow"
    return line if stricter(line.value, floor) == line.value else Line(floor, source)


def _last(layers: list[Scoped], read: Callable[[Rules], T | None], default: T) -> Line[T]:
    found = Line(default, DEFAULT)
    for layer in layers:
        value = read(layer.rules)
        if value is not None:
            found = Line(value, _name(layer))
    return found


def _verdict_on(kind: GuardKind) -> Callable[[Rules], GuardAction | None]:
    return lambda rules: rules.guard.get(kind)


def _name(layer: Scoped) -> str:
    return SETTINGS if layer.kind == "base" else f"{layer.kind}:{layer.value}"
