"""What a key looks like, and that nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.identity.keys.conftest import ADMIN_SECRET

from naru.identity import Keyring
from naru.identity.secret import digest_secret, new_secret, parse_key
from naru.kernel.errors import Unauthenticated

SECRET = new_secret()


def test_a_new_key_has_the_form():
    """`naru_`, eight characters to show, and 256 bits."""
    seen = {new_secret() for _ in range(200)}
    assert len(seen) == 200
    for text in seen:
        parsed = parse_key(text)
        assert parsed is not None
        assert text == f"{parsed.prefix}_{parsed.secret}"
        assert len(parsed.prefix) == len("naru_") + 8
        assert len(parsed.secret) * 5 >= 256
        assert text.isascii()
        assert text == text.lower()


@given(st.text() | st.from_regex(r"naru_[0-9a-z_]*", fullmatch=True))
@example("naru_" + "0" * 8 + "_" + "0" * 51)
@example("naru_" + "0" * 8 + "_" + "0" * 53)
@example(SECRET + "\n")
@example(SECRET.replace("naru", "NARU"))
@example(SECRET.replace("_", "_"))
@example("naru_٠٠٠٠٠٠٠٠_" + "0" * 52)
def test_parsing_any_text_never_fails_and_never_guesses(text):
    """Parsed is exactly what has the form; a near miss is None."""
    parsed = parse_key(text)
    if parsed is not None:
        assert text == f"{parsed.prefix}_{parsed.secret}"
        assert len(text) == len(SECRET)
        assert text.isascii()


@given(st.binary(max_size=400))
@example(b"")
@example(b"\x00" * 300)
@example(ADMIN_SECRET.encode() + b"\x00")
@example(ADMIN_SECRET.upper().encode())
@example(b" " + ADMIN_SECRET.encode())
def test_a_keyring_opens_for_its_key_alone(secret):
    """Any other bytes are refused as not valid, quickly and without a fault."""
    keyring = Keyring(ADMIN_SECRET)
    if secret == ADMIN_SECRET.encode():
        return
    assert keyring.find(secret) is None
    with pytest.raises(Unauthenticated):
        keyring.resolve(secret)


@given(st.integers(min_value=0, max_value=len(SECRET) - 1), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_is_another_key(place, change):
    """No part of a key is decoration."""
    altered = bytearray(SECRET.encode())
    altered[place] ^= change
    assert digest_secret(bytes(altered)) != digest_secret(SECRET.encode())
