"""Gemini's `usageMetadata` to disjoint buckets.

`promptTokenCount` includes the cached tokens; `thoughtsTokenCount` stands beside `candidatesTokenCount`;
`toolUsePromptTokenCount` is more input. Zeros are left out of the JSON. Each chunk repeats the counts so far.
"""

from __future__ import annotations

from naru.kernel.tokens import Usage
from naru.wire.loose import count_of, list_of, object_of, text_of
from naru.wire.model import Json

_TIERS = {"standard": "default"}


def read_usage(metadata: object) -> Usage | None:
    """Buckets of a (merged) report; None when it counts nothing."""
    fields = object_of(metadata)
    prompt = count_of(fields.get("promptTokenCount"))
    candidates = count_of(fields.get("candidatesTokenCount"))
    thoughts = count_of(fields.get("thoughtsTokenCount"))
    total = count_of(fields.get("totalTokenCount"))
    if prompt is None and candidates is None and thoughts is None and total is None:
        return None
    tools = count_of(fields.get("toolUsePromptTokenCount")) or 0
    if candidates is None and total is not None and prompt is not None:
        candidates = max(0, total - prompt - tools - (thoughts or 0))
    cached = count_of(fields.get("cachedContentTokenCount"))
    fresh = audio = image = None
    if prompt is not None:
        cached = None if cached is None else min(cached, prompt)
        audio, image = _fresh_media(fields, prompt - (cached or 0))
        fresh = prompt - (cached or 0) - (audio or 0) - (image or 0) + tools
    out_audio = out_image = None
    if candidates is not None:
        details = fields.get("candidatesTokensDetails")
        out_audio = _least(_modality(details, "AUDIO"), candidates)
        out_image = _least(_modality(details, "IMAGE"), candidates - (out_audio or 0))
        candidates -= (out_audio or 0) + (out_image or 0)
    tier = text_of(fields.get("serviceTier"))
    tier = tier.lower() if tier else None
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=cached,
        input_audio_tokens=audio,
        input_image_tokens=image,
        output_tokens=candidates,
        reasoning_tokens=thoughts,
        output_audio_tokens=out_audio,
        output_image_tokens=out_image,
        service_tier=_TIERS.get(tier, tier) if tier else None,
    )


def _fresh_media(fields: Json, left: int) -> tuple[int | None, int | None]:
    """Audio and image input that did not come from the cache."""
    asked, cached = fields.get("promptTokensDetails"), fields.get("cacheTokensDetails")
    audio = _less(_modality(asked, "AUDIO"), _modality(cached, "AUDIO"))
    audio = _least(audio, left)
    image = _less(_modality(asked, "IMAGE"), _modality(cached, "IMAGE"))
    return audio, _least(image, left - (audio or 0))


def _modality(details: object, name: str) -> int | None:
    counts = [
        count_of(object_of(item).get("tokenCount")) or 0
        for item in list_of(details)
        if object_of(item).get("modality") == name
    ]
    return sum(counts) if counts else None


def _less(count: int | None, part: int | None) -> int | None:
    return None if count is None else max(0, count - (part or 0))


def _least(count: int | None, bound: int) -> int | None:
    return None if count is None else min(count, bound)
