"""Brings the calls of a process that was killed into the ledger, from what its journal says.

A call that had ended gets the row it would have had. One that had not appears as unknown, with what was
reserved for it: an upstream may have worked on it to the end. A row the ledger has already stays as it is.
"""

from __future__ import annotations

import msgspec

from naru.gateway.steps.reserve import Facts
from naru.metering import Attempt, Call, Cost, LedgerWriter
from naru.quota import Begun, Remains

_decode_call = msgspec.msgpack.Decoder(Call).decode
_decode_facts = msgspec.msgpack.Decoder(Facts).decode
_CUT_OFF = "naru_stopped"


async def rescue(ledger: LedgerWriter, remains: Remains) -> None:
    """Record everything a journal holds; returns when it is committed."""
    for number, data in enumerate(remains.calls, 1):
        ledger.record(_decode_call(data))
        if number % 5_000 == 0:  # a long journal must not look like a ledger that cannot keep up
            await ledger.flush()
    for attempts in remains.unfinished:
        ledger.record(read_unfinished(attempts))
    await ledger.flush()


def read_unfinished(attempts: list[Begun]) -> Call:
    """The row of a call that began and was never seen to end."""
    facts = [_decode_facts(begun.facts) for begun in attempts]
    first, last = facts[0], facts[-1]
    rows = tuple(
        _attempt(n, begun, fact) for n, (begun, fact) in enumerate(zip(attempts, facts, strict=True), 1)
    )
    known = [row.cost.nano_usd for row in rows if row.cost.nano_usd is not None]
    return Call(
        id=first.id,
        started_at_ns=first.started_at_ns,
        endpoint=first.endpoint,
        is_stream=first.is_stream,
        key_id=first.key_id,
        org=first.org,
        team=first.team,
        project=first.project,
        user=first.user,
        tags=first.tags,
        route=None,
        model_asked=first.model_asked,
        model_served=None,
        provider=last.provider,
        site=last.site,
        status="unknown",
        http_status=0,
        error_code=_CUT_OFF,
        error_class="naru",
        finish_reason=None,
        first_token_ms=None,
        duration_ms=0.0,
        overhead_ms=None,
        usage=None,
        cost=Cost(
            nano_usd=sum(known) if len(known) == len(rows) else None, state="unknown", price_version=None
        ),
        cache="bypass",
        masked_count=None,
        energy_wh=None,
        energy_source=None,
        policy=None,
        attempts=rows,
    )


def _attempt(number: int, begun: Begun, facts: Facts) -> Attempt:
    has_ended = begun.charged is not None and not begun.is_unknown
    nano = begun.nano if begun.charged is None else begun.charged
    return Attempt(
        id=begun.attempt_id,
        number=number,
        started_at_ns=facts.attempted_at_ns,
        provider=facts.provider,
        vendor=facts.vendor,
        site=facts.site,
        model=facts.model,
        status="unknown",
        upstream_status=None,
        error_code=_CUT_OFF,
        finish_reason=None,
        first_token_ms=None,
        duration_ms=0.0,
        usage=None,
        cost=Cost(
            nano_usd=nano if begun.keys or has_ended else None,
            state="estimated" if has_ended and nano else "none" if has_ended else "unknown",
            price_version=None,
        ),
    )
