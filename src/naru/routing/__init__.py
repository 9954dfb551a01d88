"""Which upstream serves a model, and when to leave a broken one alone or try again."""

from naru.routing.circuit import Circuit
from naru.routing.retry import RetryBudget, backoff_s
from naru.routing.table import CircuitBook, ModelInfo, RouteTable, Target, Timeouts, Upstream

__all__ = [
    "Circuit",
    "CircuitBook",
    "ModelInfo",
    "RetryBudget",
    "RouteTable",
    "Target",
    "Timeouts",
    "Upstream",
    "backoff_s",
]
