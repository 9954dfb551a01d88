"""Our k, l and t are those of pycanon, on every small table."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycanon import anonymity

from naru.trust.combine.classes import Pairs, group
from naru.trust.combine.join import codes_of
from naru.trust.combine.ordering import closeness, find_ranks
from naru.trust.combine.table import Column, read_table, to_number

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["가", "나"]), st.sampled_from("xyz"), st.sampled_from("pqr"), st.integers(0, 4)
    ),
    min_size=1,
    max_size=14,
)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_k_l_and_t_are_pycanons(rows):
    """k, distinct l, entropy l, t with equal and with ordered distance: one to one."""
    frame = pd.DataFrame(rows, columns=["a", "b", "s", "v"])
    table = read_table(["a", "b", "s", "v"], [(a, b, s, str(10 * v)) for a, b, s, v in rows])
    classes, count = codes_of(table, ["a", "b"])
    quasi = ["a", "b"]
    assert np.bincount(classes).min() == anonymity.k_anonymity(frame, quasi)
    for name in ("s", "v"):
        column = table.columns[name]
        ranks = find_ranks(column, (), name)
        assert (ranks is None) == (name == "s")
        pairs = Pairs.of(classes, column.codes, count, len(column.values))
        assert pairs.distinct().min() == anonymity.l_diversity(frame, quasi, [name])
        entropy = pairs.entropy().min()
        # pycanon cuts to a whole number after rounding errors of its own, so 2.0 may be its 1.
        assert anonymity.entropy_l_diversity(frame, quasi, [name]) in (
            int(entropy - 1e-9),
            int(entropy + 1e-9),
        )
        if len(column.values) > 1:  # pycanon divides by values - 1
            found = closeness(pairs, ranks).max()
            assert found == pytest.approx(anonymity.t_closeness(frame, quasi, [name]), abs=1e-9)


@given(ROWS, st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_counted_pairs_are_the_rows_they_stand_for(rows, times):
    """A pair with a count is so many rows: what a lattice merges is measured as if it had kept every row."""
    table = read_table(["a", "s"], [(row[0], row[2]) for row in rows])
    a, s = table.columns["a"], table.columns["s"]
    counts = np.full(len(rows), times)
    one = Pairs.of(a.codes, s.codes, len(a.values), len(s.values), counts)
    many = Pairs.of(np.repeat(a.codes, times), np.repeat(s.codes, times), len(a.values), len(s.values))
    assert np.array_equal(one.counts, many.counts)
    assert np.allclose(one.ordered_distance(), many.ordered_distance())


def test_classes_survive_more_columns_than_64_bits_hold():
    """Twelve columns of 100,000 values each: the numbers are closed up before they overflow."""
    codes = np.array([0, 99_999, 0, 5])
    classes, count = group([codes] * 12, [100_000] * 12, 4)
    assert count == 3
    assert classes[0] == classes[2]
    assert len(set(classes.tolist())) == 3


def test_an_order_may_be_stated_for_values_that_are_no_numbers():
    """Low, middle, high: then a class of one end is further from all than a class of the middle."""
    column = Column(np.array([0, 1, 2]), ["high", "low", "middle"])
    ranks = find_ranks(column, ["low", "middle", "high"], "x")
    pairs = Pairs.of(np.array([0, 1, 2]), column.codes, 3, 3)
    far = pairs.ordered_distance(ranks)
    assert far[0] == pytest.approx(0.5)
    assert far[2] == pytest.approx(1 / 3)
    assert np.allclose(pairs.equal_distance(), 2 / 3)


def test_intervals_stand_in_the_order_of_their_lower_ends():
    """What `treat` writes is still ordered: 5-9 before 10-14, [-5,0) before both."""
    column = Column(np.arange(4), ["10-14", "5-9", "", "[-5,0)"])
    assert list(find_ranks(column, (), "x")) == [3, 2, 0, 1]


@pytest.mark.parametrize(("text", "number"), [("1,200", 1200), ("-3.5", -3.5), ("x", None), ("inf", None)])
def test_what_a_number_is(text, number):
    """Thousands may be parted by commas; infinity is none."""
    assert to_number(text) == number
