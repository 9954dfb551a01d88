"""Treatment holds the bounds, as pycanon sees them, and loses no more than it must."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycanon import anonymity

from naru.kernel.errors import ConfigError
from naru.trust.combine.hierarchy import build_levels, code_numbers
from naru.trust.combine.opinion import anjana_levels, ask_pycanon
from naru.trust.combine.plan import Bounds, Party, Plan, Project, Roles, Treatment
from naru.trust.combine.table import Table, read_table
from naru.trust.combine.treatment import Lattice, apply_choice, prepare_table, search

NAMES = ["A.age", "A.zip", "B.s"]
KEY = {"name": "n"}


def new_plan(**bounds):
    return Plan(
        project=Project(name="p", purpose="statistics", destroy_on="2030-01-01"),
        parties={
            "A": Party(key=KEY, attributes=["age", "zip"]),
            "B": Party(key=KEY, attributes=["s"]),
        },
        roles=Roles(quasi=NAMES[:2], sensitive=NAMES[2:]),
        key_items=["name"],
        bounds=Bounds(**bounds),
        treat={
            "A.age": Treatment(kind="interval", steps=[10, 20]),
            "A.zip": Treatment(kind="prefix", cut=[1]),
        },
    )


ROWS = st.lists(
    st.tuples(st.integers(20, 49).map(str), st.sampled_from(["11", "12", "21"]), st.sampled_from("pqr")),
    min_size=6,
    max_size=24,
)
BOUNDS = st.fixed_dictionaries(
    {
        "k": st.integers(2, 4),
        "l": st.integers(1, 2),
        "t": st.sampled_from([0.3, 0.6, 1.0]),
        "max_suppressed": st.sampled_from([0.0, 0.2]),
    }
)


@given(rows=ROWS, bounds=BOUNDS)
@settings(max_examples=60, deadline=None)
def test_what_comes_out_holds_the_bounds_and_is_the_cheapest(rows, bounds):
    """By pycanon's measure; and no other combination of levels would have cost less."""
    plan = new_plan(**bounds)
    table, levels = prepare_table(read_table(NAMES, rows), plan, Path())
    lattice = Lattice(table, plan, levels)
    choice = search(lattice)
    costs = []
    for node in product(*map(range, lattice.depth)):
        found = lattice.evaluate(node)
        if found is not None:
            share = found[0] / len(rows)
            costs.append(lattice.generalisation_loss(node) * (1 - share) + share)
    if choice is None:
        assert not costs
        return
    assert choice.loss == pytest.approx(min(costs))
    assert choice.is_optimal
    treated = apply_choice(table, lattice, levels, choice)
    assert treated.rows == len(rows) - choice.suppressed
    assert choice.suppressed <= bounds["max_suppressed"] * len(rows) + 1e-9
    frame = pd.DataFrame(list(treated.iterate()), columns=NAMES)
    assert anonymity.k_anonymity(frame, NAMES[:2]) >= bounds["k"]
    assert anonymity.l_diversity(frame, NAMES[:2], NAMES[2:]) >= bounds["l"]
    assert anonymity.t_closeness(frame, NAMES[:2], NAMES[2:]) <= bounds["t"] + 1e-9


@pytest.fixture
def table():
    random = np.random.default_rng(3)
    return read_table(
        NAMES,
        [
            (
                str(random.integers(20, 60)),
                f"{random.integers(1, 3)}{random.integers(1, 3)}",
                random.choice(list("pqr")),
            )
            for _ in range(300)
        ],
    )


def test_it_loses_no_more_than_anjana(table, tmp_path):
    """anjana's levels, under our measure of loss, are never cheaper than ours; both reach k."""
    plan = new_plan(k=5, max_suppressed=0.05)
    coded, levels = prepare_table(table, plan, tmp_path)
    lattice = Lattice(coded, plan, levels)
    theirs = anjana_levels(coded, plan, levels)
    assert lattice.evaluate(theirs) is not None
    ours = search(lattice)
    assert ours.loss <= lattice.generalisation_loss(theirs) + 0.05 + 1e-9
    assert search(lattice, [theirs]).loss == ours.loss


