"""The guard on an answer that comes in pieces: the same findings, bounded memory, time linear in all."""

from __future__ import annotations

from collections.abc import Collection

from naru.trust.guard.canary import CanaryWatch
from naru.trust.guard.guard import Guard
from naru.trust.guard.secrets import Find
from naru.trust.guard.verdict import Kind, Verdict, Verdicts

OVERLAP = 512
"""What stands before new text is looked at again with it: nothing shorter is missed at a seam."""
STEP = 256
"""New text is looked at once this much has come: every letter is judged about three times."""
WORDS = 24
"""Where nothing goes on that was not judged, also at the first end of a word after this much."""


class OutputGuard:
    """Judges one answer while it streams. Not for threads: one belongs to one answer.

    The canary is looked for with every piece; the rest once STEP code points have come, and at `finish`.
    Nothing is held back here: the caller may wait with what came until `is_settled`.

    Args:
        guard: whose rules hold.
        canary, allowed_hosts, find: as of `Guard.check_output`.
        is_awaited: somebody waits for it, so it looks at every few words.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        canary: str | None = None,
        allowed_hosts: Collection[str] = (),
        find: Find | None = None,
        is_awaited: bool = False,
    ) -> None:
        self._guard = guard
        self._is_awaited = is_awaited
        self._watch = CanaryWatch(canary) if canary else None
        self._allowed_hosts = allowed_hosts
        self._find = find
        self._window = ""
        self._fresh = 0
        self._told: dict[Kind, Verdict] = {}

    @property
    def is_settled(self) -> bool:
        """Whether everything that came was judged."""
        return self._fresh == 0

    @property
    def is_between_words(self) -> bool:
        """Whether what came last ends in a blank, or the answer is over."""
        return not self._window or self._window[-1].isspace()

    @property
    def verdicts(self) -> Verdicts:
        """Everything found so far, the highest score of each kind."""
        return Verdicts(self._told.values())

    def feed(self, text: str) -> Verdicts:
        """What this piece has brought to light: kinds that are new or have risen, mostly none."""
        risen: list[Verdict] = []
        if self._watch is not None and text and (form := self._watch.feed(text)) is not None:
            self._note(risen, self._guard.judge("prompt_leak", 1.0, (f"the canary {form}",)))
        self._window += text
        self._fresh += len(text)
        is_word_over = text[:1].isspace() or text[-1:].isspace()
        if self._fresh >= STEP or (self._is_awaited and self._fresh >= WORDS and is_word_over):
            self._look(risen)
        return Verdicts(risen)

    def finish(self) -> Verdicts:
        """The answer is over: judge what is left. Further calls find nothing new."""
        risen: list[Verdict] = []
        if self._fresh:
            self._look(risen)
        self._window = ""
        return Verdicts(risen)

    def _look(self, risen: list[Verdict]) -> None:
        found = self._guard.check_output(self._window, allowed_hosts=self._allowed_hosts, find=self._find)
        for verdict in found:
            self._note(risen, verdict)
        self._window = self._window[-OVERLAP:]
        self._fresh = 0

    def _note(self, risen: list[Verdict], verdict: Verdict) -> None:
        known = self._told.get(verdict.kind)
        if known is None or verdict.score > known.score:
            self._told[verdict.kind] = verdict
            risen.append(verdict)
