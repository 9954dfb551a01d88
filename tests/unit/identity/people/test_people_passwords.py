"""Passwords: what is refused, what is stored, and what a flood of sign-ins may cost."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.identity.passwords import (
    MIN_LENGTH,
    PasswordHasher,
    check_password_rules,
    new_one_time_password,
)
from naru.kernel.errors import BadRequest, Unavailable

NAMES = ("kim.minji@example.com", "Kim Minji")


@pytest.mark.parametrize(
    "password",
    [
        "2 sh0rt",
        "elevenchars",
        "kim.minji@example.com",
        "KIM.MINJI@EXAMPLE.COM",
        "kim.minjikim.minji",
        "aaaaaaaaaaaaaaaaaa",
        "abababababababab",
        "x" * 257 + "abcdefgh",
    ],
)
def test_a_bad_password_is_refused_with_the_rule_and_without_itself(password):
    """The message says how to mend it and never repeats what was typed."""
    with pytest.raises(BadRequest) as refused:
        check_password_rules(password, names=NAMES)
    assert refused.value.code == "weak_password"
    assert password not in refused.value.message


@pytest.mark.parametrize(
    "password", ["나루터에서 배를 기다린다", "all lower case is fine", "123 456 789 012"]
)
def test_no_composition_is_demanded(password):
    """Length is what counts: no capitals, digits or signs are asked for."""
    check_password_rules(password, names=NAMES)


def test_the_same_hangul_typed_elsewhere_opens(monkeypatch):
    """A Mac sends decomposed Hangul, Windows composed: one password."""
    import unicodedata

    hasher = PasswordHasher(memory_kib=64)
    stored = hasher.hash(unicodedata.normalize("NFD", "나루터에서 배를 기다린다"))
    assert hasher.verify(stored, unicodedata.normalize("NFC", "나루터에서 배를 기다린다"))


@given(st.text(max_size=300))
def test_any_text_is_judged_without_breaking(password):
    """Rules answer by passing or by BadRequest, whatever is typed."""
    try:
        check_password_rules(password, names=("", "@", "a@b"))
    except BadRequest:
        return
    assert len(password) >= MIN_LENGTH // 4  # NFKC may lengthen what was typed


@given(st.text(st.characters(exclude_categories=()), max_size=2000))
def test_any_text_is_checked_without_breaking(password):
    """Wrong is False, never an exception: lone surrogates, nulls, kilobytes."""
    assert not HASHER.verify(STORED, password + "x")


HASHER = PasswordHasher(memory_kib=64)
STORED = HASHER.hash("something else entirely")


def test_hashes_are_argon2id_with_the_documented_costs():
    """64 MiB, three passes, one lane; and a hash of other costs is seen to be one."""
    hasher = PasswordHasher()
    stored = hasher.hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert not hasher.needs_rehash(stored)
    assert hasher.needs_rehash(STORED)


def test_nobody_has_the_decoys_password():
    """Without a stored hash the answer is no, after the same work."""
    assert not HASHER.verify(None, "")
    assert not HASHER.verify("not a hash", "x")


def test_a_flood_is_turned_away_instead_of_queued():
    """Beyond the slots and the queue the answer is Unavailable at once, and later it works again."""
    hasher = PasswordHasher(slots=1, queue=1, memory_kib=64)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with hasher._slot():
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    assert hasher._places.acquire(blocking=False), "one place in the queue"
    with pytest.raises(Unavailable) as busy:
        hasher.verify(STORED, "x")
    assert busy.value.code == "sign_in_busy"
    assert busy.value.retry_after_s
    hasher._places.release()
    leave.set()
    holder.join()
    assert hasher.verify(STORED, "something else entirely")


def test_one_time_passwords_meet_the_rules_and_differ():
    """24 characters of an alphabet without look-alikes."""
    made = {new_one_time_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        check_password_rules(password, names=NAMES)
        assert not set(password) & set("01lio")
