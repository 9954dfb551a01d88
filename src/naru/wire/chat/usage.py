"""OpenAI's usage object, as its own servers and those that copy it write it, to disjoint buckets and back.

`prompt_tokens` includes what came from the cache and `completion_tokens` what was reasoned, so details
are taken out of the totals, never added; the buckets always sum to what was billed.
"""

from __future__ import annotations

from collections.abc import Mapping

from naru.kernel.tokens import Usage
from naru.wire.model import Json

Counts = dict[str, int]
"""Raw counts by name, details under `in.` and `out.`; only what the upstream said."""

_PROMPT = ("prompt_tokens", "input_tokens")
_COMPLETION = ("completion_tokens", "output_tokens")
_REASONING = ("out.reasoning_tokens", "reasoning_tokens")
_CACHED = ("in.cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
# OpenAI's own cache writes live 30 minutes; the ledger's shorter bucket is the nearest.
_WRITTEN = ("in.cache_write_tokens", "in.cache_creation_tokens", "cache_creation_input_tokens")


def merge_counts(counts: Counts, raw: object) -> bool:
    """Write the non-null counts of a usage object over `counts`; True when there were any.

    Streams repeat usage cumulatively and split it over chunks: the last non-null value of each field holds.
    """
    if not isinstance(raw, dict):
        return False
    before = len(counts)
    has_any = False
    for key, value in raw.items():
        if type(value) is int or isinstance(value, float):
            if value >= 0 and type(value) is not bool:
                counts[key] = int(value)
                has_any = True
        elif isinstance(value, dict):
            if key in ("prompt_tokens_details", "input_tokens_details"):
                has_any |= _merge_details(counts, "in.", value)
            elif key in ("completion_tokens_details", "output_tokens_details"):
                has_any |= _merge_details(counts, "out.", value)
    return has_any or len(counts) > before


def _merge_details(counts: Counts, prefix: str, details: Mapping[str, object]) -> bool:
    has_any = False
    for key, value in details.items():
        if type(value) is int and value >= 0:
            counts[prefix + key] = value
            has_any = True
    return has_any


def _first(counts: Counts, names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in counts:
            return counts[name]
    return None


def usage_from_counts(counts: Counts, service_tier: str | None = None) -> Usage:
    """Disjoint buckets. A detail larger than what is left of its total is cut down to it."""
    prompt = _first(counts, _PROMPT)
    completion = _first(counts, _COMPLETION)
    total = counts.get("total_tokens")
    if prompt is None and total is not None and completion is not None:
        prompt = max(0, total - completion)
    if completion is None and total is not None and prompt is not None and total > prompt:
        completion = total - prompt
    reasoning = _first(counts, _REASONING)
    if total is not None and prompt is not None and completion is not None:
        # xAI and Gemini's compatible endpoint bill reasoning in the total, outside completion_tokens.
        unseen = total - prompt - completion
        if unseen > 0 and (reasoning is None or reasoning == unseen):
            completion += unseen
            reasoning = unseen

    cached, written = _first(counts, _CACHED), _first(counts, _WRITTEN)
    fresh, cached, written, in_audio, in_image = _share(
        prompt, cached, written, counts.get("in.audio_tokens"), counts.get("in.image_tokens")
    )
    text, reasoning, out_audio, out_image = _share(
        completion, reasoning, counts.get("out.audio_tokens"), counts.get("out.image_tokens")
    )
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=cached,
        cache_write_5m_tokens=written,
        input_audio_tokens=in_audio,
        input_image_tokens=in_image,
        output_tokens=text,
        reasoning_tokens=reasoning,
        output_audio_tokens=out_audio,
        output_image_tokens=out_image,
        service_tier=service_tier,
    )


def _share(total: int | None, *details: int | None) -> list[int | None]:
    """What is left of `total`, then each detail, never more in sum than `total`."""
    if total is None or not any(details):
        return [total, *details]
    left = total
    shares: list[int | None] = []
    for detail in details:
        share = None if detail is None else min(detail, left)
        left -= share or 0
        shares.append(share)
    return [left, *shares]


def read_usage(raw: object, service_tier: object = None) -> Usage | None:
    """A whole usage object; None when it says nothing."""
    counts: Counts = {}
    if not merge_counts(counts, raw):
        return None
    return usage_from_counts(counts, service_tier if isinstance(service_tier, str) else None)


def is_known(usage: Usage) -> bool:
    """Whether any bucket of text was reported or estimated at all."""
    return any(
        count is not None
        for count in (
            usage.input_tokens,
            usage.cache_read_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
            usage.output_audio_tokens,
        )
    )


def write_usage(usage: Usage) -> Json:
    """The usage object of chat and completions."""
    prompt, completion = usage.total_input_tokens, usage.total_output_tokens
    prompt_details: Json = {
        "cached_tokens": usage.cache_read_tokens or 0,
        "audio_tokens": usage.input_audio_tokens or 0,
    }
    written = (usage.cache_write_5m_tokens or 0) + (usage.cache_write_1h_tokens or 0)
    if written:
        prompt_details["cache_write_tokens"] = written
    if usage.input_image_tokens:
        prompt_details["image_tokens"] = usage.input_image_tokens
    completion_details: Json = {
        "reasoning_tokens": usage.reasoning_tokens or 0,
        "audio_tokens": usage.output_audio_tokens or 0,
    }
    if usage.output_image_tokens:
        completion_details["image_tokens"] = usage.output_image_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
    }