def test_the_greedy_search_of_a_large_lattice_holds_the_bounds_too(table, tmp_path, monkeypatch):
    """It is not called optimal, and costs at least as much as the best."""
    plan = new_plan(k=5, l=2)
    coded, levels = prepare_table(table, plan, tmp_path)
    best = search(Lattice(coded, plan, levels))
    monkeypatch.setattr("naru.trust.combine.treatment._MAX_NODES", 1)
    greedy = search(Lattice(coded, plan, levels))
    assert not greedy.is_optimal
    assert greedy.loss >= best.loss
    assert Lattice(coded, plan, levels).evaluate(greedy.node) is not None


def test_pycanon_agrees(table):
    """The second opinion measures the same, and adds what Naru does not measure."""
    found = ask_pycanon(table, new_plan())
    assert found["agrees"]
    assert found["is_whole"]
    assert found["alpha"] == 1


def test_the_second_opinion_sees_a_difference(table, monkeypatch):
    """So its agreement means something."""
    monkeypatch.setattr(anonymity, "k_anonymity", lambda *_: 7)
    assert not ask_pycanon(table, new_plan())["agrees"]


def column_of(values):
    return read_table(["x"], [(value,) for value in values]).columns["x"]


def test_levels_of_each_kind(tmp_path):
    """Intervals nest and hold their lower end, prefixes keep their length, districts become provinces."""
    ages = build_levels(
        column_of(["9", "10", "19", ""]), Treatment(kind="interval", steps=[10, 20]), tmp_path, "x"
    )
    assert ages.labels[1] == ["0-9", "10-19", "10-19", ""]
    assert ages.labels[2] == ["0-19", "0-19", "0-19", ""]
    assert ages.losses[0] == 0
    assert ages.losses[-1] == 1
    parts = build_levels(column_of(["2.5", "4"]), Treatment(kind="interval", steps=[2.5]), tmp_path, "x")
    assert parts.labels[1] == ["[2.5,5)", "[2.5,5)"]
    codes = build_levels(column_of(["12345", "1"]), Treatment(kind="prefix", cut=[2]), tmp_path, "x")
    assert codes.labels[1] == ["123**", "*"]
    places = build_levels(column_of(["경기 성남시 분당구"]), Treatment(kind="address"), tmp_path, "x")
    assert places.labels[1:] == [["경기"], ["*"]]


def test_a_map_must_be_whole_and_nested(tmp_path):
    """A value that is not in it, or a level that parts what was one, is an error that names no value."""
    (tmp_path / "map.csv").write_text("감기,호흡기,병\n천식,호흡기,병\n위염,소화기,병\n")
    map_ = Treatment(kind="map", file="map.csv")
    found = build_levels(column_of(["위염", "감기"]), map_, tmp_path, "x")
    assert found.labels[1:] == [["소화기", "호흡기"], ["병", "병"], ["*", "*"]]
    with pytest.raises(ConfigError, match="1 values") as error:
        build_levels(column_of(["골절"]), map_, tmp_path, "x")
    assert "골절" not in str(error.value)
    (tmp_path / "map.csv").write_text("a,x,1\nb,x,2\n")
    with pytest.raises(ConfigError, match="level 2 parts"):
        build_levels(column_of(["a", "b"]), map_, tmp_path, "x")


def test_numbers_are_rounded_and_cut_at_both_ends():
    """Missing ones stay missing; words are an error."""
    treatment = Treatment(round=10, top=90, bottom=20)
    assert code_numbers(column_of(["14", "88", "300", "", "50"]), treatment, "x").values == [
        "20",
        "90",
        "",
        "50",
    ]
    with pytest.raises(ConfigError, match="no numbers"):
        code_numbers(column_of(["many"]), treatment, "x")


def test_an_empty_table_is_no_crash():
    assert list(Table().iterate()) == []
