"""The one expression that leaves few words of a text to be judged as names in Hangul."""

from __future__ import annotations

import re

from naru.trust.detect.names_alone import AloneNames
from naru.trust.detect.names_foreign import ForeignReader
from naru.trust.detect.names_lexicon import FIRST_SYLLABLES, SECOND_SYLLABLES, Lexicon


def gate(w: Lexicon, foreign: ForeignReader) -> re.Pattern[str]:
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
