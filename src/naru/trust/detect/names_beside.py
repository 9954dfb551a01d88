"""What stands beside a Latin name and makes it a firm's, a hall's, or a speaker's in a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from naru.trust.detect.names_latin import FAMILY, GIVEN, NAME, WORD, plain
from naru.trust.entity import Entity

_AFTER_AND = re.compile(r" & ([^\W\d_][\w'’\-]+)")
_BEFORE_AND = re.compile(r"([^\W\d_][\w'’\-]+) & \Z")
_NAMED_AFTER = re.compile(r"\b[Tt]he (?:[A-Z]\w+ and )?\Z")
_NOUN = re.compile(r"(?:,? [JS]r\.?)? ([A-Za-z]+)")
_PERSONAL = frozenset(
    ("company", "team", "house", "plan", "number", "bank", "farm", "file", "order", "account")
)
_REACH = 32
# The first word of a line and a colon, also after the time in brackets or before a dash.
_HEAD = re.compile(
    r"^(?P<time>[\[\d][\d:./,\-\] APMapm]{3,26}[\] \-] ?)?(?P<who>[^\W\d_][\w .\-]{0,24}): ", re.MULTILINE
)
# What is said to somebody; a recipe's or a file's keys are followed by none of it.
_SAID = re.compile(
    r"[?!]|\bI\b|\b(?i:you|u|me|my|we|us|yes|no|ok|okay|lol|thanks|thx|please|pls|hi|hey|hello|bye)\b"
)
_LEAST_LINES, _LEAST_SPEAKERS, _OTHERS = 2, 2, 5


def is_half_of_firm(text: str, start: int, end: int, known: Mapping[str, int]) -> bool:
    """Whether `&` joins a family name to another, or to itself: Crane & Holt; Tom & Anna are two people."""
    joined = _AFTER_AND.match(text, end) or _BEFORE_AND.search(text, max(0, start - _REACH), start)
    if joined is None:
        return False
    name, other = plain(text[start:end]), plain(joined.group(1))
    kind, beside = known.get(name, 0), known.get(other, 0)
    return name == other or (kind & beside & FAMILY != 0 and not kind & beside & GIVEN)


def is_monument(text: str, start: int, end: int, nouns: frozenset[str]) -> bool:
    """The Ada Lovelace lecture hall, the Martin Luther King Jr. Day: named after somebody."""
    if not text.endswith(("he ", " and "), 0, start) or not _NAMED_AFTER.search(
        text, max(0, start - _REACH), start
    ):
        return False
    noun = _NOUN.match(text, end)
    word = noun.group(1).lower() if noun else ""
    return word in nouns and word not in _PERSONAL


def find_speakers(
    text: str, heads: Iterable[tuple[int, int]], found: Iterable[Entity], known: Mapping[str, int]
) -> Iterator[Entity]:
    """Who speaks in a chat: unknown words that begin two lines or more each, all lines so begun being said by
    such words.

    Args:
        heads: of words before a colon that no list has.
        found: people.
    """
    places: dict[str, list[tuple[int, int]]] = {}
    for start, end in heads:
        places.setdefault(text[start:end], []).append((start, end))
    named = {text[e.start : e.end] for e in found}
    unknown = {who for who, at in places.items() if len(at) >= _LEAST_LINES}
    if not unknown:
        return
    lines = others = prose = talk = 0
    speakers: set[str] = set()
    begun: set[int] = set()
    for head in _HEAD.finditer(text):
        who = head["who"]
        if who in unknown or who in named:
            lines += 1
            speakers.add(who)
            begun.add(head.start("who"))
            stop = text.find("\n", head.end())
            said = text[head.end() : stop if stop >= 0 else len(text)]
            prose += " " in said.strip() and any(map(str.islower, said))
            talk += _SAID.search(said) is not None
        else:
            others += 1
    if (
        talk < _LEAST_LINES
        or len(speakers) < _LEAST_SPEAKERS
        or others * _OTHERS > lines
        or prose * 2 < lines
    ):
        return
    for who in unknown:
        if known.get(plain(who), 0) & (WORD | NAME) != WORD:
            for start, end in places[who]:
                if start in begun:
                    yield Entity("PERSON", start, end, 0.7, "speaker of a line")
