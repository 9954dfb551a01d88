"""Each measure says what it claims, on tables small enough to count by hand."""

import numpy as np
import pytest

from naru.trust.combine.plan import Bounds, Party, Plan, Project, Roles
from naru.trust.combine.prepare import count_sent
from naru.trust.combine.risk import measure
from naru.trust.combine.table import read_table
from naru.trust.entity import Entity

KEY = {"name": "n"}


def plan_of(**changes):
    given = {
        "roles": Roles(quasi=["A.age", "A.sex"], sensitive=["B.illness"], text=[]),
        "bounds": Bounds(k=2, l=2, small_cell=2),
    } | changes
    return Plan(
        project=Project(name="p", purpose="research", destroy_on="2030-01-01"),
        parties={"A": Party(key=KEY, attributes=["age", "sex"]), "B": Party(key=KEY, attributes=["illness"])},
        key_items=["name"],
        **given,
    )


def table_of(*rows):
    return read_table(["A.age", "A.sex", "B.illness"], rows)


def test_classes_are_counted_by_size():
    """Three rows alike, two alike, one alone."""
    rows = [("30", "M", "x")] * 2 + [("30", "M", "y"), ("40", "F", "x"), ("40", "F", "x"), ("50", "M", "y")]
    report = measure(table_of(*rows), plan_of())
    assert report["k"]["min"] == 1
    assert report["k"]["classes"] == 3
    assert {name: n for name, n in report["k"]["rows_by_class_size"].items() if n} == {
        "1": 1,
        "2": 2,
        "3-4": 3,
    }
    assert report["k"]["share_below_3"] == 0.5
    assert report["uniqueness"]["both"] == pytest.approx(1 / 6, abs=1e-6)
    assert report["sensitive"]["B.illness"]["share_homogeneous"] == 0.5
    assert report["holds"] is False
    assert report["bounds"]["l"] == {"asked": 2, "found": 1, "holds": False}


def test_the_join_itself_makes_rows_unique():
    """Before it A's rows are pairs; after it each is alone, because its twin did not join."""
    had = read_table(["age", "sex"], [("30", "M"), ("30", "M"), ("40", "F"), ("40", "F")])
    counts = count_sent(had, ["age", "sex"], np.array([True, False, True, False]))
    report = measure(table_of(("30", "M", "x"), ("40", "F", "y")), plan_of(), {"A": counts})
    assert report["uniqueness"]["A before"] == 0
    assert report["uniqueness"]["A after"] == 1
    assert report["presence"]["A"] == {"highest": 0.5, "certain": 0}


def test_a_class_that_joined_whole_gives_its_members_away():
    """δ-presence 1: everybody of A with these values is B's customer."""
    had = read_table(["age"], [("30",), ("40",)])
    counts = count_sent(had, ["age"], np.array([True, False]))
    assert counts == {"quasi": ["age"], "unique": 1, "presence": {"highest": 1, "certain": 0.5}}
    assert count_sent(had, [], np.array([True, False]))["presence"] is None


def test_a_party_finds_its_own_rows_again():
    """Linkability: A's columns alone tell two of four rows apart from all others."""
    rows = [("30", "M", "x"), ("30", "M", "y"), ("40", "F", "x"), ("50", "F", "x")]
    report = measure(table_of(*rows), plan_of())
    assert report["linkability"]["A"] == {"unique": 0.5, "expected": 0.75, "share_below_k": 0.5}
    assert report["linkability"]["B"]["unique"] == 0.25


def test_singling_out_looks_at_every_column():
    """No quasi-identifier is unique here, yet two columns together single one row out."""
    rows = [("30", "M", "x"), ("30", "M", "y"), ("30", "M", "x"), ("40", "F", "x"), ("40", "F", "x")]
    found = measure(table_of(*rows), plan_of())["singling_out"]
    assert found["share"] == pytest.approx(0.2)
    assert found["worst"]["1"] == {"columns": ["B.illness"], "share": 0.2}
    assert found["tried"] == found["of"] == 7


