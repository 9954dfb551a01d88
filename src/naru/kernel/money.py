"""Money is an integer count of nano-USD (10⁻⁹ USD): exact to add, and fine enough for one cached token."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000


def nano_from_usd(usd: Decimal) -> int:
    """Nearest nano-USD, half to even."""
    return int((usd * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd_from_nano(nano_usd: int) -> Decimal:
    """Exact USD."""
    return Decimal(nano_usd) / NANO_PER_USD


def format_usd(nano_usd: int) -> str:
    """Plain decimal text without trailing zeros, e.g. `0.0000123`; never scientific notation."""
    text = f"{usd_from_nano(nano_usd):.9f}".rstrip("0").rstrip(".")
    return text or "0"
