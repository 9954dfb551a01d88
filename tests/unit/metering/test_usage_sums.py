"""Counts made by Naru itself: sums that keep unknown apart from zero, and estimates that err high."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.metering import estimate_tokens, estimate_tokens_from_size, sum_usage

BUCKETS = [f for f in Usage.__struct_fields__ if f.endswith("_tokens")]
usages = st.builds(
    Usage,
    **{b: st.none() | st.integers(0, 10**9) for b in BUCKETS},
    service_tier=st.none() | st.sampled_from(["default", "flex"]),
    is_estimated=st.booleans(),
)


@given(st.lists(st.none() | usages, max_size=5))
def test_a_sum_adds_each_bucket_once(parts):
    """Bucket by bucket, None only where nobody said; an estimate anywhere marks the sum."""
    total = sum_usage(parts)
    known = [p for p in parts if p is not None]
    if not known:
        assert total is None
        return
    assert total is not None
    for bucket in BUCKETS:
        said = [n for p in known if (n := getattr(p, bucket)) is not None]
        assert getattr(total, bucket) == (sum(said) if said else None)
    assert total.is_estimated == any(p.is_estimated for p in known)
    tiers = {p.service_tier for p in known}
    assert total.service_tier == (known[0].service_tier if len(tiers) == 1 else None)
    assert total.total_input_tokens == sum(p.total_input_tokens for p in known)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 9, 14),  # 10 in the GPT-4o vocabulary
        ("안녕하세요, 만나서 반갑습니다.", 8, 14),
        ("나루는 회사의 모든 인공지능 호출이 지나는 길목입니다.", 14, 24),
        ('{"name": "get_weather", "arguments": {"city": "서울"}}', 12, 20),
    ],
)
def test_estimates_are_near_and_high(text, least, most):
    """Short texts in English, Korean and JSON land in the range tokenizers give, or above it."""
    assert least <= estimate_tokens(text) <= most


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_text_and_bytes_agree(text):
    """A text and its UTF-8 bytes are estimated the same; one character more never lowers the estimate."""
    assert estimate_tokens(text) == estimate_tokens(text.encode())
    assert estimate_tokens(text + "가") >= estimate_tokens(text)


@given(st.text(alphabet="ab 가나다한글", max_size=300))
def test_a_size_is_as_good_as_the_text(text):
    """Characters and bytes alone give the same estimate; characters alone give no lower one for English."""
    data = text.encode()
    assert estimate_tokens_from_size(chars=len(text), bytes=len(data)) == estimate_tokens(data)
    if text.isascii():
        assert estimate_tokens_from_size(chars=len(text)) >= estimate_tokens(data)


def test_an_image_is_not_counted_by_its_bytes():
    """A megabyte of base64 in a body is about a thousand tokens, not a quarter of a million."""
    body = b'{"text": "what is this?", "image": "data:image/png;base64,' + b"iVBORw0KGgo" * 90_000 + b'"}'
    assert 1_000 < estimate_tokens(body) < 1_050
    prose = "A long text of many short words is no image. " * 2_000
    assert estimate_tokens(prose) == len(prose) // 4


def test_lone_surrogates_are_counted_and_not_raised():
    """Text that is no valid Unicode is estimated like any other."""
    assert estimate_tokens("\ud800" * 10) > 0
