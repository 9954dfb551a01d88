"""A text that was looked at is not looked at again, and nothing of it stays."""

from __future__ import annotations

import gc

import pytest

from naru.trust.entity import Entity
from naru.trust.remembered import Memory, Remembered

HIT = Entity("PERSON", 3, 6, 0.9, "a name")


class Finder:
    """Detection that counts how often it is asked."""

    def __init__(self, found: tuple[Entity, ...] = (HIT,)) -> None:
        self.asked: list[str] = []
        self.found = found

    def __call__(self, text: str) -> tuple[Entity, ...]:
        self.asked.append(text)
        return self.found


def test_a_text_is_looked_at_once_for_its_owner():
    """The second answer is the first, and another owner's text is looked at for itself."""
    finder = Finder()
    memory = Remembered(finder)
    assert memory.scan("내 이름 김민수", "key_1") == memory.scan("내 이름 김민수", "key_1") == (HIT,)
    assert len(finder.asked) == 1
    memory.scan("내 이름 김민수", "key_2")
    assert len(finder.asked) == 2


def test_owner_and_text_do_not_run_together():
    """`a` + `bc` is not `ab` + `c`."""
    finder = Finder()
    memory = Remembered(finder)
    memory.scan("bc", "a")
    memory.scan("c", "ab")
    assert finder.asked == ["bc", "c"]


def test_it_is_bounded_and_keeps_what_is_used():
    """Of twice as many texts as it may hold, one asked for again and again is never forgotten."""
    finder = Finder(())
    kept = Memory(10)
    memory = Remembered(finder, kept)
    for number in range(200):
        memory.scan("system prompt")
        memory.scan(f"turn {number}")
    assert finder.asked.count("system prompt") == 1
    assert len(kept._recent) + len(kept._older) <= 20


def test_what_fails_is_not_remembered():
    """Detection that raised is asked again."""

    def fail(text: str) -> tuple[Entity, ...]:
        raise RuntimeError

    memory = Remembered(fail)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            memory.scan("x")


def test_nothing_of_the_text_is_kept():
    """Neither the text nor a part of it is anywhere in the memory."""
    memory = Remembered(lambda text: (HIT,), Memory())
    memory.scan("내 이름 김민수, planted-value", "owner")
    held = [
        str(one) for part in (memory._memory._recent, memory._memory._older) for one in gc.get_referents(part)
    ]
    assert held
    assert not any("planted" in one or "김민수" in one for one in held)


def test_half_a_surrogate_pair_is_looked_at():
    """What JSON may hold and UTF-8 may not."""
    finder = Finder(())
    assert Remembered(finder).scan("\ud83d") == ()
    assert finder.asked == ["\ud83d"]


def test_a_long_list_is_given_whole_and_not_kept():
    """More hits than are worth keeping are all there, each time."""
    finder = Finder((HIT,) * 100)
    memory = Remembered(finder)
    assert len(memory.scan("a list")) == len(memory.scan("a list")) == 100
    assert len(finder.asked) == 2


def test_two_sets_of_detectors_know_nothing_of_each_other():
    """A team's own words are looked for in texts that others have sent, too."""
    assert Remembered(Finder(())).scan("나루상사", "key_1") == ()
    assert Remembered(Finder()).scan("나루상사", "key_1") == (HIT,)
