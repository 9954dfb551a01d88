"""Foreign names written in Hangul: 마이클 존슨, 앙겔라 메르켈, 치프라스 총리."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from naru.trust.detect.names_context import Context
from naru.trust.detect.names_lexicon import Lexicon
from naru.trust.detect.names_tails import MISMATCH, TITLE, Tails

_JOINED = re.compile(r"[ ·ㆍ・\-]([가-힣]{1,9})")

_LOAN = frozenset(
    "르트드크프브즈츠쿠키토카코티테페푸레웨뷔베슈셰쉬케퍼커터버뱅벤벨밴웰엘앨엔앤쥬쥘첼켈콜킬킨큰턴튼튜펠핀핑헤헬휴힐런렌론룬릭릿맨먼멘믹밋"
    "블뎁젤젠랭론멜멧벳볏빈빅뱀버브쇼슨썬센섄션솝스얀엄옌욘윈잔잭존좀쥬짐찰채챈천최츨카캇켄켐코콕콥쿤크클킨탄탈탐테텍텐템톡통튜틱팍판팽퍼펑포퐁푼풋픈플필헐헨헬험홀홉홈후훅흐히힌나난냐널녹논누늄"
    "펑윈웡왓닝닉닐놀더덕덴델돌딘딜랄랜램랭럼렉렐롤롭롯룩스라로루리니네노누마메모무바보비타파포피쓰랏렛팻캐캔컬컴컷킷킴킹톤톨툴튀팀펜펠폴풀"
    "필하호후히아에오와워이우윌윅웬예옐올왈쟁제조쥐지질짐차처첸초츄치칠카칸칼란나다도두디데뎀뎅뒤듀됭드뉴뉘뇌냐녜브뵈봉셀셸솔쇼숀수쉐쉴시신실싱"
)
STRONG = frozenset(
    "르트드크프브즈츠쿠키토카코티테페푸웨뷔슈셰쉬케퍼커터버뱅벤벨밴웰엘앨쥬쥘첼켈콜킬킨큰턴튼튜펠핀핑헬휴힐룬릭릿맨먼멘믹밋쓰렉렐롤롭롯랜램랭캐캔컬컴킷톤툴튀웬뎀뎅듀뉘쉐쉴숀윌윅왓닉닐놀덴델딜"
)
"""Syllables common in transliterations; the strong ones are rare in Korean words."""
_CLOSED = re.compile(r"[<\",)|\t']| [/(|]|\(| (?:고객|님|씨|교수|대표|선생|박사|드림|올림|배상)")
_SURNAMES = frozenset("김이박최정강조윤장임한오서신권황안송류유홍손배백킴리팍초이")
_LONGEST = 6
_FIRMS = ("컴퍼니", "코리아", "그룹", "테크", "미디어", "뱅크", "인터내셔널", "스튜디오", "엔터테인먼트")
SPELLING = _LOAN | STRONG
LISTED = 2
"""The gate's group for what may be a word of the lists; the first is a spelling that a title follows."""


def looks_foreign(word: str) -> bool:
    """Whether a word of Hangul is spelled like a transliteration."""
    return SPELLING.issuperset(word) and 3 * sum(map(STRONG.__contains__, word)) >= len(word)


def _letters(letters: Iterable[str]) -> str:
    return "".join(sorted(set(letters)))


def _pairs(words: Iterable[str]) -> str:
    """An expression for the second letter of one of the words; those around it are theirs as well."""
    first, second, *third = (f"[{_letters(at)}]" for at in zip(*words, strict=False))
    follows = f"(?={third[0]})" if third else ""
    return f"{second}{follows}(?<={first}.)"


