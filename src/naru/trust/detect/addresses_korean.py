"""Korean addresses: a core (road and number, lot, or 동 and 호), regions to its left, details to its right.

A core is found by one pass; the walk to either side is bounded, so the whole is linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from naru.trust.detect.leaps import Leaps
from naru.trust.detect.names_lexicon import sections, words
from naru.trust.entity import Entity

_CORES = Leaps(*(rf"{letter} {{0,2}}(?:산 ?|지하 ?)?\d" for letter in "로길동리가읍면"))
# Its letter first and what must precede it after: the search leaps from letter to letter.
_BUILDING_CORE = re.compile(r"동(?<=\d동) ?제?\d{1,5}호")
_BLOCK_DIGITS = 4
_REGION_REACH = 13
"""The longest province, a blank and a district of five letters."""
# Sought by the rarest of its letters.
_BOX = re.compile("함(?<=사서함)")
_PO_BOX = re.compile(r"(?:[가-힣]{2,8}(?:우체국)? )?사서함 ?(?:제 ?)?\d{1,5}(?:-\d{1,4})?호?")
_LABEL = re.compile(
    r"(?:주소지?|거주지|배송지|배달지|소재지|본적|등록기준지"
    r"|사업장|수령지|도착지|출발지|설치장소|자택|근무지"
    r"|우편물 ?수령처|보내실 ?곳|받는 ?곳|받으실 ?곳|사는 ?곳)"
    r"(?:은|는|이|가)?(?:\([^)\n]{1,12}\))?\s{0,2}[:：=|]?\s{0,3}"
)
_POSTAL_LABELS = Leaps(
    *(
        label + r"(?:은|는|이|가)?\s{0,2}[:：=|]?\s{0,3}[(\[]?(\d{5}(?:-\d{4})?|\d{3}-\d{3})(?!\d)"
        for label in (
            "우편 ?(?i:번호|NO)",
            "z(?i:ip(?: ?code)?)",
            "Z(?i:ip(?: ?code)?)",
            "p(?i:ostal ?code|ostcode)",
            "P(?i:ostal ?code|ostcode)",
        )
    )
)
_BETWEEN = re.compile(r"[\d ()\[\]우-]*")
"""What may stand between a label and its address: a postal code in brackets."""
_POSTAL_BEFORE = re.compile(
    r"[(\[〒우]\s?(?:우편번호\s?|우\)\s?)?:?\s?(\d{5}|\d{3}-\d{3})\s?[)\]]?\s{0,2}$|(?<![\d-])(\d{5})\s{1,2}$"
)
_POSTAL_AFTER = re.compile(r"[ ,\n]{0,2}[(\[](\d{5})[)\]]|,? (\d{5})(?=\n|\Z)")
_ROAD_NUMBER = re.compile(
    r" {0,2}(?:지하 ?)?\d{1,4}(?:-\d{1,4})?(?:번지)?(?!\.\d|,\d{3}(?!\d)"
    r"|\d|[년월일시분개원명만억천배%세살점회차위장건대권초])"
)
_SECTION = re.compile(r" ?[1-9]가(?! ?[\d길])")
"""을지로 2가 is a quarter as long as no number follows."""
_BRANCH = re.compile(r" ?\d{1,4}(?:번|가|나|다|라)?길")
_LOT = re.compile(
    r"(?:[1-9]가)? {0,2}(?:산 ?)?\d{1,4}(?:-\d{1,4})?(?:번지)?(?: ?\d{1,4}호)?(?!\.\d|,\d{3}(?!\d)"
    r"|\d|[가-힣]{1,5}\d{0,2}[로길] ?\d|[년월일시분개원명만억천배%세살점회차위장건대권초동층])"
)
_BUILDINGS = (
    "아파트|빌라|오피스텔|타워"
    "|맨션|빌딩|자이|푸르지오|래미안|힐스테이트|캐슬|아이파크"
    "|더샵|편한세상|팰리스|하이츠|위브|스위첸|데시앙|베르디움"
    "|센터|프라자|플라자|상가|하우스|연립|주택|원룸|빌리지"
    "|단지|스퀘어|밸리|시티|파크|마을|포레|관"
)
# Brackets are part of an address where they hold a 동, a unit or a building, and not `(셔틀 5분)`.
_BRACKETS = (
    r"\((?!공동)(?:(?=[가-힣]{2,4}\d?동 )|(?=[^()\n]{0,20}[가-힣]\d{0,2}(?:동|읍|면|리|가)[,)])"
    rf"|(?=[^()\n]{{0,24}}(?:\d ?[층호동]|{_BUILDINGS})[ 0-9A-Z,)]))[가-힣0-9A-Za-z·,. ]{{2,30}}\)"
)
_DETAIL = re.compile(
    r"(?: ?[,，]? ?(?:"
    rf"{_BRACKETS}"
    r"|(?:제 ?)?\d{1,4}동(?: ?제?\d{1,5}호)?"
    r"|(?:제 ?)?[A-Z가나다라마바사아]동(?: ?\d{1,5}호)?(?![가-힣]{2})"
    r"|지?하? ?(?:지상 ?)?B?\d{1,3}층(?: ?\d{1,5}호)?"
    r"|[A-Z]?-?\d{1,5} ?호"
    r"|\d{1,4}-\d{1,5}(?=[\s,.)]|$)"
    rf"|[가-힣A-Za-z0-9]{{1,14}}(?:{_BUILDINGS})(?: ?[A-Z0-9]{{1,3}}차)?(?![가-힣])"
    r"|[가-힣A-Za-z0-9]{2,14}(?= (?:\d{1,4}|[A-Z])동 ?\d{1,5}호)"
    r"|[가-힣A-Za-z0-9]{2,14}(?= ?\d{1,4}층| (?:[A-Z]|[가-아]동 )?\d{2,5}호)"
    r")){1,6}"
)
_WORD_BACK = re.compile(r"([가-힣A-Za-z0-9·.\-]{1,14})[ ,]{0,2}$")
_DONG = re.compile(r"[가-힣]{1,5}\d{0,2}(?:동|읍|면|리|가)$")
_FORWARD_DONG = re.compile(
    r" ?[가-힣]{1,5}(?:\d{1,2}(?:·\d)?)?(?:동|읍|면|리"
    r"|가)(?: [가-힣]{1,4}리)?(?=[\s,.)(에은는이가을를의도인입으]"
    r"|$)"
)
_LIVES = re.compile(r"\s?(?:에서? ?)?(?:거주|살|사는|사시|자택|소재|이사|전입|출생|주민|태어)")
_NOT_ROADS = words(
    """
