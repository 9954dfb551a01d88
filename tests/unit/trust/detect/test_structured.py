"""What has a shape is found in the forms people write it in, and what only looks like it is left alone."""

import pytest

from naru.trust.detect import Scanner, StructuredDetector

SCANNER = Scanner([StructuredDetector()])
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
A24, H32 = "aB3dE6gH9jK2mN5pQ8sT1vW4", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

# [value] in a text is what must be found, exactly.
FOUND = [
    # Residents: the forms that others miss.
    ("KR_RRN", "주민번호 [850101-1234567] 확인"),
    ("KR_RRN", "[850101-1234566]입니다"),
    ("KR_RRN", "[850101 - 1234567]"),
    ("KR_RRN", "[850101–1234567] 입니다"),
    ("KR_RRN", "신청인([８５０１０１－１２３４５６７])"),
    ("KR_RRN", "[850101-1******]의 서류"),
    ("KR_RRN", "[850101-1●●●●●●]"),
    ("KR_RRN", "주민번호는 [850101.1234567]이고"),
    ("KR_RRN", "주민등록번호:[8501011234567]"),
    ("KR_RRN", "아기 [211224-3123456] 등록"),
    # In names of files.
    ("PHONE", "이력서_[010-2345-6789].pdf"),
    ("PHONE", "이력서_[01023456789]_최종.hwp"),
    ("PHONE", "cv_[010-2345-6789]_final"),
    ("KR_RRN", "[850101-1234567]_신분증.png"),
    ("CARD", "scan_[4111-1111-1111-1111].pdf"),
    ("KR_FRN", "외국인등록번호 [850101-5234567]로"),
    ("KR_BRN", "사업자등록번호 [124-81-00998]"),
    ("KR_BRN", "사업자번호 [2208162517]입니다"),
    ("KR_BRN", "거래처([120-81-47521])와"),
    ("KR_CRN", "법인등록번호 [130111-0006246]로"),
    ("KR_CRN", "[110111-1707178]"),
    ("PASSPORT", "여권번호 [M12345678]으로"),
    ("PASSPORT", "여권 [M123A4567]을 분실"),
    ("PASSPORT", "passport number [S12345678], issued"),
    ("PASSPORT", "여권 [EK 8801734] / 만료"),
    ("PASSPORT", "US passport [561234567]"),
    ("PASSPORT", "passport no is [C01X00T47]"),
    ("DRIVER_LICENSE", "면허 [11-12-345678-90]를"),
    ("DRIVER_LICENSE", "[서울 12-345678-90]"),
    ("DRIVER_LICENSE", "운전면허번호 [111234567890]"),
    ("DRIVER_LICENSE", "driver's license [D123-4567-8901]"),
    ("HEALTH_INSURANCE", "건강보험증 번호 [12345678901]로"),
    ("HEALTH_INSURANCE", "증번호: [1-1234567890]"),
    # A bracket, a dash or another number behind belongs to what follows.
    ("KR_RRN", "주민등록번호: [930405-1518275] (31세)"),
    ("KR_RRN", "[930405-1518275](31세)"),
    ("CARD", "카드 [4111-1111-1111-1111] (12/26)"),
    ("CARD", "카드번호 [4111-1111-1111-1111] - 12/26"),
    ("PHONE", "[010-2345-6789] (02년 입사)"),
    ("PHONE", "회원([010-2345-6789]) 3명"),
    ("PHONE", "[010-2345-6789] - 3층"),
    ("PHONE", "(1) [010-2345-6789] (2) 없음"),
    ("PHONE", "14:00 [010-2345-6789] 부재중"),
    ("PHONE", "14:00:00 [010 2345 6789] 부재중"),
    ("KR_RRN", "09:00 [880101-1234567] 접수"),
    ("ACCOUNT", "09:10 [110-234-567890] 신한"),
    ("ACCOUNT", "2027/4/26 [301-9858-7118-86] 농협"),
    ("PHONE", "연락처1:[02 555 1234]"),
    ("PHONE", "전화 [010 (2345) 6789]"),
    ("PHONE", "전화 [031) 123 - 4567]"),
    ("PHONE", "call [(01632) 960 123]"),
    ("PHONE", "전화 [+82 (0)10-2345-6789]"),
    ("ACCOUNT", "계좌 [110-234-567890] (2024) 신한"),
    ("DRIVER_LICENSE", "운전면허 [11-12-345678-90] (1종)"),
    ("VEHICLE", "차량번호 [12가3456]이"),
    ("VEHICLE", "[123가 4567] 차가"),
    ("VEHICLE", "[서울 12가 3456]"),
    ("VEHICLE", "렌터카 [34허5678]입니다"),
    ("VEHICLE", "08:10 | [서울 70 아 1294] | 택배"),
    ("VEHICLE", "[경기 78 자 4410] 소방차 앞"),
    ("VEHICLE", "[부산 3나 1234] 트럭"),
    ("VEHICLE", "차량 [12 가 3456]"),
    ("VEHICLE", "지영호 | [80도 2217] | 납품"),
    # Telephones.
    ("PHONE", "[010-1234-5678]로"),
    ("PHONE", "연락처[01012345678]입니다"),
    ("PHONE", "[010 1234 5678]"),
    ("PHONE", "[010.1234.5678]"),
    ("PHONE", "[０１０－１２３４－５６７８]"),
    ("PHONE", "[+82 10-1234-5678]으로"),
    ("PHONE", "[+82-2-123-4567]로"),
    ("PHONE", "[(02) 123-4567]"),
    ("PHONE", "[02)123-4567]"),
    ("PHONE", "[031-8060-2560]"),
    ("PHONE", "[0505-123-4567]"),
    ("PHONE", "[1588-1234]로 전화"),
    ("PHONE", "[070-8888-1234]"),
    ("PHONE", "[011-234-5678]"),
    ("PHONE", "Tel:[415-555-0132]"),
    ("PHONE", "[(415) 555-0132]"),
    ("PHONE", "[+1 (415) 555-0132 ext. 12]"),
    ("PHONE", "[415.555.0132x123]"),
    ("PHONE", "[+44 20 7946 0958]"),
    ("PHONE", "[+33 1 85 27 18 59]"),
    ("PHONE", "[+14155550132]"),
    ("PHONE", "call me at [415 555 0132]"),
    ("PHONE", "지금은 [공일공 오오사팔 이이칠삼]이에요"),
    ("PHONE", "[영일영-삼사오육-칠팔구영]입니다"),
    ("PHONE", "[공일공 2345 6789]로"),
    # Money.
    ("CARD", "카드 [4111-1111-1111-1111]로 결제"),
    ("CARD", "[2223003122003222]"),
    ("CARD", "[2223 0031 2200 3222]입니다"),
    ("CARD", "[3782-822463-10005]"),
    ("CARD", "[9490-0300-0000-0005]"),
    ("CARD", "신용카드 [4111111111111111]"),
    ("ACCOUNT", "신한 [110234567890]"),
    ("ACCOUNT", "국민은행 [123456-04-123456]으로"),
    ("ACCOUNT", "카카오뱅크 [3333-01-1234567]"),
    ("ACCOUNT", "계좌번호는 [1002-123-456789]이고"),
    ("ACCOUNT", "[110-234-567890] (신한은행)"),
    ("ACCOUNT", "주문번호 말고 계좌 [301-1234-5678-91]"),
    ("ACCOUNT", "account number [1234567890]"),
    ("IBAN", "[DE89 3704 0044 0532 0130 00]"),
    ("IBAN", "[GB29NWBK60161331926819]입니다"),
    ("US_SSN", "SSN [078-05-1120]"),
    ("US_SSN", "his number is [536-22-8726]."),
    # Network.
    ("EMAIL", "[minsu@example.com]으로"),
    ("EMAIL", "메일은[a.b+c@mail.co.kr]이에요."),
    ("IP", "[192.168.0.12]에서"),
    ("IP", "host [10.1.2.3]/24"),
    ("IP", "접속 [2001:db8::8a2e:370:7334] 주소"),
    ("URL", "[https://user:p4ss@host.kr/x] 로"),
    ("URL", "[postgres://svc:secret@10.0.0.1:5432/db]"),
    ("URL", "[https://a.example.com/f?id=1&access_token=abcdef123456]"),
    ("POSTAL_CODE", "우편번호 [06236]"),
    ("POSTAL_CODE", "Reno, NV [89501]"),
    # Secrets.
    ("API_KEY", f"[sk-proj-{A24}{A24}]"),
    ("API_KEY", f"[sk-ant-api03-{A24}{A24}]을 썼어요"),
    ("API_KEY", "[AKIAIOSFODNN7EXAMPLE]"),
    ("API_KEY", f"[AIza{A24}12345678901]"),
    ("API_KEY", f"[ghp_{A24}123456789012]"),
    ("API_KEY", f"[github_pat_{A24}_{A24}{A24}]"),
    ("API_KEY", "[glpat-aB3dE6gH9jK2mN5pQ8sT]"),
    ("API_KEY", f"[xoxb-123456789012-123456789012-{A24}]"),
    ("API_KEY", f"[sk_live_{A24}]"),
    ("API_KEY", f"[npm_{A24}123456789012]"),
    ("API_KEY", f"[hf_{A24}1234567890]"),
    ("API_KEY", f"[SG.{A24[:22]}.{A24}{A24[:19]}]"),
    ("API_KEY", f"[SK{H32}]"),
    ("API_KEY", f"[123456789:AA{A24}123456789]"),
    ("API_KEY", f"AccountKey=[{A24 * 3}1234567890abcd==];"),
    ("API_KEY", f"aws_secret_access_key = [{A24}{A24[:16]}]"),
    ("API_KEY", f"카카오 REST API 키는 [{H32}]입니다"),
    ("API_KEY", f'client_secret: "[{A24}]"'),
    ("JWT", f"Authorization: Bearer [{JWT}]"),
    ("PRIVATE_KEY", f"키입니다\n[{PEM}]\n끝"),
    ("PASSWORD", "password: [Tr0ub4dor&3]"),
    ("PASSWORD", "비밀번호는 [hunter2!]입니다"),
    ("PASSWORD", "관리자 비번 [qwer1234!] 로"),
    ("PASSWORD", '{"password": "[s3cret pass]"}'.replace(" pass", "pass")),
    ("PASSWORD", "DB_PASSWORD=[naru-2026]"),
    # Set in columns, named for a service, or said in passing.
    ("PASSWORD", 'db_password      = "[naru-2026!]"'),
    ("PASSWORD", "camera: login viewer / [Yard-east-7], as before"),
    ("PASSWORD", "creds: jpark / [Winter2024!]"),
    ("PASSWORD", "the router login is admin / [yard7east4]"),
    ("PASSWORD", 'smtp_pass     = "[kd8#Lq2!]"'),
    ("ACCOUNT", "to my landlord (GTB [0261183947]), please"),
    ("ACCOUNT", "Buyer: account with FNB Rosebank [62714403958]"),
    ("PASSWORD", "Basic auth of the mirror: ci / [M1rror-Lake!]"),
    ("API_KEY", f'pagerduty_key    = "[{H32}]"'),
    ("API_KEY", f"MAILER_KEY=[{A24}{A24}]"),
    ("API_KEY", f"the Honeycomb key, in case you need it: [{H32}]"),
    ("URL", f"dsn [https://{H32}@errors.example.io/17]"),
    ("URL", "[https://a.example.com/u/7?access=Rt57mB20] now"),
    ("IP", "over VPN from [203.0.113.77]"),
    ("IP", "release 4 was fetched from [203.0.113.77]"),
    ("IP", "host,version,ip\na,17.9.4.11,[203.0.113.77]"),
]

