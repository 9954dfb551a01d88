"""No secret and no address of an upstream gets past the redactor, whatever the upstream says."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.timing import cpu_seconds

from naru.providers.redact import MASK, MAX_CHARS, Redactor

PLAIN = Redactor(())


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abc123",
        "sk-ant-api03-AbC_d-9",
        "sk-proj-****************WXYZ",
        "abcd************wxyz",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "AKIAIOSFODNN7EXAMPLE",
        "gsk_abcdefgh12345678",
        "hf_abcdefgh12345678",
        "org-AbCdEf123456",
        "https://user:pw@internal.example/v1/chat?key=1",
        "HTTP://10.0.0.7:8000/v1",
        "10.0.0.7:8000",
        "192.168.1.1",
        "[2001:db8::1]:8443",
        "2001:db8:0:1:2:3:4:5",
        "fe80::1",
        "localhost:11434",
        "gpu-1.seoul.example.internal:8000",
        "myresource.openai.azure.com",
        "a.b.c.d.e.f.g.h.i.j.k.example.com",
        "admin@acme.example",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("frame", ["{}", "see {} now", "({})", '"{}".', "key={}", "a:{},b"])
def test_what_looks_like_a_key_or_an_address_is_removed(secret, frame):
    """Even one Naru has never been told of."""
    cleaned = PLAIN.clean(frame.format(secret))
    assert secret not in cleaned
    assert MASK in cleaned
    parts = [part for part in secret.replace("/", ".").split(".") if len(part) > 6 and part != "example"]
    assert not any(part in cleaned for part in parts), cleaned


@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "Invalid value: 'foo'. Supported values are: 'bar' and 'baz'.",
        "messages.0.content.1.image: at 12:30:45 the value 3.14 was not valid (code 400)",
        "한국어 메시지: 입력이 너무 깁니다.",
        "Rate limit reached for gpt-4o-mini-2024-07-18 on tokens per min: Limit 30000, Used 29000.",
    ],
)
def test_what_helps_the_client_stays(text):
    """A message that says nothing cannot be acted on."""
    assert PLAIN.clean(text) == text


def test_a_bearer_token_is_removed():
    """Upstreams echo headers."""
    assert PLAIN.clean("got 'Authorization: Bearer abc.def'") == "got 'Authorization: ***'"


def test_a_stack_trace_is_cut_off():
    """It names files and machines of the provider."""
    text = 'boom\nTraceback (most recent call last):\n  File "/srv/app.py", line 1, in f\nValueError: x'
    assert PLAIN.clean(text) == "boom"


def test_long_texts_are_cut_and_put_on_one_line():
    """An error object is no place for a page."""
    cleaned = PLAIN.clean("word\n\n\t" * 2000)
    assert len(cleaned) == MAX_CHARS
    assert cleaned.startswith("word word")
    assert cleaned.endswith("…")


SECRETS = st.lists(
    st.text(st.sampled_from("abcXYZ019-._/:+=é키"), min_size=4, max_size=40).filter(
        lambda secret: len(secret.strip()) >= 4
    ),
    min_size=1,
    max_size=4,
)
TEXT = st.text(st.one_of(st.sampled_from(" \n.,:/-'\"(*"), st.characters()), max_size=80)


@settings(deadline=None)
@given(SECRETS, st.data())
def test_a_known_secret_never_comes_out(secrets, data):
    """Wherever it stands, in any case, repeated, glued to other text."""
    redactor = Redactor(secrets)
    pieces = data.draw(st.lists(st.one_of(TEXT, st.sampled_from(secrets)), max_size=8))
    text = "".join(pieces)
    text = data.draw(st.sampled_from([text, text.upper(), text.lower()]))
    cleaned = redactor.clean(text)
    for secret in secrets:
        assert secret not in cleaned
        # Upper-casing can change letters beyond ASCII into others; only ASCII is promised there.
        assert not secret.isascii() or secret.lower() not in cleaned.lower()
    assert len(cleaned) <= MAX_CHARS


@settings(deadline=None)
@given(st.integers(0, 40), st.sampled_from(["", " "]))
def test_a_secret_at_the_edge_of_what_is_looked_at_never_comes_out(shift, gap):
    """Text is cut before it is cleaned; a secret cut in two would not be recognised."""
    secret = "Zq7-plain-word-secret"
    text = " " * (16_384 - shift) + gap + secret * 3
    assert "Zq7" not in Redactor([secret]).clean(text)


@pytest.mark.parametrize(
    "unit",
    ["a.", "a-", "a:", "1.", "sk-", "http://", "*", "aaaa ", "::", "a@", "eyJ.", "Bearer ", "[", "\n at "],
)
def test_a_hostile_text_costs_no_time(unit):
    """The text comes from outside; a pattern that backtracks would stall every call beside it."""
    redactor = Redactor(["https://upstream.example/v1", "a.a.a.a.a.b"])
    text = unit * (1_000_000 // len(unit))
    assert cpu_seconds(lambda: redactor.clean(text)) < 1


@given(st.text(max_size=60))
@example("")
def test_any_text_can_be_cleaned(text):
    """Also without a single secret known."""
    cleaned = PLAIN.clean(text)
    assert len(cleaned) <= MAX_CHARS
    assert cleaned.isprintable()
