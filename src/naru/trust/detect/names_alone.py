"""Half a name: a surname with an honorific or a title (김 씨, 박 전 차관), a given name with 씨 or 누나."""

from __future__ import annotations

import re

from naru.trust.detect.names_lexicon import Lexicon, words
from naru.trust.detect.names_tails import Tails, ends_or_particle, has_final

Found = tuple[int, int, float, str]
"""Start, end, points, reason."""

_NEXT_RUN = re.compile(r" ?([가-힣]{1,8})")
_MASKED = re.compile(r" ?(?:씨|군|양|\(|[가-힣]{2,3} ?\(\d)")
_SHORT_MASK = re.compile(r"(?:[O○◯ＯX*＊●]{1,3})(?![A-Za-z])")
_TITLED = frozenset("김박최정강조윤장임오서권황안송류유문홍배백허심곽변채엄노손남차진민")
"""Surnames that before a title are hardly another word (이 is `this`, 전 `former`, 한 `one`, 고 `late`)."""
_OFFICE = words(
    """
과장 대리 부장 차장 팀장 실장 상무 전무 사장 부사장 회장 부회장 의원 총리 장관 총장 교수 박사 변호사 주임
본부장 원장
"""
)
_FAMILIAR = words(
    """
누나 오빠 언니 형 형님 누님 엄마 아빠 어머니 아버지 할머니 할아버지 이모 삼촌 고모 선생님 선배 선배님
후배 쌤 대리 과장 부장 팀장 매니저 프로
"""
)
_FOND_TAILS = words("가 는 를 랑 도 한테 한테서 의 야 네")
_OF_A_PERSON = re.compile(
    r" (?:주민|생년|생일|여권|전화번호|휴대폰|핸드폰|연락처|담임|학원|[초중고]등학교|번호는)"
)
"""What is somebody's: 다솜이 주민번호."""
_ANIMATE = words("랑 이랑 한테 에게 에게서 한테서")
_ORDINARY = words(
    """
바다 하늘 지나 보라 나라 소라 하나 누리 가을 가온 라온 여름 아름 이슬 다정 새롬 초롱 한결 로운 가은 나미
우리 다리 가람 슬기
"""
)
"""Given names that are words of every day."""


class AloneNames:
    """Judges surnames and given names that stand alone."""

    gate = "(?:" + "|".join(sorted({word[0] for word in _FAMILIAR})) + ")"

    def __init__(self, words: Lexicon, tails: Tails) -> None:
        self._w = words
        self._tails = tails
        self._familiar = _FAMILIAR
        self._plain_given = words.common_given - words.nouns - words.two_nouns - _ORDINARY

    def surname(self, text: str, i: int, j: int, run: str) -> Found | None:
        """A surname alone: 김씨, 김 씨, 김모(33)씨, 박 전 차관, 이 대표."""
        # `1차 검사`: what follows a digit counts.
        if run[0] == "모" or text[i - 1 : i].isdigit():
            return None
        if len(run) > 1:
            points = self._glued(text, j, run)
            return (i, i + 1, points, "honorific after it") if points else None
        m = _NEXT_RUN.match(text, j)
        if m is None:
            return (i, i + 1, 4.0, "masked name") if _SHORT_MASK.match(text, j) else None
        word = m.group(1)
        if word[0] == "씨" and ends_or_particle(word, 1):
            return i, i + 1, 4.5, "honorific after it"
        if (
            word[0] == "모"
            and (len(word) == 1 or word[1] in "씨군양")
            and _MASKED.match(text, m.start(1) + 1)
        ):
            return i, i + 1, 4.0, "masked name"
        if word[0] in "군양" and ends_or_particle(word, 1):
            return (i, i + 1, 2.5, "honorific after it") if run in _TITLED else None
        return self._titled(text, i, m, run)

    def _glued(self, text: str, j: int, run: str) -> float:
        if run[1] == "씨" and ends_or_particle(run, 2) and run not in self._w.nouns:
            return 5.0
        if run[1] == "모":
            if len(run) == 2:
                return 5.0 if _MASKED.match(text, j) else 0.0
            if run[2] in "씨군양" and ends_or_particle(run, 3):
                return 5.0
        return 0.0

    def _titled(self, text: str, i: int, m: re.Match[str], surname: str) -> Found | None:
        word = m.group(1)
        former = word == "전"
        if former:
            following = _NEXT_RUN.match(text, m.end())
            if following is None:
                return None
            word = following.group(1)
        if word[0] not in self._tails.starts:
            return None
        title = next((word[:k] for k in range(min(5, len(word)), 1, -1) if word[:k] in self._w.titles), None)
        if title is None:
            return None
        rest = word[len(title) :]
        polite = rest.startswith("님")
        if not (polite or ends_or_particle(word, len(title))):
            return None
        certain = former or surname in _TITLED or (surname == "이" and (polite or title in _OFFICE))
        if certain or (surname in "한신고" and (polite or title.endswith("회장"))):
            return i, i + 1, 3.0, "title after it"
        return None

    def given(self, text: str, i: int, j: int, run: str) -> Found | None:
        """A given name alone with an honorific or a family word: 민수 씨, 지혜누나, 서영이가."""
        name = run[:2]
        if name not in self._w.common_given:
            return None
        plain = name in self._plain_given
        rest = run[2:]
        if not rest:
            m = _NEXT_RUN.match(text, j)
            if m is None or text[j] != " ":
                return None
            return self._called(i, m.group(1), plain, 0.0)
        if plain and (rest in _ANIMATE or rest == ("아" if has_final(name[1]) else "야")):
            return i, i + 2, 1.6, "given name"
        is_ours = text[i - 3 : i] in ("우리 ", "저희 ") or _OF_A_PERSON.match(text, j)
        if plain and rest == "이" and has_final(name[1]) and is_ours:
            return i, i + 2, 1.6, "given name"
        if rest[0] == "이" and len(rest) > 1:
            if plain and has_final(name[1]) and rest[1:] in _FOND_TAILS:
                return i, i + 2, 2.0, "given name"
            rest = rest[1:]
        return self._called(i, rest, plain, 0.5)

    def _called(self, i: int, word: str, plain: bool, nearer: float) -> Found | None:
        if word[0] == "씨" and ends_or_particle(word, 1):
            return i, i + 2, 4.0, "honorific after it"
        if not plain:
            return None
        if word[0] in "님군양" and ends_or_particle(word, 1):
            return i, i + 2, 2.5 + nearer, "honorific after it"
        if any(
            word[:k] in self._familiar and ends_or_particle(word, k) for k in range(min(4, len(word)), 0, -1)
        ):
            return i, i + 2, 2.0 + nearer, "kinship after it"
        return None
