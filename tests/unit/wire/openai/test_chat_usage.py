"""Usage in disjoint buckets whose sum is what was billed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.wire.chat.usage import merge_counts, read_usage, usage_from_counts, write_usage

_count = st.none() | st.integers(-5, 10_000)
_details = st.none() | st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "reasoning_tokens"), _count
    ),
)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), _details, _details, _count)
def test_the_buckets_always_sum_to_what_was_billed(prompt, completion, before, after, hit):
    """However odd the details are, nothing is counted twice, dropped, or negative."""
    usage = read_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": before,
            "completion_tokens_details": after,
            "prompt_cache_hit_tokens": hit,
        }
    )
    assert usage.total_input_tokens == prompt
    assert usage.total_output_tokens == completion
    buckets = [getattr(usage, name) for name in usage.__struct_fields__ if name.endswith("_tokens")]
    assert all(count is None or count >= 0 for count in buckets)


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (
            {
                "prompt_tokens": 120,
                "completion_tokens": 40,
                "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 24, "audio_tokens": 6},
            },
            Usage(
                input_tokens=15,
                cache_read_tokens=100,
                input_audio_tokens=5,
                output_tokens=10,
                reasoning_tokens=24,
                output_audio_tokens=6,
            ),
        ),
        (  # DeepSeek
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "prompt_cache_hit_tokens": 8,
                "prompt_cache_miss_tokens": 2,
            },
            Usage(input_tokens=2, cache_read_tokens=8, output_tokens=2),
        ),
        (  # xAI bills reasoning on top of completion_tokens
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 42,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(input_tokens=10, output_tokens=2, reasoning_tokens=30),
        ),
        (  # Gemini's compatible endpoint does so without saying what it was
            {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 42},
            Usage(input_tokens=10, output_tokens=2, reasoning_tokens=30),
        ),
        ({"completion_tokens": 2, "total_tokens": 12}, Usage(input_tokens=10, output_tokens=2)),
        ({"prompt_tokens": 9.0, "completion_tokens": 3}, Usage(input_tokens=9, output_tokens=3)),
    ],
)
def test_each_providers_arithmetic_is_known(raw, usage):
    """The same fields mean different sums at different providers."""
    assert read_usage(raw) == usage


@pytest.mark.parametrize(
    "raw", [None, {}, [], "x", {"prompt_tokens": None}, {"prompt_tokens": "9"}, {"a": True}]
)
def test_usage_that_says_nothing_is_unknown_not_zero(raw):
    """Unknown is None: it will be estimated, never billed as nothing."""
    assert read_usage(raw) is None


def test_the_last_value_that_is_not_null_holds_for_each_field():
    """Cumulative reports replace each other; a null takes nothing away."""
    counts = {}
    merge_counts(counts, {"prompt_tokens": 9, "completion_tokens": 1})
    merge_counts(counts, {"prompt_tokens": None, "completion_tokens": 5})
    assert usage_from_counts(counts) == Usage(input_tokens=9, output_tokens=5)


_bucket = st.none() | st.integers(0, 10_000)


@settings(deadline=None)
@given(_bucket, _bucket, _bucket, _bucket, _bucket)
def test_written_usage_is_read_back_with_the_same_sums(fresh, read, written, text, reasoning):
    """A client adds up the same bill as Naru does."""
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_5m_tokens=written,
        output_tokens=text,
        reasoning_tokens=reasoning,
    )
    body = write_usage(usage)
    assert body["total_tokens"] == usage.total_input_tokens + usage.total_output_tokens
    again = read_usage(body)
    assert (again.total_input_tokens, again.total_output_tokens) == (
        usage.total_input_tokens,
        usage.total_output_tokens,
    )
    assert (again.cache_read_tokens or 0) == (read or 0)
    assert (again.reasoning_tokens or 0) == (reasoning or 0)
