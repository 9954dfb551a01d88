"""Addresses and postal codes."""

from __future__ import annotations

import pytest
from bench.pii_names import documents, measure
from hypothesis import given
from hypothesis import strategies as st
from tests.timing import cpu_seconds

from naru.trust.detect.addresses import AddressDetector

ADDRESSES = AddressDetector()


def found(text: str) -> list[str]:
    return [text[e.start : e.end] for e in ADDRESSES.find(text) if e.score >= 0.5]


@pytest.mark.parametrize(
    ("before", "address", "after"),
    [
        ("주소: ", "서울특별시 강남구 테헤란로 152, 101동 1502호", "입니다."),
        ("", "서울시 강남구 역삼동 737번지 강남파이낸스센터 12층", "에서 뵙죠."),
        ("", "경기도 성남시 분당구 판교역로 235 (삼평동, 에이치스퀘어) N동 7층", ""),
        ("", "강원 원주시 흥업면 5산단2로 41", "에서"),
        ("담보 ", "전주시 완산구 서신동2가 812 3층", " 상가"),
        ("", "충북 제천시 의림대로 77", ",2021-04-01"),
        ("", "경북  상주시  삼백로  88 , 301 호", ""),
        ("", "경기 안산시 단원구 고잔2동 612-3 늘봄빌 202호", " 우편물"),
        ("", "전남 여수시 학동로 9 나동 305호", " (우 59645)"),
        ("김민준 (", "2동 305호", ", 41세)"),
        ("인수장소 ", "제주시 용문로 8길 31", " (셔틀 5분)"),
        ("", "서울 강남구 테헤란로 152", " (역삼역 3번 출구)"),
        ("", "서울 강남구 테헤란로 152", " (공동현관 1234)"),
        ("", "서울 강남구 테헤란로 152 (강남파이낸스센터) 12층", ""),
        ("", "서울 은평구 진관2로 29-12 (진관동 은평뉴타운) 201동 303호", ""),
        ("배송지는 ", "대전 유성구 대학로 99", "예요"),
        ("", "강원도 춘천시 석사동 산 12-3번지", ""),
        ("저는 ", "서울 마포구 연남동", "에 살아요."),
        ("", "래미안퍼스티지아파트 101동 1502호", " 앞으로"),
        ("", "강남구 선릉로 433번길 12", "에 있어요"),
        ("", "영등포우체국 사서함 123호", ""),
        ("I live at ", "123 Main Street, Apt 4B, Springfield, IL 62704", "."),
        ("", "1600 Pennsylvania Avenue NW, Washington, DC 20500", ""),
        ("Meet me at ", "350 Broadway, New York, NY 10013", "."),
        ("It left ", "1221 Avenue of the Americas", " today."),
        ("Chez nous, ", "12 bis rue des Lilas, 75011 Paris", ", vers midi."),
        ("Sie wohnt ", "Hauptweg 12a, 1234 Wien", ", seit Mai."),
        ("He lives at ", "9 Mill Road, Dublin, D6W XY00", " now."),
        ("Send it to ", "12B 22nd Street", ", please."),
        ("", "10 Downing Street, London SW1A 2AA", ""),
        ("", "P.O. Box 1234, Austin, TX 78701", ""),
        ("", "152 Teheran-ro, Gangnam-gu, Seoul 06236", ""),
    ],
)
def test_an_address_is_one_span_to_its_last_detail(before: str, address: str, after: str):
    """From the largest region to the unit, and no further."""
    assert found(before + address + after) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "앞으로 5년, 바로 30분, 별도로 20개, 그대로 10개",
        "회의는 2층 303호에서 열립니다.",
        "강남구 인구는 50만 명이고 서울시는 교통 대책을 발표했다.",
        "서울특별시 강남구 역삼동 일대 재건축",
        "평균으로 12-3 정도, 기본으로 10",
        "I have 3 Main points and 12 Monkeys to watch.",
        "행렬은 을지로 2가, 퇴계로 2가를 거쳐 돌아온다.",
    ],
)
def test_numbers_and_regions_alone_are_no_address(text: str):
    """Particles before numbers and places people talk about are left."""
    assert found(text) == []


def test_a_postal_code_has_a_label_or_stands_beside_an_address():
    """The code is a span of its own before a Korean address and after it."""
    assert found("우편번호 06236") == ["06236"]
    assert sorted(found("(06236) 서울시 강남구 테헤란로 152")) == ["06236", "서울시 강남구 테헤란로 152"]
    for before, after in (("(", ")"), ("[", "]"), ("", "\n")):
        text = f"서울시 강남구 테헤란로 152 {before}06236{after}"
        assert found(text) == ["서울시 강남구 테헤란로 152", "06236"]
    assert found("번호 06236 입니다") == []
    assert found("서울시 강남구 테헤란로 152 12345개") == ["서울시 강남구 테헤란로 152"]


def test_made_documents():
    """F1 of at least 0.9 on made documents of both languages."""
    for kind in ("ADDRESS", "POSTAL_CODE"):
        rows = [row._replace(spans=frozenset(s for s in row.spans if s[0] == kind)) for row in documents(400)]
        assert measure(ADDRESSES.find, rows, frozenset({kind})).f1 >= 0.9


@given(st.text(alphabet="서울시강남구동로길12-3, 호층()MainSt.A\n", max_size=80))
def test_spans_lie_in_the_text(text: str):
    """Whatever the text, spans are inside it and not empty."""
    for e in ADDRESSES.find(text):
        assert 0 <= e.start < e.end <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "서울시 ",
        "서울특별시 강남구 ",
        "동로길",
        "동 1",
        "101동 1",
        "테헤란로 1 ",
        "강남구 역삼동 1-1, ",
        "1-",
        "1-1 ",
        "1 A ",
        "12 North Oak ",
        "1 Oak Street, ",
        "Apt #1, 1-dong, ",
        "P.O. Box 1 ",
        "주소: ",
        "우편번호 ",
        "zip (",
        "가",
    ],
)
def test_time_grows_with_the_length(unit: str):
    """Four times the text takes about four times as long, whatever it is made of."""

    def took(size: int) -> float:
        text = "우편 사서함 -ro " + (unit * size)[:size]
        return cpu_seconds(lambda: list(ADDRESSES.find(text)))

    took(500)
    assert took(24_000) < 10 * max(took(6_000), 0.001)
