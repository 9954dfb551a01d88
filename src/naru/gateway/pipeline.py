"""The road: what every AI call passes, top to bottom. Each step is a file in `gateway/steps/`.

Nothing here waits for a disk or takes a lock; what may come later leaves through the ledger's queue.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from naru.gateway.envelope import open_envelope
from naru.gateway.exchange import Exchange
from naru.gateway.feedback import FeedbackDoor
from naru.gateway.patience import Patience, Young
from naru.gateway.refusals import Refusals
from naru.gateway.reviews import hand_over
from naru.gateway.steps.admit import admit, read_body, read_tags, read_timeout_s
from naru.gateway.steps.authenticate import authenticate
from naru.gateway.steps.authorize import authorize, fix_tags, resolve_allowed
from naru.gateway.steps.call import RetryRules, Streaming, Whole, call
from naru.gateway.steps.protect import Protection
from naru.gateway.steps.relay import send_stream, send_whole
from naru.gateway.steps.reserve import Governor, admit_rate
from naru.gateway.steps.settle import cost_header, price_attempt, settle
from naru.identity import Keyring
from naru.kernel.errors import NaruError, Unavailable
from naru.metering import LedgerWriter, PriceBook
from naru.quota import Quota
from naru.routing import RetryBudget, RouteTable
from naru.trust import Desk
from naru.trust.feedback import ReviewQueue

_CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that left; in the ledger only, nobody is there to read it."""
_UNSAFE = re.compile(rb"[^\x20-\x7e]")
# Names of providers and sites are letters, digits, `.`, `_` and `-` (settings.model.Name).
_LINES = (
    b"x-naru-request-id: %b\r\nx-naru-model: %b\r\nx-naru-provider: %b\r\nx-naru-site: %b\r\n"
    b"x-naru-cache: bypass\r\nx-naru-attempts: %d\r\nx-naru-masked: %d\r\nx-naru-overhead-ms: %.3f\r\n"
)


@dataclass(frozen=True, slots=True)
class Rules:
    """One configuration's share of the road. Replaced whole at a reload; a call keeps what it began with."""

    table: RouteTable
    prices: PriceBook
    retries: RetryRules
    max_body_bytes: int
    max_concurrent_calls: int
    default_output_tokens: int


class Road:
    """What all calls share, over all configurations."""

    def __init__(
        self,
        rules: Rules,
        *,
        keyring: Keyring,
        ledger: LedgerWriter,
        budget: RetryBudget,
        quota: Quota,
        is_audit_full: Callable[[], bool],
        refusals: Refusals,
        trust: Desk,
        capture: Callable[[Exchange], None] | None = None,
        feedback: FeedbackDoor | None = None,
        reviews: ReviewQueue | None = None,
    ) -> None:
        self.rules = rules
        self.capture = capture
        """Hands prompt and answer over where a policy has consent to it; None: nobody asks."""
        self.feedback = feedback
        self.reviews = reviews
        self.is_audit_full = is_audit_full
        self.refusals = refusals
        self.trust = trust
        self.quota = quota
        self.keyring = keyring
        self.ledger = ledger
        self.budget = budget
        self.in_flight = 0
        self.young = Young()


async def serve(x: Exchange, road: Road) -> None:
    """Answer one request. Errors before the first byte are raised; the edge words them for the client."""
    rules = road.rules
    governor = Governor(road.quota, rules.prices, rules.default_output_tokens)
    x.principal = authenticate(x, road.keyring)
    road.in_flight += 1
    try:
        authorize(x, x.principal)
        admit(
            in_flight=road.in_flight,
            limit=rules.max_concurrent_calls,
            is_ledger_full=road.ledger.is_full,
            is_audit_full=road.is_audit_full(),
        )
        x.tags = fix_tags(read_tags(x.headers.get(b"x-naru-tags")), x.principal)
        x.client_timeout_s = read_timeout_s(x.headers.get(b"x-naru-timeout-ms"))
        x.body = await read_body(x, rules.max_body_bytes)
        x.envelope = open_envelope(x.endpoint.name, x.body)
        targets = resolve_allowed(x.principal, x.envelope.model, rules.table)
        admit_rate(x, x.envelope, governor)
        if road.capture is not None:
            road.capture(x)
        x.patience = Patience(x, road.young)
        with x.patience:
            protection = Protection(x, x.envelope, road.trust)
            answer = await call(
                x,
                x.envelope,
                targets,
                rules=rules.retries,
                budget=road.budget,
                governor=governor,
                protection=protection,
            )
            await _send(x, answer, rules.prices)
            if answer.said is not None:
                protection.note_answer(answer.said, answer.attempt.answer_id)
    except NaruError as error:
        x.error = error
        x.status = "error" if x.attempts else "rejected"
        x.http_status = error.status
        if x.is_client_gone:
            x.status, x.http_status = "cancelled", _CLIENT_CLOSED_REQUEST
        raise
    except asyncio.CancelledError:
        x.status = "cancelled"
        if not x.has_started:
            x.http_status = _CLIENT_CLOSED_REQUEST if x.is_client_gone else Unavailable.status
        raise
    except Exception:
        x.error = NaruError("Naru failed on this request. Please report the request id.")
        x.status = "error"
        raise
    finally:
        road.in_flight -= 1
        settle(x, road.ledger, governor)
        if x.verdicts and road.reviews is not None:
            hand_over(x, road.reviews)


def _verdict_line(x: Exchange) -> bytes:
    told = [f"{v['kind']}={v['score']:.2f}" for v in x.verdicts if v["action"] in ("flag", "review")]
    return f"x-naru-guard: {', '.join(told)}\r\n".encode() if told else b""


async def _send(x: Exchange, answer: Whole | Streaming, prices: PriceBook) -> None:
    attempt = answer.attempt
    target = attempt.target
    provider = target.upstream.provider
    x.model_served = target.model
    lines = _LINES % (
        x.id.encode(),
        _UNSAFE.sub(b"?", target.model.encode("ascii", "replace")),
        provider.name.encode(),
        provider.site.encode(),
        len(x.attempts),
        x.masked_count,
        x.elapsed_overhead_s * 1000,
    )
    if x.verdicts:
        lines += _verdict_line(x)
    if x.limit_headers:
        lines += b"".join(b"%b: %b\r\n" % pair for pair in x.limit_headers)
    if isinstance(answer, Whole):
        attempt.cost = price_attempt(x, attempt, prices)
        await send_whole(x, answer, b"%bx-naru-cost-usd: %b\r\n" % (lines, cost_header(attempt.cost)))
    else:
        await send_stream(x, answer, lines)
