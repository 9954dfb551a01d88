"""The bench's arithmetic: a wrong percentile would make every table a lie."""

import statistics

import pytest
from bench.figures import paired_ratio, percentile, spread
from hypothesis import given
from hypothesis import strategies as st

positive = st.floats(min_value=1e-6, max_value=1e6)


@given(st.lists(positive, min_size=2, max_size=200))
def test_the_50th_percentile_is_the_median(values):
    """Agrees with the standard library on every list."""
    assert percentile(values, 50) == pytest.approx(statistics.median(values))


@given(st.lists(positive, min_size=1, max_size=200), st.floats(0, 100))
def test_a_percentile_lies_between_the_extremes(values, rank):
    """No rank leaves the range of what was measured."""
    assert min(values) <= percentile(values, rank) * (1 + 1e-12)
    assert percentile(values, rank) <= max(values) * (1 + 1e-12)


def test_the_99th_percentile_interpolates_between_neighbours():
    """Of 0..100 it is 99, of 1..100 it lies between the last two."""
    assert percentile(range(101), 99) == 99
    assert percentile(range(1, 101), 99) == pytest.approx(99.01)


def test_a_percentile_of_nothing_is_an_error():
    """A phase without figures must not show as 0 ms."""
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 99)


def test_ratios_are_taken_round_by_round():
    """A slow spell that hits one round of both sides leaves the ratio as it is."""
    assert paired_ratio([3000, 1500, 3000], [100, 50, 100]) == 30


@pytest.mark.parametrize(("ours", "theirs"), [([1], []), ([], []), ([1, 2], [1]), ([1], [0])])
def test_rounds_that_do_not_pair_up_have_no_ratio(ours, theirs):
    """Rounds of one side only, or a rival that did nothing, give no figure at all."""
    with pytest.raises(ValueError, match="ratio"):
        paired_ratio(ours, theirs)


def test_spread_is_the_range_by_the_median():
    """90, 100 and 110 lie 20 % apart."""
    assert spread([90, 110, 100]) == pytest.approx(0.2)
