"""An operator's own words and patterns are found, bounded, and cannot be made to run long."""

import pytest
from tests.timing import cpu_seconds

from naru.trust.detect import CustomDetector, Dictionary, Pattern, Scanner


def scan(text, terms=(), patterns=()):
    dictionaries = [Dictionary("staff", tuple(terms))] if terms else []
    scanner = Scanner([], dictionaries=dictionaries, patterns=[Pattern("code", p) for p in patterns])
    return [(e.type, text[e.start : e.end]) for e in scanner.scan(text)]


@pytest.mark.parametrize(
    "text",
    [
        "김나루",
        "김나루가 왔다",
        "김나루님은",
        "김나루에게서",
        "담당: 김나루, 끝",
        "김나루입니다.",
        "(김나루)",
        "김나루ABC",
    ],
)
def test_a_korean_term_stands_with_its_particles(text):
    """The particle stays outside the span."""
    assert scan(text, ["김나루"]) == [("CUSTOM:staff", "김나루")]


@pytest.mark.parametrize("text", ["김나루터기 마을", "신김나루", "나루"])
def test_a_korean_term_is_no_part_of_a_longer_word(text):
    """What merely contains the letters is another word."""
    assert scan(text, ["김나루"]) == []


def test_a_latin_term_is_a_whole_word_in_any_case():
    """Project Falcon, falcon와; not falconry."""
    assert scan("FALCON은 falconry와 다르다. project falcon", ["falcon", "Project Falcon"]) == [
        ("CUSTOM:staff", "FALCON"),
        ("CUSTOM:staff", "project falcon"),
    ]


def test_terms_hold_no_syntax():
    """Signs of expressions in a term mean themselves."""
    assert scan("C++ (v2.0) a.c abc", ["C++", "(v2.0)", "a.c"]) == [
        ("CUSTOM:staff", "C++"),
        ("CUSTOM:staff", "(v2.0)"),
        ("CUSTOM:staff", "a.c"),
    ]


def test_patterns_find_their_longest_match():
    """Classes mean code points, and Hangul around a hit does not shift it."""
    assert scan("사번은 NR-1234567입니다", patterns=[r"NR-\d{4,9}"]) == [("CUSTOM:code", "NR-1234567")]
    assert scan("코드 가나다-12 끝", patterns=[r"[가-힣]{3}-\d+"]) == [("CUSTOM:code", "가나다-12")]


@pytest.mark.parametrize("expression", [r"(a)\1", r"(?=a)b", r"(?<!x)y", "(", "", "a*"])
def test_a_pattern_that_cannot_be_linear_or_matches_nothing_is_refused(expression):
    """The operator learns at once, not under load."""
    with pytest.raises(ValueError, match=r"pattern|linear"):
        CustomDetector(patterns=[Pattern("x", expression)])


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "<b>", "\n"])
def test_names_are_plain(name):
    """They stand in placeholders and pages."""
    with pytest.raises(ValueError, match="name"):
        CustomDetector(dictionaries=[Dictionary(name, ("a",))])


def test_bounds():
    """Too many, too long, empty: refused with the bound."""
    for terms in [("",), ("x" * 201,), tuple(map(str, range(100_001)))]:
        with pytest.raises(ValueError, match=r"term"):
            CustomDetector(dictionaries=[Dictionary("d", terms)])
    with pytest.raises(ValueError, match="patterns"):
        CustomDetector(patterns=[Pattern("p", "a")] * 201)


def test_the_exploding_pattern_of_others_runs_in_linear_time():
    """`(a+)+$` takes a backtracking engine years."""
    detector = CustomDetector(patterns=[Pattern("x", "(a+)+$")])
    assert cpu_seconds(lambda: detector.find("a" * 2_000 + "!")) < 1


def test_making_the_same_again_is_cheap():
    """A scanner for each policy may be made on the road once its words are known."""
    words = Dictionary("many", tuple(f"이름{n:05}" for n in range(3_000)))
    first = cpu_seconds(lambda: CustomDetector(dictionaries=[words]), repeat=1)
    again = cpu_seconds(lambda: CustomDetector(dictionaries=[words]))
    assert again < first / 5
    detector = CustomDetector(dictionaries=[words])
    assert len(list(detector.find("이름00001과 이름02999는 이름99999"))) == 2


@pytest.mark.slow
def test_a_hundred_thousand_terms_in_one_pass():
    """The largest dictionary is scanned about as fast as one of a hundred terms (measured 1.0 to 1.3 x)."""
    few, all_ = (
        CustomDetector(dictionaries=[Dictionary("all", tuple(f"고객{n:06}사" for n in range(count)))])
        for count in (100, 100_000)
    )
    text = "오늘 고객000034사와 만나기로 했다. " * 2_000
    assert all_.find(text) == few.find(text)
    assert len(all_.find(text)) == 2_000
    assert cpu_seconds(lambda: all_.find(text), 5) < 3 * cpu_seconds(lambda: few.find(text), 5)
