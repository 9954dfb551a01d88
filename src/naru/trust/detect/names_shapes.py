"""Whether a word of Hangul may be a name at all, for places where something else says that one stands."""

from __future__ import annotations

import re
from collections.abc import Callable

from naru.trust.detect.names_foreign import SPELLING, STRONG
from naru.trust.detect.names_lexicon import (
    FIRST_SYLLABLES,
    PREFIXES,
    SECOND_SYLLABLES,
    Lexicon,
    sections,
    words,
)
from naru.trust.detect.names_tails import END, MISMATCH, PARTICLE, POINTS, TITLE, Tails

_WORDS = re.compile(r"[가-힣]{1,6}(?:[ ·][가-힣]{1,8}){1,3}")
_RUN_ANY = re.compile(r"[가-힣]+")
_BETWEEN = words("및 또는 외 등 와 과 그리고 혹은 또 더 이 그 저 각 총 약 전 후")
_RUN = re.compile(r"[가-힣]{2,12}")
VIETNAMESE = words("응우옌 응웬 응오 쩐 팜 호앙 즈엉 부이 레 후인 판 딘 당 도 루엉 찐")
_SCARCE = -1.5
"""Weight of a surname that hardly anybody has."""
_UNUSUAL = -0.5
_LONG_GIVEN = -3.0
_NONE = -99.0
_RARE = -1.0
_LONG, _LONGEST = 4, 5
_GIVEN_ALONE = 0.5
_NEVER_LAST = frozenset("홀룸팀층")
_PARTS = frozenset("실관점과부국처청대소")
"""What ends the name of a room, a unit or an office after another noun."""
_OFFICES = words(
    """
교무 행정 보건 방송 숙직 민원 지구 파출 기동 순찰 기획 전산 구매 홍보
인사 총무 영업 상담 경비 관리 안내 진료
"""
)
_DONE = words(
    """
제출 납부 가입 등록 참석 참여 확인 신청 정산 수령 응시 이수 지급 배정 접수 처리 결제 발급 입금 해결
"""
)
"""What 미 says is not done."""
FIRMS = words(
    """
금속 상사 상회 산업 전자 전기 건설 물산 식품 유통 철강 목재 인쇄 가구 공업 기계 정밀 화학 약품 토건 조경
농산 수산 축산 제과 섬유
"""
)
"""What ends the name of a firm after two syllables, which may be those of a rare surname."""
_PARTICLES = frozenset("은는이가을를에의도만로")


