"""What did it cost? Price every attempt, and queue the call for the ledger, whatever became of it."""

from __future__ import annotations

from time import perf_counter

import msgspec

from naru.gateway.exchange import AttemptLog, Exchange
from naru.gateway.steps.reserve import Governor, charge, release_rate
from naru.kernel.errors import NaruError, UpstreamError
from naru.kernel.money import format_usd
from naru.kernel.tokens import Usage
from naru.metering import (
    Attempt,
    Call,
    Cost,
    CostState,
    LedgerWriter,
    PriceBook,
    estimate_tokens_from_size,
    sum_usage,
)

encode_call = msgspec.msgpack.Encoder().encode
_NOTHING = Cost(nano_usd=0, state="none", price_version=None)
_UNKNOWN = Cost(nano_usd=None, state="unknown", price_version=None)
_WORST_FIRST: tuple[CostState, ...] = ("unknown", "unpriced", "estimated", "priced", "none")


def price_attempt(x: Exchange, attempt: AttemptLog, prices: PriceBook) -> Cost:
    """What one attempt cost; fills in an estimate where the upstream gave an answer and no usage."""
    if not attempt.is_billable:
        return _NOTHING
    if attempt.first_token_s is None and attempt.usage is None and attempt.output_chars == 0:
        # It took the request and we never saw what it did with it: timed out, left alone by the client, or
        # an unreadable answer.
        return _UNKNOWN
    attempt.usage = _complete(attempt, x.body)
    provider = attempt.target.upstream.provider
    return prices.price(provider.vendor, attempt.target.model, attempt.usage, attempt.started_at_ns)


def _complete(attempt: AttemptLog, body: bytes) -> Usage:
    """The attempt's usage, estimated where the upstream did not report it.

    A stream that broke off has told of less output than it made (Anthropic counts up at the end), so there
    the larger of what was reported and what was seen counts.
    """
    usage = attempt.usage
    if usage is not None and attempt.finish_reason is not None and usage.total_output_tokens:
        return usage
    seen = estimate_tokens_from_size(chars=attempt.output_chars)
    if usage is None:
        chars = len(body) if body.isascii() else len(body.decode("utf-8", "replace"))
        told = estimate_tokens_from_size(chars=chars, bytes=len(body))
        return Usage(input_tokens=told, output_tokens=seen, is_estimated=True)
    if seen <= usage.total_output_tokens:
        return usage
    return msgspec.structs.replace(usage, output_tokens=seen, reasoning_tokens=None, is_estimated=True)


def _total(costs: list[Cost]) -> Cost:
    """All attempts together: the sum of what is known, in the state of the least known of them."""
    if not costs:
        return _NOTHING
    if len(costs) == 1:
        return costs[0]
    states = {cost.state for cost in costs}
    state = next(s for s in _WORST_FIRST if s in states)
    known = [cost.nano_usd for cost in costs if cost.nano_usd is not None]
    is_known = len(known) == len(costs)  # an unknown cost under a budget has the amount that was counted
    return Cost(nano_usd=sum(known) if is_known else None, state=state, price_version=costs[-1].price_version)


def cost_header(cost: Cost) -> bytes:
    """`x-naru-cost-usd`: a plain decimal, or the word for why there is none."""
    if cost.nano_usd is None or cost.state == "unknown":
        return cost.state.encode()
    return format_usd(cost.nano_usd).encode()


def _error_class(error: NaruError | None, x: Exchange) -> str | None:
    if x.is_client_gone:
        return "client"
    if error is None:
        return None
    if isinstance(error, UpstreamError):
        # An upstream's 4xx other than about our own account is the client's request at fault.
        return "client" if error.status < 429 else "upstream"
    return "client" if error.status < 500 else "naru"


def _attempt_row(number: int, attempt: AttemptLog, cost: Cost) -> Attempt:
    provider = attempt.target.upstream.provider
    first = attempt.first_token_s
    return Attempt(
        id=attempt.id,
        number=number,
        started_at_ns=attempt.started_at_ns,
        provider=provider.name,
        vendor=provider.vendor,
        site=provider.site,
        model=attempt.target.model,
        status=attempt.status,
        upstream_status=attempt.upstream_status,
        error_code=attempt.error.code if attempt.error is not None else None,
        finish_reason=attempt.finish_reason,
        first_token_ms=None if first is None else first * 1000,
        duration_ms=(attempt.duration_s or 0.0) * 1000,
        usage=attempt.usage,
        cost=cost,
    )


def settle_attempt(x: Exchange, attempt: AttemptLog, governor: Governor) -> Cost:
    """Price the attempt and charge its budgets; doing so again changes nothing."""
    attempt.close()
    if attempt.cost is None:
        attempt.cost = price_attempt(x, attempt, governor.prices)
    attempt.cost = charge(x, attempt, attempt.cost, governor.quota)
    return attempt.cost


def _policy(x: Exchange) -> str | None:
    """What was found and decided, as JSON: types, counts and verdicts, never a value."""
    if not x.found and not x.verdicts:
        return None
    return msgspec.json.encode({"found": x.found or {}, "verdicts": x.verdicts}).decode()


def settle(x: Exchange, ledger: LedgerWriter, governor: Governor) -> None:
    """Write the call down. Never waits and never fails for want of a disk: the queue takes it."""
    attempts = x.attempts
    costs = [settle_attempt(x, attempt, governor) for attempt in attempts]
    usages: list[Usage] = [a.usage for a in attempts if a.usage is not None]
    served = attempts[-1] if attempts and attempts[-1].first_token_s is not None else None
    principal, envelope = x.principal, x.envelope
    first = None if served is None or served.first_token_s is None else served.started - x.started
    overhead = x.overhead_s
    provider = attempts[-1].target.upstream.provider if attempts else None
    call = Call(
        id=x.id,
        started_at_ns=x.started_at_ns,
        endpoint=x.endpoint.name,
        is_stream=x.is_stream,
        key_id=principal.key_id if principal else None,
        org=principal.org if principal else None,
        team=principal.team if principal else None,
        project=principal.project if principal else None,
        user=principal.user if principal else None,
        tags=x.tags,
        route=None,
        model_asked=envelope.model if envelope else None,
        model_served=served.target.model if served else None,
        provider=provider.name if provider else None,
        site=provider.site if provider else None,
        status=x.status,
        http_status=x.http_status,
        error_code=x.error.code if x.error is not None else None,
        error_class=_error_class(x.error, x),
        finish_reason=x.finish_reason,
        first_token_ms=(
            None if first is None or served is None else (first + (served.first_token_s or 0.0)) * 1000
        ),
        duration_ms=(perf_counter() - x.started) * 1000,
        overhead_ms=None if overhead is None else overhead * 1000,
        usage=usages[0] if len(usages) == 1 else sum_usage(usages) if usages else None,
        cost=_total(costs),
        cache="bypass",
        masked_count=None if x.found is None else x.masked_count,
        energy_wh=None,
        energy_source=None,
        policy=_policy(x),
        attempts=tuple(map(_attempt_row, range(1, len(attempts) + 1), attempts, costs)),
    )
    release_rate(x, call.usage, governor.quota)
    governor.quota.record_call(x.id, encode_call(call))
    ledger.record(call)
