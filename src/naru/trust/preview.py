"""One text on its own: what is found in it, and how it would leave. Nothing is kept or logged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from naru.trust.entity import Entity
from naru.trust.mask import Conversation, Masked, Rules, mask_request

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Preview(msgspec.Struct, frozen=True):
    """What became of a text."""

    masked: str
    entities: list[Entity]
    """Offsets are code points of the text as it was given."""
    blocked: frozenset[str]
    """Types because of which it would be sent nowhere."""
    inside: frozenset[str]
    """Types because of which it would stay inside; not masked in `masked`."""


def preview(
    text: str, find: Callable[[str], Iterable[Entity]], rules: Rules, conversation: Conversation | None = None
) -> Preview:
    """Look through a text and mask it, as the prompt of a call.

    Args:
        text: half a surrogate pair in it is read as U+FFFD.
        find: as of `mask_request`. What it raises goes through.
        rules: without a note to a model.
        conversation: whose placeholders go on; None: this text is one by itself.
    """
    text = _HALF_PAIR.sub("\ufffd", text)
    seen: list[Entity] | None = None

    def look(part: str) -> Iterable[Entity]:
        nonlocal seen
        found = list(find(part))
        if part == text:
            seen = found
        return found

    masked = Masked({})
    if text:
        fields = {"prompt": msgspec.Raw(msgspec.json.encode(text))}
        masked = mask_request(
            "completions", fields, find=look, conversation=conversation or Conversation(""), rules=rules
        )
    shown = masked.fields.get("prompt")
    return Preview(
        masked=text if shown is None else msgspec.json.decode(shown, type=str),
        entities=list(find(text)) if seen is None else seen,  # JSON is masked value by value
        blocked=masked.blocked,
        inside=masked.inside,
    )
