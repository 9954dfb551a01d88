"""Names, addresses and dates of birth: F1 by exact span.

`python -m bench.pii_names [TSV]` reads KLUE-NER (CC BY-SA 4.0), whose first half of the development set lies
beside the checkout in development. It reports PERSON on the half the rules were written with and on the one
they were not, the false hits on its sentences without a person, and all types on documents of a fixed seed.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from naru.trust.detect import Scanner
from naru.trust.detect.addresses import AddressDetector
from naru.trust.detect.dates import BirthDateDetector
from naru.trust.detect.names import PersonDetector
from naru.trust.entity import Entity

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "pii" / "klue_ner_dev_first_half.tsv"
Find = Callable[[str], Iterable[Entity]]
Spans = frozenset[tuple[str, int, int]]
_KINDS = {"P": "PERSON", "A": "ADDRESS", "B": "BIRTH_DATE", "Z": "POSTAL_CODE"}


class Marked(NamedTuple):
    """A text and the spans in it that are right."""

    text: str
    spans: Spans


class Result(NamedTuple):
    """Counts of exact spans: found and right, found and wrong, missed."""

    right: int
    wrong: int
    missed: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when nothing is right."""
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)

    def __str__(self) -> str:
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missed)
        counts = f"{self.right}/{self.wrong}/{self.missed}"
        return f"F1 {self.f1:.3f}  precision {precision:.3f}  recall {recall:.3f}  ({counts})"


def klue(path: Path) -> Iterator[Marked]:
    """Sentences of a KLUE-NER file with their PERSON spans; one character and tag a line."""
    characters: list[str] = []
    spans: list[tuple[str, int, int]] = []
    start = -1
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        character, tab, tag = line.partition("\t")
        inside = bool(tab) and not line.startswith("##")
        if start >= 0 and not (inside and tag == "I-PS"):
            spans.append(("PERSON", start, len(characters)))
            start = -1
        if inside:
            if tag == "B-PS":
                start = len(characters)
            characters.append(character)
        elif characters:
            yield Marked("".join(characters), frozenset(spans))
            characters, spans = [], []


def measure(find: Find, documents: Iterable[Marked], types: frozenset[str]) -> Result:
    """Exact spans of the types at the score of 0.5."""
    right = wrong = missed = 0
    for text, spans in documents:
        found = {(e.type, e.start, e.end) for e in find(text) if e.score >= 0.5 and e.type in types}
        right += len(found & spans)
        wrong += len(found - spans)
        missed += len(spans - found)
    return Result(right, wrong, missed)


def marked(source: str) -> Marked:
    """`[P:홍길동] 님` as its text and spans."""
    text, at, spans = "", 0, []
    for m in re.finditer(r"\[([PABZ]):(.*?)\]", source):
        text += source[at : m.start()]
        spans.append((_KINDS[m.group(1)], len(text), len(text) + len(m.group(2))))
        text += m.group(2)
        at = m.end()
    return Marked(text + source[at:], frozenset(spans))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().split("\n"))


SURNAMES = _words(
    """
김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍 전 고 문 양 손 배 백 허 남 심 노 하 곽 성 차
주 우 구 민 나 남궁 황보 제갈
"""
)
GIVEN = _words(
    """
민준 서연 도윤 하은 지훈 수빈 영수 미경 재호 은지 현우 다인 태경 소라 준영 혜진 상철 정숙 유나 건우 채원
동혁 나래 병철 경자 시온 라희 세빈 우람 찬미 기범 여진 용섭 보람 윤슬 해인 규태 옥순 한솔 필립
"""
)
DISTRICTS = _lines(
    """
서울특별시 강남구
서울시 마포구
부산광역시 해운대구
경기도 성남시 분당구
경기 수원시 영통구
대전 유성구
전북특별자치도 전주시 덕진구
강원도 춘천시
충남 천안시 서북구
경남 창원시 성산구
제주특별자치도 제주시
인천 연수구
광주광역시 광산구
세종특별자치시
"""
)
ROADS = _lines(
    """
테헤란로
중앙로
대학로
판교역로
한강대로
송도과학로
문화로
번영로
월드컵북로
인계로
"""
)
DONGS = _lines(
    """
역삼동
우동
구월동
불당동
노은동
상현동
봉선동
용호동
"""
)
ENGLISH = _lines(
    """
Emily Carter
James Lee
Maria Gonzalez
Oliver Bennett
Aisha Khan
Hannah Schmidt
Daniel O'Brien
Sofia Rossi
Chen Wei
Grace Park
William Turner
Priya Patel
Ethan Brooks
Lucas Meyer
Nina Petrov
"""
)
STREETS = _lines(
    """
88 Elm Street
1420 Sunset Blvd
742 Evergreen Terrace
19 King Road
3005 Oak Ridge Drive
61 W 4th Avenue
900 Market St
"""
)
CITIES = _lines(
    """
Boston, MA 02108
Los Angeles, CA 90026
Springfield, IL 62704
San Francisco, California 94110
New York, NY 10118
Austin, TX 78701
"""
)

