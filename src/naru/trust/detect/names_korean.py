"""Korean personal names by additive evidence: surname, syllables, particle, neighbours, no common word there.

A gate in one regular expression leaves few words; each is judged by itself and a bounded window around it, so
the whole is linear in the text. Points are like log-odds; THRESHOLD is where a candidate becomes a name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from naru.trust.detect.names_alone import AloneNames, Found
from naru.trust.detect.names_context import FURTHER, LIST_GAP, Context
from naru.trust.detect.names_foreign import ForeignNames, ForeignReader
from naru.trust.detect.names_korean_gate import Gate
from naru.trust.detect.names_lexicon import (
    FIRST_SYLLABLES,
    NOUN_SUFFIXES,
    PREFIXES,
    SECOND_SYLLABLES,
    USUAL_FIRST,
    USUAL_SECOND,
    Lexicon,
    lexicon,
)
from naru.trust.detect.names_rows import Rows
from naru.trust.detect.names_shapes import FIRMS, Shapes
from naru.trust.detect.names_slots import SlotNames
from naru.trust.detect.names_tails import END, HONORIFIC, KINSHIP, PARTICLE, POINTS, TITLE, Tails, is_particle
from naru.trust.entity import Entity

THRESHOLD = 1.4
"""Evidence from which a candidate is a name; it is the score 0.5."""
_FLOOR = 0.0
"""Evidence from which a candidate is kept to be raised by a list, a repetition or an identifier near it."""
_IMPOSSIBLE = -9.0
_HOPELESS = -2.0
"""Evidence of the word itself under which neither a label nor a role before it can make it a name."""
_NO_NAME = -4.0
"""Points of the syllables under which a word is not looked at."""
_PARTICLE_LIKE = frozenset("은는이가을를로한된할도만의에")
_NOTHING: Found = (0, 0, _IMPOSSIBLE, "")
_OPENING = (" ", "(")
_COUNTERS = frozenset("명개번장잔채살달주척쌍곳쪽편")
"""What 한, one, counts: 한 명만 and no 한명만."""
_CLINICS = frozenset(("안과", "내과", "외과", "치과"))
"""A surname before them makes a clinic's name."""
_AREAS = frozenset(("구역", "지역", "영역", "권역", "용역", "통역", "방역", "무역", "번역"))
"""Nouns that end as what is said of a part played: 전용구역 and no 전용구역."""


Reading = tuple[int, int, float, float]
"""What a word alone says of the name that its first syllables may be: their count, the kind of what follows
them, points, and points off for a common word."""


class Candidate(NamedTuple):
    """One reading of a word as a name."""

    start: int
    end: int
    points: float
    reason: str


def score_of(points: float) -> float:
    """Points as a score: 0.5 at THRESHOLD, near 1 four points above."""
    return 1.0 / (1.0 + math.exp(THRESHOLD - points))


_WEAK = "needs an identifier near it"
_NEAR_SCORE = score_of(THRESHOLD + 0.4)


