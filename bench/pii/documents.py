"""Documents with planted values and the exact span of each. The same seed makes the same documents.

`{KR_RRN}` in a template is a value that must be found, `{=order}` a number that must not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from bench.pii import values as v

SEED = 20261121


@dataclass(frozen=True, slots=True)
class Span:
    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    spans: tuple[Span, ...]
    language: str


_FILL: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "KR_RRN": ("KR_RRN", v.rrn),
    "KR_FRN": ("KR_FRN", v.frn),
    "KR_BRN": ("KR_BRN", v.brn),
    "KR_CRN": ("KR_CRN", v.crn),
    "PASSPORT": ("PASSPORT", v.passport),
    "DRIVER_LICENSE": ("DRIVER_LICENSE", v.license_kr),
    "HEALTH_INSURANCE": ("HEALTH_INSURANCE", v.health),
    "VEHICLE": ("VEHICLE", v.plate),
    "MOBILE": ("PHONE", v.mobile),
    "LANDLINE": ("PHONE", v.landline),
    "US_PHONE": ("PHONE", v.us_phone),
    "FOREIGN_PHONE": ("PHONE", v.foreign_phone),
    "CARD": ("CARD", v.card),
    "ACCOUNT": ("ACCOUNT", v.account),
    "US_ACCOUNT": ("ACCOUNT", v.us_account),
    "IBAN": ("IBAN", v.iban),
    "US_SSN": ("US_SSN", v.ssn),
    "EMAIL": ("EMAIL", v.email),
    "IP": ("IP", v.ip),
    "URL": ("URL", v.url),
    "API_KEY": ("API_KEY", v.api_key),
    "LABELLED_KEY": ("API_KEY", v.labelled_key),
    "JWT": ("JWT", v.jwt),
    "PRIVATE_KEY": ("PRIVATE_KEY", v.private_key),
    "PASSWORD": ("PASSWORD", v.password),
    "POSTAL_CODE": ("POSTAL_CODE", v.postal),
    "ZIP": ("POSTAL_CODE", v.zip_code),
}

_KOREAN = r"""
고객님 주민등록번호는 {KR_RRN}이고 연락처는 {MOBILE}입니다.
주민번호 {KR_RRN} 확인 부탁드립니다. 주문번호는 {=order}예요.
신청인({KR_RRN})의 서류를 {=date}까지 보내 주세요.
직원 명부: 주민등록번호 {KR_RRN}, 이메일 {EMAIL}, 휴대폰 {MOBILE}
외국인등록번호 {KR_FRN}로 조회했는데 결과가 없습니다.
외국인 직원의 등록번호는 {KR_FRN}입니다.
세금계산서는 사업자등록번호 {KR_BRN}로 끊어 주세요.
거래처({KR_BRN})와 {=date}에 계약했습니다. 금액은 {=price}원입니다.
법인등록번호 {KR_CRN}, 사업자번호 {KR_BRN}입니다.
법인번호는 {KR_CRN}이며 대표전화는 {LANDLINE}입니다.
여권번호 {PASSPORT}으로 예약했고 예약번호는 {=random_digits}입니다.
제 여권은 {PASSPORT}이고 만료일은 {=date}입니다.
운전면허번호: {DRIVER_LICENSE}
면허증 번호가 {DRIVER_LICENSE}인 고객의 사고 접수 건입니다.
건강보험증 번호 {HEALTH_INSURANCE}로 진료비를 청구했습니다.
건강보험 증번호는 {HEALTH_INSURANCE}입니다.
차량번호 {VEHICLE} 주차 등록해 주세요.
{VEHICLE} 차가 통로를 막고 있어요. {MOBILE}로 연락 주세요.
어제 {VEHICLE}에 치일 뻔했습니다.
{MOBILE}로 전화 주시면 됩니다.
담당자 직통은 {LANDLINE}이고, 팩스는 {LANDLINE}입니다.
문의: {LANDLINE} / {EMAIL}
{MOBILE} 또는 {LANDLINE}으로 문자 주세요
카드번호 {CARD}로 {=price}원 결제했는데 취소해 주세요.
카드 {CARD}로 결제되었습니다. 승인번호 {=random_digits}
{CARD} 카드를 분실했습니다.
국민은행 계좌번호 {ACCOUNT}로 입금해 주세요.
환불 계좌: {ACCOUNT} (예금주 확인 완료)
계좌번호는 {ACCOUNT}이고, 주문번호는 {=order}입니다.
신한 {ACCOUNT}로 이체했습니다.
월세는 매달 25일 카카오뱅크 {ACCOUNT}으로 보내 주세요.
{EMAIL}으로 회신 부탁드립니다.
메일은{EMAIL}이에요. 참고로 버전은 {=version}입니다.
접속 IP는 {IP}이고 시각은 {=clock}입니다.
{IP}에서 로그인 시도가 있었습니다. 장비의 MAC은 {=mac}입니다.
서버 주소 {IP}, 펌웨어 버전 {=version}
비밀번호는 {PASSWORD}입니다. 바꿔 주세요.
임시 비밀번호: {PASSWORD}
관리자 비번 {PASSWORD} 로 들어가세요
API 키는 {API_KEY}입니다. 저장소 커밋은 {=commit}입니다.
토큰 {API_KEY}을 실수로 올렸어요.
클라이언트 시크릿: {LABELLED_KEY}
이 토큰을 해석해 줘: {JWT}
서버에 이 키를 넣어 주세요.\n{PRIVATE_KEY}
접속 정보는 {URL} 입니다.
우편번호 {POSTAL_CODE}, 배송 메모는 없음
(우) {POSTAL_CODE} 로 보내 주세요. 운송장 번호는 {=tracking}입니다.
주문번호 {=order} 배송은 언제 되나요?
운송장 번호 {=tracking}로 조회해 주세요.
택배 송장 {=tracking} 분실 신고합니다.
상품번호 {=random_digits}, 바코드 {=ean}, 가격 {=price}원
ISBN {=isbn} 도서를 {=date}에 주문했습니다.
회의는 {=date} 오후 3시입니다. 참석자는 12명입니다.
예산은 {=money} 원으로 지난해보다 12.5% 늘었습니다.
좌표는 {=coordinates} 입니다.
시리얼 번호 {=random_digits} 제품이 고장났습니다.
대법원 {=case_number} 판결을 요약해 줘.
로그의 타임스탬프는 {=epoch}이고 요청은 {=uuid}입니다.
접수번호 {=random_digits}로 문의드렸는데 아직 답이 없어요.
자세한 내용은 {=plain_url} 를 보세요.
버전 {=version}에서 {=version}로 올려도 되나요?
총액 {=price}원 중 {=price}원을 환급받았습니다.
모델번호 {=random_digits}의 재고는 {=price}개입니다.
{=random_digits}
{=random_digits}번 항목을 지워 줘
주문자: 이름 생략 | 전화: {MOBILE} | 주문번호: {=order} | 카드: {CARD}
"rrn": "{KR_RRN}", "phone": "{MOBILE}", "order_id": "{=order}"
고객 {MOBILE}, 주문 {=order}, 계좌 {ACCOUNT}, 송장 {=tracking}
"""

_ENGLISH = r"""
My social security number is {US_SSN} and my phone is {US_PHONE}.
SSN: {US_SSN}
Employee {US_SSN} was hired on {=date}.
Please call me at {US_PHONE} or e-mail {EMAIL}.
You can reach our office at {FOREIGN_PHONE}.
Tel: {FOREIGN_PHONE}, order number {=order}
{US_PHONE} is the number on file.
Charge it to card {CARD}, total price ${=price}.
My credit card number is {CARD} and the order number is {=order}.
Card on file: {CARD}
{CARD} was declined twice.
Wire it to account number {US_ACCOUNT} before {=date}.
IBAN {IBAN} is what the supplier gave us.
Please pay to {IBAN}, reference {=random_digits}.
Send the report to {EMAIL}, not to the list.
The request came from {IP} at {=clock}.
host={IP} mac={=mac} uptime=12345
Login to {URL} and check.
Connect with {URL} please
My password is {PASSWORD}, please reset it.
password: {PASSWORD}
DB_PASSWORD="{PASSWORD}"
export OPENAI_API_KEY={API_KEY}
Here is the key: {API_KEY}
I accidentally pushed {API_KEY} to commit {=commit}.
client_secret = "{LABELLED_KEY}"
Authorization: Bearer {JWT}
Decode this: {JWT}
Here is my key:\n{PRIVATE_KEY}\nWhat is wrong with it?
ZIP code {ZIP}
It is in Springfield, IL {ZIP}.
passport number {PASSPORT}, issued {=date}
Resident registration number {KR_RRN}, mobile {MOBILE}
Business registration number {KR_BRN}, tax invoice {=random_digits}
The driver's license number is {DRIVER_LICENSE}.
Where is my parcel? tracking number {=tracking}
Your order {=order} has shipped.
Invoice {=random_digits} is due on {=date}.
ISBN {=isbn} and EAN {=ean} are the same book.
We upgraded from version {=version} to {=version}.
The amount is {=price} KRW.
Coordinates: {=coordinates}
Request id {=uuid}, epoch {=epoch}
The serial number {=random_digits} is out of warranty.
See {=plain_url} for details.
Ticket {=random_digits} was closed on {=date} at {=clock}.
part number {=random_digits}, sku {=random_digits}
The checksum of build {=version} is {=commit}.
{=random_digits} rows were written
Contact: {EMAIL} | {US_PHONE} | order {=order}
{"card_number": "{CARD}", "email": "{EMAIL}", "order_id": "{=order}"}
"""

# The same things as other people write them: forms, tables, letters, logs, code. Written after the rules.
_KOREAN_FORMS = r"""
성명 | 생년월일 | 주민등록번호 | 연락처\n(생략) | (생략) | {KR_RRN} | {MOBILE}
이름,주민번호,휴대폰,메일\n(생략),{KR_RRN},{MOBILE},{EMAIL}
□ 신청인 주민등록번호 : {KR_RRN}   □ 연락처 : {MOBILE}
보험 청구 건으로 피보험자 {KR_RRN} 서류 보냅니다.
안녕하세요, {MOBILE}으로 인증번호가 안 와요 ㅠㅠ
제 번호 {MOBILE} 저장해 두세요~
폰 {MOBILE}, 집 {LANDLINE}
H.P. {MOBILE} / T. {LANDLINE} / E. {EMAIL}
[{LANDLINE}] 로 문의하시기 바랍니다.
엄마 번호는 {MOBILE}이고 아빠 번호는 {MOBILE}이야
등록번호 {KR_BRN} 상호 (주)나루 대표자 생략
공급자 {KR_BRN} → 공급받는자 {KR_BRN}
법인 등기번호 {KR_CRN}
외국인 등록증 번호가 {KR_FRN}인데 체류 연장 가능한가요?
여권({PASSPORT}) 사본을 첨부합니다.
여권 번호가 {PASSPORT}인 승객의 좌석을 바꿔 줘
운전면허 {DRIVER_LICENSE} 벌점 조회
면허번호가 {DRIVER_LICENSE}로 나옵니다
보험증번호: {HEALTH_INSURANCE}
건보 증번호 {HEALTH_INSURANCE} 자격 확인
제 차는 {VEHICLE}이고 흰색 SUV입니다.
주차장 B2 {VEHICLE} 이동 바랍니다.
번호판 {VEHICLE}
신용카드 {CARD} 유효기간 12/28
{CARD} 로 3개월 할부요
법인카드({CARD})로 긁었어요
농협 {ACCOUNT} 으로 보내줘
입금처: 하나은행 {ACCOUNT}
{ACCOUNT} 신한은행 입니다
송금 부탁해요 우리은행 {ACCOUNT}
급여통장 {ACCOUNT} (국민)
연락: {EMAIL}, {MOBILE}
<{EMAIL}>님이 보낸 메일
아이디 {EMAIL} 비번 {PASSWORD}
DB 비밀번호={PASSWORD}
와이파이 비번: {PASSWORD}
내 패스워드가 {PASSWORD}인데 안전해?
{IP} 서버가 죽었어요
방화벽에서 {IP} 차단, {IP} 허용
gitlab 토큰이 {API_KEY}인데 폐기해야 하나요?
.env 파일: API_KEY={API_KEY}
우편번호: {POSTAL_CODE}
주문 {=order} 건 환불해 주세요
송장번호 {=tracking} 입니다
[Web발신] 인증번호 {=pin6} 를 입력하세요
품목코드 {=random_digits}\t수량 {=price}
2026년 매출 {=price}원, 영업이익 {=price}원
지난 {=date} 대비 {=money}원 증가
문서번호 제2026-{=random_digits}호
파이썬 {=version} 설치 방법 알려줘
{=ean} 상품 바코드 조회
관측 좌표 ({=coordinates})
커밋 {=commit} 되돌려 줘
{=clock} ~ {=clock} 사이의 로그를 보여 줘
π는 3.14159265358979이고 e는 2.718281828입니다
국내 인구는 51740000명, 세대는 24120000세대입니다
견적 유효기간: {=date} ~ {=date}
경기는 3-2, 15-13, 21-19로 끝났습니다
제12조 3456항은 없습니다. 총 250주 1000원에 매수
"""

_ENGLISH_FORMS = r"""
Name,SSN,Phone\n(none),{US_SSN},{US_PHONE}
Patient SSN {US_SSN}, insurance pending.
Her social is {US_SSN}.
Cell {US_PHONE} or {US_PHONE}
Give me a ring on {FOREIGN_PHONE} tomorrow.
Fax: {US_PHONE}
{FOREIGN_PHONE} (office), {EMAIL}
From: <{EMAIL}>\nTo: <{EMAIL}>\nDate: {=date}
mailto:{EMAIL}
user={EMAIL};ip={IP}
[{=date}] 401 from {IP} "GET /v1/orders/{=random_digits}"
ssh root@{IP}
nameserver {IP}
Visa {CARD} exp 12/28
Pay with {CARD}, CVV hidden
"pan": "{CARD}"
our bank account is {US_ACCOUNT}
acct no. {US_ACCOUNT}, routing withheld
BIC COBADEFF, IBAN: {IBAN}
curl -H "Authorization: Bearer {API_KEY}" https://api.example.com
os.environ["OPENAI_API_KEY"] = "{API_KEY}"
{API_KEY} is leaked, rotate it
aws_secret_access_key = {LABELLED_KEY}
"token": "{JWT}"
Cookie: session={JWT}
DATABASE_URL={URL}
git clone {URL}
{PRIVATE_KEY}
{"username": "admin", "password": "{PASSWORD}"}
the password is {PASSWORD}
passwd={PASSWORD}
Passport No.: {PASSPORT}
Ship to Austin, TX {ZIP}
postal code: {POSTAL_CODE}
PO number {=random_digits}, total {=price}
USPS {=usps}
Order #{=random_digits} delivered on {=date}
Python {=version} released on {=date}
def f(x): return x * {=random_digits} + 0x{=commit}
lat={=latitude}, lon={=longitude}
Room 12, row 34, seat 56, gate 7
The population grew from 51,740,000 to 52,000,000 between 1999 and 2026.
ETA {=clock}, flight KE0901, booking {=random_digits}
id: {=uuid}
"""

_SLOT = re.compile(r"\{(=?)([A-Za-z_]+)\}")


def _fill(template: str, rng: random.Random, language: str) -> Document:
    parts: list[str] = []
    spans: list[Span] = []
    size = last = 0
    for slot in _SLOT.finditer(template):
        before = template[last : slot.start()]
        if slot.group(1):
            value = getattr(v, slot.group(2))(rng)
        else:
            kind, make = _FILL[slot.group(2)]
            value = make(rng)
            at = size + len(before)
            spans.append(Span(kind, at, at + len(value)))
        parts += [before, value]
        size += len(before) + len(value)
        last = slot.end()
    parts.append(template[last:])
    return Document("".join(parts), tuple(spans), language)


def _templates(text: str) -> list[str]:
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in text.strip().splitlines() if line]


def make_documents(count: int = 6_000, seed: int = SEED) -> list[Document]:
    """`count` documents of one to four sentences each, about five in eight of them Korean."""
    rng = random.Random(seed)
    pools = {"ko": _templates(_KOREAN + _KOREAN_FORMS), "en": _templates(_ENGLISH + _ENGLISH_FORMS)}
    documents: list[Document] = []
    for _ in range(count):
        language = "ko" if rng.random() < 0.625 else "en"
        text, spans = "", []
        for _ in range(rng.randint(1, 4)):
            part = _fill(rng.choice(pools[language]), rng, language)
            text += rng.choice([" ", "\n"]) if text else ""
            spans += [Span(s.type, s.start + len(text), s.end + len(text)) for s in part.spans]
            text += part.text
        documents.append(Document(text, tuple(spans), language))
    return documents
