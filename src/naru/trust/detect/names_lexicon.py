"""Word lists of the name detectors, read once from `data/` at the first detector, not at import."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

FIRST_SYLLABLES = frozenset(
    "영성재정상동지승경종병수기현진태용인원민창윤석명은희준주혜선대우형광미세유규호도문남소연순덕해시양하효일철예두홍보서나찬봉한"
    "장범충학신평건중의아국근만길채택익다림흥숙춘화강슬무필리운혁옥계헌금황설송여갑완애웅복달단로라루별빛솔봄초겸백향란래율온결든"
    "노휘률가관자제안요이새늘감"
)
"""Syllables a given name of two begins with."""

SECOND_SYLLABLES = frozenset(
    "수영호진희현원우석환준동철식기훈민성선규정경주연욱근섭용아일숙구은하미화형태순윤재혁옥인국웅한라자지나길덕홍남모범상로애권찬혜"
    "천종만렬학조택헌빈균이운열익명문도관림대봉승복룡엽완창후필란린람춘두건곤표서록시세유중오실안돈래름늘슬별휘률율걸겸채해음솜결온솔"
    "샘빛설담든양월녀련례심예니리루검립"
)
"""Syllables a given name of two ends with."""

USUAL_FIRST = frozenset(
    "영성재정상동지승경종병수기현진태용인원민창윤석명은희준주혜선우형광미세유규호도문남소연순덕효하예시철찬한"
)
USUAL_SECOND = frozenset(
    "수영호진희현원우석환준철식기훈민성선규정경주연욱근섭용아숙은미화형태순윤재혁옥인국웅자길덕홍남범권찬혜종만렬학택헌빈균열익"
)
"""Of both those that most given names have."""

NOUN_SUFFIXES = frozenset(
    "하한해할함했시된될됨되돼됐들적상성화용자인식일서안비율률장점권법실과부팀지금액표국회사관대료물품형별제주단선문중후전내외측등"
    "건차호급력론증집판계체처청간구역수도기원진로은이만나가명정남여세생조천년동산리설연당난경열학분망모"
)
"""Syllables that make a noun of two into a longer one, or a particle or ending right after it."""
PREFIXES = frozenset("이전한고신현주부각본양총대소명반구원지여남나하도선공연차피초유무미상노타금석")
"""Surnames that also stand before a noun: 이 영화, 전 직원, 신제품."""


def words(text: str) -> frozenset[str]:
    """The words of a text between blanks."""
    return frozenset(text.split())


def sections(name: str) -> dict[str, tuple[str, ...]]:
    """One data file as section → words. Lines that begin with # say what the file is."""
    found: dict[str, list[str]] = {}
    words = found.setdefault("", [])
    text = (resources.files("naru.trust.detect") / "data" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("["):
            words = found.setdefault(line.strip("[] "), [])
        else:
            words.extend(line.split())
    return {section: tuple(listed) for section, listed in found.items()}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is known of Korean names and of the words that look like them."""

    surnames: dict[str, float]
    double_surnames: frozenset[str]
    common_given: frozenset[str]
    known_given: frozenset[str]
    nouns: frozenset[str]
    two_nouns: frozenset[str]
    loans: frozenset[str]
    verbs: frozenset[str]
    honorifics: frozenset[str]
    titles: frozenset[str]
    roles: frozenset[str]
    kin: frozenset[str]
    labels: frozenset[str]
    foreign_given: frozenset[str]
    foreign_surnames: frozenset[str]
    foreign_weak: frozenset[str]
    not_names: frozenset[str]


_SURNAME_WEIGHT = {"major": 0.5, "common": -0.1, "rare": -1.0}
_TELLING = frozenset("김박최")
"""Surnames with which few other words begin."""


def _kept(listed: tuple[str, ...]) -> frozenset[str]:
    """The words of a long list. A set made from a list has twice to four times the room that its copy has."""
    return frozenset(set(listed))


def _regions() -> frozenset[str]:
    regions = sections("korean_regions.txt")
    return frozenset(regions["province"]) | frozenset(regions["district"]) | frozenset(regions["short"])


@cache
def lexicon() -> Lexicon:
    """The lists, read at the first call and kept."""
    surnames = sections("korean_surnames.txt")
    weights = {s: w for kind, w in _SURNAME_WEIGHT.items() for s in surnames[kind]}
    weights |= dict.fromkeys(_TELLING, 1.1)
    given = sections("korean_given.txt")
    words = sections("korean_words.txt")
    more = sections("korean_words_more.txt")
    titles = sections("korean_titles.txt")
    foreign = sections("foreign_names.txt")
    loans = frozenset(more["loans"])
    sure = frozenset(foreign["given"]) | frozenset(foreign["surname"])
    weak = frozenset(foreign["weak"]) | ((sure & loans) - {"트럼프", "크루즈"})
    return Lexicon(
        surnames=weights,
        double_surnames=frozenset(surnames["double"]),
        common_given=frozenset(given["common"]),
        known_given=frozenset(given["known"]),
        nouns=_kept(words["nouns"]),
        two_nouns=_kept(more["two"]),
        loans=loans,
        verbs=_kept(words["verbs"]),
        honorifics=frozenset(titles["honorific"]),
        titles=frozenset(titles["title"]),
        roles=frozenset(titles["role"]),
        kin=frozenset(titles["kin"]),
        labels=frozenset(titles["label"]),
        foreign_given=frozenset(foreign["given"]) - weak,
        foreign_surnames=frozenset(foreign["surname"]) - weak,
        foreign_weak=weak,
        not_names=frozenset(foreign["places"]) | _regions(),
    )
