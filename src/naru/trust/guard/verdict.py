"""What the guard says of a text, and what the operator's rules make of it. A verdict never holds the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Kind = Literal["injection", "toxicity", "prompt_leak", "secret", "url"]
Source = Literal["user", "tool", "retrieved", "system"]
Action = Literal["pass", "log", "flag", "review", "block"]

KINDS: tuple[Kind, ...] = ("injection", "toxicity", "prompt_leak", "secret", "url")
SOURCES: tuple[Source, ...] = ("user", "tool", "retrieved", "system")
ACTIONS: tuple[Action, ...] = ("pass", "log", "flag", "review", "block")
"""From mildest to strictest: of several, the strictest counts."""

_STRICTNESS = {action: rank for rank, action in enumerate(ACTIONS)}


class Verdict(NamedTuple):
    """One finding.

    Attributes:
        kind: what was looked for.
        score: 0..1; 0.5 is where the guard itself would draw the line.
        reasons: short English phrases, strongest first; never words of the text.
        action: what the rules say; `pass` when none is reached.
    """

    kind: Kind
    score: float
    reasons: tuple[str, ...]
    action: Action


class Verdicts(tuple[Verdict, ...]):
    """The findings on one text, at most one of a kind, those above 0 only."""

    __slots__ = ()

    @property
    def action(self) -> Action:
        """The strictest action of all."""
        return strictest(verdict.action for verdict in self)

    def find(self, kind: Kind) -> Verdict | None:
        """The verdict of a kind; None when nothing speaks for it."""
        return next((verdict for verdict in self if verdict.kind == kind), None)


class ActionRule(NamedTuple):
    """From a score on, do this.

    Attributes:
        kind: the kind it holds for.
        at: the score from which it holds, 0..1.
        action: what to do.
        sources: where the text came from; empty: anywhere.
    """

    kind: Kind
    at: float
    action: Action
    sources: tuple[Source, ...] = ()


DEFAULT_RULES: tuple[ActionRule, ...] = (
    ActionRule("injection", 0.5, "flag"),
    ActionRule("injection", 0.8, "block", ("tool", "retrieved")),
    ActionRule("toxicity", 0.5, "flag"),
    ActionRule("prompt_leak", 0.5, "block"),
    ActionRule("secret", 0.5, "block"),
    ActionRule("url", 0.5, "flag"),
    ActionRule("url", 0.8, "block"),
)
"""People are flagged, not stopped: who writes a prompt may do as he likes with his own. Text that others
wrote (tool results, retrieved pages) has no right to give orders, so plain attacks in it are stopped."""


def strictest(actions: Iterable[Action]) -> Action:
    """The strictest of some actions; `pass` of none."""
    return max(actions, key=_STRICTNESS.__getitem__, default="pass")


def resolve_action(rules: Sequence[ActionRule], kind: Kind, score: float, source: Source) -> Action:
    """The strictest action of the rules that a score of a kind reaches."""
    return strictest(
        rule.action
        for rule in rules
        if rule.kind == kind and score >= rule.at and (not rule.sources or source in rule.sources)
    )


def combine(parts: Iterable[tuple[float, str]]) -> tuple[float, tuple[str, ...]]:
    """Independent pieces of evidence as one: noisy or, 1 - ∏(1 - p), and the reasons, strongest first.

    The same reason counts once, at its strongest. At most five reasons are named.
    """
    best: dict[str, float] = {}
    for score, reason in parts:
        if score > best.get(reason, 0.0):
            best[reason] = score
    doubt = 1.0
    for score in best.values():
        doubt *= 1.0 - min(score, 0.99)
    ranked = sorted(best, key=lambda reason: -best[reason])
    return 1.0 - doubt, tuple(ranked[:5])
