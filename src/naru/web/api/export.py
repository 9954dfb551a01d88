"""Calls written as CSV or JSON lines, in blocks, so that a long export neither waits nor fills memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from naru.kernel.cells import quote_formula
from naru.kernel.money import format_usd
from naru.kernel.tokens import BUCKETS
from naru.metering.models import Call
from naru.web.api.schemas import CallOut
from naru.web.window import time_from_ns

_BLOCK: Final = 200
COLUMNS: Final = (
    "id", "started_at", "endpoint", "is_stream", "key_id", "org", "team", "project", "user", "tags", "route",
    "model_asked", "model_served", "provider", "site", "status", "http_status", "error_code", "error_class",
    "finish_reason", "first_token_ms", "duration_ms", "overhead_ms", *BUCKETS, "is_usage_estimated",
    "cost_usd", "cost_state", "price_version", "cache", "masked_count", "energy_wh", "attempts",
)  # fmt: skip


def render_csv(calls: Iterable[Call]) -> Iterator[str]:
    """A byte order mark (Excel reads Korean as UTF-8 only with one), a header, a line a call."""
    yield "\ufeff" + _lines([COLUMNS])
    for block in _blocks(calls):
        yield _lines(_row(call) for call in block)


def render_jsonl(calls: Iterable[Call]) -> Iterator[str]:
    """One JSON object a line, in the shape of `GET /api/calls/{id}`."""
    for block in _blocks(calls):
        yield "".join(CallOut.of(call).model_dump_json() + "\n" for call in block)


def _blocks(calls: Iterable[Call]) -> Iterator[list[Call]]:
    iterator = iter(calls)
    while block := list(islice(iterator, _BLOCK)):
        yield block


def _row(call: Call) -> list[object]:
    usage = call.usage
    return [
        call.id,
        time_from_ns(call.started_at_ns).isoformat(),
        call.endpoint,
        call.is_stream,
        call.key_id,
        call.org,
        call.team,
        call.project,
        call.user,
        ",".join(f"{key}={value}" for key, value in call.tags.items()),
        call.route,
        call.model_asked,
        call.model_served,
        call.provider,
        call.site,
        call.status,
        call.http_status,
        call.error_code,
        call.error_class,
        call.finish_reason,
        call.first_token_ms,
        call.duration_ms,
        call.overhead_ms,
        *(getattr(usage, bucket) if usage else None for bucket in BUCKETS),
        usage.is_estimated if usage else None,
        None if call.cost.nano_usd is None else format_usd(call.cost.nano_usd),
        call.cost.state,
        call.cost.price_version,
        call.cache,
        call.masked_count,
        call.energy_wh,
        len(call.attempts),
    ]


def _lines(rows: Iterable[Iterable[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        # Clients choose model names, users and tags.
        writer.writerow([quote_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return buffer.getvalue()