class KoreanNames:
    """Finds Korean and foreign names in Hangul."""

    def __init__(self, words: Lexicon | None = None) -> None:
        self._w = w = words or lexicon()
        self._known = w.common_given | w.known_given
        self._tails = Tails(w)
        self._context = Context(w, self._tails)
        self._alone = AloneNames(w, self._tails)
        foreign = ForeignReader(w, self._tails.starts)
        self._foreign = ForeignNames(foreign, self._tails, self._context)
        self._shapes = shapes = Shapes(w, self._tails, self._given_points, self._common_word)
        self._gate = Gate(w, foreign, self._foreign.title_begins, shapes.never)
        self._rows = Rows(shapes)
        self._slots = SlotNames(shapes, self._rows)
        # A title begins with a surname often enough: 조합원, 변호사.
        self._words = w.nouns | w.verbs | {t for t in w.titles | w.roles | w.kin if len(t) > 2}

    def find(self, text: str) -> list[Entity]:
        """Every name of the text, and with the score 0 what is none without an identifier beside it."""
        if text.isascii():
            return []
        candidates = self._candidates(text)
        accepted = self._accepted(text, candidates) if candidates else []
        found = [Entity("PERSON", c.start, c.end, score_of(c.points), c.reason) for c in accepted]
        found += self._slots.find(text, found)
        if found:
            found += self._rows.find(text, found)
            found += self._rows.find_again(text, found)
        found += [Entity("PERSON", c.start, c.end, 0.0, _WEAK) for c in candidates if c.points < THRESHOLD]
        return found

    def find_near(
        self, text: str, entities: Iterable[Entity], weak: Iterable[Entity], reach: int
    ) -> Iterator[Entity]:
        """Of the weak names those at most `reach` code points from one of `entities`, say a phone."""
        near = list(entities)
        taken: set[int] = set()
        yield from self._rows.find_beside(text, near, taken)
        bare = [e for e in weak if e.reason == _WEAK and self._is_bare(text, e)]
        spans = sorted((e.start - reach, e.end + reach) for e in near) if bare else []
        at, reached = 0, -1
        for e in bare:
            while at < len(spans) and spans[at][0] <= e.end:
                reached = max(reached, spans[at][1])
                at += 1
            if e.start <= reached and e.start not in taken:
                yield e._replace(score=_NEAR_SCORE, reason="near an identifier")

    def _is_bare(self, text: str, c: Entity) -> bool:
        """Whether a weak candidate is a word by itself and no other word with its particle, as 설정은 is."""
        name = text[c.start : c.end]
        if "가" <= text[c.end : c.end + 1] <= "힣":
            return False
        return name[-1] not in _PARTICLE_LIKE or (name[1:] in self._known and name[:2] not in self._words)

    def _candidates(self, text: str) -> list[Candidate]:
        """Readings with some evidence, in order, none overlapping.

        One step for all words, then the next: word by word takes a quarter more time.
        """
        words = self._gate.find(text)
        known: dict[str, tuple[Reading, ...]] = {}
        for _, _, run, is_korean, _ in words:
            if is_korean and run not in known:
                known[run] = self._readings(run)
        judged: list[Found] = []
        for i, j, run, is_korean, _ in words:
            judged.append(self._judge(text, i, j, run, known[run]) if is_korean else _NOTHING)
        found: list[Candidate] = []
        last = -1
        given = self._w.common_given
        for (i, j, run, _, is_foreign), c in zip(words, judged, strict=True):
            if i < last:
                continue
            if c[2] < THRESHOLD and is_foreign:
                other = self._foreign.judge(text, i, j, run)
                c = other if other is not None and other[2] > c[2] else c
            if c[2] < THRESHOLD and run[:2] in given:
                c = self._alone.given(text, i, j, run) or c
            if c[2] >= _FLOOR:
                found.append(Candidate(*c))
                last = c[1] if c[2] >= THRESHOLD else last
        return found

    def _accepted(self, text: str, found: list[Candidate]) -> list[Candidate]:
        """Candidates at the threshold, and weaker ones beside a name or naming somebody named elsewhere."""
        sure = {text[c.start : c.end] for c in found if c.points >= THRESHOLD + 0.5 and c.end - c.start > 2}
        out: list[Candidate] = []
        weak: list[Candidate] = []
        last = -1
        for c in found:
            if c.points < THRESHOLD and text[c.start : c.end] in sure:
                c = c._replace(points=THRESHOLD + 0.5, reason="named before")
            if c.points < THRESHOLD:
                weak.append(c)
            elif c.start >= last:
                out.append(c)
                last = c.end
        if not weak or not out:
            return out
        starts = {c.start for c in out}
        ends = {c.end for c in out}
        listed = (c for c in weak if self._beside(text, c, starts, ends))
        out.extend(c._replace(points=THRESHOLD + 0.3, reason="in a list of names") for c in listed)
        return out

    @staticmethod
    def _beside(text: str, c: Candidate, starts: set[int], ends: set[int]) -> bool:
        gap = LIST_GAP.match(text, c.end)
        if gap is not None and gap.group() != " " and gap.end() in starts:
            return True
        for size in (2, 1, 3):
            if (
                c.start - size in ends
                and LIST_GAP.fullmatch(text, c.start - size, c.start)
                and text[c.start - size : c.start] != " "
            ):
                return True
        return False

    def _judge(self, text: str, i: int, j: int, run: str, readings: tuple[Reading, ...]) -> Found:
        """The best of a word's readings as a Korean name."""
        best, end, reason = _IMPOSSIBLE, i, ""
        most = self._context.most_before(text, i) if readings else 0.0
        for reading in readings:
            points, why = self._weigh(text, i, j, run, reading, most)
            if points > best:
                best, end, reason = points, i + reading[0], why
        if len(run) == 1 or run[1] in "씨모":
            alone = self._alone.surname(text, i, j, run)
            if alone is not None and alone[2] > best:
                return alone
        return i, end, best, reason

    def _readings(self, run: str) -> tuple[Reading, ...]:
        """What the word alone says of each length a name in it may have; the impossible ones left out."""
        if run[0] not in self._w.surnames:
            return ()
        size = len(run)
        tails = self._tails
        readings: list[Reading] = []
        for n in (3, 2) if run[:2] not in self._w.double_surnames else (4, 3):
            if size == n:
                kind = END
            elif size < n or run[n] not in tails.begins or (n == 2 and run[2] not in "씨님입이라"):
                continue
            else:
                kind = tails.kind(run, n)
                if not kind or (kind >= TITLE and self._is_compound(run, n)):
                    continue
            points = self._name_points(run, n)
            if points >= _NO_NAME:
                readings.append((n, kind, points + POINTS[kind], self._common_word(run, n)))
        return tuple(readings)

    def _is_compound(self, run: str, n: int) -> bool:
        """Whether what looks like a title belongs to another word: 성인 + 연기자, 지루하 + 군."""
        if run[n] == "군" and run[n - 1] in "하되":
            return run[1:n] not in self._known
        if n != 3 or run[:2] not in self._w.nouns:
            return False
        return run[2:5] in self._words or self._tails.appellation(run[2:]) > 0

    def _weigh(self, text: str, i: int, j: int, run: str, reading: Reading, most: float) -> tuple[float, str]:
        """Points and reason of a reading with what stands around the word; what is before lifts by `most`."""
        n, kind, points, common = reading
        following = text[j : j + 1]
        after, reason = 0.0, "surname and given name"
        if kind < KINSHIP and points - common < _HOPELESS and following not in _OPENING:
            return _IMPOSSIBLE, ""
        if kind == END:
            if following == " " or following == "(":
                alone = points - common
                after, why = self._context.after(text, j, far=_FLOOR - most - FURTHER <= alone < 3.0)
                reason = why or reason
            elif following == ")" and text[i - 1 : i] == "(":
                after, reason = 2.1, "in brackets"
        elif kind == PARTICLE:
            if run[-1] == "의":
                after = Context.acting(text, j)
        elif kind >= TITLE:
            reason = "honorific after it" if kind == HONORIFIC else "title after it"
        points += after - (common * 0.5 if kind >= TITLE or after >= 2.5 else common)
        if not most or points + most < _FLOOR:
            return points, reason
        before, why = self._context.before(text, i, most)
        if before >= 3.5 and kind < KINSHIP and points > -4.5 and common < 2.5:
            points = max(points, -0.6 if n == 3 else -1.0)
        return points + before, why or reason

    def _name_points(self, run: str, n: int) -> float:
        """Evidence of the name's own syllables."""
        w = self._w
        name = run[:n]
        if name in w.not_names or run in w.not_names or name[1:] in _CLINICS:
            return _IMPOSSIBLE
        if n == 4:
            if name[2:] in FIRMS:
                return _IMPOSSIBLE
            return 1.0 + (1.5 if name[2:] in self._known else 0.2 if name[2:] not in w.two_nouns else -2.0)
        surname = w.surnames[run[0]]
        if n == 2 or (n == 3 and name[:2] in w.double_surnames):
            if n == 3:
                return 1.3
            if run[2:] == "이":
                return _IMPOSSIBLE
            return surname - (1.5 if name[1] in SECOND_SYLLABLES else 3.0)
        return surname + self._given_points(name[1:], name[0] in PREFIXES)

    def _given_points(self, given: str, prefixed: bool) -> float:
        w = self._w
        if given in w.common_given:
            points = 2.0
        elif given in w.known_given:
            points = 1.2
        elif given[0] in USUAL_FIRST and given[1] in USUAL_SECOND:
            points = 0.9
        elif given[0] in FIRST_SYLLABLES and given[1] in SECOND_SYLLABLES:
            points = 0.3
        else:
            points = -1.5 if given[0] in FIRST_SYLLABLES or given[1] in SECOND_SYLLABLES else -3.8
        if given in w.two_nouns:
            points -= (1.0 if given in w.common_given else 3.0) if prefixed else 0.9
        return points

    def _common_word(self, run: str, n: int) -> float:
        """Points off when the word reads as a common one."""
        w = self._w
        if run in self._words:
            return 4.0
        worst = 0.0
        if n == 3 and run[2] in "하되" and run[3:4] and run[3] in "고는게군지면며여던기니도자려":
            worst = 1.0 if run[1:3] in w.common_given else 2.5
        for k in range(min(len(run) - 1, 6), 2, -1):
            if run[:k] in self._words:
                if k > n or is_particle(run, k):
                    return 4.0
                worst = max(worst, 2.0)
        if run[0] == "한" and run[1] in _COUNTERS and is_particle(run, 2) and run[1:3] not in w.common_given:
            return 4.0
        if run[:2] in w.nouns:
            worst = max(worst, self._compound(run, n))
        return worst

    def _compound(self, run: str, n: int) -> float:
        """Points off when a noun of two syllables begins the word."""
        if n == 2:
            return 4.0
        common = run[1:3] in self._w.common_given
        rest = run[2:]
        if is_particle(run, 2):
            return 1.5 if common else 4.0
        if len(rest) == 2 and rest in _AREAS:
            return 4.0
        if rest[0] in "하한해할함했되된됩됨돼됐시" and len(rest) > 1:
            return 3.5
        if rest[0] in "성화력률율란팀부":
            return 2.0 if common else 3.0
        if rest[0] in NOUN_SUFFIXES:
            return 0.6 if common else 2.5
        return 0.0 if common else 0.6
