"""Counts every token and its price, and keeps the one ledger of calls.

Promises: a price is exact, dated and never guessed; an admitted call's row is never dropped; no text of a
prompt or an answer is kept. It does not decide who may spend: that is policy. Reading and writing are
synchronous (threads); only `LedgerWriter.record` belongs on the road.
"""

from naru.metering.models import (
    Attempt,
    BreakdownRow,
    Bucket,
    Call,
    CallStatus,
    Cost,
    CostState,
    Totals,
)
from naru.metering.prices import PriceBook, price_version, read_builtin
from naru.metering.reader import Dimension, LedgerReader
from naru.metering.retention import RetentionClock
from naru.metering.usage import (
    bound_input_tokens,
    estimate_tokens,
    estimate_tokens_from_size,
    sum_usage,
)
from naru.metering.writer import LedgerWriter

__all__ = [
    "Attempt",
    "BreakdownRow",
    "Bucket",
    "Call",
    "CallStatus",
    "Cost",
    "CostState",
    "Dimension",
    "LedgerReader",
    "LedgerWriter",
    "PriceBook",
    "RetentionClock",
    "Totals",
    "bound_input_tokens",
    "estimate_tokens",
    "estimate_tokens_from_size",
    "price_version",
    "read_builtin",
    "sum_usage",
]
