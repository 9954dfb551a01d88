"""Toxic language in Korean and English: what is said to hurt, not what is said about hurtful words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from naru.trust.guard.lexicon import ABOUT_ENGLISH, ABOUT_KOREAN, ENGLISH, INNOCENT_ENGLISH, INNOCENT_KOREAN, KOREAN
from naru.trust.guard.normalise import Views

_HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
_QUOTED = re.compile(r"\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'(?![a-z])|<[^<>\n]{1,80}>|《[^》\n]{1,80}》|〈[^〉\n]{1,80}〉")
# Signs put between two syllables; a blank counts where every syllable stands alone.
_BETWEEN = re.compile(r"(?<=[가-힣ㄱ-ㅎ])[^\w\s가-힣\"'<>().,?!~ㄱ-ㅎㅏ-ㅣ]{1,3}(?=[가-힣ㄱ-ㅎ])|(?<=[가-힣ㄱ-ㅎ])[.,~!1-9_^*]{1,2}(?=[가-힣ㄱ-ㅎ])")
_ALONE = re.compile(r"(?<![가-힣])(?:[가-힣ㄱ-ㅎ][ .~_-]{1,2}){2,}[가-힣ㄱ-ㅎ](?![가-힣])|(?<![가-힣])[가-힣ㄱ-ㅎ] [가-힣ㄱ-ㅎ](?![가-힣])")
_SPELT = re.compile(r"(?<!\w)(?:[a-z][ .*_-]){3,}[a-z](?!\w)")
_ABOUT_REACH = 60
_MENTIONED = 0.3
_NEAR = 0.55
_MAX_FINDS = 64
_NAMES = {
    "profanity": "profanity",
    "insult": "insult",
    "hate": "hate against a group",
    "threat": "threat",
    "sexual": "sexual harassment",
    "self_harm": "self-harm",
}


class _Patterns(NamedTuple):
    korean: tuple[tuple[str, float, re.Pattern[str]], ...]
    english: tuple[tuple[str, float, re.Pattern[str]], ...]
    korean_any: re.Pattern[str]
    english_any: re.Pattern[str]
    innocent_korean: re.Pattern[str]
    innocent_english: re.Pattern[str]
    about: re.Pattern[str]


@cache
def _load() -> _Patterns:
    english = tuple((kind, severity, re.compile(rf"(?<!\w)(?:{body})(?!\w)")) for kind, severity, body in ENGLISH)
    korean = tuple((kind, severity, re.compile(body)) for kind, severity, body in KOREAN)
    return _Patterns(
        korean,
        english,
        re.compile("|".join(f"(?:{body})" for _, _, body in KOREAN)),
        re.compile("(?<!\\w)(?:" + "|".join(f"(?:{body})" for _, _, body in ENGLISH) + ")(?!\\w)"),
        re.compile(INNOCENT_KOREAN),
        re.compile(INNOCENT_ENGLISH),
        re.compile(f"{ABOUT_KOREAN}|{ABOUT_ENGLISH}"),
    )


def read_toxicity(views: Views) -> Iterator[tuple[float, str]]:
    """What is toxic in a text, as (score, category) pairs; mentions, news and medicine weigh a third.

    Args:
        views: from `normalise`.
    """
    patterns = _load()
    text = views.plain
    yield from _read(text, patterns.english, patterns.innocent_english, patterns)
    if _SPELT.search(text):
        joined = _SPELT.sub(lambda match: re.sub(r"[^a-z0-9]", "", match[0]), text)
        yield from _read(joined, patterns.english, patterns.innocent_english, patterns)
    if _HANGUL.search(text):
        yield from _read(text, patterns.korean, patterns.innocent_korean, patterns)
        joined = _ALONE.sub(lambda match: re.sub(r"[ .~_-]", "", match[0]), _BETWEEN.sub("", text))
        if joined != text:
            yield from _read(joined, patterns.korean, patterns.innocent_korean, patterns)
    for how, hidden in views.hidden:
        if how in ("letters set apart", "digits for letters"):
            yield from _read(hidden, patterns.english, patterns.innocent_english, patterns)


def _read(
    text: str,
    rows: tuple[tuple[str, float, re.Pattern[str]], ...],
    innocent: re.Pattern[str],
    patterns: _Patterns,
) -> Iterator[tuple[float, str]]:
    any_of = patterns.english_any if rows is patterns.english else patterns.korean_any
    if any_of.search(text) is None:
        return
    text = innocent.sub(lambda match: "·" * len(match[0]), text)
    abouts: list[tuple[int, int]] | None = None
    quotes: list[tuple[int, int]] = []
    for kind, severity, pattern in rows:
        for number, match in enumerate(pattern.finditer(text)):
            if number >= _MAX_FINDS:
                break
            if abouts is None:
                abouts = [found.span() for found in patterns.about.finditer(text)][:256]
                quotes = [found.span() for found in _QUOTED.finditer(text)][:256]
            start, end = match.span()
            is_near = any(first - _ABOUT_REACH <= end and start <= last + _ABOUT_REACH for first, last in abouts)
            is_quoted = any(first <= start and end <= last for first, last in quotes)
            # A quotation alone may be a way to say it; it is a mention when the text speaks about words.
            factor = (_MENTIONED if is_quoted else _NEAR) if is_near else 1.0
            yield severity * factor, _NAMES[kind]
