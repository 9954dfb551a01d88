"""Foreign names written in Hangul: 마이클 존슨, 앙겔라 메르켈, 치프라스 총리."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from naru.trust.detect.names_lexicon import Lexicon

_LOAN = frozenset(
    "르트드크프브즈츠쿠키토카코티테페푸레웨뷔베슈셰쉬케퍼커터버뱅벤벨밴웰엘앨엔앤쥬쥘첼켈콜킬킨큰턴튼튜펠핀핑헤헬휴힐런렌론룬릭릿맨먼멘믹밋"
    "블뎁젤젠랭론멜멧벳볏빈빅뱀버브쇼슨썬센섄션솝스얀엄옌욘윈잔잭존좀쥬짐찰채챈천최츨카캇켄켐코콕콥쿤크클킨탄탈탐테텍텐템톡통튜틱팍판팽퍼펑포퐁푼풋픈플필헐헨헬험홀홉홈후훅흐히힌나난냐널녹논누늄"
    "펑윈웡왓닝닉닐놀더덕덴델돌딘딜랄랜램랭럼렉렐롤롭롯룩스라로루리니네노누마메모무바보비타파포피쓰랏렛팻캐캔컬컴컷킷킴킹톤톨툴튀팀펜펠폴풀"
    "필하호후히아에오와워이우윌윅웬예옐올왈쟁제조쥐지질짐차처첸초츄치칠카칸칼란나다도두디데뎀뎅뒤듀됭드뉴뉘뇌냐녜브뵈봉셀셸솔쇼숀수쉐쉴시신실싱"
)
_STRONG = frozenset(
    "르트드크프브즈츠쿠키토카코티테페푸웨뷔슈셰쉬케퍼커터버뱅벤벨밴웰엘앨쥬쥘첼켈콜킬킨큰턴튼튜펠핀핑헬휴힐룬릭릿맨먼멘믹밋쓰렉렐롤롭롯랜램랭캐캔컬컴킷톤툴튀웬뎀뎅듀뉘쉐쉴숀윌윅왓닉닐놀덴델딜"
)
"""Syllables common in transliterations; the strong ones are rare in Korean words."""


def looks_foreign(word: str) -> bool:
    """Whether a word of Hangul is spelled like a transliteration."""
    strong = sum(c in _STRONG for c in word)
    return strong >= 1 and all(c in _LOAN or c in _STRONG for c in word) and strong * 3 >= len(word)


class ForeignNames:
    """Judges a run of Hangul as the beginning of a foreign name."""

    def __init__(self, words: Lexicon) -> None:
        self._sure = words.foreign_given | words.foreign_surnames
        self._given = words.foreign_given
        self._weak = words.foreign_weak
        self._any = self._sure | self._weak
        self._loans = words.loans
        self._places = words.foreign_places
        self.starts = frozenset(word[0] for word in self._any)

    def read(self, run: str, ends: Callable[[str, int], bool]) -> tuple[int, str] | None:
        """Length of the name at the run's beginning and its kind, sure, weak or glued; `ends(run, k)` says whether
        what follows k syllables may follow a name."""
        top = min(len(run), 9)
        for k in range(top, 0, -1):
            word = run[:k]
            if word in self._any and ends(run, k):
                if k == 1 and len(run) > 1:
                    return None
                if k < len(run) and run in self._loans:
                    return None
                return k, "sure" if word in self._sure else "weak"
        if len(run) < 4 or run in self._loans or self.is_place(run):
            return None
        for k in self.stems(run, ends):  # 브래드피트: given and family name without a space
            for cut in range(2, k - 1):
                if run[:cut] in self._given:
                    rest = run[cut:k]
                    if rest in self._any or (len(rest) > 2 and looks_foreign(rest)):
                        return k, "glued"
        return None

    def stems(self, run: str, ends: Callable[[str, int], bool]) -> Iterator[int]:
        """Lengths a name at the run's beginning may have, the longest particle off first."""
        top = min(len(run), 10)
        for k in range(max(2, len(run) - 5), top):
            if run[k] not in "지다일식표" and ends(run, k):
                yield k
        if len(run) <= 10:
            yield len(run)

    def unknown(self, run: str, ends: Callable[[str, int], bool]) -> int:
        """Length of a part of a name that no list has, beside one that is in a list; 0 when it is hardly one."""
        for k in self.stems(run, ends):
            word = run[:k]
            if word in self._loans or self.is_place(word):
                return 0
            if k >= 2 and all(c in _LOAN or c in _STRONG for c in word):
                return k
        return 0

    def is_place(self, word: str) -> bool:
        """Whether the word is a place, a team or a firm rather than a person."""
        return word in self._places or (len(word) > 2 and word[-2:] in self._places)