class ForeignReader:
    """Reads one word of Hangul as a part of a foreign name."""

    def __init__(self, words: Lexicon, title_starts: Iterable[str]) -> None:
        self._sure = words.foreign_given | words.foreign_surnames
        self._given = words.foreign_given
        self._weak = words.foreign_weak
        self._any = self._sure | self._weak
        self._loans = words.loans
        self._places = words.not_names
        single = _letters(word for word in self._any if len(word) == 1)
        starts, loan = _letters(title_starts), _letters(SPELLING)
        self.firsts = frozenset({*_letters(word[0] for word in self._any), *loan})
        self.gate = (
            f"((?<=[{loan}])[{loan}]{{2,6}}+(?= [{starts}]))"
            f"|({_pairs(word for word in self._any if len(word) > 2)}"
            f"|{_pairs(word for word in self._any if len(word) == 2)}|(?<=[{single}])(?= ))"
        )
        beginnings: dict[str, list[str]] = {}
        for word in sorted(self._any, key=len, reverse=True):
            beginnings.setdefault(word[:2], []).append(word)
        self.beginnings = {pair: tuple(listed) for pair, listed in beginnings.items()}

    def read(self, run: str, ends: Callable[[str, int], bool]) -> tuple[int, str] | None:
        """Length of the name at the run's beginning and its kind: sure, weak or glued.

        `ends(run, k)` says whether what follows k syllables may follow a name.
        """
        listed = self.beginnings.get(run[:2], ())
        for word in listed:
            k = len(word)
            if run.startswith(word) and ends(run, k):
                if k < len(run) and run in self._loans:
                    return None
                return k, "sure" if word in self._sure else "weak"
        if len(run) < 4:
            return None
        cuts = [len(word) for word in listed if word in self._given and run.startswith(word)]
        if not cuts or run in self._loans or self.is_place(run):
            return None
        for k in self.stems(run, ends):  # 브래드피트: given and family name without a space
            if self.is_place(run[:k]):
                return None
            for cut in reversed(cuts):
                rest = run[cut:k]
                if cut < k - 1 and (rest in self._any or (len(rest) > 2 and looks_foreign(rest))):
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
        """Length of a part of a name that no list has, beside one that a list has; 0 for hardly one."""
        for k in self.stems(run, ends):
            word = run[:k]
            if word in self._loans or self.is_place(word):
                return 0
            if k >= 2 and SPELLING.issuperset(word):
                return k
        return 0

    def is_common(self, word: str) -> bool:
        """Whether the word is a loan word or a place."""
        return word in self._loans or self.is_place(word)

    def is_place(self, word: str) -> bool:
        """Whether the word is a place, a team or a firm rather than a person."""
        return word in self._places or (len(word) > 2 and word[-2:] in self._places) or word.endswith(_FIRMS)


class ForeignNames:
    """Judges a word, and those after it, as a foreign name."""

    def __init__(self, reader: ForeignReader, tails: Tails, context: Context) -> None:
        self._reader = reader
        self._tails = tails
        self._context = context
        self.title_begins = frozenset(" " + first for first in tails.starts)

    def judge(self, text: str, i: int, j: int, run: str) -> tuple[int, int, float, str] | None:
        """Start, end, points and reason of a foreign name that begins at the word, or None."""
        reader = self._reader
        first = reader.read(run, self._ends)
        if first is None:
            return self._spelled(text, i, j, run)
        length, kind = first
        end = i + length
        kinds = [kind]
        while end == j and len(kinds) < 4:
            m = _JOINED.match(text, end)
            if m is None:
                break
            more = self._part(m.group(1), kinds)
            if more is None and kinds == ["sure"]:
                more = self._last(text, m)
            if more is None:
                break
            end, j = m.start(1) + more[0], m.end(1)
            kinds.append(more[1])
        sure = "sure" in kinds or "glued" in kinds
        if sure:
            return i, end, 2.2 + 0.8 * (len(kinds) - 1), "foreign name"
        if len(kinds) > 1 and (length > 1 or kinds.count("weak") > 1):
            return i, end, 2.0, "foreign name"
        if length == 1:
            return None
        inside = self._tails.kind(run, length) if end < j else 0
        after, why = self._context.after(text, end, far=False) if end == j else (0.0, "")
        if after >= 2.5 or inside >= TITLE:
            return i, end, 2.5, why or "title after it"
        return None

    def _part(self, word: str, kinds: list[str]) -> tuple[int, str] | None:
        more = self._reader.read(word, self._ends)
        if more is not None or "spelled" in kinds or self._tails.appellation(word):
            return more
        k = self._reader.unknown(word, self._ends)
        return (k, "spelled") if k else None

    def _last(self, text: str, m: re.Match[str]) -> tuple[int, str] | None:
        """A word of no list after a sure name, where it ends what stands there: 로버트 최, 제임스 오코너."""
        word = m.group(1)
        if _CLOSED.match(text, m.end()) is None or self._reader.is_common(word):
            return None
        if len(word) == 1:
            return (1, "spelled") if word in _SURNAMES else None
        is_part = len(word) < _LONGEST and SPELLING.intersection(word) and not self._tails.appellation(word)
        return (len(word), "spelled") if is_part else None

    @staticmethod
    def may_be_spelled(run: str) -> bool:
        """A quick look whether a word that a title seems to follow may be an unknown transliteration."""
        return 2 < len(run) < 8 and SPELLING.issuperset(run)

    def _spelled(self, text: str, i: int, j: int, run: str) -> tuple[int, int, float, str] | None:
        """An unknown transliteration that a title follows: 치프라스 총리."""
        if (
            text[j : j + 2] not in self.title_begins
            or not self.may_be_spelled(run)
            or not looks_foreign(run)
            or self._reader.is_common(run)
        ):
            return None
        after, why = self._context.after(text, j, far=False)
        return (i, j, 2.2, why) if after >= 2.5 else None

    def _ends(self, run: str, k: int) -> bool:
        return self._tails.kind(run, k) not in (0, MISMATCH)
