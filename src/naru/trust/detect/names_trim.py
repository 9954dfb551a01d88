"""Runs of capitalised words without what is no part of a name: titles, verbs, firms, what follows."""

from __future__ import annotations

from collections.abc import Mapping

from naru.trust.detect.names_latin import FAMILY, GIVEN, NAME, PLACE, WORD, kind_of, plain
from naru.trust.detect.names_lexicon import words

QUOTES = "\"“”‘’'(),."
_ASKED = words("call ask contact tell text ring phone message pay visit remind thank thanks bless")
"""Words that begin what is asked for, though families bear them: Call Odette."""
_ADDRESSES = words("mr mrs ms miss mx dr herr frau monsieur madame señor señora")
_LINKS = words("and or of the for to in on at by vs with from is was as not but if then than that")
_CONTRACTED = frozenset(("m", "ll", "d", "ve", "re", "t"))


class Trim:
    """Cuts runs at either end.

    Args:
        known: the bits of each word.
        korean: family names of Korea, in small letters.
    """

    def __init__(
        self,
        known: Mapping[str, int],
        titles: frozenset[str],
        organisation: frozenset[str],
        korean: frozenset[str],
    ) -> None:
        self._known = known
        self._titles = titles
        self._organisation = organisation
        self._korean = korean

    def start(self, start: int, parts: list[str]) -> tuple[int, list[str], str]:
        """Without the titles and plain words before a name; the last of them is a cue."""
        cue = ""
        known = self._known
        for at in range(1, len(parts) - 1):
            # Guten Tag Herr Achtermann: the name begins after how somebody is addressed.
            if (key := plain(parts[at].rstrip("."))) in _ADDRESSES:
                start, parts, cue = start + len(" ".join(parts[: at + 1])) + 1, parts[at + 1 :], key
                break
        while parts:
            word = parts[0]
            key = plain(word.rstrip("."))
            kind = known.get(key, 0)
            head, sign, tail = word.replace("’", "'").partition("'")
            if sign and self._is_contracted(head, tail, len(parts)):
                key = f"{head.lower()}'m" if tail == "m" else head.lower()
            elif len(key) == 1 and len(parts) > 1:
                break
            else:
                is_title = key in self._titles and (not kind & GIVEN or kind & WORD) and len(parts) > 1
                is_asked = key in _ASKED and not kind & GIVEN and len(parts) > 1
                if not is_title and not is_asked and (kind & NAME or not kind & WORD):
                    break
            cue = key
            start += len(word) + 1
            parts = parts[1:]
        return start, parts, cue

    def _is_contracted(self, head: str, tail: str, count: int) -> bool:
        """I'm, It's and Mum's are words before a name; Kofi's is a name."""
        if tail != "s":
            return tail in _CONTRACTED
        kind = self._known.get(plain(head), 0)
        return not kind & NAME and (count > 1 or kind & WORD != 0)

    def end(self, parts: list[str]) -> list[str]:
        """The parts up to the first that is no name; none when they are an organisation's or a place's."""
        known = self._known
        kept: list[str] = []
        for at, part in enumerate(parts):
            if at and part.islower():
                # A particle: bin, van der.
                kept.append(part)
                continue
            bare = part.removesuffix("'s").removesuffix("’s")
            key = plain(bare.strip(QUOTES))
            kind = kind_of(bare.strip(QUOTES), known)
            if at and (key in self._organisation or (key in self._titles and not kind & NAME)):
                first = known.get(plain(parts[0]), 0)
                if not (at == 1 and key in self._korean and first & GIVEN and not first & PLACE):
                    return []
            if at and kind & WORD and not kind & NAME and not self._is_between_names(at, key, parts):
                break
            kept.append(bare)
            if bare != part:
                break
        return _closed(kept)

    def _is_between_names(self, at: int, key: str, parts: list[str]) -> bool:
        """Ahmet Can Yilmaz: an initial or a word between a given and a family name that are nothing else."""
        if len(key) == 1 or at != 1 or len(parts) != 3 or key in _LINKS:
            return len(key) == 1
        first, last = kind_of(parts[0], self._known), kind_of(parts[-1], self._known)
        return (
            len(parts) == 3 and first & (GIVEN | WORD) == GIVEN and last & (FAMILY | WORD | PLACE) == FAMILY
        )


def _closed(kept: list[str]) -> list[str]:
    """Without particles and quotes that only close at the end."""
    while kept and kept[-1].islower():
        kept.pop()
    while kept and kept[-1][-1] in "'’,":
        kept[-1] = kept[-1][:-1]
        if not kept[-1]:
            kept.pop()
    return kept
