"""A model's name finds the row a person would pick, or none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from naru.kernel.clock import FrozenClock
from naru.metering import PriceBook
from naru.settings.model import Price

NOW = FrozenClock().now_ns()
BUILTIN = PriceBook.load()


def book(*rows: tuple[str, str, int]) -> PriceBook:
    return PriceBook(
        Price(vendor=v, model=m, input=Decimal(r), valid_from=date(2026, 1, 1)) for v, m, r in rows
    )


@pytest.mark.parametrize(
    ("vendor", "asked", "model"),
    [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-haiku-4-5-latest", "claude-haiku-4-5"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google", "gemini-2.5-flash@default", "gemini-2.5-flash"),
        ("bedrock", "us.anthropic.claude-sonnet-5", "us.anthropic.claude-sonnet-5"),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-sonnet-5",
            "global.anthropic.claude-sonnet-5",
        ),
        ("groq", "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ("cohere", "command-a-03-2025", "command-a-03-2025"),
    ],
)
def test_builtin_names(vendor, asked, model):
    """Dates, versions, paths, case and other names of a vendor do not hide a price."""
    found = BUILTIN.find(vendor, asked, NOW)
    assert found is not None
    assert found.model == model


@pytest.mark.parametrize(
    ("vendor", "asked"),
    [
        ("openai", "gpt-4o-ultra"),
        ("openai", "claude-sonnet-4-5"),
        ("openai-compatible", "gpt-4o"),
        ("openai", ""),
        ("openai", "/"),
        ("openai", "-latest"),
        ("bedrock", "kr.anthropic.claude-sonnet-5"),
    ],
)
def test_names_that_mean_nothing(vendor, asked):
    """Another model, another vendor, an unlisted region of a model priced by region: none."""
    assert BUILTIN.find(vendor, asked, NOW) is None


def test_the_exact_name_stands_before_a_shorter_one():
    """A dated row with a price of its own is not shadowed by the undated one."""
    prices = book(("v", "m", 1), ("v", "m-2024-05-13", 5))
    assert prices.find("v", "m-2024-05-13", NOW).input == 5
    assert prices.find("v", "m-2025-01-01", NOW).input == 1


def test_dated_rows_alone_serve_the_undated_name_when_they_agree():
    """`m` means m-2024 or m-2025 where both cost the same, and nothing where they differ."""
    same = book(("v", "m-2024-05-13", 5), ("v", "m-2025-05-13", 5))
    assert same.find("v", "m", NOW).model == "m-2025-05-13"
    assert same.find("v", "m-latest", NOW).input == 5
    assert same.find("v", "m-2026-05-13", NOW) is None
    assert book(("v", "m-2024-05-13", 5), ("v", "m-2025-05-13", 6)).find("v", "m", NOW) is None


def test_an_unlisted_region_is_priced_only_where_regions_cost_the_same():
    """`ca.x` may use the price of `x` unless another region of x is known to cost something else."""
    assert book(("amazon", "a.x", 1)).find("bedrock", "ca.a.x-v1:0", NOW).input == 1
    assert book(("amazon", "a.x", 1), ("amazon", "eu.a.x", 1)).find("bedrock", "ca.a.x", NOW).input == 1
    assert book(("amazon", "a.x", 1), ("amazon", "eu.a.x", 2)).find("bedrock", "ca.a.x", NOW) is None


def test_a_star_row_serves_what_nothing_else_does():
    """A catch-all of a vendor comes last, and only for that vendor."""
    prices = book(("v", "*", 1), ("v", "m", 2))
    assert prices.find("v", "anything", NOW).input == 1
    assert prices.find("v", "m-2024-01-01", NOW).input == 2
    assert prices.find("w", "anything", NOW) is None


def test_resolution_does_not_depend_on_the_order_of_rows():
    """The same rows in any order give the same answers."""
    rows = [("v", "m-2024-05-13", 5), ("v", "m", 1), ("v", "eu.m", 3), ("v", "*", 9)]
    asked = ["m", "m-2024-05-13", "m-2025-05-13", "us.m", "eu.m", "p/m", "other"]
    forward, backward = book(*rows), book(*reversed(rows))
    assert [forward.find("v", a, NOW) for a in asked] == [backward.find("v", a, NOW) for a in asked]
