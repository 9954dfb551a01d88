"""Toxic language in Korean and English: what is said to hurt, not what is said about hurtful words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from naru.trust.guard.normalise import Views

_HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'(?![a-z])|<[^<>\n]{1,80}>|《[^》\n]{1,80}》|〈[^〉\n]{1,80}〉"
)
# Signs put between two syllables; a blank counts where every syllable stands alone.
_BETWEEN = re.compile(
    r"(?<=[가-힣ㄱ-ㅎ])[^\w\s가-힣\"'<>().,?!~ㄱ-ㅎㅏ-ㅣ]{1,3}(?=[가-힣ㄱ-ㅎ])|(?<=[가-힣ㄱ-ㅎ])[.,~!1-9_^*]{1,2}(?=[가-힣ㄱ-ㅎ])"
)
_ALONE = re.compile(
    r"(?<![가-힣])(?:[가-힣ㄱ-ㅎ][ .~_-]{1,2}){2,}[가-힣ㄱ-ㅎ](?![가-힣])"
    r"|(?<![가-힣])[가-힣ㄱ-ㅎ] [가-힣ㄱ-ㅎ](?![가-힣])"
)
_SPELT = re.compile(r"(?<!\w)(?:[a-z][ .*_-]){3,}[a-z](?!\w)")
_ABOUT_REACH = 60
_MENTIONED = 0.3
_NEAR = 0.55
_MAX_FINDS = 256
_NAMES = {
    "profanity": "profanity",
    "insult": "insult",
    "hate": "hate against a group",
    "threat": "threat",
    "sexual": "sexual harassment",
    "self_harm": "self-harm",
}

Row = tuple[str, float, str]


def split_alternatives(body: str) -> list[str]:
    """The alternatives of a pattern at its top level."""
    parts, depth, in_class, start, i = [], 0, False, 0, 0
    while i < len(body):
        letter = body[i]
        if letter == "\\":
            i += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            parts.append(body[start:i])
            start = i + 1
        i += 1
    return [*parts, body[start:]]


def find_first_letters(pattern: str) -> set[str]:
    """Every letter that a match of one alternative can begin with.

    For the lexicon's own small dialect: literals, classes of letters and ranges, groups, `?`, look-arounds.
    """
    letters: set[str] = set()
    i = 0
    while i < len(pattern):
        if pattern[i] == "(":
            end = _closing(pattern, i)
            inner = pattern[i + 1 : end]
            if inner.startswith("?:"):
                for part in split_alternatives(inner[2:]):
                    letters |= find_first_letters(part)
            i = end + 1
            if not inner.startswith("?:"):
                continue  # a look-around takes no letter
        elif pattern[i] == "[":
            end = pattern.index("]", i + 1)
            letters |= _expand_class(pattern[i + 1 : end])
            i = end + 1
        elif pattern[i] in "^$":
            i += 1
            continue
        else:
            i += pattern[i] == "\\"
            letters.add(pattern[i])
            i += 1
        if i < len(pattern) and (pattern[i] in "?*" or pattern.startswith("{0,", i)):
            i = pattern.index("}", i) + 1 if pattern[i] == "{" else i + 1
            continue
        return letters
    return letters


def _closing(pattern: str, start: int) -> int:
    depth, in_class, i = 0, False, start
    while True:
        letter = pattern[i]
        if letter == "\\":
            i += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                return i
        i += 1


def _expand_class(body: str) -> set[str]:
    body = body.replace("\\", "")
    letters: set[str] = set()
    i = 0
    while i < len(body):
        if i + 2 < len(body) and body[i + 1] == "-":
            letters.update(map(chr, range(ord(body[i]), ord(body[i + 2]) + 1)))
            i += 3
        else:
            letters.add(body[i])
            i += 1
    return letters


class _Finder:
    """Patterns by the letter they begin with: at most places of a text nothing is tried."""

    __slots__ = ("_begins", "_by_letter")

    def __init__(self, rows: Iterable[Row], *, is_spaced: bool) -> None:
        groups: dict[str, dict[tuple[str, float], list[str]]] = defaultdict(lambda: defaultdict(list))
        for kind, severity, pattern in rows:
            for letter in find_first_letters(pattern):
                groups[letter][kind, severity].append(pattern)
        end = r"(?!\w)" if is_spaced else ""
        self._by_letter = {
            letter: (
                re.compile(f"(?:{'|'.join(part for parts in kinds.values() for part in parts)}){end}"),
                tuple(
                    (kind, severity, re.compile(f"(?:{'|'.join(parts)}){end}"))
                    for (kind, severity), parts in kinds.items()
                ),
            )
            for letter, kinds in groups.items()
        }
        start = r"(?<!\w)" if is_spaced else ""
        self._begins = re.compile(f"{start}[{''.join(map(re.escape, sorted(groups)))}]")

    def find(self, text: str) -> Iterator[tuple[str, float, int, int]]:
        """(kind, severity, start, end) of every match, at most _MAX_FINDS."""
        number = 0
        by_letter = self._by_letter
        for begin in self._begins.finditer(text):
            place = begin.start()
            any_kind, kinds = by_letter[begin[0]]
            if any_kind.match(text, place) is None:
                continue
            for kind, severity, pattern in kinds:
                match = pattern.match(text, place)
                if match is not None:
                    yield kind, severity, place, match.end()
                    number += 1
                    if number >= _MAX_FINDS:
                        return


class _Language(NamedTuple):
    finder: _Finder
    innocent: re.Pattern[str]


def read_lexicon() -> dict[tuple[str, str], list[Row]]:
    """The rows of `toxicity.txt` by (language, part): `words`, `innocent` and `about`."""
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    language, kind, severity = "", "", 0.0
    for line in files(__package__).joinpath("toxicity.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            language, kind, *rest = line[3:].split()
            severity = float(rest[0]) if rest else 0.0
        elif line and not line.startswith("# "):
            rows[language, "words" if severity else kind].append((kind, severity, line))
    return rows


@cache
def load_patterns() -> tuple[_Language, _Language, re.Pattern[str]]:
    """English, Korean, and the words of talk about words: compiled at first use (about 0.1 s) and kept."""
    rows = read_lexicon()

    def join(language: str, part: str) -> str:
        return "|".join(pattern for _, _, pattern in rows[language, part])

    return (
        _Language(
            _Finder(rows["en", "words"], is_spaced=True), re.compile(rf"\b(?:{join('en', 'innocent')})\b")
        ),
        _Language(_Finder(rows["ko", "words"], is_spaced=False), re.compile(join("ko", "innocent"))),
        re.compile(rf"{join('ko', 'about')}|\b(?:{join('en', 'about')})\b"),
    )


def read_toxicity(views: Views) -> Iterator[tuple[float, str]]:
    """What is toxic in a text, as (score, category) pairs; mentions, news and medicine weigh a third.

    Args:
        views: from `normalise`.
    """
    english, korean, about = load_patterns()
    text = views.plain
    yield from _read(text, english, about)
    if _SPELT.search(text):
        joined = _SPELT.sub(lambda match: re.sub(r"[^a-z0-9]", "", match[0]), text)
        yield from _read(joined, english, about)
    if not text.isascii() and _HANGUL.search(text):
        yield from _read(text, korean, about)
        joined = _ALONE.sub(lambda match: re.sub(r"[ .~_-]", "", match[0]), _BETWEEN.sub("", text))
        if joined != text:
            yield from _read(joined, korean, about)
    for how, hidden in views.hidden:
        if how in ("letters set apart", "digits for letters"):
            yield from _read(hidden, english, about)


def _read(text: str, language: _Language, about: re.Pattern[str]) -> Iterator[tuple[float, str]]:
    if next(language.finder.find(text), None) is None:
        return
    text = language.innocent.sub(lambda match: "·" * len(match[0]), text)
    abouts = [found.span() for found in about.finditer(text)][:_MAX_FINDS]
    quotes = [found.span() for found in _QUOTED.finditer(text)][:_MAX_FINDS]
    for kind, severity, start, end in language.finder.find(text):
        is_near = any(first - _ABOUT_REACH <= end and start <= last + _ABOUT_REACH for first, last in abouts)
        is_quoted = any(first <= start and end <= last for first, last in quotes)
        # A quotation alone may be a way to say it; it is a mention when the text speaks about words.
        factor = (_MENTIONED if is_quoted else _NEAR) if is_near else 1.0
        yield severity * factor, _NAMES[kind]
