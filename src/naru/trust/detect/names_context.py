"""Evidence around a Korean name: labels, roles and lists before it; ages, titles and honorifics after it."""

from __future__ import annotations

import re

from naru.trust.detect.names_lexicon import Lexicon, words
from naru.trust.detect.names_tails import HONORIFIC, KINSHIP, TITLE, Tails, ends_or_particle

_AGE = re.compile(
    r" ?\((?:\d{1,3}(?:세|살)?(?:[)·,]|·)|[\u4e00-\u9fff]{2,4}[),·]"
    r"|본명|가명|남[,·)]|여[,·)]|사번|학번|주민|생년|연락처"
    r"|전화|010|02-|(?:19|20)\d{2}[년.\-]|\d{2}[.년]|만 ?\d{1,3}세)"
)
_RUN = re.compile("[가-힣]{1,7}")
_NEXT_WORD = re.compile(r" ([A-Z]{0,5}[가-힣]{1,12})")
_LABEL = re.compile(
    r"([가-힣]{1,7}(?: ?[가-힣]{1,5})?)(?: ?\([^)\n]{1,10}\))?[\"'”]?\s{0,3}[:：=|\]】>]\s{0,3}[\"'“]?$"
)
_LABEL_ENDS = frozenset(":：=|\"']】>\t")
_ROLE_ENDS = frozenset("(:：'\"“‘<)")
_OPENING = " (:：'\"“‘<"
_LEADING = "(:：'\"“‘<.,-·"
_SCREEN = re.compile(
    r"(?:의)? (?:[가-힣]{1,5} )?(?:연기|팬|목소리|열연"
    r"|매력|캐스팅|액션|캐릭터|작품|주연|출연|나오는|나온"
    r"|나와)"
)
_TITLE_ENDS = tuple(
    words(
        """
회장 사장 위원장 장관 차관 교수 의원 소장 원장 총장 국장 대표 감독 변호사 판사 이사장 지사 비서관 대변인 위원
팀장 실장 본부장 총리 대통령 박사 작가 선수 센터장 당선인 후보
"""
    )
)
_TITLE_INSIDE = re.compile("|".join(_TITLE_ENDS))
_WORD_SIZE = 18
_LABEL_LIFTS, _ROLE = 7.5, 1.8
"""What a label adds and forgives together, and what a role adds."""
FURTHER = 1.5
"""The most that a look two words on gives."""
LIST_GAP = re.compile(r"(?:, ?|·|ㆍ|・|、|/| / | 및 | 와 | 과 | ?& ?| )")
"""What may stand between two names of a list."""


class Context:
    """Reads the neighbourhood of a candidate, a bounded window to either side."""

    def __init__(self, lexicon: Lexicon, tails: Tails) -> None:
        self._labels = lexicon.labels
        self._roles = lexicon.roles
        self._tails = tails
        self._begins = tails.pairs | {"전", "씨", "님"}

    def after(self, text: str, j: int, *, far: bool) -> tuple[float, str]:
        """Points for what follows position `j`, where the name's word ends; `far` looks two words on."""
        nearest = text[j : j + 1]
        if nearest != " " and nearest != "(":
            return 0.0, ""
        at = j + (nearest == " ")
        if text[at : at + 1] == "(":
            if _AGE.match(text, j):
                return 2.6, "age or Hanja after it"
            at += 1
        first = text[at : at + 1]
        if first not in self._begins and text[at : at + 2] not in self._begins:
            return self._further(text, j) if far and "가" <= first <= "힣" else (0.0, "")
        m = _RUN.match(text, at)
        if m is None:
            return 0.0, ""
        word = m.group()
        if word == "전":
            return (2.5, "title after it") if self._title_soon(text, m.end(), 3) else (0.0, "")
        if word[0] in "씨님" and ends_or_particle(word, 1):
            return 3.5, "honorific after it"
        kind = self._tails.appellation(word)
        if kind in (TITLE, HONORIFIC):
            return 2.5, "title after it"
        if kind == KINSHIP:
            return 1.5, "kinship after it"
        return self._further(text, j) if far else (0.0, "")

    def _further(self, text: str, j: int) -> tuple[float, str]:
        if self._title_soon(text, j, 2):
            return FURTHER, "title after it"
        if _SCREEN.match(text, j):
            return 1.0, "acting after it"
        return 0.0, ""

    @staticmethod
    def acting(text: str, j: int) -> float:
        """Points when what follows a name and 의 is a performance."""
        return 1.0 if _SCREEN.match(text, j) else 0.0

    @staticmethod
    def _title_soon(text: str, j: int, count: int) -> bool:
        """Whether one of the next words ends in a title: 외교부 장관, 인권연구소장."""
        if _TITLE_INSIDE.search(text, j, j + _WORD_SIZE * count) is None:
            return False
        for _ in range(count):
            m = _NEXT_WORD.match(text, j)
            if m is None:
                return False
            word = m.group(1)
            if any(
                word[:k].endswith(_TITLE_ENDS) and ends_or_particle(word, k) for k in range(2, len(word) + 1)
            ):
                return True
            if word[-1] in "은는이가을를의에도":
                return False
            j = m.end()
        return False

    @staticmethod
    def most_before(text: str, i: int) -> float:
        """By how many points what precedes position `i` may lift a name, by the nearest sign alone."""
        nearest = text[i - 1] if i else ""
        if nearest == " " and i > 1:
            nearest = text[i - 2]
        if nearest in _LABEL_ENDS:
            return _LABEL_LIFTS
        return _ROLE if "가" <= nearest <= "힣" or nearest in _ROLE_ENDS else 0.0

    def before(self, text: str, i: int, most: float) -> tuple[float, str]:
        """Points for what precedes position `i`, where it may lift a name by `most`."""
        window = text[max(0, i - 22) : i]
        if most == _LABEL_LIFTS:
            m = _LABEL.search(window)
            if m is not None and m.group(1).replace(" ", "") in self._labels:
                return 3.5, "label before it"
            if window.rstrip(" ")[-1] not in _ROLE_ENDS:
                return 0.0, ""
        return self._role(window)

    def _role(self, window: str) -> tuple[float, str]:
        """Points for a role or a bare label in the word before: 배우 송강호, 작성자 황보라."""
        if window[-1] == ")" or window[-2:] == ") ":
            window = window[: window.rfind("(")]
        word = window.rstrip(_OPENING).rpartition(" ")[2].lstrip(_LEADING)
        if word in self._labels and len(word) > 2:
            return 1.6, "role before it"
        if word in self._roles or (len(word) > 3 and (word[-3:] in self._roles or word[-2:] in self._roles)):
            return _ROLE, "role before it"
        return 0.0, ""
