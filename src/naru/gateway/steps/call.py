"""Make the call: targets in order, retries inside the deadline and the budget, until content comes.

A stream counts as answered with its first content. Until then an error is a real HTTP status and another
target may be tried; that is why the headers of the answer wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from time import perf_counter
from typing import NoReturn

import msgspec

from naru.gateway.codec import Codec, WireFault, choose_codec
from naru.gateway.envelope import Envelope
from naru.gateway.exchange import AttemptLog, Exchange
from naru.gateway.relay import Relay
from naru.gateway.steps.protect import Protection, Said
from naru.gateway.steps.reserve import Governor, reserve
from naru.gateway.steps.settle import settle_attempt
from naru.kernel.errors import (
    BadRequest,
    Forbidden,
    NaruError,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from naru.providers.base import UpstreamRequest
from naru.providers.faults import to_error
from naru.providers.transport import Response
from naru.routing import RetryBudget, Target, backoff_s
from naru.wire.base import Framing
from naru.wire.model import UpstreamFault

_REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 300, 400, 500
_TOO_MANY = 429
_MAX_PRELUDE_BYTES = 16 * 1024 * 1024
"""Of a stream before its first content: all of it is held back, so it must not be without end."""
_EVENT_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


class Whole(msgspec.Struct):
    """An answer that is complete."""

    attempt: AttemptLog
    body: bytes
    is_sse: bool = False
    """The client asked for a stream and the upstream sent none: `body` is that stream, whole."""
    said: Said | None = None


class Streaming(msgspec.Struct):
    """An answer whose first content is here and whose rest is on its way."""

    attempt: AttemptLog
    response: Response
    chunks: AsyncIterator[bytes]
    framing: Framing
    relay: Relay
    head: bytes
    deadline: float
    """Loop time at which the call as a whole must be over."""
    said: Said | None = None


class RetryRules(msgspec.Struct, frozen=True):
    """How often and how patiently one target is tried again."""

    max_retries: int
    base_s: float
    max_s: float


async def call(
    x: Exchange,
    envelope: Envelope,
    targets: Sequence[Target],
    *,
    rules: RetryRules,
    budget: RetryBudget,
    governor: Governor,
    protection: Protection,
) -> Whole | Streaming:
    """The first answer any target gives.

    Raises:
        UpstreamError: the last error, when no target answered.
        BadRequest: no target can serve this request at all.
        QuotaExceeded: a budget cannot pay for the next attempt.
        Forbidden: a budget takes no model without a price, or a policy lets the request go to no target.
    """
    now = x.patience.loop.time()
    total_s = targets[0].upstream.timeouts.total_s
    deadline = now + (total_s if x.client_timeout_s is None else min(total_s, x.client_timeout_s))
    failure: UpstreamError | None = None
    refusal: NaruError | None = None
    budget.deposit()
    for target in targets:
        try:
            said = await protection.prepare(target)
            codec = choose_codec(x.endpoint, said.envelope, x.headers, target, id=x.id)
            request = codec.encode_request(target)
        except (BadRequest, Forbidden, Unavailable) as error:
            refusal = refusal or error  # the first choice's reason is the one to tell
            continue
        except UpstreamError as error:  # the embedded model is still loading
            failure = failure or error
            continue
        if not target.circuit.admit():
            failure = failure or _resting(target)
            continue
        codec.restorer = protection.new_restorer(said)
        codec.watch = protection.new_watch()
        result = await _try_target(x, envelope, target, codec, request, deadline, rules, budget, governor)
        if not isinstance(result, UpstreamError):
            result.said = said
            return result
        failure = result
        if not result.may_fail_over:
            break
    if failure is not None:
        raise failure
    if refusal is not None:
        raise refusal
    raise UpstreamUnavailable("No provider serves this model now.")


def _resting(target: Target) -> UpstreamUnavailable:
    return UpstreamUnavailable(
        "The provider of this model failed repeatedly and is being rested. Try again shortly.",
        code="circuit_open",
        retry_after_s=max(1.0, target.circuit.retry_after_s),
    )


def _tell_circuit(x: Exchange, target: Target, error: UpstreamError) -> None:
    if is_outage(x, error):
        target.circuit.record_failure(error.code)
    elif error.code == "total_timeout":
        target.circuit.release_trial()
    else:
        target.circuit.record_success()


async def _try_target(
    x: Exchange,
    envelope: Envelope,
    target: Target,
    codec: Codec,
    request: UpstreamRequest,
    deadline: float,
    rules: RetryRules,
    budget: RetryBudget,
    governor: Governor,
) -> Whole | Streaming | UpstreamError:
    """One target, tried until it answers, its error is final, or the retries are spent; then that error."""
    loop = x.patience.loop
    retry = 0
    while True:
        attempt_id = f"{x.id}.{len(x.attempts) + 1}"
        try:
            hold = await reserve(x, envelope, target, attempt_id, governor)
        except BaseException:
            target.circuit.release_trial()
            raise
        attempt = AttemptLog(attempt_id, target)
        attempt.hold = hold
        x.attempts.append(attempt)
        try:
            answer = await _attempt(x, envelope, codec, request, attempt, deadline)
        except UpstreamError as error:
            attempt.error = error
            failure = error
            _tell_circuit(x, target, error)
        except asyncio.CancelledError:
            attempt.status = "cancelled"
            attempt.is_billable = True  # it may be at work on the request already
            target.circuit.release_trial()
            raise
        except BaseException:
            target.circuit.release_trial()
            raise
        else:
            target.circuit.record_success()
            return answer
        finally:
            attempt.close()
            x.upstream_wait_s += attempt.duration_s or 0.0
        # Before the next attempt reserves: what this one did not cost is free for it.
        settle_attempt(x, attempt, governor)
        wait_s = failure.retry_after_s
        if wait_s is None:
            wait_s = backoff_s(retry, base_s=rules.base_s, max_s=rules.max_s)
        if (
            not failure.is_retryable
            or retry >= rules.max_retries
            or wait_s > rules.max_s
            or loop.time() + wait_s >= deadline
            or not target.circuit.admit()
            or not budget.take()
        ):
            return failure
        retry += 1
        x.upstream_wait_s += wait_s
        await asyncio.sleep(wait_s)


def is_outage(x: Exchange, error: UpstreamError) -> bool:
    """Whether an error says that the upstream is broken, rather than busy or asked for too much.

    A client that gives little time, or reads slowly, must not shut the upstream to everybody else.
    """
    if error.code == "total_timeout" and (x.client_timeout_s is not None or x.has_started):
        return False
    # An error inside a stream has no HTTP status; there our own verdict tells whose fault it is.
    return (error.upstream_status or error.status) >= _SERVER_ERROR


async def _attempt(
    x: Exchange,
    envelope: Envelope,
    codec: Codec,
    request: UpstreamRequest,
    attempt: AttemptLog,
    deadline: float,
) -> Whole | Streaming:
    target = attempt.target
    upstream = target.upstream
    # Only a stream can be told from a dead upstream by its first token; a whole answer may take the total.
    first_token_at = deadline
    if envelope.is_stream:
        first_token_at = min(deadline, x.patience.loop.time() + upstream.timeouts.first_token_s)
    try:
        with x.patience.until(first_token_at):
            try:
                response = await upstream.transport.open(request)
            except (asyncio.CancelledError, UpstreamUnavailable) as error:
                # Once sent it may be worked on, whether we wait for the answer or not.
                attempt.is_billable = getattr(error, "code", "upstream_reset") == "upstream_reset"
                raise
            attempt.upstream_status = response.status
            attempt.is_billable = response.status < _REDIRECT
            try:
                if response.status >= _REDIRECT:
                    await _raise_refusal(codec, target, response)
                if envelope.is_stream and _is_event_stream(response):
                    return await _first_content(target, codec, attempt, response, deadline)
                body = await response.read()
            except BaseException:
                response.close()
                raise
            response.close()
            attempt.close()  # what follows is Naru's own work
    except TimeoutError:
        attempt.is_billable = True  # it may have worked on the request all the time
        if first_token_at >= deadline:
            raise UpstreamTimeout(
                "The provider did not answer within the call's time.", code="total_timeout"
            ) from None
        raise UpstreamTimeout(
            "The provider sent no first token in time.", code="first_token_timeout"
        ) from None
    try:
        answer = codec.decode_answer(body, attempt)
    except WireFault as wire_fault:
        raise _error_of(wire_fault.fault, {}, target) from None
    attempt.status = "ok"
    attempt.first_token_s = attempt.duration_s
    if envelope.is_stream:
        return Whole(attempt, codec.restore_events(codec.encode_events(body)), is_sse=True)
    return Whole(attempt, codec.restore(answer))


def _is_event_stream(response: Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith(_EVENT_STREAMS)


async def _raise_refusal(codec: Codec, target: Target, response: Response) -> NoReturn:
    status = response.status
    if status < _CLIENT_ERROR:
        # Followed, it would carry our credentials to a place nobody configured.
        raise UpstreamError(
            "The provider redirects; check its base_url.", code="upstream_redirect", upstream_status=status
        )
    fault = codec.dialect.decode_fault(status, await response.read_start())
    raise _error_of(fault, {k.lower(): v for k, v in response.headers.items()}, target)


def _error_of(fault: UpstreamFault, headers: dict[str, str], target: Target) -> UpstreamError:
    return to_error(fault, headers, target.upstream.redactor)


async def _first_content(
    target: Target, codec: Codec, attempt: AttemptLog, response: Response, deadline: float
) -> Streaming:
    """Read up to the first content and keep what came before it: nothing has reached the client yet."""
    relay = codec.new_relay()
    framing = target.upstream.provider.new_framing()
    chunks = response.chunks()
    held: list[bytes] = []
    size = 0
    async for chunk in chunks:
        held.append(relay.feed(framing.feed(chunk)))
        if relay.fault is not None and not relay.has_content:
            raise _error_of(relay.fault, {}, target)
        if relay.has_content:
            attempt.first_token_s = perf_counter() - attempt.started
            return Streaming(attempt, response, chunks, framing, relay, b"".join(held), deadline)
        size += len(chunk)
        if size > _MAX_PRELUDE_BYTES:
            raise UpstreamError("The provider sends and sends, and no content.", code="upstream_protocol")
    raise UpstreamError(
        "The provider closed the stream before it said anything.",
        code="upstream_truncated",
        is_retryable=True,
    )


def stream_fault(streaming: Streaming, target: Target) -> UpstreamError:
    """The error inside a stream that had begun."""
    assert streaming.relay.fault is not None
    return _error_of(streaming.relay.fault, {}, target)
