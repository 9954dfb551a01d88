"""Words of many languages on a few concepts, and the one pass that finds them in a text.

Rules speak of concepts ("override a prior instruction"), so a new language is a line of `terms.txt` and no
new rule. Of terms that begin at the same place the longest counts:
longer harmless phrases (concept NONE) therefore take the place of shorter telling ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from naru.trust.guard.normalise import fold

MAX_HITS = 4_000


class Hit(NamedTuple):
    """A concept in a folded text, half open, in code points."""

    start: int
    end: int
    concept: str


_CJK = re.compile("[가-힣ぁ-ヶ一-鿿]+")


class Lexicon(NamedTuple):
    """Compiled terms: one pattern for words with gaps between them, one for scripts without."""

    spaced: re.Pattern[str]
    unspaced: re.Pattern[str]
    concepts: dict[str, tuple[str, ...]]

    def find(self, text: str) -> list[Hit]:
        """Every concept in a folded text, in order of place; at most MAX_HITS."""
        hits: list[Hit] = []
        concepts = self.concepts
        parts = [(self.spaced, text)]
        if not text.isascii():
            # A particle is no letter of the word before it: `api key를` is the key.
            alone = _CJK.sub(lambda run: "\0" * len(run[0]), text)
            parts = [(self.spaced, alone), (self.unspaced, text)]
        for pattern, part in parts:
            for match in pattern.finditer(part):
                start, end = match.span()
                hits += [Hit(start, end, concept) for concept in concepts[match[1]]]
                if len(hits) >= MAX_HITS:
                    break
        if len(parts) > 1:
            hits.sort()
        return hits


def _trie_pattern(terms: dict[str, bool], *, is_spaced: bool) -> str:
    """An alternation as a tree, longest first. `terms` says of each whether it stands for inflections too."""
    root: dict[str, dict] = {}  # type: ignore[type-arg]  # a tree is its own type
    for term, is_stem in terms.items():
        node = root
        for letter in term:
            node = node.setdefault(letter, {})
        node["stem" if is_stem else "end"] = {}
    boundary = r"(?![^\W_])" if is_spaced else ""

    def render(node: dict) -> str:  # type: ignore[type-arg]
        ends = [""] if "stem" in node else [boundary] if "end" in node else []
        branches = [re.escape(key) + render(child) for key, child in node.items() if len(key) == 1]
        if not branches:
            return ends[0]
        body = "|".join([*branches, *ends])
        return body if len(branches) == 1 and not ends else f"(?:{body})"

    return render(root)


def read_terms() -> Iterator[tuple[str, str]]:
    """(concept, term as it is written) of every term in `terms.txt`."""
    concept = ""
    for line in files(__package__).joinpath("terms.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            concept = line[3:]
        elif line and not line.startswith("#"):
            yield from ((concept, term.strip()) for term in line.split("|") if term.strip())


@cache
def load_lexicon() -> Lexicon:
    """The compiled lexicon, built at first use (about 0.1 s) and kept."""
    spaced: dict[str, bool] = {}
    unspaced: dict[str, bool] = {}
    concepts: dict[str, tuple[str, ...]] = {}
    for concept, written in read_terms():
        is_stem = written.endswith("*")
        term = fold(written.removesuffix("*")).replace("_", " ")
        known = concepts.get(term, ())
        concepts[term] = known if concept in known else (*known, concept)
        target = unspaced if _CJK.search(term) else spaced
        target[term] = target.get(term, False) or is_stem or target is unspaced
    stems = {term for term, is_stem in spaced.items() if is_stem}
    for term in spaced:  # an exact term must not hide what a stem of it says
        for cut in range(3, len(term)):
            if term[:cut] in stems and " " not in term:
                concepts[term] = tuple(dict.fromkeys((*concepts[term], *concepts[term[:cut]])))
    for term, known in concepts.items():
        if "NONE" in known:
            concepts[term] = ("NONE",)
    return Lexicon(
        re.compile(r"(?<![^\W_])(" + _trie_pattern(spaced, is_spaced=True) + ")"),
        re.compile("(" + _trie_pattern(unspaced, is_spaced=False) + ")"),
        concepts,
    )
