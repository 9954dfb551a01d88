"""Give the answer to the client: whole, or event by event as it comes.

Once the first byte is out nothing is tried again. A stream that breaks ends with an error event on which
the official SDKs raise, and is recorded as partial.
"""

from __future__ import annotations

from naru.gateway.exchange import Exchange
from naru.gateway.steps.call import Streaming, Whole, is_outage, stream_fault
from naru.kernel.errors import Forbidden, NaruError, UpstreamError, UpstreamTimeout

_LAST_WORD_S = 5.0
"""How long a client may take to accept the error event that ends its stream."""
_JSON = (b"content-type", b"application/json")
_SSE = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the events back
]


async def send_whole(x: Exchange, answer: Whole, lines: bytes) -> None:
    """Send a complete answer; `lines` are headers as `Exchange.start_answer` takes them."""
    x.status = "ok"
    x.finish_reason = answer.attempt.finish_reason
    await x.answer(200, [*_SSE] if answer.is_sse else [_JSON], answer.body, lines)


async def send_stream(x: Exchange, answer: Streaming, lines: bytes) -> None:
    """Send a stream to its end, whatever end that is; `lines` as in `send_whole`."""
    attempt, relay = answer.attempt, answer.relay
    attempt.duration_s = None  # it goes on
    attempt.status = "cancelled"  # until we know better: the client may leave at any await
    x.status = "cancelled"
    error: NaruError | None = None
    try:
        await x.start_answer(200, [*_SSE], lines)
        await x.send({"type": "http.response.body", "body": answer.head, "more_body": True})
        try:
            if not relay.is_ended and relay.fault is None:
                await _pump(x, answer)
            if relay.fault is not None:
                error = stream_fault(answer, attempt.target)
        except (UpstreamError, Forbidden) as broken:
            error = broken  # Forbidden: the guard lets it go no further
        except TimeoutError:
            error = _too_slow(x, answer)
        tail, error = _close(x, answer, error)
        await _send_last(x, tail, limit_s=None if error is None else _LAST_WORD_S)
    finally:
        # Closing a half-read response cuts the connection, which is what stops the upstream's generation.
        answer.response.close()
        attempt.usage = relay.usage
        attempt.finish_reason = x.finish_reason = relay.finish_reason
        attempt.output_chars = relay.output_chars
        attempt.answer_id = relay.answer_id
        attempt.error = x.error = error
        attempt.close()
        if isinstance(error, UpstreamError) and is_outage(x, error):
            attempt.target.circuit.record_failure(error.code)


async def _send_last(x: Exchange, tail: bytes, *, limit_s: float | None) -> None:
    """End the answer. A client that takes nothing more must not hold its call for ever."""
    if limit_s is None:
        await x.send({"type": "http.response.body", "body": tail})
        return
    try:
        with x.patience.until(x.patience.loop.time() + limit_s):
            await x.send({"type": "http.response.body", "body": tail})
    except TimeoutError:
        pass  # an unfinished answer: the server cuts the connection


async def _pump(x: Exchange, answer: Streaming) -> None:
    """Chunks to the client until the terminal event, an error, or the end of the bytes.

    Raises:
        TimeoutError: silence for longer than the idle timeout, or the call's time is up.
    """
    relay, framing, deadline = answer.relay, answer.framing, answer.deadline
    idle_s = answer.attempt.target.upstream.timeouts.idle_s
    patience, send = x.patience, x.send
    now = patience.loop.time
    with patience.until(min(deadline, now() + idle_s)):
        async for chunk in answer.chunks:
            # A client that reads slowly must not look like an upstream that is silent.
            patience.move(deadline)
            out = relay.feed(framing.feed(chunk))
            if out:
                await send({"type": "http.response.body", "body": out, "more_body": True})
            if relay.is_ended or relay.fault is not None:
                return
            patience.move(min(deadline, now() + idle_s))
        if out := relay.feed(framing.flush()):
            await send({"type": "http.response.body", "body": out, "more_body": True})


def _too_slow(x: Exchange, answer: Streaming) -> UpstreamTimeout:
    if x.patience.loop.time() >= answer.deadline:
        return UpstreamTimeout("The answer took longer than the call's time.", code="total_timeout")
    return UpstreamTimeout("The provider fell silent in the middle of its answer.", code="idle_timeout")


def _close(x: Exchange, answer: Streaming, error: NaruError | None) -> tuple[bytes, NaruError | None]:
    """The last bytes for the client, and the error to record; sets both statuses."""
    attempt, relay = answer.attempt, answer.relay
    if relay.is_ended and error is None:
        attempt.status = x.status = "ok"
        return b"", None
    attempt.status = x.status = "partial"
    tail = b""
    if error is None:
        error = UpstreamError(
            "The provider's stream broke off before its end.", code="upstream_truncated", is_retryable=True
        )
        if relay.finish_reason is not None and not answer.framing.has_rest:
            # Everything was said and only the terminal event is missing. The client gets what it got; the
            # ledger says partial, since usage that comes last may be missing too.
            return relay.end_without_mark(), error
    tail += relay.flush() + x.endpoint.dialect.encode_stream_error(
        status=error.status, type=error.type, code=error.code, message=error.message, request_id=x.id
    )
    return tail, error