LEFT_ALONE = [
    "job_1234-5678-9012_x",
    "see section 10.1.2.3 and § 10.12.2.3",
    "a route to 10.0.0.0/8 and 172.16.0.0/12",
    "req_20261121_0001 order_2026-11-21_12",
    "id_01023456789 and trace_01023456789",
    "주문번호 202611210001",
    "1234567890",
    "124810099812",
    "850231-1234567",
    "운송장 번호 6012-3456-7890",
    "송장 611234567890 조회",
    "ISBN 978-89-123-4567-8",
    "8801234567893 바코드",
    "버전 1.2.3.4",
    "Firmware         3.21.114.9 (minimum 3.20.10.11)",
    "Versions so far: 3.12.10.4, 11.0.2.",
    "rack  model      version      seen\nA1    C9300-48P  17.9.4.11    no\nA2    C9300-24P  21.4.3.82    yes",
    "model;firmware\nEX4300;21.4.3.82\nEX4600;21.4.3.83",
    f"cache_key = {H32}",
    f"public key: {H32}",
    "https://a.example.com/list?access=public",
    "user admin / opened2024 and login flow / oauth20 are pages",
    "see the user guide / v2.1-beta, user story / US-1234 and the login page / step-2",
    "from version 8.2.2.1985 to 11.26.9.6",
    "v10.20.30.40",
    "2024-11-21 10:30:15",
    "20241121",
    "금액 1,234,567,890원",
    "예산 10조 2000억 원",
    "제12조 3456",
    "공일공으로 시작하는 번호",
    "공일공 사람 이야기",
    "기온은 80도 2217명",
    "12 가 3456",
    "서울 12 가구 3456",
    "서울 1가 1234번지",
    "서울 2호 1234",
    "대법원 99다1234 판결",
    "37.566535, 126.977969",
    "550e8400-e29b-41d4-a716-446655440000",
    "00:1a:2b:3c:4d:5e",
    "00:12:34:56 경과",
    "1700000000000",
    "π는 3.14159265358979",
    "https://example.com/docs?page=12&id=1234567",
    "std::vector<int> a; foo::bar()",
    "@types/node@18.1.2 설치",
    "git@github.com:naru/naru.git",
    "비밀번호를 잊어버렸어요",
    "비밀번호는 8자 이상이어야 합니다",
    "password is required",
    "password: ${DB_PASSWORD}",
    "password: ********",
    "API 키는 어디에서 발급받나요?",
    "api_key = os.environ['OPENAI_API_KEY']",
    "password = self.ask(url, name)",
    "user, password = user_pass",
    "token = secrets.token_urlsafe(32)",
    "http://127.0.0.1:8400/v1",
    "sk-learn-is-a-python-library-for-learning",
    "M1234567 나사",
    "인구 51740000명",
    "Order #4155550132 shipped",
    "tracking number 9400 1355 4212 6140 7945 00",
    "1 2 3 4 5 6 7 8 9 10",
]


