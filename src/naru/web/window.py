"""A window of time and its steps, as both the API and the console ask the ledger for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from naru.kernel.errors import BadRequest
from naru.metering.models import BreakdownRow, Bucket, Totals
from naru.web.context import LedgerReader

NS: Final = 1_000_000_000
MAX_BUCKETS: Final = 1500
RANGES: Final[Mapping[str, int]] = {"1h": 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
"""The ranges the console offers, in seconds."""
_STEPS: Final = (10, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400)
_WANTED_BUCKETS: Final = 64
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2199
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def time_from_ns(ns: int) -> datetime:
    """UTC, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def ns_from_time(time: datetime) -> int:
    """A time without a zone is read as UTC.

    Raises:
        BadRequest: before 1970 or after 2199, which no database here could hold.
    """
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    if not _FIRST_YEAR <= aware.year <= _LAST_YEAR:
        raise BadRequest(f"Times are of the years {_FIRST_YEAR} to {_LAST_YEAR}.", code="invalid_time")
    return max(0, (aware - _EPOCH) // timedelta(microseconds=1) * 1000)


@dataclass(frozen=True, slots=True)
class Window:
    """From (included) to (excluded), and the step of its series."""

    from_ns: int
    to_ns: int
    bucket_s: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What the ledger says of one window."""

    window: Window
    totals: Totals
    series: Sequence[Bucket]
    by_model: Sequence[BreakdownRow]
    by_provider: Sequence[BreakdownRow]


def new_window(*, from_ns: int, to_ns: int, bucket_s: int | None = None) -> Window:
    """Check a window, and choose its step where the caller did not.

    Raises:
        BadRequest: it ends before it begins, or has more steps than anyone can look at.
    """
    if to_ns <= from_ns:
        raise BadRequest("`to` must be later than `from`.", param="to")
    span_s = (to_ns - from_ns) / NS
    if bucket_s is None:
        bucket_s = next((step for step in _STEPS if span_s / step <= _WANTED_BUCKETS), _STEPS[-1])
    if bucket_s < 1 or span_s / bucket_s > MAX_BUCKETS:
        raise BadRequest(
            f"`bucket` must cut the window into at most {MAX_BUCKETS} steps; take a larger one.",
            param="bucket",
        )
    return Window(from_ns, to_ns, bucket_s)


def read_overview(ledger: LedgerReader, window: Window) -> Overview:
    """Everything the overview shows. Blocks on the database."""
    span = {"from_ns": window.from_ns, "to_ns": window.to_ns}
    return Overview(
        window=window,
        totals=ledger.read_totals(**span),
        series=ledger.read_series(**span, bucket_s=window.bucket_s),
        by_model=ledger.read_breakdown(**span, by="model"),
        by_provider=ledger.read_breakdown(**span, by="provider"),
    )
