"""Words in Latin letters as parts of names: which are given and family names, which are words or places."""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources

from naru.trust.detect.names_lexicon import sections

GIVEN, FAMILY, WORD, PLACE, THING = 1, 2, 4, 8, 16
NAME = GIVEN | FAMILY
_OURS = {"given": GIVEN, "given_weak": GIVEN, "surname": FAMILY, "surname_weak": FAMILY, "korean": FAMILY}
_LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
_ARTICLES = frozenset(("al", "el", "ap", "abd", "ben", "bin", "ibn", "te", "de", "le"))
_ABOVE_ASCII = [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]


def _plain_letter(code: int) -> str:
    letter = chr(code).lower()
    letters = unicodedata.normalize("NFKD", _LETTERS.get(letter, letter))
    return "".join(c for c in letters if not unicodedata.combining(c))


@cache
def _plain_letters() -> dict[int, str]:
    return {code: _plain_letter(code) for code in _ABOVE_ASCII} | dict.fromkeys(map(ord, "'’ʻ`."), "")


@cache
def kinds() -> dict[str, int]:
    """Of each word its bits, by the word in small letters without accents; read at the first call and kept.

    Our own short lists overrule the long one, which knows every name that anybody bears.
    """
    packed = (resources.files("naru.trust.detect") / "data" / "latin_names.txt.gz").read_bytes()
    found: dict[str, int] = {}
    bits = 0
    for line in gzip.decompress(packed).decode().splitlines():
        if line.startswith("["):
            bits = int(line.strip("[]"))
        elif not line.startswith("#"):
            found.update(dict.fromkeys(line.split(), bits))
    names = sections("english_names.txt")
    for section, bit in _OURS.items():
        for name in names[section]:
            key = plain(name)
            found[key] = found.get(key, 0) | bit
    doubtful = {*names["given_weak"], *names["surname_weak"]}
    for name in (*names["given"], *(name for name in names["surname"] if name not in doubtful)):
        found[plain(name)] &= ~WORD
    words = sections("english_words.txt")
    found.update(dict.fromkeys(words["never"], WORD))
    for word in words["things"]:
        found[word] = found.get(word, 0) | THING
    return found


def plain(word: str) -> str:
    """As a word is looked up: small letters, no accents, no apostrophes and stops."""
    if word.isalpha() and word.isascii():
        return word.lower()
    return word.translate(_plain_letters()).lower()


def kind_of(word: str, known: Mapping[str, int]) -> int:
    """What a word may be; of one with dashes what its parts may be."""
    key = plain(word)
    found = known.get(key)
    if found is not None or "-" not in key:
        return found or 0
    parts = [known.get(part, 0) for part in key.split("-") if part not in _ARTICLES]
    names = [part & NAME for part in parts if part & NAME]
    return names[0] if names and WORD not in parts else WORD if any(parts) else 0
