"""Telephone and card numbers of which a part is hidden: `010-****-1234`, `4579-12**-****-3456`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naru.trust.entity import Entity

# Looked for in signs drawn, from the hidden part on: digits are everywhere, these are rare.
_RUN = re.compile(rb"\*\*+")
_PHONE = re.compile(rb"(?<![0-])000-(?:\*{3,4}-0000|0{3,4}-\*{4}|0\*{2,3}-0\*{3}|00\*\*-00\*\*)(?![0*-])")
_CARD = re.compile(rb"(?<![0-])0000([- ])00(?:00|\*\*)\1\*{4}\1(?:0000|0\*\*0)(?![0*-])")
_BACK, _AHEAD = 12, 20


def find_hidden(text: str, drawn: bytes) -> Iterator[Entity]:
    """Such numbers: what is left of them still narrows down whose they are.

    Args:
        drawn: the text, `0` for a digit and `*` for what hides one.
    """
    done = 0
    for run in _RUN.finditer(drawn):
        if run.start() < done:
            continue
        low, high = max(done, run.start() - _BACK), run.start() + _AHEAD
        phone = _PHONE.search(drawn, low, high)
        if phone is not None and text.startswith("01", phone.start()):
            done = phone.end()
            yield Entity("PHONE", phone.start(), done, 0.85, "prefix and grouping, a part hidden")
        elif (card := _CARD.search(drawn, low, high)) is not None:
            done = card.end()
            yield Entity("CARD", card.start(), done, 0.85, "grouping, a part hidden")
