"""Names whose way of writing tells them, at the place where an automaton has seen one end."""

from __future__ import annotations

import re

from naru.trust.detect.names_shapes import VIETNAMESE
from naru.trust.entity import Entity

SURNAMES = "|".join(sorted(VIETNAMESE))
HIDDEN = "[가-힣][*○O●◯]{1,2}[가-힣]"
_SPACED = re.compile(r"([가-힣])( {1,3})([가-힣])\2([가-힣])(?![가-힣])")
_MASKED = re.compile(rf"{HIDDEN}(?= ?(?:님|씨|고객|학생|회원|환자|\())")
_VIET = re.compile(rf"(?:{SURNAMES}) ?(?:티|반)(?: ?[가-힣]{{1,3}}?)(?=입니다|[은는을를의]?(?![가-힣]))")
_LATIN = re.compile(r"[A-Z][A-Za-z'\-]{1,15}(?:(?:,? |/)[A-Z][A-Za-z'\-]{0,15}){1,3}(?=[^A-Za-z@.]|\Z)")
_HANJA = re.compile(r"([\u4e00-\u9fff]{2,4})[^\u4e00-\u9fff]\Z")


def read_latin(text: str, end: int) -> Entity | None:
    """A name in Latin letters after a label."""
    m = _LATIN.match(text, end - 1)
    return Entity("PERSON", m.start(), m.end(), 0.85, "label before it") if m is not None else None


def read_hanja(text: str, end: int) -> Entity | None:
    """A name in Hanja after its label."""
    m = _HANJA.search(text[max(0, end - 10) : end])
    if m is None:
        return None
    return Entity("PERSON", end - 1 - len(m.group(1)), end - 1, 0.8, "label before it")


def read_spaced(text: str, end: int) -> Entity | None:
    """성명: 홍 길 동."""
    m = next((m for k in range(9, 4, -1) if (m := _SPACED.match(text, end - k)) and m.end() == end), None)
    return Entity("PERSON", m.start(), m.end(), 0.85, "label before it") if m else None


def read_vietnamese(text: str, end: int) -> Entity | None:
    """쩐 티 흐엉."""
    m = _match_back(_VIET, text, end, range(9, 3, -1))
    return Entity("PERSON", m.start(), m.end(), 0.85, "foreign name") if m is not None else None


def read_masked(text: str, end: int) -> Entity | None:
    """홍*동 님."""
    m = _match_back(_MASKED, text, end, range(7, 2, -1))
    return Entity("PERSON", m.start(), m.end(), 0.97, "masked name") if m is not None else None


def _match_back(expression: re.Pattern[str], text: str, end: int, backs: range) -> re.Match[str] | None:
    """What begins so many signs back, the first that fits, where no word goes on into it."""
    for start in (end - back for back in backs if back <= end):
        if not "가" <= text[start - 1 : start] <= "힣" and (m := expression.match(text, start)):
            return m
    return None