def test_inference_is_what_the_class_tells_beyond_the_table():
    """Classes that decide the value are a risk of 1, classes that say nothing one of 0."""
    telling = [("30", "M", "x")] * 5 + [("40", "F", "y")] * 5
    found = measure(table_of(*telling), plan_of())["sensitive"]["B.illness"]["inference"]
    assert found == {"baseline": 0.5, "known_inside": 1, "others": 1, "risk": 1}
    silent = [("30", "M", "x"), ("30", "M", "y"), ("40", "F", "x"), ("40", "F", "y")] * 5
    found = measure(table_of(*silent), plan_of())["sensitive"]["B.illness"]["inference"]
    assert found["risk"] == 0
    alone = [(str(age), "M", "xy"[age % 2]) for age in range(20)]
    found = measure(table_of(*alone), plan_of())["sensitive"]["B.illness"]["inference"]
    assert found["known_inside"] == 1  # who is known to be inside is read off
    assert found["risk"] == 0  # of others the table says nothing


def test_risks_can_be_bounds():
    """Where the plan names a share, more than it does not hold; unnamed ones are measured alone."""
    rows = [("30", "M", "x")] * 5 + [("40", "F", "y")] * 5 + [("50", "F", "y")]
    tight = Bounds(k=2, max_singled_out=0.05, max_linkability=0.05, max_inference=0.05)
    found = measure(table_of(*rows), plan_of(bounds=tight))
    for name in ("singled_out", "linkability", "inference"):
        assert found["bounds"][name]["asked"] == 0.05
        assert found["bounds"][name]["found"] > 0.05
        assert not found["bounds"][name]["holds"]
    assert found["holds"] is False
    wide = Bounds(k=2, max_singled_out=0.5, max_linkability=0.5, max_inference=0.99)
    found = measure(table_of(*rows), plan_of(bounds=wide))["bounds"]
    assert all(found[name]["holds"] for name in ("singled_out", "linkability", "inference"))
    assert set(measure(table_of(*rows), plan_of())["bounds"]) == {"k", "l"}


def test_outliers_and_small_cells_are_counted_not_shown():
    """특이정보: a number far outside, a rare word; the report has neither."""
    rows = [(str(30 + age % 10), "M", "고혈압") for age in range(40)] + [("9000", "M", "희귀병")]
    report = measure(table_of(*rows), plan_of())
    assert report["outliers"]["A.age"] == {"far_rows": 1}
    assert report["outliers"]["B.illness"] == {"rare_values": 1, "rare_rows": 1}
    assert report["small_cells"]["A.age x B.illness"]["cells"] == 1
    assert "희귀병" not in str(report)
    assert "9000" not in str(report)


class Finds:
    """A scanner that knows one word."""

    def scan(self, text):
        at = text.find("홍길동")
        return [Entity("PERSON", at, at + 3, 0.9, "known")] if at >= 0 else []


def test_free_text_is_scanned_or_the_bound_does_not_hold():
    """What nobody looked at is not called clean."""
    plan = plan_of(roles=Roles(quasi=["A.age"], text=["B.illness"]), bounds=Bounds(k=2))
    rows = [("30", "M", "홍길동 님 내원"), ("30", "M", "이상 없음")]
    unread = measure(table_of(*rows), plan)
    assert unread["bounds"]["identifiers_in_text"]["holds"] is False
    read = measure(table_of(*rows), plan, scanner=Finds())
    assert read["text"]["found"] == {"B.illness": {"PERSON": 1}}
    assert read["holds"] is False
    clean = measure(table_of(*[("30", "M", "이상 없음")] * 2), plan, scanner=Finds())
    assert clean["holds"] is True


def test_text_is_recognised_without_being_declared():
    """Long values with blanks are free text whatever the plan says."""
    rows = [("30", "M", f"환자가 {n}일 동안 두통을 호소하여 진료를 받았음 그리고 귀가함") for n in range(3)]
    assert measure(table_of(*rows), plan_of())["text"]["columns"] == ["B.illness"]