바로 서로 별로 따로 새로 주로 실제로 대체로 스스로 홀로 함부로 그대로 제대로 마음대로 뜻대로 이대로 저대로
절대로 멋대로 차례대로 순서대로 별도로 추가로 최대로 평균 대로 때로 종로로 진짜로 정말로 의외로 수시로
무료로 유료로 임의로 자체로 전체로 단위로 위로 아래로 뒤로 최초로 최고로 평소대로 예정대로 계획대로
"""
)


_DISTRICT_AFTER = re.compile(r" [가-힣]{1,4}[구군](?![가-힣])")


def _within(found: Entity, spans: list[tuple[int, int]]) -> bool:
    at = bisect_right(spans, (found.start, 1 << 40)) - 1
    return at >= 0 and found.start < spans[at][1]


class KoreanAddresses:
    """Finds Korean addresses and postal codes."""

    def __init__(self) -> None:
        regions = sections("korean_regions.txt")
        self._provinces = frozenset(regions["province"])
        self._districts = frozenset(regions["district"])
        self._short = frozenset(regions["short"])
        self._roads = frozenset(regions["roads"])
        self._buildings = tuple(regions["buildings"])
        self._region = re.compile(rf"(?<![가-힣])(?:{'|'.join(self._provinces)}) ([가-힣]{{2,5}})\Z")
        last = "".join({province[-1] for province in self._provinces})
        before = "|".join(rf"(?<=[{last}] [가-힣]{{{size}}})" for size in range(2, 6))
        self._district_ends = Leaps(*(rf"{letter}(?![가-힣])(?:{before})" for letter in "시군구"))

    def find(self, text: str) -> Iterator[Entity]:
        """Addresses, then postal codes with a label or before an address."""
        if not text.isascii():
            yield from self._numbered(text)
        for m in _POSTAL_LABELS.find(text):
            yield Entity("POSTAL_CODE", m.start(1), m.end(1), 0.9, "label before it")

    def _numbered(self, text: str) -> Iterator[Entity]:
        cores = list(self._cores(text))
        spans = [(e.start, e.end) for e in cores]
        yield from cores
        for start, end in spans:
            yield from self._postal_before(text, start)
            if (code := _POSTAL_AFTER.match(text, end)) is not None:
                low, high = code.span(code.lastindex or 0)
                yield Entity("POSTAL_CODE", low, high, 0.85, "after an address")
        for found in (*self._buildings_only(text), *self.regions_only(text)):
            if not _within(found, spans):
                yield found
        for m in _PO_BOX.finditer(text) if _BOX.search(text) else ():
            yield Entity("ADDRESS", m.start(), m.end(), 0.85, "post office box")

    def _cores(self, text: str) -> Iterator[Entity]:
        done = -1
        for m in _CORES.find(text):
            if m.start() < done:
                continue
            found = self._from_core(text, m.start())
            if found is not None and found.start >= done:
                done = found.end
                yield found

    def _postal_before(self, text: str, start: int) -> Iterator[Entity]:
        window = max(0, start - 20)
        m = _POSTAL_BEFORE.search(text[window:start])
        if m is not None:
            group = 1 if m.group(1) else 2
            yield Entity(
                "POSTAL_CODE", window + m.start(group), window + m.end(group), 0.85, "before an address"
            )

    def _from_core(self, text: str, at: int) -> Entity | None:
        """An address around the syllable at `at`, which ends a road or a 동 and is followed by digits."""
        begin = at
        while begin > 0 and at - begin < 14 and (text[begin - 1].isalnum() or text[begin - 1] in "·."):
            begin -= 1
        word = text[begin : at + 1]
        road = text[at] in "로길"
        if len(word) < 2 or not word[0].isalnum() or (road and (word.endswith("으로") or word in _NOT_ROADS)):
            return None
        branch = _BRANCH.match(text, at + 1) if road else None
        m = (_ROAD_NUMBER if road else _LOT).match(text, branch.end() if branch is not None else at + 1)
        if m is None:
            return None
        start, regions, districts = self._walk_left(text, begin)
        detail = _DETAIL.match(text, m.end())
        end = detail.end() if detail is not None else m.end()
        labelled = self._labelled(text, start)
        if not districts and not labelled:
            inside = detail.group(0) if detail is not None else ""
            if road:
                known = word in self._roads or branch is not None or word.endswith("대로")
                known = known and _SECTION.match(text, at + 1) is None
                certain = regions > 0 or known or (len(word) > 2 and any(c in inside for c in "호층동"))
            else:
                certain = self._certain_lot(word, m.group(0), regions)
            if not certain:
                return None
        while text[end - 1] in " ,":
            end -= 1
        score = 0.96 if districts else 0.88 if regions or labelled else 0.65
        return Entity("ADDRESS", start, end, score, "road and number" if road else "lot number")

    @staticmethod
    def _certain_lot(word: str, number: str, regions: int) -> bool:
        """Whether 역삼동 737-1 is a lot without a district before it."""
        if word[0].isdigit() or not ("-" in number or "번지" in number):
            return False
        return regions > 0 or (word[-1] == "동" and len(word) > 2)

    def _walk_left(self, text: str, start: int) -> tuple[int, int, int]:
        """Regions left of `start`: where they begin, how many there are, and how many are districts."""
        regions = districts = 0
        for _ in range(5):
            low = max(0, start - 17)
            m = _WORD_BACK.search(text[low:start])
            if m is None or text[start - 1] not in " ,":
                break
            word, begin = m.group(1), low + m.start(1)
            if word in self._provinces:
                return begin, regions + 1, districts
            if word in self._short:
                regions += 1
            elif self._is_district(word):
                districts += 1
                regions += 1
            elif not (_DONG.fullmatch(word) and word[-1] != "가" and self._region_left(text, begin)):
                break
            start = begin
        return start, regions, districts

    def _is_district(self, word: str) -> bool:
        """강남구, 수원시, and 서울강남구 without a space."""
        if word in self._districts or (word[-1] in "구시군" and word[:-1] in self._short):
            return True
        return any(
            word[:k] in self._provinces and word[k:] in self._districts for k in range(2, min(8, len(word)))
        )

    def _region_left(self, text: str, start: int) -> bool:
        m = _WORD_BACK.search(text[max(0, start - 17) : start])
        if m is None:
            return False
        word = m.group(1)
        return word in self._districts or word in self._provinces or word in self._short or word[-1] in "읍면"

    def _labelled(self, text: str, start: int) -> bool:
        window = text[max(0, start - 26) : start]
        return any(_BETWEEN.fullmatch(window, m.end()) for m in _LABEL.finditer(window))

    def _buildings_only(self, text: str) -> Iterator[Entity]:
        """래미안아파트 101동 1502호 with no road before it."""
        done = 0
        for m in _BUILDING_CORE.finditer(text):
            block = m.start()
            while block > done and m.start() - block < _BLOCK_DIGITS and text[block - 1].isdecimal():
                block -= 1
            done = m.end()
            low = max(0, block - 17)
            b = _WORD_BACK.search(text[low:block])
            if b is None and text[block - 1 : block] != "(":
                continue
            word, start = (b.group(1), low + b.start(1)) if b is not None else ("", block)
            if any(word.endswith(x) for x in self._buildings) and len(word) > 2:
                left, _, _ = self._walk_left(text, start)
                yield Entity("ADDRESS", left, m.end(), 0.8, "building and unit")
            elif text[block - 1] == "(" and text[m.end() : m.end() + 1] in (",", ")"):
                yield Entity("ADDRESS", block, m.end(), 0.7, "unit in brackets")
            elif self._labelled(text, start):
                yield Entity("ADDRESS", start, m.end(), 0.8, "label before it")

    def regions_only(self, text: str) -> Iterator[Entity]:
        """서울특별시 강남구 역삼동 without a number: with a label, or where someone lives."""
        read = 0
        for district in self._district_ends.find(text):
            end = district.end()
            m = self._region.search(text, max(read, end - _REGION_REACH), end)
            if m is None:
                continue
            read = end
            if m.group(1) not in self._districts:
                continue
            more = _DISTRICT_AFTER.match(text, end)
            if more is not None:
                end = more.end()
            dong = _FORWARD_DONG.match(text, end)
            labelled = self._labelled(text, m.start())
            if dong is not None:
                end = dong.end()
                detail = _DETAIL.match(text, end)
                if detail is not None:
                    yield Entity("ADDRESS", m.start(), detail.end(), 0.85, "regions and building")
                    continue
            if labelled or _LIVES.match(text, end):
                yield Entity(
                    "ADDRESS",
                    m.start(),
                    end,
                    0.75 if dong else 0.6,
                    "regions with a label or a verb of living",
                )
