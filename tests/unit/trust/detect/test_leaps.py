from __future__ import annotations

import re

from naru.trust.detect.leaps import Leaps


def test_several_expressions_find_what_one_of_all_finds() -> None:
    """By place, whatever expression found it."""
    text = "nine bees, one Bee; 벌 둘, bee"

    found = Leaps("B(?:ee)", "b(?:ee)s?", "벌", "z").find(text)

    assert [m.span() for m in found] == [m.span() for m in re.finditer("[Bb]ees?|벌", text)]
