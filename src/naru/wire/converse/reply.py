"""A whole Converse answer, its usage and its errors."""

from __future__ import annotations

from naru.kernel.tokens import Usage
from naru.wire.converse.blocks import read_blocks
from naru.wire.faults import NAMELESS, find_object, plain_fault
from naru.wire.loose import count_of, find_json, list_of, object_of, text_of
from naru.wire.model import (
    Choice,
    FinishReason,
    Json,
    Reply,
    Summary,
    UpstreamFault,
)
from naru.wire.turns import output_chars

_FINISHES: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
}
_STATUSES = {
    "accessDeniedException": 403,
    "conflictException": 409,
    "expiredTokenException": 403,
    "internalServerException": 500,
    "modelErrorException": 424,
    "modelNotReadyException": 429,
    "modelStreamErrorException": 424,
    "modelTimeoutException": 408,
    "resourceNotFoundException": 404,
    "serviceQuotaExceededException": 400,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "unrecognizedClientException": 403,
    "validationException": 400,
}


def read_finish(reason: object) -> FinishReason | None:
    """An unknown reason (`malformed_tool_use` among them) reads as an ordinary stop; None stays None."""
    name = text_of(reason)
    return None if name is None else _FINISHES.get(name, "stop")


def read_usage(report: object, service_tier: object = None) -> Usage | None:
    """Converse's counts are disjoint already: input excludes what the cache gave and took."""
    fields = object_of(report)
    fresh, output = count_of(fields.get("inputTokens")), count_of(fields.get("outputTokens"))
    read, written = (
        count_of(fields.get("cacheReadInputTokens")),
        count_of(fields.get("cacheWriteInputTokens")),
    )
    if fresh is None and output is None and read is None and written is None:
        return None
    short, long = _cache_writes(fields, written)
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        output_tokens=output,
        service_tier=text_of(object_of(service_tier).get("type")),
    )


def _cache_writes(fields: Json, total: int | None) -> tuple[int | None, int | None]:
    """(5-minute, 1-hour) writes; what the details do not explain was written at the default, five minutes."""
    by_ttl = {"5m": 0, "1h": 0}
    details = [object_of(item) for item in list_of(fields.get("cacheDetails"))]
    for detail in details:
        ttl = text_of(detail.get("ttl"))
        if ttl in by_ttl:
            by_ttl[ttl] += count_of(detail.get("inputTokens")) or 0
    if not details:
        return total, None
    return max(total or 0, sum(by_ttl.values())) - by_ttl["1h"], by_ttl["1h"]


def decode_reply(body: Json) -> Reply:
    """Lenient: what cannot be read is left out. Converse names neither the answer nor the model."""
    message = object_of(object_of(body.get("output")).get("message"))
    parts = read_blocks(message.get("content"))
    more = object_of(body.get("additionalModelResponseFields"))
    choice = Choice(index=0, parts=parts, finish=read_finish(body.get("stopReason")))
    choice.stop_sequence = text_of(more.get("stop_sequence"))
    usage = read_usage(body.get("usage"), body.get("serviceTier"))
    return Reply(id="", model="", created=0, choices=[choice], usage=usage or Usage())


def summarize(body: bytes) -> Summary:
    """Never raises."""
    value = find_json(body)
    if not isinstance(value, dict):
        return Summary(id=None, model=None, usage=None, finish=None, output_chars=0)
    choice = decode_reply(value).choices[0]
    usage = read_usage(value.get("usage"), value.get("serviceTier"))
    return Summary(
        id=None, model=None, usage=usage, finish=choice.finish, output_chars=output_chars(choice.parts)
    )


def read_exception(name: str, error: Json, status: int | None = None) -> UpstreamFault:
    """An exception by its name; the name may be capitalised and may follow a namespace."""
    name = name.rpartition("#")[2].partition(":")[0]
    name = name[:1].lower() + name[1:]
    message = text_of(error.get("message")) or text_of(error.get("Message")) or NAMELESS
    original = count_of(error.get("originalStatusCode"))
    if status is None or status < 400:
        status = _STATUSES.get(name, 500 if name.endswith(("Exception", "Error")) else None)
    if original is not None and 400 <= original < 600 and name == "modelStreamErrorException":
        status = original
    return UpstreamFault(message=message, type=name or None, code=name or None, status=status)


def decode_fault(status: int, body: bytes) -> UpstreamFault:
    """The error an upstream answered with; copes with HTML, plain text and nothing at all."""
    value = find_object(body)
    if value is None:
        return plain_fault(status, body)
    return read_exception(text_of(value.get("__type")) or text_of(value.get("code")) or "", value, status)
