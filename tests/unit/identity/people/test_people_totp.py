"""Second factors at rest and in use."""

from __future__ import annotations

import base64

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.identity.totp import (
    STEP_S,
    Sealer,
    digest_recovery_code,
    find_totp_step,
    new_recovery_codes,
    new_totp_secret,
    totp_uri,
)
from naru.kernel.errors import Unavailable

SECRET = base64.b32encode(b"12345678901234567890").decode()  # RFC 6238, appendix B
NS = 1_000_000_000


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at_s, code):
    """RFC 6238's own vectors, cut to six digits; spaces as apps show them are fine."""
    assert find_totp_step(SECRET, code, at_s * NS) == at_s // STEP_S
    assert find_totp_step(SECRET, f"{code[:3]} {code[3:]}", at_s * NS) == at_s // STEP_S


def test_a_code_counts_for_one_step_around_its_time():
    """Thirty seconds of drift either way, and no more."""
    now = 1_800_000_000
    code = pyotp.TOTP(SECRET).at(now)
    assert find_totp_step(SECRET, code, (now + 30) * NS) is not None
    assert find_totp_step(SECRET, code, (now - 30) * NS) is not None
    assert find_totp_step(SECRET, code, (now + 90) * NS) is None
    assert find_totp_step(SECRET, code, (now - 90) * NS) is None


@given(st.text(max_size=20))
def test_no_text_breaks_the_check(code):
    """Whatever is typed is a step or None."""
    assert find_totp_step(SECRET, code, NS) in {None, 0, 1}


def test_the_address_in_the_qr_code_is_what_apps_read():
    """Issuer, account and secret, percent-encoded."""
    secret = new_totp_secret()
    parsed = pyotp.parse_uri(totp_uri(secret, "kim+ops@example.com"))
    assert (parsed.secret, parsed.issuer, parsed.name) == (secret, "Naru", "kim+ops@example.com")


@given(st.text(max_size=100), st.text(max_size=30))
def test_what_was_sealed_opens_for_its_owner_alone(text, owner):
    """Not for another row, another purpose or another session.key, and not when a byte was changed."""
    sealer = Sealer(b"k" * 32, "totp")
    sealed = sealer.seal(text, owner)
    assert sealer.open(sealed, owner) == text
    assert sealer.find(sealed, owner + "x") is None
    assert Sealer(b"k" * 32, "oidc").find(sealed, owner) is None
    other = Sealer(b"o" * 32, "totp")
    assert other.find(sealed, owner) is None
    raw = bytearray(base64.urlsafe_b64decode(sealed[3:] + "=" * (-len(sealed[3:]) % 4)))
    raw[len(raw) // 2] ^= 1
    assert sealer.find("v1." + base64.urlsafe_b64encode(raw).decode(), owner) is None
    with pytest.raises(Unavailable):
        other.open(sealed, owner)


@given(st.text(max_size=60))
def test_made_up_seals_are_none(text):
    """Nothing that was not sealed here opens, and nothing breaks."""
    assert Sealer(b"k" * 32, "totp").find(text, "x") is None
    assert Sealer(b"k" * 32, "totp").find("v1." + text, "x") is None


def test_recovery_codes_survive_being_copied_by_hand():
    """Case, dashes, spaces and the letters that look like digits do not matter; the person does."""
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    digest = digest_recovery_code("usr_1", "01AB-CDEF-0000-1111")
    assert digest == digest_recovery_code("usr_1", " oiab cdef oooo llll ")
    assert digest != digest_recovery_code("usr_2", "01AB-CDEF-0000-1111")
