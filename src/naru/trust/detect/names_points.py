"""How likely capitalised words are a person's name by the lists alone, whatever stands around them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from naru.trust.detect.names_latin import FAMILY, GIVEN, NAME, PLACE, THING, WORD, kind_of, plain
from naru.trust.detect.names_lexicon import words

NEVER = -1.0
_Points = tuple[float, str]
_PLACE_STARTS = words(
    "St Loch Lough Isle San Santa Los Las Fort Mount Mt Lake Port Cape"
    " New Saint Costa Rio Sri North South East West"
)
_BOTH = "first and family name"
_SYLLABLES = re.compile(
    r"(?:g[iy]|gil|dong|min|su|soo|ji|jee|hoon|hun|young"
    r"|yeong|yong|hee|hui|ho|jin|jun|joon|june|hyun|hyeon"
    r"|hyeok|hyuk|woo|u|seo|seok|suk|seong|sung|seung|yeon"
    r"|yun|yoon|eun|un|kyung|gyeong|kyoung|mi|mee|na|ah"
    r"|a|sun|seon|sook|"
    r"chul|cheol|sang|tae|dae|jae|in|il|won|wook|uk|ha"
    r"|hye|bin|rin|rim|ra|ri|ryeong|ye|yu|yoo|do|da|ga"
    r"|ka|chan|hwan|hwa|jong|jung|jeong|joo|ju|kwang|gwang"
    r"|kyu|gyu|ki|gi|byung|byeong|dan|jo|sik|shik|sub|seop"
    r"|yul|bo|bum|beom|chang|geun|keun|moon|mun|nam|so"
    r"|han|sol|hyo|jeo|ok|guk|kuk|cheon|hong)+"
)


class Points:
    """Weighs names.

    Args:
        known: the bits of each word.
        korean: family names of Korea, in small letters.
    """

    def __init__(self, known: Mapping[str, int], korean: frozenset[str]) -> None:
        self._known = known
        self._korean = korean

    def weigh(self, names: list[str], *, in_capitals: bool) -> _Points:
        """Points up to one, and why; NEVER where it can be no name."""
        first, last = kind_of(names[0], self._known), kind_of(names[-1], self._known)
        if len(names) == 1:
            return (NEVER, "") if in_capitals or len(names[0]) == 1 else _weigh_one(first)
        if names[0] in _PLACE_STARTS:
            return NEVER, ""
        if in_capitals:
            return self._weigh_capitals(names, first, last)
        if self._is_korean(names):
            return 0.9, "romanised Korean name"
        is_sure = last & NAME and not last & WORD
        if len(names[0].rstrip(".")) == 1:
            unknown = 0.15 if last else 0.3 + 0.1 * (len(names) > 2)
            return (0.6 if is_sure else 0.35 if last & NAME else unknown), "initials and family name"
        if first & PLACE and last & PLACE:
            return 0.1, _BOTH
        return _weigh_given(first, last) if first & GIVEN else _weigh_other(first, last)

    def _weigh_capitals(self, names: list[str], first: int, last: int) -> _Points:
        if names[0].endswith(","):
            # DELACROIX, THEODORE M.
            if len(names[0]) < 4 or not kind_of(names[1], self._known) & GIVEN:
                return NEVER, ""
            is_known = kind_of(names[0].rstrip(","), self._known) & FAMILY
            return (0.6 if is_known else 0.3), "family name first"
        is_first, is_last = (kind & NAME and not kind & WORD for kind in (first, last))
        if first & GIVEN and last & NAME and (is_first or is_last):
            return 0.8, _BOTH
        if min(len(names[0]), len(names[-1])) < 3 or last & (WORD | PLACE) or first & WORD:
            return NEVER, ""
        return (0.5 if first & GIVEN else 0.35 if is_first or is_last else 0.0), _BOTH

    def _is_korean(self, names: list[str]) -> bool:
        return (plain(names[0]) in self._korean and _is_romanised(names[1:])) or (
            plain(names[-1]) in self._korean and _is_romanised(names[:-1])
        )


def _weigh_one(kind: int) -> _Points:
    if kind & THING:
        return 0.1, "a thing as often"
    if kind & GIVEN:
        return (
            0.2 if kind & WORD else 0.25 if kind & PLACE else 0.42 if kind & FAMILY else 0.5
        ), "given name"
    if kind & FAMILY:
        return (0.0 if kind & WORD else 0.1 if kind & PLACE else 0.25), "family name"
    return (0.0 if kind else 0.1), "capitalised word"


def _weigh_given(first: int, last: int) -> _Points:
    is_sure = last & NAME and not last & WORD
    if first & WORD:
        return (0.8 if is_sure and last & FAMILY else 0.35), _BOTH
    if last & NAME:
        return (0.95 if is_sure else 0.85), _BOTH
    return (0.3 if last & (WORD | PLACE) else 0.7), "given name and another"


def _weigh_other(first: int, last: int) -> _Points:
    """The first is no given name that is known."""
    if last & NAME and not last & WORD:
        if first & PLACE:
            return 0.25, _BOTH
        return (0.55 if last & FAMILY else 0.5), _BOTH
    if last & (WORD | PLACE):
        return 0.0, "capitalised words"
    if first & NAME and not first & WORD:
        return 0.4, _BOTH
    return (0.0 if first & PLACE else 0.2), "capitalised words"


def _is_romanised(parts: list[str]) -> bool:
    return _SYLLABLES.fullmatch("".join(parts).replace("-", "").lower()) is not None
