"""The scanner settles overlaps, keeps to code points, and serves many threads at once."""

import gc
import threading
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.timing import cpu_seconds

from naru.trust.detect import Scanner, StructuredDetector
from naru.trust.detect.scanner import resolve
from naru.trust.entity import ENTITY_TYPES, Entity

STRUCTURED = Scanner([StructuredDetector()])


class Fixed:
    """A detector as a plugin would be written: the protocol, and nothing of ours."""

    name = "fixed"

    def __init__(self, *entities):
        self._entities = entities

    def find(self, text):
        return self._entities


class Broken:
    name = "broken"

    def find(self, text):
        raise RuntimeError("out of order")


def test_plugins_are_detectors_like_ours():
    """Whatever has `name` and `find` takes part, and the threshold counts for it, too."""
    strong, weak = Entity("PERSON", 0, 2, 0.9, "x"), Entity("PERSON", 3, 5, 0.3, "x")
    assert Scanner([Fixed(strong, weak)]).scan("ab cd") == [strong]
    assert Scanner([Fixed(strong, weak)], threshold=0.2).scan("ab cd") == [strong, weak]


def test_a_failing_detector_is_told_of():
    """Nothing is swallowed: who calls must be able to close the road."""
    with pytest.raises(RuntimeError):
        Scanner([StructuredDetector(), Broken()]).scan("010-1234-5678")


def test_what_holds_another_wins():
    """A URL with a password is one entity and no e-mail address within it."""
    text = "https://minsu:p4ss@example.com/a 그리고 a@example.com"
    assert [e.type for e in STRUCTURED.scan(text)] == ["URL", "EMAIL"]


def test_the_loser_of_a_fight_frees_its_other_neighbour():
    """Of three in a row where the middle one overlaps both, the middle one goes and both others stay."""
    left, middle, right = (
        Entity("PERSON", s, e, x, "x") for s, e, x in ((0, 4, 0.9), (3, 6, 0.5), (5, 9, 0.9))
    )
    assert resolve([middle, right, left]) == [left, right]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.floats(0, 1)), max_size=30))
def test_resolved_entities_are_apart_and_in_order(places):
    """Whatever the detectors say, the answer is sorted, does not overlap and leaves no free entity out."""
    found = [Entity("PERSON", start, start + size, score, "x") for start, size, score in places]
    kept = resolve(list(found))
    assert all(a.end <= b.start for a, b in pairwise(kept))
    for entity in found:
        assert any(entity.start < other.end and other.start < entity.end for other in kept)


@given(st.text(alphabet=st.characters(codec=None), max_size=60), st.text(max_size=20))
def test_offsets_are_code_points_of_the_original(before, after):
    """Emoji, combining signs, lone surrogates, full-width letters: nothing shifts a span."""
    text = f"{before}\n연락처: 010-9876-5432\n{after}"
    start = text.index("010-9876-5432")
    assert any((e.start, e.end) == (start, start + 13) for e in STRUCTURED.scan(text))


@given(st.text(alphabet="0123456789-. ()+@:/가나xX*eyJsk\n", max_size=200))
def test_any_text_is_read(text):
    """Nothing makes the detector fail, and every span lies in the text with a known type."""
    for entity in STRUCTURED.scan(text):
        assert 0 <= entity.start < entity.end <= len(text)
        assert entity.type in ENTITY_TYPES


def test_many_threads_at_once():
    """Each thread has scratch space of its own: the same text gives the same answer in all."""
    text = "카드 4111-1111-1111-1111로 결제, minsu@example.com, 계좌 110-234-567890 " * 20
    expected = STRUCTURED.scan(text)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append([STRUCTURED.scan(text) for _ in range(10)]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == expected for each in answers for answer in each)


HOSTILE = {
    "digits": lambda n: "1" * n,
    "dashes": lambda n: "-" * n,
    "1-1-1": lambda n: "1-" * (n // 2),
    "1 1 1": lambda n: "1 " * (n // 2),
    "123 123": lambda n: "123 " * (n // 4),
    "long groups": lambda n: ("1" * 500 + " ") * (n // 501),
    "at signs": lambda n: "a@" * (n // 2),
    "dots": lambda n: "1.1." * (n // 4),
    "hex": lambda n: "f:" * (n // 2),
    "urls": lambda n: "a://" * (n // 4),
    "url tokens": lambda n: "http://a?" + "token=" * (n // 6),
    "key headers": lambda n: "-----BEGIN PRIVATE KEY-----" * (n // 27),
    "tokens": lambda n: "eyJ" * (n // 3),
    "labels": lambda n: "password:" * (n // 9),
    "accounts": lambda n: "계좌 1234567890 " * (n // 14),
    "ibans": lambda n: "GB29 NWBK " * (n // 10),
    "stars": lambda n: "850101-1" + "*" * n,
    "letters": lambda n: "a" * n,
    "brackets": lambda n: "(1) " * (n // 4),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_take_linear_time(make):
    """Twice the text takes about twice the time, and no text of 40,000 letters takes a second."""
    detector = StructuredDetector()
    detector.find("warm 1234567")

    def spent(text):
        return cpu_seconds(lambda: detector.find(text))

    half, whole = spent(make(10_000)), spent(make(20_000))
    assert whole < 0.5
    assert whole < 3.2 * half + 0.003


def test_memory_stays_flat():
    """Nothing of a text is kept: after a hundred texts of 4 kB, less is held than a quarter of them."""
    detector = StructuredDetector()

    def scan(number):
        detector.find(f"계좌 110-234-{number:06} 카드 4111-1111-1111-1111, user{number}@example.com " * 50)

    for number in range(10):
        scan(number)
    tracemalloc.start()
    try:
        scan(11)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(100):
            scan(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
