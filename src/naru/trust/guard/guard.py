"""The guard itself: what goes in is looked at for injection and toxicity, what comes out for leaks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from naru.trust.guard.canary import find_canary
from naru.trust.guard.model import load_model
from naru.trust.guard.normalise import Views, normalise
from naru.trust.guard.rules import find_evidence
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
_SHORT = 300
"""Longer texts are no prompts of the sort the model was trained on, in code points."""


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

    The model can lift what the rules suspect, and lower what they only half believe; alone it must be very
    sure, because trigger words in harmless texts are what it is worst at.
    """
    evidence, said = find_evidence(views, source)
    ruled, reasons = combine(evidence)
    learned = load_model().score(said)
    for _, hidden in views.hidden[:4]:
        learned = max(learned, load_model().score(hidden) - 0.1)
    return blend(ruled, learned, len(views.plain)), (*reasons, _LEARNED) if learned >= 0.5 else reasons


def blend(ruled: float, learned: float, length: int) -> float:
    """One score of the rules' and the model's.

    Where no rule speaks the model must be all but certain (0.96 for a score of 0.5), and of a long text it
    may only warn: it was trained on prompts. The more the rules suspect, the less it takes. The figures were
    chosen on the development prompts.

    Args:
        ruled: what the rules say, 0..1.
        learned: the model's probability, 0..1.
        length: of the text, in code points.
    """
    doubt = 0.88 - 1.5 * min(ruled, 0.4)
    lift = max(0.0, (learned - doubt) / (1.0 - doubt))
    share = 0.75 if ruled >= 0.1 or length <= _SHORT else 0.45
    return 1.0 - (1.0 - ruled) * (1.0 - share * lift)
