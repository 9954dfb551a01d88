"""The same person is written the same, and nobody else is."""

import unicodedata
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.trust.combine import normalise


@pytest.mark.parametrize(
    "text",
    ["홍길동", " 홍 길 동 ", "홍길동(洪吉童)", unicodedata.normalize("NFD", "홍길동"), "홍길동1", "홍·길동"],
)
def test_a_name_is_its_letters(text):
    """Blanks, brackets, jamo apart and marks do not make another person."""
    assert normalise.name(text) == "홍길동"


def test_a_latin_name_has_no_case():
    """Full width and case fold away."""
    assert normalise.name("Ｋｉｍ Min-su") == normalise.name("KIM MINSU") == "kimminsu"


@pytest.mark.parametrize(
    "text",
    [
        "010-1234-5678",
        "01012345678",
        "1012345678",
        "+82 10-1234-5678",
        "+82(0)10 1234 5678",
        "０１０.1234.5678",
    ],
)
def test_a_phone_is_its_digits(text):
    """Country code, separators, full width, and the 0 a spreadsheet ate."""
    assert normalise.phone(text) == "01012345678"


@pytest.mark.parametrize("text", ["", "없음", "1234", "555-1234"])
def test_what_is_no_phone_makes_no_key(text):
    assert normalise.phone(text) == ""


@pytest.mark.parametrize(
    "text",
    ["1985-01-02", "1985.1.2", "1985/01/02", "19850102", "1985년 1월 2일", "850102-1234567", "850102-1******",
     "1985-01-02 00:00:00", "1985. 1. 2.", "양력 1985-01-02"],
)  # fmt: skip
def test_a_birth_date_is_its_day(text):
    assert normalise.birth_date(text) == "1985-01-02"


@pytest.mark.parametrize("text", ["1985-02-29", "19851301", "850102", "", "어제", "1985-06-31"])
def test_what_is_no_day_makes_no_key(text):
    """Nor do six digits, which do not say the century."""
    assert normalise.birth_date(text) == ""


def test_a_century_is_that_of_the_seventh_digit():
    assert normalise.birth_date("050102-3") == "2005-01-02"
    assert normalise.birth_date("050102-1") == "1905-01-02"


def test_a_lunar_day_is_no_solar_one():
    """음력 and 윤달 stay visible, and a day that only the lunar calendar has is taken."""
    assert normalise.birth_date("1985-02-30", "음력") == "1985-02-30L"
    assert normalise.birth_date("음 1985-02-30") == "1985-02-30L"
    assert normalise.birth_date("1984-10-01", "음력", "윤달") == "1984-10-01L+"
    assert normalise.birth_date("1984-10-01", "양력", "평달") == "1984-10-01"


@pytest.mark.skipif(find_spec("korean_lunar_calendar") is None, reason="needs korean-lunar-calendar")
def test_a_lunar_day_may_be_converted():
    """Then both calendars give one key; a leap month that never was gives none."""
    assert normalise.birth_date("1985-02-30", "음력", "", "convert") == "1985-04-19"
    assert normalise.birth_date("1984-10-01", "음력", "윤달", "convert") == "1984-11-23"
    assert normalise.birth_date("1985-10-01", "음력", "윤달", "convert") == ""


def test_sex_needs_the_partys_word_for_a_bare_zero():
    """0 and 1 mean opposite things in different tables."""
    assert [normalise.sex(text) for text in ("남자", "F", "3", "여")] == ["M", "F", "M", "F"]
    assert normalise.sex("0") == ""
    assert normalise.sex("0", {"0": "M", "1": "F"}) == "M"
    assert normalise.sex("1", {"0": "M", "1": "F"}) == "F"


@pytest.mark.parametrize(
    ("text", "sido", "sigungu"),
    [
        ("서울특별시 강남구 테헤란로 1", "서울", "서울 강남구"),
        ("서울시 강남구", "서울", "서울 강남구"),
        ("(06236) 서울 강남구 역삼동", "서울", "서울 강남구"),
        ("경기도 성남시 분당구 판교로 1", "경기", "경기 성남시 분당구"),
        ("강원특별자치도 춘천시 중앙로", "강원", "강원 춘천시"),
        ("충청북도 옥천군 옥천읍", "충북", "충북 옥천군"),
        ("세종특별자치시 한누리대로 1", "세종", "세종"),
        ("전라남도", "전남", ""),
        ("Seoul", "", ""),
    ],
)
def test_an_address_is_its_district(text, sido, sigungu):
    assert normalise.district(text) == (sido, sigungu)


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_normalising_again_changes_nothing(text):
    """And no control character comes out, by which two items could be taken for one."""
    for name in ("name", "phone", "email", "text"):
        once = normalise.NORMALISERS[name](text)
        assert normalise.NORMALISERS[name](once) == once
        assert "\x1f" not in once
