"""Words near a number that say what it is, in Korean and English, or that it is nobody's.

The nearest word wins: `카드 계좌 110-…` is an account, `계좌 운송장 6012…` a parcel.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

OTHER = "OTHER"
"""The group of labels of numbers that identify nobody: orders, parcels, versions, amounts."""

# Korean words are found anywhere, also inside a longer one; English ones from their first letter on.
_WORDS = """
KR_RRN: 주민등록; 주민 등록; 주민번호; 주민 번호; 주민(; 주민:; 주번; resident registration;
  resident number; resident reg; rrn; resident_registration; resident id
KR_FRN: 외국인등록; 외국인 등록; 외국인번호; 거소신고; 거소 신고; alien registration; frn;
  foreigner registration; foreign registration; alien_registration; arc number
KR_BRN: 사업자등록; 사업자 등록; 사업자번호; 사업자 번호; 사업자; business registration;
  business_registration; brn; biz no; business number; tax registration
KR_CRN: 법인등기; 법인 등기; 법인등록; 법인 등록; 법인번호; 법인 번호; corporate registration; crn;
  corporation registration; corporate_registration; corporate number
PASSPORT: 여권; passport
DRIVER_LICENSE: 운전면허; 운전 면허; 면허번호; 면허 번호; 면허증; driver's licen; drivers licen;
  driver licen; driver’s licen; driving licen; driver_licen; license number; licence number;
  driver's lic; dl number; dl no
HEALTH_INSURANCE: 건강보험; 건강 보험; 보험증; 증번호; 보험번호; 보험 번호; 보험=;
  보험:; 보험 ; ins_no; 의료보험; health insurance; health_insurance;
  nhis; insurance card
VEHICLE: 차는; 차가; 제 차; 내 차; 우리 차; 차량번호; 차량 번호; 차번호; 차 번호; 번호판; 차량; 자동차;
  license plate; licence plate; plate number; number plate; vehicle; 주차; 차종
ACCOUNT: 계좌; 입금; 송금; 이체; 통장; 예금주; 예금; 은행; 뱅크; bank; account number; account no;
  account_no; account_num; accountnumber; account:; account #; acct; a/c; wire to; deposit;
  account ending; account is; my account; account; 농협; 신협; 새마을금고; 우체국; iban; sort code
CARD: 카드; 결제수단; 결제 수단; credit card; debit card; card number; card_number; card no; card; visa;
  mastercard; amex; american express; cc number; cc#; credit_card; 비자카드; bc카드
PHONE: 전화; 연락처; 휴대폰; 핸드폰; 휴대 전화; 팩스; 폰번호; 폰 번호; 내선; 고객센터; 콜센터; 연락;
  문자; 통화; 직통; 번호로 문자; 상담; 문의; phone; mobile; telephone; contact number; contact no;
  call me; call us; whatsapp; reach me; reach us; text me; hotline; cellphone; cell phone; reached at;
  contact; faxed
POSTAL_CODE: 우편번호; 우편 번호; 우편; (우); zip code; zipcode; zip_code; postal code; postcode;
  postal_code; post code; postalcode
US_SSN: social security; social_security; ssn; 사회보장번호; ss#
IP: ip address; ip_address; 아이피; ip 주소; ip주소; 접속 ip; 서버 ip; ipv4; ipv6; server; 서버; host;
  client_ip; remote_addr
OTHER: 주문; 운송장; 송장; 배송; 택배; 등기; 예약번호; 예약 번호; 접수번호; 접수 번호; 관리번호;
  관리 번호; 상품번호; 상품 번호; 상품코드; 상품 코드; 제품번호; 제품 번호; 품번; 품목코드; 모델명;
  모델번호; 모델 번호; 시리얼; 일련번호; 일련 번호; 바코드; 버전; 펌웨어; 릴리스; 좌표; 위도; 경도;
  금액; 가격; 합계; 총액; 결제액; 매출; 사건번호; 사건 번호; 사건; 승인번호; 승인 번호; 거래번호;
  거래 번호; 참조번호; 참조 번호; 문서번호; 문서 번호; 티켓번호; 티켓 번호; 티켓; 쿠폰; 회원번호;
  회원 번호; 고객번호; 고객 번호; 사번; 학번; 추적번호; 추적 번호; 조회번호; 조회 번호; 발주; 로그;
  타임스탬프; 랜덤; 난수; 재고; 도서; 관련번호; 계약번호; 계약 번호; 증권번호; 공고; 특허; 출원번호;
  논문; 코드는; 인증번호; 인증 번호; 인증코드; usps; fedex; dhl; 대한통운; 한진택배; order; tracking;
  shipment; invoice; isbn; ean; upc; barcode; serial; version; firmware; release; build; coordinates;
  latitude; longitude; lat/lon; price; amount; total; sku; part number; part no; ticket; case number;
  case no; reference; ref no; transaction; timestamp; booking; confirmation; model number; model no;
  item number; item no; product code; product id; batch; lot number; lot no; purchase order; po number;
  job id; request id; session id; random; checksum; commit; patent; doi; parcel; waybill; consignment;
  catalog; epoch; unix time; order_id; order_no
"""
# Too short to be looked for inside other words: whole words only.
_WHOLE_WORDS = """
PHONE: tel; hp; fax; cell; ph; call; call:; mob; tlf; sms; 텔; dial
KR_RRN: rrno; jumin
US_SSN: ss; sin; social:; social #; soc:
ACCOUNT: absa; capitec; fnb; gtb; gtbank; kuda; moniepoint; nedbank; opay; palmpay; uba
IP: ip
POSTAL_CODE: zip
DRIVER_LICENSE: dl; dln
OTHER: ref; sn; s/n; po; id; ver; pnr; awb; imei; mac; oid; uid
"""
_BANKS = "KB|국민|신한|우리|하나|기업|IBK|NH|농협|카카오|토스|케이|K뱅크"
# Cities, too: a bank only before a number.
_CITY_BANKS = "산업|수협|SC|제일|씨티|대구|부산|광주|전북|경남|제주|IM"

# Each begins with one class, so that the engine runs over all else in a tight loop.
_BREAK = re.compile(
    r"[.!?;\n\r0-9](?:(?<=[.!?])(?<![Nn]o[.!?])\s|(?<=;)|(?<=[\n\r])\s*[\n\r]|(?<=[0-9])[0-9]{2})"
)
_BREAK_OTHER = re.compile(r"[,/|\n\r]")
# What stands between a label and its number and is no word of its own.
_FILLER_WORDS = (
    "번호 번호는 번호가 번호로 번호: 코드 코드는 값 값은 는 은 이 가 를 을 로 no no. no: num number "
    "number: is was are of the # : = - id id: code code: to from for a my"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
# What most often stands there, and parts nothing: known at one look.
_PLAIN_GAPS = frozenset(
    blank + noun + particle + sign
    for blank in ("", " ")
    for noun in ("", "번호", "number", "no", "is")
    for particle in ("", "는", "은", "가", "이", "를", "을", " is")
    for sign in ("", " ", ":", ": ", " : ", "=", " = ", "(", " (", " +", ": +", " #", "#")
)
_NEXT_NUMBER = re.compile(r" ?(?:계좌)? ?(?:번호)?[:는은= ]{0,3}[A-Z]{0,2}[0-9]")
_REACH = 32
_OTHER_REACH = 18
_AFTER_REACH = 6
_FAR = 1_000
# A label after a number counts only where it is so many times as near as the one before it.
_AFTER_WEIGHT = 4
_BREAK_AFTER = re.compile(r"[.!?,;|/\n\r0-9](?:(?<![0-9])|[0-9])")


def _parse(words: str) -> Iterator[tuple[str, str]]:
    """Group and word of each; a line that is indented goes on."""
    for line in words.strip().replace("\n  ", " ").splitlines():
        group, _, listed = line.partition(": ")
        for word in listed.split("; "):
            yield group, word


def _expressions() -> tuple[list[str], list[tuple[str, int, int]]]:
    expressions: list[str] = []
    meanings: list[tuple[str, int, int]] = []
    for group, word in _parse(_WORDS):
        expressions.append(rf"(?:\b|_){re.escape(word)}" if word.isascii() else re.escape(word))
        meanings.append((group, len(word), 0))
    for group, word in _parse(_WHOLE_WORDS):
        expressions.append(rf"\b{re.escape(word)}" + (r"\b" if word[-1].isalnum() else ""))
        meanings.append((group, len(word), 0))
    # 우리, 하나, 기업 are everyday words: a bank's name only where a number follows.
    expressions.append(rf"(?:{_BANKS}|{_CITY_BANKS})(?: ?\)| ?계좌)?[ :]{{1,2}}[0-9]")
    meanings.append(("ACCOUNT", 2, 1))
    expressions.append(rf"[0-9] ?\(? ?(?:{_BANKS})")
    meanings.append(("ACCOUNT", 2, 0))
    return expressions, meanings


EXPRESSIONS, MEANINGS = _expressions()
"""What a matcher looks for, and of each: its group, its length, and how far it reaches into what follows."""


def count_words(gap: str) -> int:
    """Words between a label and a number that say something of their own."""
    # What is glued to the label, a particle or the rest of a longer word, is no word of its own.
    words = gap.split()
    if not gap[:1].isspace():
        del words[:1]
    if not words:
        return 0
    return sum(word.lower() not in _FILLERS and any(map(str.isalnum, word)) for word in words)


class Labels:
    """The labels of one text, by place.

    Args:
        text: folded.
        expressions: that a matcher found, as indices into MEANINGS, or past it.
        ends: of each, in code points; rising.

    Attributes:
        ends: of the labels, and one out of reach at either end.
    """

    __slots__ = ("_groups", "_starts", "_text", "ends")

    def __init__(self, text: str, expressions: Iterable[int], ends: Iterable[int]) -> None:
        self._text = text
        last_start = last_end = -_FAR
        self.ends = kept_ends = [last_end]
        self._starts = kept_starts = [last_start]
        self._groups = groups = [""]
        meanings = MEANINGS
        count = len(meanings)
        for expression, end in zip(expressions, ends, strict=True):
            if expression >= count:
                continue
            group, length, reach = meanings[expression]
            if reach:
                end -= reach
            start = end - length
            if last_start <= start and last_end >= end:
                continue
            # A longer word knows better than those within it: 외국인등록 and not 등록.
            while last_start >= start:
                kept_ends.pop()
                kept_starts.pop()
                groups.pop()
                last_start = kept_starts[-1]
            kept_ends.append(end)
            kept_starts.append(start)
            groups.append(group)
            last_start = start
            last_end = end
        kept_ends.append(len(text) + _FAR)
        kept_starts.append(len(text) + _FAR)

    def find_before(self, start: int) -> tuple[str, int] | None:
        """The group of the nearest label before an offset, and how far it is; within the same clause only."""
        at = bisect_right(self.ends, start) - 1
        distance = start - self.ends[at]
        if distance > _REACH or (distance > 1 and self._is_parted(at, start)):
            return None
        return self._groups[at], distance

    def _is_parted(self, at: int, start: int) -> bool:
        """Whether what stands between a label and an offset parts them."""
        gap = self._text[self.ends[at] : start]
        if gap in _PLAIN_GAPS:
            return False
        if _BREAK.search(gap) or ("\n" in gap and count_words(gap)):
            return True
        return self._groups[at] == OTHER and (
            len(gap) > _OTHER_REACH or _BREAK_OTHER.search(gap) is not None or count_words(gap) > 1
        )

    def find_near(self, at: int, start: int, end: int) -> tuple[str, int, bool]:
        """Of a span the nearest label's group or "", how far it is, and whether it stands before.

        One before the span, unless one after it is much nearer.

        Args:
            at: the first of `ends` after `start`.
        """
        before = self.ends[at - 1]
        distance = start - before
        group = ""
        if distance <= _REACH and (
            distance <= 1 or self._text[before:start] in _PLAIN_GAPS or not self._is_parted(at - 1, start)
        ):
            group = self._groups[at - 1]
            if distance <= _AFTER_WEIGHT:
                return group, distance, True
        starts = self._starts
        while starts[at] < end:
            at += 1
        after = starts[at] - end
        if after <= _AFTER_REACH and (not group or _AFTER_WEIGHT * (after + 1) < distance):
            label = self._after(at, end)
            if label:
                return label, after, False
        return (group, distance, True) if group else ("", 0, False)

    def find_after(self, end: int) -> tuple[str, int] | None:
        """The group of the first label after an offset, a few letters away, and how far it is.

        What follows a number never says that it is nobody's: it belongs to the next one.
        """
        at = bisect_right(self._starts, end - 1)
        distance = self._starts[at] - end
        group = self._after(at, end) if distance <= _AFTER_REACH else ""
        return (group, distance) if group else None

    def _after(self, at: int, end: int) -> str:
        """The group of a label when nothing parts it from an offset and no number follows it, else ""."""
        group = self._groups[at]
        if (
            group == OTHER
            or _BREAK_AFTER.search(self._text, end, self._starts[at])
            or _NEXT_NUMBER.match(self._text, self.ends[at])
        ):
            return ""
        return group
