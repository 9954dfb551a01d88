"""What may leave: which action each type of personal data gets, for whose call and where to.

Nearest wins upwards (project, team, organisation, then `naru.toml`); what is said of a route or a site comes
on top, and there the stricter of both holds. Nothing here does I/O: rows and settings are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeVar, get_args

import msgspec

from naru.trust.entity import CUSTOM, ENTITY_TYPES

T = TypeVar("T")
Action = Literal["allow", "mask", "keep_inside", "block"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""From the most lenient to the strictest."""
GuardAction = Literal["off", "log", "flag", "block", "review"]
GUARD_ACTIONS: tuple[GuardAction, ...] = get_args(GuardAction)
GuardKind = Literal["injection", "toxicity", "prompt_leak", "secret", "url"]
GUARD_KINDS: tuple[GuardKind, ...] = get_args(GuardKind)
SCOPE_KINDS = ("org", "team", "project", "route", "site")
ANY = "*"
"""Stands for every type that a policy does not name."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one policy says; None and missing keys: it says nothing on this."""

    actions: dict[str, Action] = {}
    """By entity type, `CUSTOM:<name>`, or `*` for all that are not named."""
    guard: dict[GuardKind, GuardAction] = {}
    fakes: tuple[str, ...] | None = None
    """Types that get a value that looks real in the place of a placeholder."""
    restore_hosts: tuple[str, ...] | None = None
    """Hosts inside whose URLs values are restored, subdomains included."""
    restore_tools: tuple[str, ...] | None = None
    """Names of tools that the provider runs itself and whose arguments are restored all the same."""
    capture_consent: bool | None = None
    """Whether what people say of answers may be exported as training data."""


class Scoped(msgspec.Struct, frozen=True):
    """Rules and whose calls they are for."""

    kind: str
    value: str
    rules: Rules


class Policy(msgspec.Struct, frozen=True):
    """What holds for one call: resolved, complete, and cheap to ask."""

    actions: dict[str, Action]
    guard: dict[GuardKind, GuardAction]
    fakes: tuple[str, ...]
    restore_hosts: tuple[str, ...]
    restore_tools: tuple[str, ...]
    capture_consent: bool
    allows_all: bool
    """Whether nothing needs to be looked for."""
    blocks_any: bool
    """Whether there is something that must be sent nowhere."""
    is_guarded: bool
    """Whether any verdict is asked for."""

    def action_of(self, type: str) -> Action:
        """What becomes of a value of this type."""
        return self.actions.get(type) or self.actions[ANY]


def stricter(one: Action, other: Action) -> Action:
    """The stricter of two."""
    return max(one, other, key=ACTIONS.index)


def check_rules(rules: Rules) -> None:
    """Raises ValueError, in words for whoever wrote them, when a type is unknown."""
    for type in rules.actions:
        if (
            type != ANY
            and type not in ENTITY_TYPES
            and not (type.startswith(CUSTOM) and len(type) > len(CUSTOM))
        ):
            raise ValueError(
                f"{type!r} is no type of personal data; there are {', '.join(ENTITY_TYPES)}, "
                "CUSTOM:<name> and *"
            )


class PolicyTable:
    """All policies of one moment. Immutable; a change makes a new one.

    Args:
        base: what holds where nobody says anything; names `*`.
        scoped: everything else, from settings and database; of two on the same scope the later holds.
    """

    def __init__(self, base: Rules, scoped: Sequence[Scoped] = ()) -> None:
        self._base = base
        self._scoped: Mapping[tuple[str, str], Rules] = {(one.kind, one.value): one.rules for one in scoped}
        self.may_capture = any(rules.capture_consent for rules in (base, *self._scoped.values()))
        """Whether anybody at all consents; the road asks no further where nobody does."""
        self.may_guard = any(
            action != "off" for rules in (base, *self._scoped.values()) for action in rules.guard.values()
        )
        """Whether any policy wants anything judged."""
        self.resolve = lru_cache(maxsize=4096)(self._resolve)

    def find_layers(
        self, org: str | None, team: str | None, project: str | None, route: str | None, site: str | None
    ) -> tuple[list[Scoped], list[Scoped]]:
        """What counts for a call, the base (of kind `base`) first: the chain in which the later wins, and
        the floors on top of it, of which the stricter wins."""

        def find(*scopes: tuple[str, str | None]) -> list[Scoped]:
            return [
                Scoped(kind, value, self._scoped[kind, value])
                for kind, value in scopes
                if value is not None and (kind, value) in self._scoped
            ]

        chain = find(("org", org), ("team", team), ("project", project))
        return [Scoped("base", "", self._base), *chain], find(("route", route), ("site", site))

    def _resolve(
        self,
        org: str | None,
        team: str | None,
        project: str | None,
        route: str | None,
        site: str,
        *,
        is_inside: bool = False,
    ) -> Policy:
        """The policy of a call, for a target at `site`. What goes inside is blocked as outside, and masked
        only where a policy on that site or route says so."""
        layers = self.find_layers(org, team, project, route, site)
        chain, floors = ([layer.rules for layer in part] for part in layers)
        actions: dict[str, Action] = {}
        for rules in chain:
            if ANY in rules.actions:
                actions.clear()  # it speaks of every type, so what was said further away ends here
            actions |= rules.actions
        actions.setdefault(ANY, "mask")
        if is_inside:
            actions = {type: action if action == "block" else "allow" for type, action in actions.items()}
        for rules in floors:
            named = {*actions, *rules.actions}
            actions = {
                type: stricter(
                    actions.get(type) or actions[ANY],
                    rules.actions.get(type) or rules.actions.get(ANY) or "allow",
                )
                for type in named
            }
        guard: dict[GuardKind, GuardAction] = dict.fromkeys(GUARD_KINDS, "off")
        for rules in (*chain, *floors):
            guard |= rules.guard
        return Policy(
            actions=actions,
            guard=guard,
            fakes=_last((rules.fakes for rules in (*chain, *floors)), default=()),
            restore_hosts=_last((rules.restore_hosts for rules in (*chain, *floors)), default=()),
            restore_tools=_last((rules.restore_tools for rules in (*chain, *floors)), default=()),
            capture_consent=_last((rules.capture_consent for rules in chain), default=False),
            allows_all=all(action == "allow" for action in actions.values()),
            blocks_any="block" in actions.values(),
            is_guarded=any(action != "off" for action in guard.values()),
        )


def _last(values: Iterable[T | None], *, default: T) -> T:
    said = [value for value in values if value is not None]
    return said[-1] if said else default
