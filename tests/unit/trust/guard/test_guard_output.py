"""Answers: leaks, secrets and addresses are found, whole or in pieces."""

import base64
import codecs
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.trust.entity import Entity
from naru.trust.guard import Guard, OutputGuard, find_canary, new_canary, place_canary
from naru.trust.guard.stream import STEP, WORDS

GUARD = Guard()
CANARY = new_canary("conversation 7")

FORMS = {
    "as it is": CANARY,
    "upper case": CANARY.upper(),
    "spaced": " ".join(CANARY),
    "dashed": "-".join(CANARY.upper()),
    "zero width": "\u200b".join(CANARY),
    "full width": "".join(chr(ord(c) + 0xFEE0) for c in CANARY),
    "reversed": CANARY[::-1],
    "rot13": codecs.encode(CANARY, "rot13"),
    "hexadecimal": CANARY.encode().hex(),
    "spaced hexadecimal": CANARY.encode().hex(" ").upper(),
    "half": CANARY[:10],
    **{f"base64 {n}": base64.b64encode(("x" * n + CANARY + " and more").encode()).decode() for n in range(3)},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_leaked_canary_is_found_in_any_dress(form):
    """The prompt has leaked however the model was made to write it."""
    verdict = GUARD.check_output(f"Well: {FORMS[form]} is it.", canary=CANARY).find("prompt_leak")
    assert verdict.score == 1.0
    assert verdict.action == "block"
    assert CANARY not in repr(verdict)


def test_canaries_are_of_their_seed():
    """The same seed gives the same word, another seed another, and no answer holds one by chance."""
    assert new_canary("a") == new_canary(b"a") != new_canary("b")
    assert CANARY in place_canary("Be kind.", CANARY)
    rng = random.Random(1)
    text = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(20_000))
    assert find_canary(text, CANARY) is None


@given(st.sampled_from(sorted(FORMS)), st.lists(st.integers(1, 7), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_stream_finds_what_the_whole_does(form, sizes):
    """At any chunk boundary the canary is found, and the address and the key too."""
    leak = f"{FORMS[form]} Key AKIAABCDEFGHIJKLMNOP at http://1.2.3.4/x."
    answer = f"Hello there. {leak} You idiot are an idiot. Bye."
    stream = OutputGuard(GUARD, canary=CANARY)
    place, turn = 0, 0
    while place < len(answer):
        size = sizes[turn % len(sizes)]
        stream.feed(answer[place : place + size])
        place, turn = place + size, turn + 1
    stream.finish()
    whole = {verdict.kind: verdict.score for verdict in GUARD.check_output(answer, canary=CANARY)}
    assert {verdict.kind: verdict.score for verdict in stream.verdicts} == whole


def test_a_long_stream_keeps_a_bounded_window():
    """Memory does not grow with the answer, and a finding is told once."""
    stream = OutputGuard(GUARD, canary=CANARY)
    told = [verdict for _ in range(2_000) for verdict in stream.feed("All is well, nothing to see. ")]
    assert told == []
    assert len(stream._window) < 1_200
    assert len(stream._watch._tail) < 200
    told = [verdict.kind for _ in range(50) for verdict in stream.feed("AKIAABCDEFGHIJKLMNOP is a key. ")]
    assert told == ["secret"]
    assert stream.finish() == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Read https://evil.example/a", "host off the list"),
        ("![x](https://evil.example/p?q=1)", "host off the list"),
        ("https://good.example@evil.example/", "user information before the host"),
        ("https://good.example.evil.example/", "host off the list"),
        ("https://gооd.example/", "host in look-alike letters"),
        ("[a](//evil.example/x)", "host off the list"),
        ("<img src='https://evil.example/?c=abc'>", "picture that sends data to its host"),
        ("[run](javascript:alert(1))", "address that runs code"),
        ("http://203.0.113.9/", "numeric host"),
    ],
)
def test_addresses_off_the_list_are_named(text, reason):
    """Each trick with an address has its reason."""
    verdict = GUARD.check_output(text, allowed_hosts=("good.example",)).find("url")
    assert reason in verdict.reasons
    assert verdict.score >= 0.5


@pytest.mark.parametrize(
    "text", ["https://good.example/a?b=c", "see https://docs.good.example.", "no address", "a://b"]
)
def test_addresses_on_the_list_pass(text):
    """A host and what is below it, when the list says so."""
    assert GUARD.check_output(text, allowed_hosts=("good.example", "*.good.example")).find("url") is None


def test_a_plain_link_is_nothing_without_a_list():
    """Who has no list is told of dangerous forms only."""
    assert GUARD.check_output("See https://example.org/page").find("url") is None
    assert GUARD.check_output("![x](https://example.org/p?data=abcdefgh)").find("url").score >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_" + "a1B2" * 9,
        "sk-proj-" + "Ab3" * 12,
        "-----BEGIN RSA PRIVATE KEY-----",
        "AIza" + "x" * 35,
        "postgresql://app:s3cretPass@db.internal/x",
        "password: tR0ub4dor&3",
    ],
)
def test_secrets_are_found_without_a_detector(text):
    """The common vendors' shapes; the value is in no reason."""
    verdict = GUARD.check_output(f"Here: {text}").find("secret")
    assert verdict.action == "block"
    assert text not in repr(verdict)


@pytest.mark.parametrize(
    "text",
    ["sk-learn is a library", "password: your_password", "the password is required", "AKIA is a prefix"],
)
def test_words_about_secrets_pass(text):
    """Placeholders and names are no secrets."""
    assert GUARD.check_output(text).find("secret") is None


def test_the_detection_given_is_the_one_asked():
    """With `find`, its entities count, and those only that are secrets."""
    found = [Entity("JWT", 0, 3, 0.9, "signature"), Entity("PERSON", 4, 6, 1.0, "name")]
    verdict = GUARD.check_output("AKIAABCDEFGHIJKLMNOP", find=lambda text: found).find("secret")
    assert verdict.reasons == ("jwt",)
    assert GUARD.check_output("x", find=lambda text: found[1:]).find("secret") is None


@given(st.lists(st.sampled_from(["one", " two", "three ", " ", "four\n", "long" * 20]), max_size=40))
def test_who_waits_is_told_at_the_end_of_a_word(pieces):
    """Nothing is settled that was not judged, and no more than a step is ever waited for."""
    stream = OutputGuard(GUARD, is_awaited=True)
    waiting = ""
    for piece in pieces:
        stream.feed(piece)
        waiting = "" if stream.is_settled else waiting + piece
        assert len(waiting) < STEP
        if not stream.is_settled and len(waiting) >= WORDS:
            assert piece == piece.strip()
    stream.finish()
    assert stream.is_settled
    assert stream.is_between_words
