"""Leaves few words of a text to be judged as names in Hangul, by one expression and lists of common words."""

from __future__ import annotations

import re

from naru.trust.detect.names_alone import AloneNames
from naru.trust.detect.names_foreign import LISTED, SPELLING, ForeignReader
from naru.trust.detect.names_lexicon import FIRST_SYLLABLES, SECOND_SYLLABLES, Lexicon

Word = tuple[int, int, str, bool, bool]
"""Where a word begins and ends, the word, whether it may be a Korean name, and whether a foreign one."""

_MARKS = frozenset(":：|=")


class Gate:
    """Finds the words that may begin with a name.

    Args:
        title_begins: how what follows begins where a title follows.
        never: words that no name is.
    """

    def __init__(
        self, w: Lexicon, foreign: ForeignReader, title_begins: frozenset[str], never: frozenset[str]
    ) -> None:
        self._expression = _expression(w, foreign)
        self._common = w.nouns | w.verbs | w.not_names
        self._beginnings = foreign.beginnings
        self._title_begins = title_begins
        self._never = never

    def find(self, text: str) -> list[Word]:
        """The words of the text that may begin with a name, in order."""
        words: list[Word] = []
        never, common, beginnings = self._never, self._common, self._beginnings
        title_begins = self._title_begins
        for m in self._expression.finditer(text):
            run = m[0]
            group = m.lastindex
            listed = beginnings.get(run[:2])
            is_listed = listed is not None and run.startswith(listed)
            if (group == LISTED and not is_listed) or run in never:
                continue
            i, j = m.span()
            if run in common and run[1:] != "모" and _MARKS.isdisjoint(text[max(0, i - 2) : i]):
                continue
            is_spelled = run[-1] in SPELLING and text[j : j + 2] in title_begins
            words.append((i, j, run, group is None, is_listed or is_spelled))
        return words


def _expression(w: Lexicon, foreign: ForeignReader) -> re.Pattern[str]:
    """Words that may begin with a name; a group, of `foreign.gate`, says that it is a foreign one at best."""
    surnames = "".join(w.surnames)
    first, second = "".join(FIRST_SYLLABLES), "".join(SECOND_SYLLABLES)
    given_first = "".join({g[0] for g in w.common_given})
    given_second = "".join({g[1] for g in w.common_given})
    letters = "".join(sorted({*surnames, *(d[0] for d in w.double_surnames), *given_first, *foreign.firsts}))
    seconds = "".join(sorted({d[1] for d in w.double_surnames}))
    doubles = "|".join(f"(?<={d[0]}){d[1:]}" for d in sorted(w.double_surnames))
    title = ["".join(sorted({t[at] for t in w.titles})) for at in (0, 1)]
    calls = f"(?:씨|입니다|이라고|라고|모|님|군|양|전 |[{title[0]}])"
    calls_surname = f"(?:[씨모군양]|전 |[{title[0]}][{title[1]}])"
    # One class of first letters, for which alone the search stops; what the letter is comes after it.
    return re.compile(
        rf"[{letters}](?<![가-힣].)(?:"
        rf"(?<=[{surnames}])(?:[{first}][{second}]|[{second}](?= ?{calls})|(?=[모씨○◯OX*]| {calls_surname})"
        rf"|[가-힣]{{2}}(?=\(\d| ?씨|\([\u4e00-\u9fff])|(?<=[:：|=].)|(?<=[:：|=] .))"
        rf"|(?=[{seconds}])(?:{doubles})"
        rf"|(?<=[{given_first}])[{given_second}](?=이[가는를랑도한의야 ]"
        rf"|[아야랑]|한테|에게| ?(?:씨|님|군|양)| ?{AloneNames.gate})"
        rf"|{foreign.gate})[가-힣]*"
    )
