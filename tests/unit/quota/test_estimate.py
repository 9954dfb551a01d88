"""What is reserved is never less than what a call of that size can cost."""

from __future__ import annotations

import time
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.metering import PriceBook, bound_input_tokens
from naru.settings.model import Price

PRICES = PriceBook.load(())
NOW_NS = time.time_ns()
LISTED = [p for p in PRICES.list_prices(NOW_NS) if p.input is not None and p.output is not None]


@given(
    price=st.sampled_from(LISTED),
    counts=st.tuples(*[st.integers(0, 300_000)] * 5),
    reasoning=st.integers(0, 10_000),
    output=st.integers(0, 10_000),
    room=st.integers(0, 5_000),
)
def test_no_split_of_the_tokens_costs_more_than_was_reserved(price, counts, reasoning, output, room):
    """However a provider sorts the input into fresh, read, written and image tokens, and the output into text
    and reasoning, at whatever tier of length: the reservation covers it."""
    fresh, read, write_5m, write_1h, image = counts
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        input_image_tokens=image,
        output_tokens=output,
        reasoning_tokens=reasoning,
    )
    cost = PRICES.price(price.vendor, price.model, usage, NOW_NS)
    most = PRICES.price_at_most(
        price.vendor, price.model, sum(counts) + room, output + reasoning, NOW_NS, writes_cache=True
    )
    if cost.nano_usd is not None and most is not None:
        assert cost.nano_usd <= most


def test_a_model_without_a_price_is_none_and_a_free_one_is_nothing():
    assert PRICES.price_at_most("nobody", "m", 10, 10, NOW_NS) is None
    free = PriceBook([], [Price(vendor="local", model="*", valid_from="2025-01-01", input=0, output=0)])
    assert free.price_at_most("local", "any", 10, 10, NOW_NS) == 0


def test_a_named_tier_is_paid_at_the_dearest():
    """A client that asks for `priority` must not reserve at the standard rate."""
    price = Price(
        vendor="x", model="m", valid_from="2025-01-01", input=1, output=1,
        priority={"input": 3, "output": 5}, flex={"input": Decimal("0.5"), "output": Decimal("0.5")},
    )  # fmt: skip
    book = PriceBook([], [price])
    assert book.price_at_most("x", "m", 10, 10, NOW_NS) == 20_000
    assert book.price_at_most("x", "m", 10, 10, NOW_NS, chooses_tier=True) == 80_000


@given(text=st.text(max_size=2_000))
def test_bytes_bound_tokens(text):
    """At least one token for two bytes: more than any tokenizer in use makes of text."""
    body = text.encode("utf-8", "replace")
    assert bound_input_tokens(body) >= len(body) / 2


def test_an_image_is_no_million_tokens():
    """Base64 counts by the piece, not by its size."""
    body = (
        b'{"type":"image_url","image_url":{"url":"data:image/png;base64,' + b"iVBORw0KGgo" * 100_000 + b'"}}'
    )
    assert 1_600 < bound_input_tokens(body) < 5_000
