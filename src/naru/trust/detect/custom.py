"""An operator's own patterns and dictionaries: staff, customers, products. Found as `CUSTOM:<name>`.

Patterns are compiled by Hyperscan, which has no backtracking, so one that it takes cannot be made to run
long; what it refuses (look-around, back references) is refused. Dictionaries are one scan for all terms.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from naru.trust.detect.folding import code_points, fold
from naru.trust.detect.literals import Matcher
from naru.trust.entity import CUSTOM, Entity

MAX_TERMS = 100_000
MAX_PATTERNS = 200
MAX_TERM_LENGTH = 200
MAX_PATTERN_LENGTH = 1_000
_NAME = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣_.-]{0,63}\Z")
_SCORE = 0.9

# Particles and titles that may follow a Korean term: 김민수가, 김민수님은, 나루에서는. Then a word must end.
_PARTICLES = re.compile(
    r"(?:님|씨|들|측|팀)?(?:은|는|이|가|을|를|의|에|와|과|로|도|만|나|랑|야|아|께|고|"
    r"이란|이라고|라고|이라는|라는|란|에서|에게|에는|에도|에서는|에서도|에게서|에게는|한테|한테서|께서|께서는|으로|으로는|으로도|"
    r"로는|로도|로서|으로서|로써|으로써|부터|까지|까지는|보다|처럼|마다|조차|밖에|이나|이랑|하고|이며|며|이고|이다|다|입니다|"
    r"이에요|예요|이었|였|인|이었던|였던|이라|라|만은|만이|에만|와는|과는|와의|과의|에의|으로부터|로부터|이야|요|이요|이죠|죠|뿐)?"
    r"(?![가-힣])"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression in the syntax of RE2 or Hyperscan: no look-around, no back reference."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Terms that are found as whole words, in either case, with or without a Korean particle after them."""

    name: str
    terms: tuple[str, ...]


class CustomDetector:
    """Finds an operator's own terms and patterns.

    Compiling a hundred thousand terms takes seconds of a processor: make it in a thread, not on the road.
    What was compiled lately is kept, so that making it again of the same words is cheap.

    Args:
        patterns: at most MAX_PATTERNS, each of at most MAX_PATTERN_LENGTH signs.
        dictionaries: at most MAX_TERMS terms in all, each of at most MAX_TERM_LENGTH signs.

    Raises:
        ValueError: too many, a bad name, an empty term, or a pattern that cannot be matched in linear time.
    """

    name = "custom"

    def __init__(self, *, patterns: Sequence[Pattern] = (), dictionaries: Sequence[Dictionary] = ()) -> None:
        names = [pattern.name for pattern in patterns] + [dictionary.name for dictionary in dictionaries]
        for name in names:
            if not _NAME.match(name):
                raise ValueError("a name is 1 to 64 letters, digits, `_`, `.` and `-`, no sign first")
        self._patterns = _compile_patterns(tuple(patterns)) if patterns else None
        self._pattern_types = [CUSTOM + pattern.name for pattern in patterns]
        self._terms = _compile_terms(tuple(dictionaries)) if dictionaries else None

    def find(self, text: str) -> list[Entity]:
        """Every term and every longest match of a pattern; overlaps are the scanner's affair."""
        folded, data = fold(text)
        found: list[Entity] = []
        if self._terms is not None:
            found += self._terms.find(folded, data)
        if self._patterns is not None:
            found += self._find_patterns(data)
        return found

    def _find_patterns(self, data: bytes) -> list[Entity]:
        assert self._patterns is not None
        # Of the ends that one start has, the last is the longest match.
        longest: dict[tuple[int, int], int] = {}
        for index, start, end in self._patterns.scan(data):
            if end > start:
                longest[index, start] = end
        offsets = sorted({*(start for _, start in longest), *longest.values()})
        points = dict(zip(offsets, code_points(data, offsets), strict=True))
        return [
            Entity(self._pattern_types[index], points[start], points[end], _SCORE, "the operator's pattern")
            for (index, start), end in longest.items()
        ]


class _Terms:
    """All terms of some dictionaries in one database."""

    def __init__(self, dictionaries: tuple[Dictionary, ...]) -> None:
        terms: dict[str, str] = {}
        for dictionary in dictionaries:
            for term in dictionary.terms:
                plain = fold(term.strip())[0]
                if not plain or len(plain) > MAX_TERM_LENGTH:
                    raise ValueError(
                        f"a term of `{dictionary.name}` is empty or longer than {MAX_TERM_LENGTH}"
                    )
                terms.setdefault(plain, CUSTOM + dictionary.name)
        if len(terms) > MAX_TERMS:
            raise ValueError(f"{len(terms)} terms; at most {MAX_TERMS}")
        self._types = list(terms.values())
        self._lengths = [len(term) for term in terms]
        self._matcher = Matcher(list(terms), is_literal=True) if terms else None

    def find(self, text: str, data: bytes) -> list[Entity]:
        if self._matcher is None:
            return []
        hits = self._matcher.scan(data)
        points = code_points(data, (end for _, _, end in hits))
        return [
            Entity(self._types[index], end - self._lengths[index], end, _SCORE, "the operator's dictionary")
            for (index, _, _), end in zip(hits, points, strict=True)
            if _is_word(text, end - self._lengths[index], end)
        ]


def _is_word(text: str, start: int, end: int) -> bool:
    """Whether a term stands alone: no letter of its kind before it, a word's end or a particle after it."""
    first, last = text[start], text[end - 1]
    if start > 0 and first.isalnum():
        before = text[start - 1]
        if before.isalnum() and before.isascii() == first.isascii():
            return False
    if end == len(text) or not last.isalnum():
        return True
    after = text[end]
    if not after.isalnum() or after.isascii() != last.isascii():
        # `Naru는`: Hangul after Latin letters is a particle or another word, never the rest of this one.
        return True
    return not after.isascii() and _PARTICLES.match(text, end) is not None


_KEPT = 32
_kept: OrderedDict[object, object] = OrderedDict()
_lock = Lock()


def _compile_patterns(patterns: tuple[Pattern, ...]) -> Matcher:
    if len(patterns) > MAX_PATTERNS:
        raise ValueError(f"{len(patterns)} patterns; at most {MAX_PATTERNS}")
    for pattern in patterns:
        if not pattern.expression or len(pattern.expression) > MAX_PATTERN_LENGTH:
            raise ValueError(f"pattern `{pattern.name}` is empty or longer than {MAX_PATTERN_LENGTH}")
    expressions = tuple(pattern.expression for pattern in patterns)
    with _lock:
        kept = _kept.get(expressions)
    if isinstance(kept, Matcher):
        return kept
    matcher = Matcher(expressions, is_unicode=True, has_starts=True)
    _keep(expressions, matcher)
    return matcher


def _compile_terms(dictionaries: tuple[Dictionary, ...]) -> _Terms:
    with _lock:
        kept = _kept.get(dictionaries)
    if isinstance(kept, _Terms):
        return kept
    terms = _Terms(dictionaries)
    _keep(dictionaries, terms)
    return terms


def _keep(key: object, value: object) -> None:
    with _lock:
        _kept[key] = value
        _kept.move_to_end(key)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
