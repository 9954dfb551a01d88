"""Anthropic's usage object to disjoint buckets and back.

`input_tokens` there already excludes the cache. Reports are cumulative: fields are replaced, never added.
"""

from __future__ import annotations

from naru.kernel.tokens import Usage
from naru.wire.loose import count_of, object_of, text_of
from naru.wire.model import Json

_TIERS_IN = {"standard": "default"}
_TIERS_OUT = {"default": "standard", "standard": "standard", "priority": "priority", "batch": "batch"}


def merge_usage(known: Json, report: object) -> None:
    """Lay a later report over what is known: a field that is missing or null keeps its earlier value."""
    for name, value in object_of(report).items():
        if value is not None:
            known[name] = value


def read_usage(report: object) -> Usage | None:
    """Buckets of a (merged) report; None when it says nothing at all."""
    fields = object_of(report)
    total_input, read = count_of(fields.get("input_tokens")), count_of(fields.get("cache_read_input_tokens"))
    write_5m, write_1h = _cache_writes(fields)
    output = count_of(fields.get("output_tokens"))
    if total_input is None and read is None and write_5m is None and output is None:
        return None
    thinking = count_of(object_of(fields.get("output_tokens_details")).get("thinking_tokens"))
    if output is None:
        thinking = None
    elif thinking is not None:
        thinking = min(thinking, output)
        output -= thinking
    tier = text_of(fields.get("service_tier"))
    if fields.get("speed") == "fast":
        tier = "fast"  # priced apart from every tier, and reported apart from it too
    return Usage(
        input_tokens=total_input,
        cache_read_tokens=read,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        output_tokens=output,
        reasoning_tokens=thinking,
        service_tier=_TIERS_IN.get(tier, tier) if tier else None,
    )


def _cache_writes(fields: Json) -> tuple[int | None, int | None]:
    """(5-minute, 1-hour) writes. The total may grow after the breakdown was sent (server tools): what the
    breakdown does not explain was written at the default lifetime, five minutes."""
    total = count_of(fields.get("cache_creation_input_tokens"))
    breakdown = object_of(fields.get("cache_creation"))
    short = count_of(breakdown.get("ephemeral_5m_input_tokens"))
    long = count_of(breakdown.get("ephemeral_1h_input_tokens"))
    if total is None and short is None and long is None:
        return None, None
    return max(total or 0, (short or 0) + (long or 0)) - (long or 0), long


def write_usage(usage: Usage | None) -> Json:
    """The usage object of a whole message. Anthropic's types have no unknown: an unknown count shows as 0."""
    usage = usage or Usage()
    report = write_delta_usage(usage)
    write_5m, write_1h = usage.cache_write_5m_tokens, usage.cache_write_1h_tokens
    if write_5m is not None or write_1h is not None:
        report["cache_creation"] = {
            "ephemeral_5m_input_tokens": write_5m or 0,
            "ephemeral_1h_input_tokens": write_1h or 0,
        }
    if usage.service_tier in _TIERS_OUT:
        report["service_tier"] = _TIERS_OUT[usage.service_tier]
    return report


def write_delta_usage(usage: Usage | None) -> Json:
    """The cumulative usage of `message_delta`."""
    usage = usage or Usage()
    report: Json = {
        "input_tokens": (usage.input_tokens or 0)
        + (usage.input_audio_tokens or 0)
        + (usage.input_image_tokens or 0),
        "output_tokens": usage.total_output_tokens,
    }
    if usage.cache_read_tokens is not None:
        report["cache_read_input_tokens"] = usage.cache_read_tokens
    if usage.cache_write_5m_tokens is not None or usage.cache_write_1h_tokens is not None:
        report["cache_creation_input_tokens"] = (usage.cache_write_5m_tokens or 0) + (
            usage.cache_write_1h_tokens or 0
        )
    if usage.reasoning_tokens is not None:
        report["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return report
