"""The guard itself: what goes in is looked at for injection and toxicity, what comes out for leaks."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from naru.trust.guard.canary import find_canary
from naru.trust.guard.markup import read_markup
from naru.trust.guard.model import load_model
from naru.trust.guard.normalise import Views, normalise
from naru.trust.guard.rules import find_evidence, find_said
from naru.trust.guard.secrets import Find, read_secrets
from naru.trust.guard.terms import load_lexicon
from naru.trust.guard.toxicity import load_patterns, read_toxicity
from naru.trust.guard.urls import read_urls
from naru.trust.guard.verdict import (
    DEFAULT_RULES,
    ActionRule,
    Kind,
    Source,
    Verdict,
    Verdicts,
    combine,
    resolve_action,
)

_LEAST = 0.05
"""Scores below are noise and told nobody."""
_LEARNED = "reads like known attacks"
_HARMLESS = -0.5
"""Log odds from which down the model takes a text for harmless."""


class Guard:
    """Judges texts by fixed rules and a small model; holds no state, so one serves all threads and calls.

    Make it at the start: the first one of a process compiles its words (about 0.2 s).

    Args:
        rules: what to do from which score on.
        kinds: what is looked for at all; empty: everything.

    Time is linear in a text's length, and no text is judged beyond 65,536 code points (head and tail).
    """

    def __init__(self, *, rules: Sequence[ActionRule] = DEFAULT_RULES, kinds: Collection[Kind] = ()) -> None:
        self._rules = tuple(rules)
        self._kinds = frozenset(kinds)
        load_lexicon()
        load_model()
        load_patterns()

    def check_input(self, text: str, *, source: Source = "user") -> Verdicts:
        """What speaks against a text that goes to a model.

        Args:
            text: one message, tool result or document; not a whole conversation.
            source: who wrote it. Text of tools and of retrieved pages may give no orders, so orders in it
                weigh more; a `system` text is the operator's own and is not judged for injection.

        Returns:
            At most an `injection` and a `toxicity` verdict.
        """
        views = normalise(text)
        found: list[Verdict] = []
        if self._wants("injection") and source != "system":
            self._add(found, "injection", *score_injection(views, source), source)
        if self._wants("toxicity"):
            self._add(found, "toxicity", *combine(read_toxicity(views)), source)
        return Verdicts(found)

    def check_output(
        self,
        text: str,
        *,
        canary: str | None = None,
        allowed_hosts: Collection[str] = (),
        find: Find | None = None,
    ) -> Verdicts:
        """What speaks against an answer.

        Args:
            text: the whole answer (`OutputGuard` is for streams).
            canary: the one that stands in this conversation's system prompt.
            allowed_hosts: hosts that answers may lead to, `*.example.com` for all below; empty: no list.
            find: detection of secrets, `Scanner.scan`; None: the shapes of common vendors' keys.

        Returns:
            At most one verdict each of `toxicity`, `prompt_leak`, `secret` and `url`.
        """
        found: list[Verdict] = []
        if self._wants("toxicity"):
            self._add(found, "toxicity", *combine(read_toxicity(normalise(text))), "user")
        if canary and self._wants("prompt_leak"):
            form = find_canary(text, canary)
            if form is not None:
                self._add(found, "prompt_leak", 1.0, (f"the canary {form}",), "user")
        if self._wants("secret"):
            self._add(found, "secret", *combine(read_secrets(text, find)), "user")
        if self._wants("url"):
            self._add(found, "url", *combine(read_urls(text, allowed_hosts)), "user")
        return Verdicts(found)

    def judge(self, kind: Kind, score: float, reasons: Iterable[str], source: Source = "user") -> Verdict:
        """A verdict of a kind with the action the rules have for it."""
        score = min(round(score, 4), 1.0)
        return Verdict(kind, score, tuple(reasons), resolve_action(self._rules, kind, score, source))

    def _wants(self, kind: Kind) -> bool:
        return not self._kinds or kind in self._kinds

    def _add(
        self, found: list[Verdict], kind: Kind, score: float, reasons: tuple[str, ...], source: Source
    ) -> None:
        if score >= _LEAST:
            found.append(self.judge(kind, score, reasons, source))


def score_injection(views: Views, source: Source) -> tuple[float, tuple[str, ...]]:
    """Rules and model together: score 0..1 and reasons.

    The model lifts what the rules suspect; alone it must be sure, because trigger words in harmless texts are
    what it is worst at.
    """
    evidence, said, hits = find_evidence(views, source)
    ruled, reasons = combine(evidence)
    model = load_model()
    learned = model.logit(said, hits)
    for _, hidden in views.hidden[:4]:
        learned = max(learned, model.logit(hidden, find_said(hidden)) - 0.5)
    is_wording = source == "user" and not (
        views.hidden or views.blobs or views.disguises or any(read_markup(views.raw))
    )
    score = blend(ruled, learned, is_wording=is_wording)
    return score, (*reasons, _LEARNED) if learned >= 0.5 else reasons


def blend(ruled: float, learned: float, *, is_wording: bool = False) -> float:
    """One score of the rules' and the model's: the greater of the rules' and of both together.

    Where only wording speaks and the model is sure that people write so, it lowers the rules' score below the
    line; shapes and hidden text stand for themselves.

    Where no rule speaks the model must be rather certain (log odds of 2), where one half speaks it need
    not contradict. A logistic regression of two features; its figures were chosen on development sets of
    public attacks and of harmless texts, so that hardly 1 % of ordinary harmless texts pass the line.

    Args:
        ruled: what the rules say, 0..1.
        learned: the model's log odds.
        is_wording: whether the rules found words of a user only.
    """
    if is_wording and learned < _HARMLESS:
        return 0.5 * ruled
    evidence = -math.log(1.0 - min(ruled, 0.99))
    both = 2.5 * evidence + max(-8.0, min(8.0, learned)) - 2.0
    return max(ruled, 1.0 / (1.0 + math.exp(-both)))