class Shapes:
    """Reads words as Korean names by their syllables alone.

    Args:
        given_points: evidence of a given name of two syllables; whether its surname is also a prefix.
        common_word: points off where a word, cut after so many syllables, reads as a common one.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        tails: Tails,
        given_points: Callable[[str, bool], float],
        common_word: Callable[[str, int], float],
    ) -> None:
        scarce = sections("korean_surnames.txt")["scarce"]
        self._weights = dict.fromkeys(scarce, _SCARCE) | lexicon.surnames
        self._doubles = lexicon.double_surnames
        self._given = lexicon.common_given | lexicon.known_given
        self._pure = frozenset(sections("korean_given.txt")["pure"])
        self._tails = tails
        self._given_points = given_points
        self._common_word = common_word
        self.never = frozenset(sections("korean_places.txt")["never"])
        """Words that stand where names do."""
        self._stop = self.never | lexicon.labels | lexicon.titles | lexicon.roles | lexicon.kin
        self._nouns = lexicon.nouns | lexicon.two_nouns
        self._loans = lexicon.loans
        self._regions = lexicon.not_names
        self._everyday = lexicon.nouns | lexicon.verbs | lexicon.loans
        self._words = self._everyday | self._nouns
        self._foreign = lexicon.foreign_given | lexicon.foreign_surnames | lexicon.foreign_weak
        self.firsts = frozenset(self._weights) | {double[0] for double in self._doubles}
        self.usual = frozenset(surname for surname, weight in self._weights.items() if weight > _UNUSUAL)
        self._all_given = self._given | self._pure
        self.given_firsts = frozenset(given[0] for given in self._given)

    def read(self, text: str, at: int, floor: float, *, is_cell: bool = False) -> int:
        """The end of a name that begins at `at` and has more than `floor` points; `at` where there is none.

        Args:
            is_cell: the place holds a name and nothing else, so that no word of every day is one.
        """
        found = _RUN.match(text, at)
        if found is None:
            return at
        run = found.group()
        best, size = floor, 0
        for n in (3, 2, 4):
            if n > len(run):
                continue
            kind = self._tails.kind(run, n)
            if (
                not kind
                or kind == MISMATCH
                or (is_cell and kind == PARTICLE and n + 1 == len(run) and len(run) < 4)
            ):
                continue
            if n == 3 and run[2] == "이" and run[:2] in self._given and not is_cell:
                continue
            points = self._points(run, n, kind, is_cell=is_cell)
            if n > 2 or kind < TITLE or run[:2] in self._given:
                points += POINTS[kind]
            if points > best:
                best, size = points, n
        return at + size

    def read_long(self, text: str, at: int) -> int:
        """The end of a name of four or five syllables that is a word of its own; `at` where there is none.

        Two syllables or more of what follows the surname are a given name: 서아람찬, 김가온누리.
        """
        found = _RUN.match(text, at)
        run = found.group() if found is not None else ""
        if not _LONG <= len(run) <= _LONGEST or self._weights.get(run[0], _SCARCE) < _RARE:
            return at
        if run in self._stop or run in self._nouns or self._tails.appellation(run[2:]):
            return at
        given = self._all_given
        if run[1:3] in given:
            is_name = len(run) == _LONG or run[3:] in given
        else:
            is_name = len(run) == _LONG and run[2:] in self._pure and run[:2] not in self._nouns
        return at + len(run) if is_name else at

    def _points(self, run: str, n: int, kind: int, *, is_cell: bool) -> float:
        name = run[:n]
        if name in self._stop or run in self._stop or name in self._regions:
            return _NONE
        if n > 2 and self._is_thing(name):
            return _NONE
        points = self._syllables(name, is_whole=is_cell and kind == END)
        if points <= _NONE or is_cell:
            return points
        return points - self._common(run, n) * (1.0 if kind < TITLE else 0.5)

    def _is_thing(self, name: str) -> bool:
        """Whether a word reads as a room or a unit, 한라홀 and 교무실, as not done, 미제출, or as a firm."""
        if name[1:] in self._given:
            return False
        if len(name) > 3:
            return name[2:] in FIRMS
        is_part = name[2] in _PARTS and (name[:2] in self._everyday or name[:2] in _OFFICES)
        return name[2] in _NEVER_LAST or is_part or (name[0] == "미" and name[1:] in _DONE)

    def _syllables(self, name: str, *, is_whole: bool) -> float:
        weight = self._weights.get(name[0])
        if len(name) > 2 and name[:2] in self._doubles:
            return 1.0
        if len(name) == 4:
            return _LONG_GIVEN if is_whole and weight is not None else _NONE
        if len(name) == 3:
            return _NONE if weight is None else weight + self._given_points(name[1:], False)
        alone = _GIVEN_ALONE if name in self._given else _NONE
        return alone if weight is None else max(alone, weight - (1.5 if name[1] in SECOND_SYLLABLES else 3.0))

    def _common(self, run: str, n: int) -> float:
        """Points off when the word reads as a common one."""
        given = run[1:n]
        if run[:n] in self._loans:
            return 4.0
        if n == 3 and given in self._given:
            return self._common_word(run, n) * 0.5
        common = self._common_word(run, n)
        if n == 3 and run[:2] not in self._doubles:
            if run[2] in _PARTICLES and run[:2] in self._nouns:
                return 4.0
            common += 2.5 if given in self._nouns else 0.0
        return common

    def read_foreign(self, text: str, at: int) -> int:
        """The end of a foreign name of two words or more that begins at `at`; `at` where there is none."""
        found = _WORDS.match(text, at)
        if found is None:
            return at
        end, count, foreign, common = at, 0, 0, 0
        for m in _RUN_ANY.finditer(text, at, found.end()):
            word = m.group()
            size = self._part(word)
            is_foreign = self._is_foreign(word[:size])
            is_common = not is_foreign and (
                word in self._everyday or (len(word) < 4 and word[:2] in self._nouns)
            )
            if not size or (is_common and common):
                break
            end, count = m.start() + size, count + 1
            foreign, common = foreign + is_foreign, common + is_common
            if size < len(word):
                break
        if text[at : at + 4].replace("·", " ").split(" ")[0] in VIETNAMESE and count > 1 and not common:
            return end
        return end if count > 1 and foreign > common - (count == 2) and foreign else at

    def _part(self, word: str) -> int:
        """How much of a word may be a part of a foreign name, a particle off."""
        if word in self._stop or word in self._regions or self._tails.appellation(word) or word in _BETWEEN:
            return 0
        for k in range(max(2, len(word) - 4), len(word)):
            if word[:k] in self._foreign and self._tails.kind(word, k):
                return k
        for k in range(max(2, len(word) - 4), len(word)):
            if word[k] not in "이아지다나라랑란" and self._tails.kind(word, k) not in (0, MISMATCH):
                return k
        return len(word)

    def _is_foreign(self, word: str) -> bool:
        if word in self._foreign:
            return True
        strong = sum(map(STRONG.__contains__, word))
        return (
            len(word) > 1
            and 3 * strong >= len(word)
            and sum(map(SPELLING.__contains__, word)) >= len(word) - 1
        )

    def ends(self, text: str, at: int, end: int) -> bool:
        """Whether a name may end at `end`: the word ends there or goes on with a particle or a title."""
        found = _RUN_ANY.match(text, at)
        return found is not None and self._tails.kind(found.group()[:16], end - at) not in (0, MISMATCH)

    def is_given(self, word: str) -> bool:
        """Whether a word may be said for a person whose given name it is: no word of every day."""
        return word not in self._nouns and word not in self._everyday and self.is_likely_given(word)

    def is_known(self, given: str) -> bool:
        """Whether a word is a given name and no other, or one of pure Korean."""
        return given in self._pure or (given in self._given and given not in self._words)

    def is_apart(self, surname: str, given: str) -> bool:
        """Whether two words may be a name with a blank in it: 김 솔 and no 이 책."""
        if surname not in self.usual:
            return False
        return (
            self.is_known(given) if len(given) > 1 else surname not in PREFIXES and given in SECOND_SYLLABLES
        )

    def is_appellation(self, text: str, at: int) -> bool:
        """Whether a title or an honorific begins at `at`."""
        found = _RUN_ANY.match(text, at)
        return found is not None and self._tails.appellation(found.group()) >= TITLE

    def is_likely_given(self, given: str) -> bool:
        """Whether one of two syllables is where it stands in given names."""
        return len(given) == 1 or given[0] in FIRST_SYLLABLES or given[-1] in SECOND_SYLLABLES