TEMPLATES = _lines(
    """
상담원: 안녕하세요, 고객센터 [P:{n}]입니다. 성함이 어떻게 되세요?
네 저는 [P:{n}]이라고 하고요, 주소는 [A:{a}]입니다.
환자명: [P:{n}] / 생년월일: [B:{b}] / 주소: [A:{a}]
보호자 [P:{n}]님께 [B:{b}]생 환자의 검사 결과를 설명함.
수신: [P:{n}] 부장 / 참조: [P:{m}] 과장
[P:{n}] 대리님, 지난주 회의 자료 보내드립니다. [P:{m}] 드림
임대인 [P:{n}]과 임차인 [P:{m}]은 아래와 같이 계약한다. 소재지: [A:{a}]
이름: [P:{n}], 거주지: [A:{a}], 우편번호: [Z:{z}]
예금주는 [P:{n}]입니다. 확인 후 [P:{m}] 팀장에게 알려 주세요.
참석자: [P:{n}], [P:{m}], [P:{o}]
지원자 성명 [P:{n}] ([B:{b}]생) 경력 5년
배송지: [A:{a}] 받는 사람: [P:{n}]
[P:{n}] 교수는 [P:{m}] 박사와 공동 연구를 진행했다.
[P:{n}] 씨는 어제 [P:{m}] 변호사를 선임했다고 밝혔다.
저희 어머니 [P:{n}]님이 [B:{b}]에 태어나셨어요.
([Z:{z}]) [A:{a}] [P:{n}] 귀하
급여 지급 대상: [P:{n}](사번 1042), 부서 이동: [P:{m}] 사원
작성자 [P:{n}] 승인자 [P:{m}]
가수 [P:{n}]의 새 노래가 공개됐고 배우 [P:{m}]도 축하했다.
주문번호 202611210001, 결제일 2026-11-20, 담당자 [P:{n}]
Dear [P:{e}], your appointment with Dr. [P:{f}] is confirmed.
Patient: [P:{e}], DOB: [B:{d}], Address: [A:{s}]
[P:{e}] lives at [A:{s}] and was born on [B:{d}].
Please ship the order to [P:{e}], [A:{s}]. Regards, [P:{f}]
Employee Name: [P:{e}], Manager: [P:{f}], Start date: 2024-01-02
"""
)


def documents(count: int, seed: int = 20261121) -> Iterator[Marked]:
    """Short documents of many registers; the same for the same seed."""
    pick = random.Random(seed)
    for index in range(count):
        names = [pick.choice(SURNAMES) + pick.choice(GIVEN) for _ in range(3)]
        region = pick.choice(DISTRICTS)
        number = f"{pick.randint(1, 400)}" + pick.choice(("", f"-{pick.randint(1, 30)}"))
        home = f", {pick.randint(101, 130)}동 {pick.randint(101, 2504)}호"
        unit = pick.choice(("", home, f" {pick.randint(1, 20)}층", " (본관)"))
        lot = f"{pick.choice(DONGS)} {pick.randint(1, 900)}-{pick.randint(1, 40)}"
        place = pick.choice((f"{pick.choice(ROADS)} {number}", lot))
        y, mo, d = pick.randint(1940, 2008), pick.randint(1, 12), pick.randint(1, 28)
        date = pick.choice(
            (f"{y}년 {mo}월 {d}일", f"{y}-{mo:02}-{d:02}", f"{y}.{mo:02}.{d:02}", f"{y % 100:02}.{mo}.{d}")
        )
        latin = pick.choice((f"{mo:02}/{d:02}/{y}", f"March {d}, {y}", f"{d} October {y}"))
        yield marked(
            TEMPLATES[index % len(TEMPLATES)].format(
                n=names[0], m=names[1], o=names[2], a=f"{region} {place}{unit}", b=date, d=latin,
                z=f"{pick.randint(1000, 63999):05}", e=pick.choice(ENGLISH), f=pick.choice(ENGLISH),
                s=f"{pick.choice(STREETS)}, {pick.choice(CITIES)}",
            )
        )  # fmt: skip


def main(path: Path) -> None:
    """Prints the tables."""
    person, address, birth = PersonDetector(), AddressDetector(), BirthDateDetector()
    only_person = frozenset({"PERSON"})
    if path.exists():
        rows = list(klue(path))
        half = len(rows) // 2
        print(f"KLUE-NER person, rules written with:     {measure(person.find, rows[:half], only_person)}")
        print(f"KLUE-NER person, rules not written with: {measure(person.find, rows[half:], only_person)}")
        clean = [row for row in rows if not row.spans]
        wrong = measure(person.find, clean, only_person).wrong
        print(f"false hits in {len(clean)} sentences without a person: {wrong}")
    everyday = path.parent.parent / "cache" / "parakqc_dev.txt"
    if everyday.exists():
        lines = [line.rpartition("\t")[2] for line in everyday.read_text("utf-8").splitlines() if line]
        hits = sum(bool(Scanner().scan(line)) for line in lines)
        print(f"paraKQC, any type in {len(lines)} utterances: {hits}")
    made = list(documents(2000))

    def find(text: str) -> list[Entity]:
        return [*person.find(text), *address.find(text), *birth.find(text)]

    for kind in _KINDS.values():
        wanted = frozenset({kind})
        kept = [Marked(row.text, frozenset(s for s in row.spans if s[0] == kind)) for row in made]
        print(f"made documents, {kind:12} {measure(find, kept, wanted)}")
    text = "\n".join(row.text for row in made)
    while len(text.encode()) > 100_000:
        text = text[: int(len(text) * 0.98)]
    for label, one in (("names", person.find), ("addresses", address.find), ("dates", birth.find)):
        began = time.process_time()
        list(one(text))
        spent_ms = (time.process_time() - began) * 1e3
        print(f"{label}: {spent_ms:.1f} ms for {len(text.encode())} bytes of made documents")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