@pytest.mark.parametrize(("kind", "marked"), FOUND, ids=lambda value: str(value)[:24])
def test_found_exactly(kind, marked):
    """One value, its type, its first and last letter; particles and brackets stay outside."""
    start, end = marked.index("["), marked.rindex("]") - 1
    text = marked[:start] + marked[start + 1 : end + 1] + marked[end + 2 :]
    assert [(e.type, text[e.start : e.end]) for e in SCANNER.scan(text)] == [(kind, text[start:end])]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_left_alone(text):
    """A number of nobody's stays in the text."""
    assert [(e.type, text[e.start : e.end]) for e in SCANNER.scan(text)] == []


def test_the_nearer_label_wins():
    """카드, 계좌, 주문 and 전화 in one clause: each number is what the word next to it says."""
    text = (
        "카드 배송 조회 말고, 계좌 110-234-567890, 카드 4111-1111-1111-1111, "
        "주문번호 411111111111, 전화 02-123-4567"
    )
    assert [e.type for e in SCANNER.scan(text)] == ["ACCOUNT", "CARD", "PHONE"]


def test_numbers_side_by_side_are_two():
    """A blank between two numbers does not make one of them."""
    text = "010-1234-5678 02-123-4567 850101-1234567"
    assert [text[e.start : e.end] for e in SCANNER.scan(text)] == text.split()


