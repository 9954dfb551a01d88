"""English and romanised names: first and family names from lists, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from naru.trust.detect.names_around import LABEL, Around
from naru.trust.detect.names_beside import find_speakers, is_half_of_firm
from naru.trust.detect.names_latin import FAMILY, GIVEN, NAME, WORD, kind_of, kinds, plain
from naru.trust.detect.names_lexicon import sections
from naru.trust.detect.names_points import Points
from naru.trust.detect.names_trim import QUOTES, Trim
from naru.trust.entity import Entity

_PARTICLES = (
    "van der|van den|van de|van|von der|von|zu|de la|de los|de las|der|den|del|de|da|das|dos|di|du|al|el|bin"
    "|ibn|binti|binte|bint|bte|le|la|af|av"
)


def _expression() -> re.Pattern[str]:
    """A run of capitalised words in letters of all of Europe and Vietnam.

    The first letter comes before what must not precede it: for it alone the search stops. What follows it
    tells the kinds apart: a small letter or an initial, capitals (group 1), or 씨 and the like (group 2).
    """
    upper, lower = "A-ZÀ-ÖØ-ÞĀ-ſƠƯḀ-ỿ", "a-zß-öø-ÿĀ-ſơưḀ-ỿ"
    first, word = f"[{upper}]", f"[{upper}{lower}0-9]"
    rest = rf"(?:[{lower}'’]+(?:{first}[{lower}]+)?|'|’)(?:-[{upper}{lower}][{lower}]+){{0,2}}"
    part = first + rest
    initials = rf"\.(?:[ -]?{first}\.){{0,2}} {part}"
    # Most are followed by a word in small letters: known at its first, unless it may be a particle.
    small = "".join({particle[0] for particle in _PARTICLES.split("|")})
    between = (
        rf" (?=[{upper}{small}\"“(‘'])"
        rf"(?:(?:{_PARTICLES}) |(?:a[lsnrd]|ash|el)-|{first}\.? (?:{first}\. )?|[\"“(‘']{part}[\"”)’'] )?"
    )
    return re.compile(
        rf"{first}(?<!{word}.)(?:(?<![_@/.\-].)(?:{rest}|{initials})"
        rf"(?:{between}{part}){{0,4}}(?:,? (?:[JS]r\b\.?|I{{2,3}}\b)| {first}\.(?![{upper}{lower}]))?"
        rf"(?!{word}|[_@])"
        rf"|((?<!_.){first}{{1,15}}(?:-{first}{{2,15}})?(?:,? {first}\.?)?"
        rf"(?:,? {first}[{upper}'\-]{{1,14}}){{1,5}}(?: {first}\.)?(?!{word}|_))"
        rf"|((?<![.\-/].)(?=(?:\(\d{{1,3}}[^)\n]{{0,8}}\))? ?(?:씨|군|양)"
        r"(?:[은는이가을를의도와과측만 ,.(]|에게|$))))"
    )


_IN_CAPITALS, _LETTER = 1, 2
_SURE = 0.5
_CLOSED = re.compile(r"\Z|  |[\n\t\");<|]| \(")
_LABELLED = "label before it"
_INITIAL = re.compile(r" [A-Z](?=[\"'<\n,|)]|\Z)")
_MAILBOX = re.compile(r"([A-Za-z][A-Za-z.\-_+]{2,40}+)[0-9]{0,4}+\Z")
_MAILBOX_REACH = 45
_SEPARATORS = re.compile(r"[._\-+]")
_DETERMINERS = frozenset(("the ", "a ", "an ", "his ", "its ", "our ", "this "))
"""After these comes a thing that is named for somebody: the Wells score, his Miranda rights."""


def _is_option(text: str, start: int) -> bool:
    """Whether the letter at the start of a line is one of several that follow each other."""
    if start and text[start - 1] != "\n":
        return False
    letter = ord(text[start])
    near = text[max(0, start - 300) : start + 300]
    return f"\n{chr(letter + 1)}. " in near or f"\n{chr(letter - 1)}. " in near


def _mailboxes(text: str) -> Iterator[str]:
    """Of each e-mail address what stands before its `@`, without the digits at its end."""
    at = text.find("@")
    while at >= 0:
        low = max(0, at - _MAILBOX_REACH)
        if found := _MAILBOX.search(text, max(low, text.rfind(" ", low, at)), at):
            yield found.group(1)
        at = text.find("@", at + 1)


def _may_be_mailed(text: str, keys: Iterable[str]) -> bool:
    """Whether one of the words stands before an `@`: most stand before none, and no address is read then."""
    before = "\n".join(part[-_MAILBOX_REACH:] for part in text.split("@")[:-1]).lower()
    return any(key in before for key in keys)


def _size(parts: list[str]) -> int:
    return len(" ".join(parts))


class _Candidate(NamedTuple):
    start: int
    end: int
    parts: list[str]


class _Weighed(NamedTuple):
    """What a run of capitalised words says by itself, wherever it stands.

    Attributes:
        shift: from the run's start to the name's.
        size: of the name.
        full: its size with the word after it; 0 where there is none that may belong to it.
        cue: the word before it that was cut off, or "".
    """

    shift: int
    size: int
    full: int
    names: list[str]
    cue: str
    points: float
    reason: str


class EnglishNames:
    """Finds names in Latin letters."""

    def __init__(self) -> None:
        self._kinds = kinds()
        listed = sections("english_words.txt")
        self._titles = frozenset(listed["titles"])
        self._brands = frozenset(listed["brands"])
        self._korean = frozenset(map(str.lower, sections("english_names.txt")["korean"]))
        organisation = frozenset(listed["organisation"])
        self._trim = Trim(self._kinds, self._titles, organisation, self._korean)
        self._points = Points(self._kinds, self._korean)
        self._around = Around(listed)
        self._run = _expression()

    def find(self, text: str) -> list[Entity]:
        """Names by lists and context, then their parts that stand alone; weak ones below a half, too."""
        alone: list[_Candidate] = []
        found = self._runs(text, alone)
        if alone and (found or "@" in text):
            found += self._again(text, found, alone)
        if (
            len(alone) > 1
            and "\n" in text
            and (heads := [c[:2] for c in alone if text.startswith(": ", c.end)])
        ):
            found += find_speakers(text, heads, found, self._kinds)
        if text[:1].islower() or "\n" in text:
            found += self._around.find_chat(text, self._kinds)
        return found

    def _runs(self, text: str, alone: list[_Candidate]) -> list[Entity]:
        """What each run of capitalised words is; those that say too little go to `alone`."""
        found: list[Entity] = []
        # Most runs that are read come again: each is weighed once a text.
        weighed: dict[tuple[str, bool], _Weighed | None] = {}
        known, end = self._kinds, 0
        for m in self._run.finditer(text):
            sequence = m[0]
            if m.lastindex is None and " " not in sequence:
                # Most are the first word of a sentence.
                kind = known.get(sequence.lower())
                if kind is not None:
                    if not kind & NAME:
                        continue
                elif self._around.is_bare(text, *(place := m.span())):
                    alone.append(_Candidate(*place, [sequence]))
                    continue
            if m.lastindex == _LETTER:
                found.append(Entity("PERSON", m.start(), m.end(), 0.7, "letter for a name"))
                continue
            entity = self._read(text, m, end, alone, weighed)
            if text[m.start() - 2 : m.start()] == ", ":
                entity = self._after_comma(text, m, alone, found) or entity
            if entity is not None:
                found.append(entity)
                if entity.score >= _SURE:
                    end = entity.end
        return found

    def _inverted(self, text: str, family: _Candidate, m: re.Match[str]) -> Entity | None:
        """Fitzgerald, Colm: a family name, then a given one that ends what is said."""
        names = m.group().split(" ")
        kind = self._kinds.get(plain(names[0]), 0)
        before = text[max(0, family.start - 2) : family.start]
        is_family = kind_of(family.parts[-1], self._kinds) & FAMILY
        if not is_family or not kind & GIVEN or kind & WORD or len(names) > 3:
            return None
        if before.strip(" \"'(") not in ("", ".", ":", ";", "|") or text[m.end() : m.end() + 2] in (
            ", ",
            "'s",
        ):
            return None
        return Entity("PERSON", family.start, m.end(), 0.9, "family name first")

    def _after_comma(
        self, text: str, m: re.Match[str], alone: list[_Candidate], found: list[Entity]
    ) -> Entity | None:
        """A family name before a comma and the given one: alone, or after its label.

        Victim: Whitlock, Janine Rose; a label of several, or names that go on, are a list.
        """
        end = m.start() - 2
        if alone and alone[-1].end == end:
            return self._inverted(text, alone[-1], m)
        if not found or found[-1].end != end or found[-1].reason != _LABELLED:
            return None
        start = found[-1].start
        family = text[start:end]
        is_list = text[max(0, start - 8) : start].rstrip(" :\t").endswith("s")
        if " " in family or is_list or text[m.end() : m.end() + 4] in (" and", " & "):
            return None
        if kind_of(family, self._kinds) & GIVEN:
            return None
        kinds = [self._kinds.get(plain(name), 0) for name in m[0].split(" ")]
        if _CLOSED.match(text, m.end()) and not kinds[0] and all(k & NAME or not k for k in kinds):
            # After a label a given name may be of no list, where nothing follows.
            is_family = kind_of(family, self._kinds) & (FAMILY | WORD) == FAMILY
            return Entity("PERSON", start, m.end(), 0.9, "family name first") if is_family else None
        return self._inverted(text, _Candidate(start, end, [family]), m)

    def _read(
        self,
        text: str,
        m: re.Match[str],
        last: int,
        alone: list[_Candidate],
        weighed: dict[tuple[str, bool], _Weighed | None],
    ) -> Entity | None:
        """A run of capitalised words as one name, if it is one."""
        start, sequence, in_capitals = m.start(), m[0], m.lastindex == _IN_CAPITALS
        if sequence[1] == "." and _is_option(text, start):
            # The letter of a choice, `A. Mary Parker`, is no initial.
            start, sequence = start + 3, sequence[3:]
        key = sequence, in_capitals
        if key not in weighed:
            weighed[key] = self._weigh(sequence, in_capitals)
        run = weighed[key]
        if run is None:
            return None
        shift, size, full, names, cue, points, reason = run
        start += shift
        end = start + size
        if self._around.is_firm(text, end, len(names) == 1 and points < 0.4) or (
            full and self._around.is_firm(text, start + full, False)
        ):
            return None
        more, around = self._around.read(text, start, end, cue, last)
        if len(names) == 1:
            more += self._alone(text, start, end, last)
        if len(names) == 1 and around == _LABELLED and (initial := _INITIAL.match(text, end)):
            end = initial.end()
        elif full and more >= LABEL and text[start + full : start + full + 1] in "\n\"',;<|":
            # What a label names may end with a word: Marcellus Odhiambo Were.
            end = start + full
        score = points + more
        if score < _SURE and not in_capitals:
            alone.append(_Candidate(start, end, names))
        if score < 0.3:
            return None
        return Entity("PERSON", start, end, min(score, 0.97), around or reason)

    def _weigh(self, sequence: str, in_capitals: bool) -> _Weighed | None:
        """What a run says by itself; None where it is no name."""
        shift, whole, cue = self._trim.start(0, sequence.split(" "))
        parts = self._trim.end(whole) if whole and not self._is_brand(whole) else []
        names = [name for part in parts if (name := part.strip(QUOTES))]
        if not self._may_be(names):
            return None
        points, reason = self._points.weigh(names, in_capitals=in_capitals)
        if points <= -1:
            return None
        is_longer = len(whole) == len(parts) + 1 and not whole[-1].endswith(("'s", "’s"))
        return _Weighed(shift, _size(parts), _size(whole) if is_longer else 0, names, cue, points, reason)

    def _may_be(self, names: list[str]) -> bool:
        """Whether there is more than initials, and more than a title."""
        if not names or max(map(len, names)) < 2:
            return False
        return len(names) > 1 or plain(names[0]) not in self._titles

    def _alone(self, text: str, start: int, end: int, last: int) -> float:
        """Points more for one word: addressed, or signing, and no place or thing or half of a firm."""
        more = 0.0
        before = text[max(0, start - 5) : start].lower()
        if (before.endswith(" & ") or text[end : end + 3] == " & ") and is_half_of_firm(
            text, start, end, self._kinds
        ):
            return -1.0
        if before.endswith((" in ", "\nin ", "near ")) or before.lstrip(" .\n(\"'") in _DETERMINERS:
            more -= 0.3
        if before.endswith(" & ") and last != start - 3:
            more -= 0.5
        following = text[end : end + 3]
        if (following in ("'s ", "’s ") and text[end + 3 : end + 4].isupper()) or text[
            end : end + 4
        ] == " o' ":
            more -= 0.5
        if following[:1] in ("!", ":") or not following or following == "\n":
            more += 0.1
        return more

    def _is_brand(self, parts: list[str]) -> bool:
        if len(parts) < 2:
            return plain(parts[0]).replace("-", "_") in self._brands
        keys = [plain(part.strip(QUOTES)) for part in parts]
        return any(f"{a}_{b}" in self._brands for a, b in pairwise(keys))

    def _again(self, text: str, found: Iterable[Entity], alone: Iterable[_Candidate]) -> Iterator[Entity]:
        """Names whose parts stand elsewhere in a name found, or in an e-mail address."""
        sure: set[str] = set()
        for entity in found:
            if entity.score >= _SURE:
                for part in text[entity.start : entity.end].split():
                    sure.update(map(plain, (part, *part.split("-"))))
        sure = {key for key in sure if len(key) > 2 and self._kinds.get(key, 0) & (WORD | NAME) != WORD}
        keyed = [(start, end, [plain(name) for name in names]) for start, end, names in alone]
        mailed: set[str] = set()
        if "@" in text and _may_be_mailed(text, {key for _, _, keys in keyed for key in (keys[0], keys[-1])}):
            mailed = {plain(w) for box in _mailboxes(text) for w in _SEPARATORS.split(box) if len(w) > 3}
        for start, end, keys in keyed:
            if all(key in sure for key in keys) and text[end : end + 3] != " & ":
                yield Entity("PERSON", start, end, 0.7, "named in full elsewhere")
            elif keys[0] in mailed or keys[-1] in mailed:
                kind = self._kinds.get(keys[0], 0)
                if not kind & WORD:
                    yield Entity("PERSON", start, end, 0.6, "in an e-mail address, too")
