"""The Call: one frozen row per request, and one per attempt at an upstream. Never the text.

`None` is unknown and shown as unknown: an unpriced call has `cost_nano_usd=None`, never 0.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from naru.kernel.tokens import Usage

CallStatus = Literal["ok", "error", "partial", "cancelled", "rejected", "unknown"]
"""`partial`: the answer broke off after content; `cancelled`: the client went away; `rejected`: Naru refused
the request before any upstream saw it; `unknown`: Naru died in the middle, and the next start found it."""
CostState = Literal["priced", "estimated", "unpriced", "unknown", "none"]
"""`estimated`: from estimated tokens; `unknown`: sent, and nobody can say what it cost (timed out);
`none`: nothing was sent, so nothing was spent."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt cost. `nano_usd` is None when `state` is `unpriced`. When it is `unknown` it is what a
    budget had reserved and has counted as spent, or None where no budget applied."""

    nano_usd: int | None
    state: CostState
    price_version: str | None
    """Vendor, model and first day of the price row used, e.g. `openai/gpt-4o@2024-08-06`."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one target."""

    id: str
    number: int
    """From 1, in the order they were made."""
    started_at_ns: int
    provider: str
    vendor: str
    site: str
    model: str
    """The model name sent to the upstream."""
    status: CallStatus
    upstream_status: int | None
    error_code: str | None
    finish_reason: str | None
    first_token_ms: float | None
    duration_ms: float
    usage: Usage | None
    cost: Cost


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a client, with its attempts."""

    id: str
    started_at_ns: int
    endpoint: str
    """`chat`, `responses`, `completions`, `messages`, `embeddings`."""
    is_stream: bool
    key_id: str | None
    org: str | None
    team: str | None
    project: str | None
    user: str | None
    tags: dict[str, str]
    route: str | None
    model_asked: str | None
    model_served: str | None
    provider: str | None
    site: str | None
    status: CallStatus
    http_status: int
    error_code: str | None
    error_class: str | None
    """Who is at fault: `client`, `naru`, `upstream`, or None."""
    finish_reason: str | None
    first_token_ms: float | None
    duration_ms: float
    overhead_ms: float | None
    """Naru's own share of the time to the first byte of the answer."""
    usage: Usage | None
    """Sum over attempts of what was billed, bucket by bucket."""
    cost: Cost
    cache: str
    masked_count: int | None
    energy_wh: float | None
    energy_source: str | None
    policy: str | None
    attempts: tuple[Attempt, ...]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a set of calls adds up to."""

    requests: int
    errors: int
    """Calls with status `error`."""
    partials: int
    cancelled: int
    rejected: int
    usage: Usage
    """Summed bucket by bucket; None where no call said anything of that bucket."""
    unmetered: int
    """Calls that reached an upstream and whose tokens nobody knows, not even by estimate."""
    cost_nano_usd: int
    """Sum of the known costs. Read it together with the two counts below, never alone."""
    unpriced: int
    """Calls whose price is not known (`unpriced`), or whose tokens are not (`unknown`)."""
    estimated: int
    """Calls priced from estimated tokens."""
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None


class Bucket(Totals, frozen=True, kw_only=True):
    """The totals of one span of time, `bucket_s` long."""

    start_ns: int


class BreakdownRow(Totals, frozen=True, kw_only=True):
    """The totals of the calls that share one value; `value` is None where the calls had none."""

    value: str | None
