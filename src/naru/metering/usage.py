"""Token counts when an upstream says none, and sums of counts.

An estimate errs on the high side: a bill that surprises is better found in the ledger than on the invoice.
No tokenizer is used: each vendor's differs, and some would have to be downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from naru.kernel.tokens import BUCKETS, Usage

MAX_TOKENS = 10**10
"""More than any request can hold. A larger count, or one below zero, is a fault of the upstream: unknown."""

_ASCII = bytes(range(128))


# Only from the start of a run: else 511 letters and a quote, over and over, would take seconds to search.
_BLOB = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{512,}+={0,2}")
_MAY_HOLD_BLOB = 4_096
_ATTACHMENTS = (
    b"image_url",
    b"input_image",
    b'"image"',
    b"input_audio",
    b'"file"',
    b'"document"',
    b"file_id",
)
_ATTACHMENT_TOKENS = 1_600
_BLOB_TOKENS = 1_000
"""For one image, sound or file in base64, whatever its size: vendors ask about 85 to 1,600 for an image."""


def estimate_tokens(text: str | bytes) -> int:
    """Tokens of a text or of a JSON body: a quarter of its ASCII bytes plus 0.7 of its other characters.

    English runs at about 4 characters a token and Hangul at 1.4 to 2 characters; characters of two bytes
    (accents, Cyrillic) are counted as two thirds of one. Base64 counts 1,000 tokens a piece, not by size.
    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    blobs = 0
    if len(data) > _MAY_HOLD_BLOB:
        data, blobs = _BLOB.subn(b"", data)
    wide_bytes = len(data.translate(None, _ASCII))
    return _tokens(len(data) - wide_bytes, wide_bytes) + blobs * _BLOB_TOKENS


def bound_input_tokens(body: bytes) -> int:
    """Tokens that a request will hardly exceed: one for every two bytes of its JSON, and a flat allowance for
    each image, sound or file, whether it is sent along or named by an address."""
    attachments = 0
    for mark in _ATTACHMENTS:
        attachments += body.count(mark)
    if attachments and len(body) > _MAY_HOLD_BLOB:
        body = _BLOB.sub(b"", body)
    return len(body) // 2 + 1 + attachments * _ATTACHMENT_TOKENS


def estimate_tokens_from_size(*, chars: int, bytes: int | None = None) -> int:
    """Tokens of a text whose size alone is known.

    With its UTF-8 size the share of wide characters follows, and the rule is that of `estimate_tokens`;
    without, every two characters count as a token, which is enough for most scripts and high for English.
    """
    if bytes is None:
        return -(-chars // 2)
    wide_chars = max(bytes - chars, 0) // 2
    return _tokens(max(chars - wide_chars, 0), 3 * wide_chars)


def _tokens(ascii_bytes: int, wide_bytes: int) -> int:
    return -(-(ascii_bytes * 15 + wide_bytes * 14) // 60)  # 1/4 a byte, 0.7/3 a byte, rounded up


def sum_usage(usages: Iterable[Usage | None]) -> Usage | None:
    """Bucket by bucket; None where nobody said. The tier is kept only where all agree, and one estimate
    makes the sum an estimate. None when no usage is known at all."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    totals: dict[str, int | None] = {}
    for bucket in BUCKETS:
        said = [n for usage in known if (n := getattr(usage, bucket)) is not None]
        totals[bucket] = sum(said) if said else None
    tiers = {usage.service_tier for usage in known}
    return Usage(
        input_tokens=totals["input_tokens"],
        cache_read_tokens=totals["cache_read_tokens"],
        cache_write_5m_tokens=totals["cache_write_5m_tokens"],
        cache_write_1h_tokens=totals["cache_write_1h_tokens"],
        input_audio_tokens=totals["input_audio_tokens"],
        input_image_tokens=totals["input_image_tokens"],
        output_tokens=totals["output_tokens"],
        reasoning_tokens=totals["reasoning_tokens"],
        output_audio_tokens=totals["output_audio_tokens"],
        output_image_tokens=totals["output_image_tokens"],
        service_tier=tiers.pop() if len(tiers) == 1 else None,
        is_estimated=any(usage.is_estimated for usage in known),
    )
