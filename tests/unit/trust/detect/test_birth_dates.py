"""Dates of birth."""

from __future__ import annotations

import pytest
from bench.pii_names import documents, measure
from tests.timing import cpu_seconds

from naru.trust.detect import Scanner
from naru.trust.detect.dates import BirthDateDetector

DATES = BirthDateDetector()


def found(text: str) -> list[str]:
    return [text[e.start : e.end] for e in DATES.find(text) if e.score >= 0.5]


@pytest.mark.parametrize(
    ("before", "date", "after"),
    [
        ("생년월일: ", "1985-03-02", ""),
        ("생년월일은 ", "1985년 3월 2일", "입니다"),
        ("", "1985년 3월 2일", "생 김민수"),
        ("", "85.3.2", "생입니다"),
        ("DOB: ", "03/02/1985", ""),
        ("Date of Birth: ", "March 2, 1985", ""),
        ("born on ", "2 March 1985", " in Seoul"),
        ("", "1990년 12월 25일", "에 태어났습니다"),
        ("생년월일 ", "850302", ""),
        ("김민수(", "1985.03.02", ", 남)"),
        ('"birth_date": "', "1985-03-02", '"'),
        ("생년월일 확인 부탁드려요. 고객: ", "1990년 5월 12일", "이요"),
    ],
)
def test_a_date_with_a_sign_of_birth_is_found(before: str, date: str, after: str):
    """The span is the date alone; its label and 생 stay outside."""
    assert found(before + date + after) == [date]


@pytest.mark.parametrize(
    "text",
    [
        "주문일 2024-01-02",
        "생일 파티는 5월에",
        "2023년 5월 1일 생산된 제품",
        "1985년 13월 2일생",
        "생년월일: 1985-02-31",
        "출시일 2024.1.5",
    ],
)
def test_other_dates_and_days_that_never_were_are_left(text: str):
    """No label, no hit; 31 February is no date."""
    assert found(text) == []


def test_made_documents():
    """F1 of at least 0.9 on made documents of both languages."""
    rows = [
        row._replace(spans=frozenset(s for s in row.spans if s[0] == "BIRTH_DATE")) for row in documents(400)
    ]
    assert measure(DATES.find, rows, frozenset({"BIRTH_DATE"})).f1 >= 0.9


@pytest.mark.parametrize(
    "unit",
    [
        "생",
        "생년월일: ",
        "1985-",
        "1-1-1-",
        "19850302",
        "(1",
        "가(19850302, ",
        "태어 1",
        "born 1 ",
        "May 1, ",
        "생? ",
    ],
)
def test_time_grows_with_the_length(unit: str):
    """Four times the text takes about four times as long, whatever it is made of."""

    def took(size: int) -> float:
        text = "1985년 생 " + (unit * size)[:size]
        return cpu_seconds(lambda: list(DATES.find(text)))

    took(500)
    assert took(24_000) < 10 * max(took(6_000), 0.001)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("김민준/남/840312/헬스 3개월", ["840312"]),
        ("1. 김민준 / 한빛상사 / 84.03.12 / 010-2345-6789", ["84.03.12"]),
        ("김민준 (1984. 3. 12.생)", ["1984. 3. 12."]),
        ("SELECT 1 WHERE birth_dt = '19840312'", ["19840312"]),
        ("임차인      김민준   (1994-05-23)", ["1994-05-23"]),
        ("김민준(880101), 이서연(901231)", ["880101", "901231"]),
        ("김민준 (2024-05-23)", []),
        ("회의실 (1994-05-23)", []),
        ("김민준 / 여권 M12345678 / 1985-02-11\n구분", ["1985-02-11"]),
        ("Aleksandra Nowak / 여권 EK 8801734 / 1985-02-11\n구분", ["1985-02-11"]),
        ("김민준 / 한빛상사 / 2022-03-12 / 010-2345-6789", []),
        ("품번 840312/남색", []),
    ],
)
def test_a_date_without_a_label_beside_a_person(text: str, expected: list[str]):
    """After a sex, or in a row with a person's number; a date of these years is that of a contract."""
    assert [text[e.start : e.end] for e in Scanner().scan(text) if e.type == "BIRTH_DATE"] == expected
