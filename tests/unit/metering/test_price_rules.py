"""Pricing is exact, in whole tokens and whole requests, and never invents a figure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.metering import PriceBook, sum_usage
from naru.settings.model import LongContext, Price, ServiceTier

BUCKETS = (
    *("input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image"),
    *("output", "reasoning", "output_audio", "output_image"),
)
DAY = date(2026, 3, 1)
AT = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000_000

rates = st.decimals(min_value=0, max_value=200, places=6)
tokens = st.integers(min_value=0, max_value=3_000_000)
usages = st.builds(Usage, **{f"{b}_tokens": st.none() | tokens for b in BUCKETS})
full_rates = st.fixed_dictionaries(dict.fromkeys(BUCKETS, rates))


def row(**fields) -> Price:
    return Price(**({"vendor": "v", "model": "m", "valid_from": DAY} | fields))


def price(fields, usage: Usage, **kwargs):
    return PriceBook([row(**fields)]).price("v", "m", usage, AT, **kwargs)


@given(full_rates, usages)
def test_the_cost_is_the_sum_of_its_buckets_rounded_once(fields, usage):
    """Against plain decimal arithmetic: no bucket twice, none left out, half to even at the very end."""
    found = price(fields, usage)
    counts = {b: getattr(usage, f"{b}_tokens") for b in BUCKETS}
    if all(n is None for n in counts.values()):
        assert (found.nano_usd, found.state) == (None, "unknown")
        return
    exact = sum((Decimal(n or 0) * fields[b] * 1000 for b, n in counts.items()), Decimal(0))
    assert found.nano_usd == int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


@given(full_rates, usages, st.sampled_from(BUCKETS), st.integers(min_value=1, max_value=1000))
def test_more_tokens_never_cost_less(fields, usage, bucket, more):
    """Adding tokens to any bucket does not lower the cost."""
    name = f"{bucket}_tokens"
    counts = {f"{b}_tokens": getattr(usage, f"{b}_tokens") or 0 for b in BUCKETS}
    before = price(fields, Usage(**counts)).nano_usd
    after = price(fields, Usage(**(counts | {name: counts[name] + more}))).nano_usd
    assert before is not None
    assert after is not None
    assert after >= before


@given(full_rates, st.lists(usages, min_size=1, max_size=4))
def test_attempts_add_up_to_the_call(fields, parts):
    """Without tiers by size, the summed usage costs what its parts cost, give or take their rounding."""
    total = sum_usage(parts)
    assert total is not None
    costs = [price(fields, part).nano_usd for part in parts]
    whole = price(fields, total).nano_usd
    if whole is None:
        assert all(c is None for c in costs)
    else:
        assert abs(whole - sum(c or 0 for c in costs)) <= len(parts)


@given(full_rates, usages)
def test_streamed_or_not_the_same_usage_costs_the_same(fields, usage):
    """Usage read in pieces from a stream (each cumulative) ends at the cost of the whole answer's."""
    partial = Usage(input_tokens=usage.input_tokens)
    last = [u for u in (partial, usage) if u is not None][-1]
    assert price(fields, last) == price(fields, usage)


@given(full_rates, tokens, tokens, st.integers(min_value=1, max_value=500_000))
def test_the_tier_by_size_takes_the_whole_request(fields, fresh, cached, above):
    """Every token is billed at one tariff, chosen by all input together, cached input included."""
    larger = {b: r * 2 for b, r in fields.items()}
    book = PriceBook([row(**fields, long_context=(LongContext(above_tokens=above, **larger),))])
    found = book.price("v", "m", Usage(input_tokens=fresh, cache_read_tokens=cached, output_tokens=7), AT)
    times = 2 if fresh + cached > above else 1
    exact = (fresh * fields["input"] + cached * fields["cache_read"] + 7 * fields["output"]) * 1000 * times
    assert found.nano_usd == int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


@pytest.mark.parametrize(("tokens", "nano_usd"), [(1, 0), (3, 2), (5, 2), (7, 4), (9, 4)])
def test_halves_go_to_the_even_side(tokens, nano_usd):
    """Half a nano-USD a token: rounding does not drift upwards over many calls."""
    assert price({"input": Decimal("0.0005")}, Usage(input_tokens=tokens)).nano_usd == nano_usd


def test_the_largest_size_passed_counts():
    """With several sizes, the request is billed at the largest it is over, whatever their order."""
    tiers = tuple(
        LongContext(above_tokens=size, input=Decimal(rate)) for size, rate in ((256, 4), (32, 2), (128, 3))
    )
    book = PriceBook([row(input=1, long_context=tiers)])
    for size, rate in ((32, 1), (33, 2), (128, 2), (129, 3), (256, 3), (257, 4)):
        assert book.price("v", "m", Usage(input_tokens=size), AT).nano_usd == size * rate * 1000


BASE = {"input": Decimal(2), "output": Decimal(10)}


