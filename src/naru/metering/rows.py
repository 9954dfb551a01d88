"""Between the frozen structs and rows of the two tables, both ways.

Runs beside the road for every call, so the way in is written out flat: no reflection, no dictionaries.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from naru.kernel.tokens import BUCKETS, Usage
from naru.metering.models import Attempt, Call, Cost
from naru.metering.usage import MAX_TOKENS

Row = tuple[object, ...]

_MAX_TEXT = 512
"""Longest text kept of what a client or an upstream chose (a model name may be as long as a body)."""
_MAX_INT = 2**63 - 1
_NO_USAGE = (None,) * (len(BUCKETS) + 2)
_encode_json = msgspec.json.Encoder(order="deterministic").encode
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MAX_TEXT else text[:_MAX_TEXT]


def _tags(tags: dict[str, str]) -> str:
    try:
        return _encode_json(tags).decode()
    except UnicodeEncodeError:
        return _encode_json({_text(k): _text(v) for k, v in tags.items()}).decode()


def _usage_row(usage: Usage | None) -> Row:
    if usage is None:
        return _NO_USAGE
    counts: tuple[int | None, ...]
    counts = (
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.input_audio_tokens,
        usage.input_image_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.output_audio_tokens,
        usage.output_image_tokens,
    )
    for count in counts:
        if count and not 0 < count <= MAX_TOKENS:
            # One absurd count would overflow every sum it is part of, and with it the console.
            counts = tuple(n if n is None or 0 <= n <= MAX_TOKENS else None for n in counts)
            break
    return (*counts, _cut(usage.service_tier), usage.is_estimated)


def call_row(call: Call) -> Row:
    """The row of `calls`, in the order of its columns."""
    cost = call.cost
    return (
        call.id,
        call.started_at_ns,
        call.endpoint,
        call.is_stream,
        call.key_id,
        call.org,
        call.team,
        call.project,
        _cut(call.user),
        _tags(call.tags) if call.tags else None,
        call.route,
        _cut(call.model_asked),
        _cut(call.model_served),
        call.provider,
        call.site,
        call.status,
        call.http_status,
        _cut(call.error_code),
        call.error_class,
        _cut(call.finish_reason),
        call.first_token_ms,
        call.duration_ms,
        call.overhead_ms,
        *_usage_row(call.usage),
        cost.nano_usd,
        cost.state,
        cost.price_version,
        call.cache,
        call.masked_count,
        call.energy_wh,
        call.energy_source,
        call.policy,
    )


def attempt_row(call_id: str, attempt: Attempt) -> Row:
    """The row of `attempts`, in the order of its columns."""
    cost = attempt.cost
    return (
        call_id,
        attempt.number,
        attempt.id,
        attempt.started_at_ns,
        attempt.provider,
        attempt.vendor,
        attempt.site,
        _cut(attempt.model),
        attempt.status,
        attempt.upstream_status,
        _cut(attempt.error_code),
        _cut(attempt.finish_reason),
        attempt.first_token_ms,
        attempt.duration_ms,
        *_usage_row(attempt.usage),
        cost.nano_usd,
        cost.state,
        cost.price_version,
    )


def storable(row: Row) -> Row:
    """The same row with what no database takes replaced: lone surrogates and NULs by `?`, numbers beyond
    64 bits by NULL. One strange request must not keep everybody's rows out of the ledger."""
    return tuple(_storable(value) for value in row)


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\0", "?")


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and abs(value) > _MAX_INT:
        return None
    return value


def read_usage(row: sa.RowMapping) -> Usage | None:
    """None when the row says that nobody knows."""
    if row["is_usage_estimated"] is None:
        return None
    return Usage(
        **{name: row[name] for name in BUCKETS},
        service_tier=row["service_tier"],
        is_estimated=row["is_usage_estimated"],
    )


def read_cost(row: sa.RowMapping) -> Cost:
    """As it was frozen when the call was settled; a later price list changes nothing."""
    return Cost(nano_usd=row["cost_nano_usd"], state=row["cost_state"], price_version=row["price_version"])


_CALL_FIELDS = tuple(
    f for f in Call.__struct_fields__ if f not in {"user", "tags", "usage", "cost", "attempts"}
)
_ATTEMPT_FIELDS = tuple(f for f in Attempt.__struct_fields__ if f not in {"usage", "cost"})


def read_call(row: sa.RowMapping, attempts: tuple[Attempt, ...]) -> Call:
    fields: dict[str, Any] = {name: row[name] for name in _CALL_FIELDS}
    return Call(
        **fields,
        user=row["user_name"],
        tags=_decode_tags(row["tags"]) if row["tags"] else {},
        usage=read_usage(row),
        cost=read_cost(row),
        attempts=attempts,
    )


def read_attempt(row: sa.RowMapping) -> Attempt:
    fields: dict[str, Any] = {name: row[name] for name in _ATTEMPT_FIELDS}
    return Attempt(**fields, usage=read_usage(row), cost=read_cost(row))
