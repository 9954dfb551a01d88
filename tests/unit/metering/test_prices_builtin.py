"""The price file that ships: wide enough, valid, and right where the vendors' lists are well known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from naru.kernel.clock import FrozenClock
from naru.kernel.tokens import Usage
from naru.metering import PriceBook, price_version, read_builtin
from naru.metering.aliases import vendor_name
from naru.settings.model import Price

NOW = FrozenClock().now_ns()
MILLION = 1_000_000
USD = 1_000_000_000
BOOK = PriceBook.load()


def cost(vendor: str, model: str, **tokens) -> int | None:
    return BOOK.price(vendor, model, Usage(**tokens), NOW).nano_usd


def test_the_list_covers_the_market():
    """At least 80 models of at least 8 vendors can be priced with nothing configured."""
    rows = [p for p in read_builtin() if p.vendor != "local"]
    assert len({(p.vendor, p.model) for p in rows}) >= 80
    assert len({p.vendor for p in rows}) >= 8
    wanted = {
        "openai",
        "anthropic",
        "google",
        "amazon",
        "azure",
        "mistral",
        "deepseek",
        "xai",
        "cohere",
        "groq",
    }
    assert wanted <= {p.vendor for p in rows}


def test_every_row_is_usable():
    """Each row says its source, resolves to itself by its own name, and prices plain input as it says."""
    for price in read_builtin():
        check(price)


def check(price: Price) -> None:
    assert price.source
    assert price.vendor == vendor_name(price.vendor)
    if price.model != "*":
        assert BOOK.find(price.vendor, price.model, NOW) is price
    assert price.input is not None
    assert cost(price.vendor, price.model, input_tokens=1000) == round(price.input * 1_000_000)
    sizes = [tier.above_tokens for tier in price.long_context]
    assert sizes == sorted(set(sizes))
    for tier in (price.batch, price.flex):
        assert tier is None or (tier.input is not None and tier.input <= price.input)
    assert price.cache_read is None or price.cache_read <= price.input


def test_no_row_stands_twice():
    """Two rows of one model and day would make the price a matter of order."""
    versions = [price_version(p) for p in read_builtin()]
    assert len(versions) == len(set(versions))


@pytest.mark.parametrize(
    ("vendor", "model", "tokens", "usd"),
    [
        ("openai", "gpt-4o-mini", {"input_tokens": MILLION, "output_tokens": MILLION}, "0.75"),
        ("openai", "gpt-4o", {"input_tokens": MILLION, "output_tokens": MILLION}, "12.5"),
        ("openai", "gpt-4o", {"cache_read_tokens": MILLION}, "1.25"),
        ("openai", "gpt-4o-2024-05-13", {"input_tokens": MILLION}, "5"),
        ("openai", "gpt-5", {"input_tokens": MILLION, "reasoning_tokens": MILLION}, "11.25"),
        ("openai", "o3", {"input_tokens": MILLION, "output_tokens": MILLION}, "10"),
        ("openai", "text-embedding-3-small", {"input_tokens": MILLION}, "0.02"),
        ("anthropic", "claude-sonnet-4-5", {"input_tokens": MILLION, "output_tokens": MILLION}, "18"),
        ("anthropic", "claude-sonnet-4-5", {"cache_write_5m_tokens": MILLION}, "3.75"),
        ("anthropic", "claude-sonnet-4-5", {"cache_write_1h_tokens": MILLION}, "6"),
        ("anthropic", "claude-sonnet-4-5", {"cache_read_tokens": MILLION}, "0.3"),
        ("google", "gemini-2.5-flash", {"input_tokens": MILLION, "output_tokens": MILLION}, "2.8"),
        ("amazon", "amazon.nova-pro-v1:0", {"input_tokens": MILLION, "output_tokens": MILLION}, "4"),
        ("amazon", "us.anthropic.claude-haiku-4-5-20251001-v1:0", {"input_tokens": MILLION}, "1.1"),
        ("groq", "openai/gpt-oss-120b", {"input_tokens": MILLION, "output_tokens": MILLION}, "0.75"),
    ],
)
def test_known_list_prices(vendor, model, tokens, usd):
    """A million tokens cost what the vendor's public list says."""
    assert cost(vendor, model, **tokens) == int(Decimal(usd) * USD)


def test_an_anthropic_call_with_every_cache_bucket():
    """Fresh, read, both writes and output each at its own rate, added once: 21.6 thousandths of a dollar."""
    found = BOOK.price(
        "anthropic",
        "claude-sonnet-4-5-20250929",
        Usage(
            input_tokens=1_000,
            cache_read_tokens=10_000,
            cache_write_5m_tokens=2_000,
            cache_write_1h_tokens=100,
            output_tokens=500,
        ),
        NOW,
    )
    assert found.nano_usd == 3_000_000 + 3_000_000 + 7_500_000 + 600_000 + 7_500_000
    assert found.state == "priced"
    assert found.price_version == "anthropic/claude-sonnet-4-5@2026-01-01"


def test_gemini_above_200k_costs_more_for_every_token():
    """One token of input over the size moves the whole request, its cached part and output included."""
    at = cost("google", "gemini-2.5-pro", input_tokens=150_000, cache_read_tokens=50_000, output_tokens=10)
    above = cost("google", "gemini-2.5-pro", input_tokens=150_001, cache_read_tokens=50_000, output_tokens=10)
    assert at == 150_000 * 1_250 + 50_000 * 125 + 10 * 10_000
    assert above == 150_001 * 2_500 + 50_000 * 250 + 10 * 15_000


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5", "gpt-4.1"])
def test_batch_is_half(model):
    """The tier of the answer decides: a batch call costs half of a standard one."""
    usage = {"input_tokens": 1_000, "output_tokens": 1_000}
    whole, half = cost("openai", model, **usage), cost("openai", model, **usage, service_tier="batch")
    assert whole is not None
    assert half is not None
    assert half * 2 == whole


def test_the_local_model_costs_nothing_and_says_so():
    """Own machines send no bill: 0 with a version of its own, never an unexplained 0."""
    found = BOOK.price("local", "smollm2", Usage(input_tokens=10, output_tokens=20), NOW)
    assert (found.nano_usd, found.state, found.price_version) == (0, "priced", "local/*@2026-01-01")
