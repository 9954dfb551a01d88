"""Names at the places that forms, tables, chats and letters keep for them."""

from __future__ import annotations

import pytest
from tests.timing import cpu_seconds

from naru.trust.detect import Scanner

SCANNER = Scanner()


def names(text: str) -> list[str]:
    return [text[e.start : e.end] for e in SCANNER.scan(text) if e.type == "PERSON"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("환자명: 궉다래 (42세)", ["궉다래"]),
        ("예금주 = 뇌솔", ["뇌솔"]),
        ("<담당>탄보늬</담당>", ["탄보늬"]),
        ('{"guest": "편누리솔"}', []),
        ("임차인 궉도현은 보증금을 낸다", ["궉도현"]),
        ("기호 3번 묘한결 (동대표)", ["묘한결"]),
        ("성 명 : 구 다 솜", ["구 다 솜"]),
        ("성명: PARK SORA NI", ["PARK SORA NI"]),
        ("계약자: 김*수 님", ["김*수"]),
        ("담당: 엘로디 르그랑, 회계", ["엘로디 르그랑"]),
        ("학부모: 쩐 티 흐엉 (모)", ["쩐 티 흐엉"]),
        ("서명: 서아람찬", ["서아람찬"]),
        ("예금주 박하늘별", ["박하늘별"]),
        ("서명 : 김 다 솜 (인)", ["김 다 솜"]),
        ("신 청 인 : 궉다래", ["궉다래"]),
        ("성 명 : 간디 라마찬드란\n국적", ["간디 라마찬드란"]),
        ("인수자: 이중호   (인)", ["이중호"]),
        ("인솔자 백로사 과장", ["백로사"]),
        ("학생: 노을, 견미라, 국지훈", ["노을", "견미라", "국지훈"]),
        ("아들 차돌 010-2345-6789", ["차돌"]),
        ("딸 다솜(7세)", ["다솜"]),
        ("다솜이 주민번호 학원에서", ["다솜"]),
        ("탑승자: KIM/MINJAE", ["KIM/MINJAE"]),
        ("명단\n1. NAMGUNG/HYUN MS 여권", ["NAMGUNG/HYUN"]),
        ("감사합니다.\n올가 김 드림", ["올가 김"]),
        ('("김 솔", "010-2345-6789")', ["김 솔"]),
        ("| 김 민수 | 010-2345-6789 |", ["김 민수"]),
    ],
)
def test_a_label_or_a_role_makes_a_rare_name_likely(text: str, expected: list[str]):
    """What stands after a label is a name though its syllables hardly tell; four letters are none."""
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "담당: 추후 안내",
        "이름: 미정",
        "성명: 없음",
        "상담사: 정성을 다하겠습니다",
        "원고 작성 방법",
        "작성자: 고객센터",
        "담당: 전산지원",
        "접수자: 인터넷",
        "강사: 현직 교사",
        "학생: 노을, 바다, 하늘",
        "우리 나라 과장 광고",
        "아들 학교 02-123-4567",
        "동생 번호 010-2345-6789",
        "조카 생일 (5월)",
        "안내 AND/OR MS 오피스",
        '("한 명", "010-2345-6789")',
        "| 이 제품 | 010-2345-6789 |",
        "서명: 전자서명",
        "매니저 모집중",
        "담당: 인사총무",
        "전 화 : 없음",
    ],
)
def test_a_word_after_a_label_stays_a_word(text: str):
    """A label does not make a name of every word."""
    assert names(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("늘 감사합니다.\n견다온 올림", ["견다온"]),
        ("영업2팀 옹라율입니다.", ["옹라율"]),
        ("옆집 팽말순(81)씨가 신고했다", ["팽말순"]),
        ("뇌하람 / 여 / 33세", ["뇌하람"]),
        ("결승골은 제보늬(부산)가 넣었다", ["제보늬"]),
    ],
)
def test_what_follows_a_rare_name_tells_it(text: str, expected: list[str]):
    """A signature, an introduction, an age, a sex or a team after it."""
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    ["사진이라고 합니다", "손해배상 청구", "책을 사용하였습니다", "단원고 학생들이", "1위를 차지한 씨앗"],
)
def test_what_follows_a_noun_makes_it_no_name(text: str):
    """라고 합니다, 배상, 학생 and 씨 follow nouns, too."""
    assert names(text) == []


def test_a_column_under_a_header_holds_names():
    """Every cell under 기사, also a foreign name, and no cell beside it."""
    text = "날짜,기사,도착\n5/2,갈보람,부산항\n5/3,아브디예프,인천항\n"
    assert names(text) == ["갈보람", "아브디예프"]


def test_a_column_between_slashes_holds_names_beside_numbers():
    """Names of two to five syllables under 이름; words without a number beside them are a sentence."""
    rows = "번호 / 성명 / 계좌\n1 / 김가온누리 / 352-1470-8829-13\n2 / 남윤 / 352-1470-8829-24\n"
    assert names(rows) == ["김가온누리", "남윤"]
    assert names("이름/연락처/주소를 남겨 주세요\n배송/환불/교환 문의") == []


