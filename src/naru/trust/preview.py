"""One text on its own: what is found in it, and how it would leave. Nothing is kept or logged."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable

import msgspec

from naru.trust.entity import Entity
from naru.trust.mask import Conversation, KnownValues, Masked, Rules, is_hiding, mask_request, reveal

_AGAIN = 0.6
"""Sure enough to be masked, and less than where something stood beside it that says what it is."""
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Preview(msgspec.Struct, frozen=True):
    """What became of a text."""

    masked: str
    entities: list[Entity]
    """Offsets are code points of the text as it was given. A value that was found once is an entity wherever
    it stands, as it is masked there, too."""
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
    conversation = conversation or Conversation("")
    read, places = reveal(text) if is_hiding(text) else (text, None)
    seen: list[Entity] | None = None

    def look(part: str) -> list[Entity]:
        nonlocal seen
        found = list(find(part))
        if part == read:
            seen = found
        return found

    masked = Masked({})
    if text:
        fields = {"prompt": msgspec.Raw(msgspec.json.encode(text))}
        masked = mask_request("completions", fields, find=look, conversation=conversation, rules=rules)
    shown = masked.fields.get("prompt")
    found = list(find(read)) if seen is None else seen  # JSON is masked value by value
    if not conversation.is_empty:
        found = _find_again(read, found, conversation)
    if places is not None:
        found = [entity._replace(start=places[entity.start], end=places[entity.end]) for entity in found]
    return Preview(
        masked=text if shown is None else msgspec.json.decode(shown, type=str),
        entities=found,
        blocked=masked.blocked,
        inside=masked.inside,
    )


def _find_again(text: str, found: list[Entity], conversation: Conversation) -> list[Entity]:
    known = KnownValues(conversation.entries())
    if known.is_empty:
        return found
    starts = [entity.start for entity in found]
    again: list[Entity] = []
    last = 0
    for start, end, entry in sorted(known.find(text), key=lambda hit: (hit[0], -hit[1])):
        at = bisect_right(starts, start)
        is_taken = (at and found[at - 1].end > start) or (at < len(found) and starts[at] < end)
        if start >= last and not is_taken:
            again.append(Entity(entry.type, start, end, _AGAIN, "the same value as elsewhere"))
            last = end
    return sorted([*found, *again], key=lambda entity: entity.start) if again else found