@pytest.mark.parametrize("between", [" - ", "(", " (", " / ", "|", " ~ ", "·"])
def test_two_telephones_side_by_side_are_two(between: str):
    """What parts them is part of neither; the bracket is the second's where it closes its area."""
    text = f"연락처 010-2345-6789{between}031-123-4567"
    assert [text[e.start : e.end] for e in SCANNER.scan(text)] == ["010-2345-6789", "031-123-4567"]


def test_a_check_digit_never_decides_alone():
    """Ten digits that pass the business number's check, thirteen that pass a card's: nothing without more."""
    assert SCANNER.scan("2208162517") == []
    assert SCANNER.scan("4222222222222") == []


def test_a_check_digit_raises_and_lowers():
    """The same shape scores more when its check digit is right, and is still found when it is not."""
    right, wrong = SCANNER.scan("850101-1234566")[0], SCANNER.scan("850101-1234567")[0]
    assert right.score > wrong.score >= 0.5


def test_the_private_key_without_its_end_is_found_to_where_it_breaks():
    """A pasted key that was cut off leaks as much as a whole one."""
    text = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEF"
    assert [(e.start, e.end) for e in SCANNER.scan(text)] == [(0, len(text))]


def test_no_entity_tells_the_value():
    """Reasons are phrases of ours, whatever was found."""
    for _, marked in FOUND:
        text = marked.replace("[", "").replace("]", "")
        for entity in SCANNER.scan(text):
            assert text[entity.start : entity.end] not in entity.reason
            assert 0 <= entity.score <= 1


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("문자는 010-****-2468로 갑니다", "PHONE", "010-****-2468"),
        ("연락처 010-24**-13**", "PHONE", "010-24**-13**"),
        ("card=5210-11**-****-2233 승인", "CARD", "5210-11**-****-2233"),
        ("전화 010ㅡ2345ㅡ6789", "PHONE", "010ㅡ2345ㅡ6789"),
    ],
)
def test_a_number_with_a_hidden_part_is_found(text: str, kind: str, value: str):
    """What is left of it narrows down whose it is; a dash typed as a vowel is a dash."""
    assert [(e.type, text[e.start : e.end]) for e in Scanner().scan(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "url",
    [
        "https://join.example.kr/new?ref=a&birth=19840312&mobile=010-2345-6789",
        "https://api.example.kr/members?name=견다솜&phone=010-2345-6789",
    ],
)
def test_a_url_with_a_persons_number_is_one_span(url: str):
    """Birth dates, telephone numbers and names in a query go with the whole address."""
    text = f'GET "{url}" 200'
    assert [(e.type, text[e.start : e.end]) for e in Scanner().scan(text)] == [("URL", url)]