@pytest.mark.parametrize(
    ("usage", "nano_usd"),
    [
        ({"cache_read_tokens": 5}, 10_000),  # as fresh input: high rather than low
        ({"reasoning_tokens": 5}, 50_000),  # as output
        ({"input_image_tokens": 5}, 10_000),  # as text, where not priced apart
        ({"input_audio_tokens": 5}, None),
        ({"output_audio_tokens": 5}, None),
        ({"output_image_tokens": 5}, None),
        ({"cache_write_5m_tokens": 5}, None),
        ({"cache_write_1h_tokens": 5}, None),
        ({"cache_write_1h_tokens": 0, "input_tokens": 5}, 10_000),
    ],
)
def test_missing_rates(usage, nano_usd):
    """A gap is filled only by a published rule; else the whole attempt is unpriced, not partly priced."""
    found = price(BASE, Usage(**usage))
    assert found.nano_usd == nano_usd
    assert found.state == ("priced" if nano_usd is not None else "unpriced")
    assert found.price_version == "v/m@2026-03-01"


def test_anthropic_publishes_what_cache_writes_cost():
    """An Anthropic row with input and output alone prices cache writes at 1.25 and 2 times input."""
    book = PriceBook([], [row(vendor="anthropic", **BASE)])
    usage = Usage(cache_write_5m_tokens=100, cache_write_1h_tokens=100)
    assert book.price("anthropic", "m", usage, AT).nano_usd == 100 * 2_500 + 100 * 4_000


@pytest.mark.parametrize(
    "tier", [None, "", "default", "standard", "auto", "on_demand", "Standard", "DEFAULT"]
)
def test_standard_tiers(tier):
    """Names vendors give to the ordinary tier all mean the ordinary price."""
    assert price(BASE, Usage(input_tokens=1, service_tier=tier)).nano_usd == 2_000


def test_the_tier_of_the_answer_decides():
    """Asked for priority, served as default: billed as default. The request counts only when nobody says."""
    fields = BASE | {"priority": ServiceTier(input=Decimal(4))}
    assert (
        price(fields, Usage(input_tokens=1, service_tier="default"), service_tier="priority").nano_usd
        == 2_000
    )
    assert price(fields, Usage(input_tokens=1, service_tier="priority")).nano_usd == 4_000
    assert price(fields, Usage(input_tokens=1), service_tier="PRIORITY").nano_usd == 4_000


@pytest.mark.parametrize("tier", ["priority", "flex", "batch", "scale", "ultrafast", "provisioned"])
def test_a_tier_without_a_price_is_unpriced(tier):
    """Never the standard price for a tier that is not the standard one."""
    found = price(BASE, Usage(input_tokens=1, service_tier=tier))
    assert (found.nano_usd, found.state) == (None, "unpriced")


def test_states():
    """Unknown usage, unknown model and estimated usage are told apart."""
    book = PriceBook([row(**BASE)])
    assert book.price("v", "m", None, AT).state == "unknown"
    assert book.price("v", "m", Usage(), AT).state == "unknown"
    assert book.price("v", "other", Usage(input_tokens=1), AT).state == "unpriced"
    assert book.price("w", "m", Usage(input_tokens=1), AT).state == "unpriced"
    estimated = book.price("v", "m", Usage(input_tokens=1, is_estimated=True), AT)
    assert (estimated.nano_usd, estimated.state) == (2_000, "estimated")


@pytest.mark.parametrize("tokens", [-1, 2**63 - 1])
def test_absurd_counts_are_not_priced(tokens):
    """A count no model can reach, or below zero, gives an unknown cost and no figure."""
    found = price(BASE, Usage(input_tokens=100, output_tokens=tokens))
    assert (found.nano_usd, found.state) == (None, "unknown")


def test_a_price_applies_from_its_first_day_in_utc():
    """The row in force when the attempt began counts; before the first one there is no price."""
    book = PriceBook([row(input=1), row(input=3, valid_from=date(2026, 5, 1))])
    noon = 43_200 * 1_000_000_000

    def at(day: date) -> int | None:
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000
        costs = {book.price("v", "m", Usage(input_tokens=1), midnight + n).nano_usd for n in (0, noon)}
        assert len(costs) == 1
        return costs.pop()

    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 4, 30), date(2026, 5, 1), date(2027, 1, 1)]
    assert [at(day) for day in days] == [None, 1_000, 1_000, 3_000, 3_000]


def test_the_operators_row_wins_from_its_day_on():
    """Before its first day the builtin price holds, after it the operator's, whichever is newer."""
    newer_builtin = row(input=9, valid_from=date(2026, 5, 20))
    overlay = row(input=5, valid_from=date(2026, 5, 10))
    book = PriceBook([row(input=1), newer_builtin], [overlay])
    found = [
        book.price("v", "m", Usage(input_tokens=1), int(datetime(2026, 5, d, tzinfo=UTC).timestamp()) * 10**9)
        for d in (9, 10, 25)
    ]
    assert [f.nano_usd for f in found] == [1_000, 5_000, 5_000]
    assert found[2].price_version == "v/m@2026-05-10"


def test_an_operators_price_for_the_local_model():
    """The machine's own tokens may be given a price; it stands before the builtin zero."""
    book = PriceBook.load(
        [row(vendor="local", model="smollm2", input=Decimal("0.05"), output=Decimal("0.2"))]
    )
    found = book.price("local", "smollm2", Usage(input_tokens=1_000, output_tokens=1_000), AT)
    assert found.nano_usd == 250_000
    assert book.price("local", "another", Usage(input_tokens=1), AT).nano_usd == 0


def test_made_up_names_do_not_grow_the_memory():
    """However many names clients invent, the cache of resolutions stays bounded."""
    book = PriceBook([row(**BASE)])
    for number in range(10_000):
        book.price("v", f"invented-{number}", Usage(input_tokens=1), AT)
    assert len(book._cache) <= 4_096
