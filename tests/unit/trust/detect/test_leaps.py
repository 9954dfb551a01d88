from __future__ import annotations

import re

import pytest

from naru.trust.detect.leaps import Leaps, has_digit


def test_several_expressions_find_what_one_of_all_finds() -> None:
    """By place, whatever expression found it."""
    text = "nine bees, one Bee; 벌 둘, bee"

    found = Leaps("B(?:ee)", "b(?:ee)s?", "벌", "z").find(text)

    assert [m.span() for m in found] == [m.span() for m in re.finditer("[Bb]ees?|벌", text)]


@pytest.mark.parametrize("size", [10, 1_000])
def test_a_digit_is_seen_in_a_short_text_and_in_a_long_one(size: int) -> None:
    """Plain and full-width."""
    words = "가나 cd²" * size

    assert not has_digit(words)
    assert has_digit(words + "7" + words)
    assert has_digit(words + "７")