def test_lines_of_one_form_hold_names_in_one_place():
    """One sure name shows where the names of the lines before and after it stand."""
    text = "A-17 뇌봄\nA-18 김민준\nA-204 즙하람\n"
    assert names(text) == ["뇌봄", "김민준", "즙하람"]


def test_a_list_of_names_alone():
    """A list is one of names when most of its words are like names, though none alone is certain."""
    assert names("3모둠: 강해솔, 구자온, 남도율, 고운솔") == ["강해솔", "구자온", "남도율", "고운솔"]
    assert names("재료: 고구마, 양배추, 감자, 당근") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("동대표: 101동 강물, 102동 성춘자, 103동 현우림, 104동 공석", ["강물", "성춘자", "현우림"]),
        ("참석: 김철수, 올가 페트로바, 바트에르덴 솔롱고", ["김철수", "올가 페트로바", "바트에르덴 솔롱고"]),
        ("참석: 김철수, 101동 주차장, 이영희", ["김철수", "이영희"]),
        ("1층 김철수, 2층 로비, 3층 카페", ["김철수"]),
        ("담당: 김철수, 서울 사무소, 부산 지사", ["김철수"]),
    ],
)
def test_a_list_goes_on_past_units_and_foreign_names(text: str, expected: list[str]):
    """A unit before each name of a list, and names of two words in it."""
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "- 한라홀: 20인\n- 백두홀: 12인",
        "교무실 033-641-2280",
        "관할 지구대 032-881-0412",
        "1. 미제출 학생 안내",
        "공급자: 동방금속상사",
        "공급자: 동방금속 상사",
        "소방차 전용구역",
    ],
)
def test_rooms_units_and_firms_are_no_names(text: str):
    """Beside a number, before a colon or after a label."""
    assert names(text) == []


def test_who_ends_as_a_room_does():
    """하은실, 김은실 and 정동관 are people."""
    assert names("- 김은실: 참석\n- 정동관: 불참") == ["김은실", "정동관"]
    assert names("담당자: 하은실 031-123-4567") == ["하은실"]


def test_a_cell_beside_an_identifier_is_a_name():
    """Before a resident number, after a telephone number of the same line."""
    assert names("뇌보람 900101-1234568") == ["뇌보람"]
    assert names("010-2345-6789,다온,오전 방문") == ["다온"]
    assert names("예약은 033-631-4470 으로") == []


def test_who_speaks_in_a_chat():
    """Before the colon of a line with its time, and again where others name them."""
    text = "2024. 6. 3. 오후 9:44, 마별하 : 내일 몇 시\n2024. 6. 3. 오후 9:45, 김민수 : 마별하가 정해"
    assert names(text) == ["마별하", "김민수", "마별하"]


def test_a_name_is_found_in_latin_letters_and_hanja_beside_it():
    """신청인: 견라온 (GYEON RAON) names one person twice."""
    assert names("신청인: 견라온 (GYEON RAON)") == ["견라온", "GYEON RAON"]
    assert names("성명 갈상원 (葛相元)") == ["갈상원", "葛相元"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("목격자: 견다솜, 이웃 주민", ["견다솜"]),
        ("제보나래 주임, 갈보윤 수석이 맡는다", ["갈보윤"]),
        ("사외이사 니콜라스 최, 감사", ["니콜라스 최"]),
        ("받는 분 GAL DASOM(갈다솜)", ["GAL DASOM", "갈다솜"]),
        ("환자명 뇌상윤 등록번호 7", ["뇌상윤"]),
    ],
)
def test_words_for_kinds_of_people_tell_a_name(text: str, expected: list[str]):
    """Any word for a person is a label, and any title after it."""
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    ["내부 사이트입니다.", "제조사: 한라식품", "25,M,+82 10 5550 1444,고혈압\n", "유성우는 새벽에 보인다"],
)
def test_things_stay_things(text: str):
    """A loan word introduced, a firm, a diagnosis beside a number, a shower of meteors."""
    assert names(text) == []


def test_a_given_name_alone_is_found_after_the_whole_name():
    """Who was introduced as 견솔빈 is 솔빈 later, and only then."""
    assert names("담당자: 견솔빈\n솔빈이가 내일 온다") == ["견솔빈", "솔빈"]
    assert names("솔빈이가 내일 온다") == []


@pytest.mark.parametrize(
    "unit", ["이름,전화,", "김민준, ", ": 김민준, 견다솜, 갈보윤 ", "A-1 김민준\n", "이름,전화\n"]
)
def test_time_grows_with_the_length(unit: str):
    """Four times the text takes less than eight times the time, also in one line."""
    short, long = (cpu_seconds(lambda text=unit * count: SCANNER.scan(text)) for count in (1_000, 4_000))
    assert long < 8 * short + 0.01
