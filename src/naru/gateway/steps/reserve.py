"""May this call be made? Limits when it comes in, and before each attempt the money it may cost at most.

One reservation for every route that can cost: whole answers, streams, embeddings, retries and fallbacks. What
is reserved is charged in `settle`, or as soon as an attempt has failed.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from naru.gateway.envelope import Envelope
from naru.gateway.exchange import AttemptLog, Exchange
from naru.kernel.errors import Forbidden
from naru.kernel.tokens import Usage
from naru.metering import Cost, PriceBook, bound_input_tokens
from naru.quota import Hold, LimitReached, Quota, Scope, Unpriced
from naru.routing import Target


class Facts(msgspec.Struct, array_like=True, frozen=True):
    """What the ledger shows of a call whose Naru was killed in the middle of it."""

    id: str
    started_at_ns: int
    endpoint: str
    is_stream: bool
    key_id: str | None
    org: str | None
    team: str | None
    project: str | None
    user: str | None
    tags: dict[str, str]
    model_asked: str
    provider: str
    vendor: str
    site: str
    model: str
    attempted_at_ns: int


class Governor(msgspec.Struct):
    """The rules of reserving, of one configuration."""

    quota: Quota
    prices: PriceBook
    default_output_tokens: int
    """Reserved for an answer whose length the request does not bound."""


_encode = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=4096)
def _scopes(org: str | None, team: str | None, project: str | None, key: str) -> tuple[Scope, ...]:
    scopes = [Scope("key", key)]
    scopes += [Scope("project", project)] if project else []
    scopes += [Scope("team", team)] if team else []
    scopes += [Scope("org", org)] if org else []
    return tuple(scopes)


def find_scopes(x: Exchange, quota: Quota) -> tuple[Scope, ...]:
    """Everything a call counts against: its key, project, team and organisation, and its tags."""
    principal = x.principal
    assert principal is not None
    scopes = _scopes(principal.org, principal.team, principal.project, principal.key_id)
    if x.tags and quota.wants_tags:
        scopes += tuple([Scope("tag", f"{name}={value}") for name, value in x.tags.items()])
    return scopes


def admit_rate(x: Exchange, envelope: Envelope, governor: Governor) -> None:
    """Take one request, its tokens and a slot from every limit of the call, or from none.

    Raises:
        LimitReached: with the headers that say where the limits stand.
    """
    quota = governor.quota
    x.scopes = find_scopes(x, quota)
    if quota.limiter.is_empty:
        return
    # A quarter of the bytes: limits are paced by what is likely and corrected by what it was; money is not.
    tokens = len(x.body) // 4 + 1
    if x.endpoint.name != "embeddings" and envelope.max_output_tokens is not None:
        tokens += envelope.max_output_tokens * envelope.answers
    try:
        x.admission = quota.admit(x.id, x.scopes, tokens)
    except LimitReached as error:
        x.limit_headers = error.headers
        raise
    if x.admission is not None:
        x.limit_headers = x.admission.headers


def estimate(x: Exchange, envelope: Envelope, target: Target, governor: Governor) -> int | None:
    """The most an attempt at `target` may cost, in nano-USD; None when its model has no price."""
    body = x.body
    if x.input_bound is None:
        x.input_bound = bound_input_tokens(body)
    # Masked it may be longer: placeholders, and the note that explains them. A byte is a token at most.
    more = max(0, x.sent_bytes - len(body))
    output = 0
    if x.endpoint.name != "embeddings":
        output = (envelope.max_output_tokens or governor.default_output_tokens) * envelope.answers
    return governor.prices.price_at_most(
        target.upstream.provider.vendor,
        target.model,
        x.input_bound + more,
        output,
        x.started_at_ns,
        writes_cache=b"cache_control" in body,
        chooses_tier="service_tier" in envelope.fields,
    )


async def reserve(
    x: Exchange, envelope: Envelope, target: Target, attempt_id: str, governor: Governor
) -> Hold:
    """Reserve the most the next attempt may cost, in all of the call's budgets or in none.

    Raises:
        QuotaExceeded: a budget cannot pay for it.
        Forbidden: the model has no price, and a budget of the call takes no such model.
        Unavailable: the budgets cannot be asked now.
    """
    quota = governor.quota
    accounts = quota.find_accounts(x.scopes)
    nano = estimate(x, envelope, target, governor) if accounts else 0
    facts = _encode(_facts(x, envelope, target))
    try:
        hold = quota.try_reserve(x.id, attempt_id, accounts, nano, facts)
    except Unpriced:
        raise Forbidden(
            "This model has no known price, and a budget of this key takes no such model. Use another model, "
            "or ask an administrator to add its price or to allow unpriced models in the budget.",
            code="unpriced_model",
            param="model",
        ) from None
    if isinstance(hold, Hold):
        return hold
    assert nano is not None
    return await quota.reserve(x.id, attempt_id, accounts, nano, facts)


def _facts(x: Exchange, envelope: Envelope, target: Target) -> Facts:
    principal, provider = x.principal, target.upstream.provider
    assert principal is not None
    return Facts(
        x.id,
        x.started_at_ns,
        x.endpoint.name,
        envelope.is_stream,
        principal.key_id,
        principal.org,
        principal.team,
        principal.project,
        principal.user,
        x.tags,
        envelope.model[:512],
        provider.name,
        provider.vendor,
        provider.site,
        target.model[:512],
        x.started_at_ns,
    )


def charge(x: Exchange, attempt: AttemptLog, cost: Cost, quota: Quota) -> Cost:
    """Turn the attempt's reservation into what it cost; into all of it when nobody can say.

    Returns:
        The cost as the ledger shows it: an unknown one with the amount that was counted.
    """
    hold = attempt.hold
    if hold is None:
        return cost
    if cost.state == "unknown" and hold.slices:
        cost = Cost(nano_usd=hold.nano, state="unknown", price_version=None)
        quota.charge(x.id, hold, hold.nano, is_unknown=True)
    else:
        quota.charge(x.id, hold, cost.nano_usd or 0)
    return cost


def release_rate(x: Exchange, usage: Usage | None, quota: Quota) -> None:
    """Give the slots back, and correct the tokens by what was used."""
    if x.admission is not None:
        used = None if usage is None else usage.total_input_tokens + usage.total_output_tokens
        quota.limiter.settle(x.admission, used if x.attempts else 0)
