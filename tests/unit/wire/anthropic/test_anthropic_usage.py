"""Anthropic's counts in disjoint buckets, and back in the SDK's types."""

from __future__ import annotations

import anthropic.types
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.wire.messages.usage import read_usage, write_usage

COUNT = st.none() | st.integers(0, 10**6)


@given(
    fresh=COUNT,
    read=COUNT,
    short=COUNT,
    long=COUNT,
    surplus=st.integers(0, 100),
    output=COUNT,
    thinking=COUNT,
)
def test_buckets_sum_to_what_was_billed(fresh, read, short, long, surplus, output, thinking):
    """Every token that Anthropic bills stands in exactly one bucket."""
    total = None if short is None and long is None else (short or 0) + (long or 0) + surplus
    usage = read_usage(
        {
            "input_tokens": fresh,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": total,
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
            "output_tokens": output,
            "output_tokens_details": {"thinking_tokens": thinking},
        }
    )
    if usage is None:
        assert fresh is read is total is output is None
        return
    assert usage.total_input_tokens == (fresh or 0) + (read or 0) + (total or 0)
    assert usage.total_output_tokens == (output or 0)


def test_what_is_not_said_stays_unknown():
    """A missing count is None and not 0: nobody said that nothing was cached."""
    assert read_usage({"input_tokens": 3, "output_tokens": 2}) == Usage(input_tokens=3, output_tokens=2)
    assert read_usage({}) is None
    assert read_usage("soon") is None


def test_the_tier_is_named_as_everywhere_in_naru():
    """`standard` is what others call `default`; fast mode has a price of its own."""
    assert read_usage({"input_tokens": 1, "service_tier": "standard"}).service_tier == "default"
    assert read_usage({"input_tokens": 1, "service_tier": "batch"}).service_tier == "batch"
    assert read_usage({"input_tokens": 1, "service_tier": "standard", "speed": "fast"}).service_tier == "fast"


@given(
    st.builds(
        Usage,
        input_tokens=COUNT,
        cache_read_tokens=COUNT,
        cache_write_5m_tokens=COUNT,
        cache_write_1h_tokens=COUNT,
        input_audio_tokens=COUNT,
        input_image_tokens=COUNT,
        output_tokens=COUNT,
        reasoning_tokens=COUNT,
        output_audio_tokens=COUNT,
        service_tier=st.sampled_from([None, "default", "flex", "priority"]),
    )
)
def test_written_usage_has_the_same_totals(usage):
    """A client of this language sees as many tokens in and out as were counted."""
    written = anthropic.types.Usage.model_validate(write_usage(usage), strict=True)
    total_input = (
        written.input_tokens
        + (written.cache_read_input_tokens or 0)
        + (written.cache_creation_input_tokens or 0)
    )
    assert total_input == usage.total_input_tokens
    assert written.output_tokens == usage.total_output_tokens
