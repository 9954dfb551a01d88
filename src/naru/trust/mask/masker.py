"""Masks one request: every text is looked at, every value found is replaced, in all fields with one map.

Two passes: first all texts are looked at and numbers given in order of appearance, then what was found
anywhere is also replaced where only its letters tell.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from naru.trust.entity import Entity
from naru.trust.mask import fakes, tokens
from naru.trust.mask.fields import Slot, Walk
from naru.trust.mask.known import KnownValues
from naru.trust.mask.normal import trim
from naru.trust.mask.note import add_note
from naru.trust.mask.pieces import Document, Piece, Span
from naru.trust.mask.rules import Rules
from naru.trust.mask.vault import Conversation, Entry

Find = Callable[[str], Sequence[Entity]]


@dataclass(frozen=True, slots=True)
class Masked:
    """What became of a request.

    Attributes:
        fields: as they may leave. A field without a hit is the very bytes that came.
        counts: masked places by type, further occurrences included.
        entities: (field, entity) of what detection found, offsets in the text that stood in that field.
        blocked: types found that must not leave at all. They are masked in `fields` nonetheless.
        inside: types found whose calls must stay inside. They are NOT masked in `fields`.
        opaque: kinds of content nobody could look into: `token_ids`, `image_url`, `binary`, ...
    """

    fields: dict[str, msgspec.Raw]
    counts: dict[str, int] = field(default_factory=dict)
    entities: list[tuple[str, Entity]] = field(default_factory=list, repr=False)
    blocked: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """Masked places in all."""
        return sum(self.counts.values())


class Look:
    """A request that was looked through, and of which nothing is changed yet. Good for one `mask`.

    Args:
        fields: top-level fields of the body, raw. Not changed.
        find: spans of personal data in a text, sorted, not overlapping. What it raises goes through: the
            caller must not send then.

    Attributes:
        found: what was found in each text of the walk.
        is_clean: nothing was found, nothing looks like a placeholder, and nothing was hidden: the bytes that
            came may go on as they are.

    Raises:
        Unmaskable: a field that cannot be read in full.
    """

    __slots__ = ("found", "is_clean", "walk")

    def __init__(self, fields: dict[str, msgspec.Raw], find: Find) -> None:
        self.walk = Walk(fields)
        self.found = [find(slot.text) for slot in self.walk.slots]
        self.is_clean = not any(self.found) and not self.walk.is_hiding and not self._has_tokens()

    def _has_tokens(self) -> bool:
        return any(
            tokens.find_forged(piece.shown) or tokens.find_bare(piece.shown)
            for slot in self.walk.slots
            if tokens.may_hold_any(slot.text)
            for _, _, piece in slot.document.parts
        )

    def mask(self, endpoint: str, conversation: Conversation, rules: Rules) -> Masked:
        """The request as it may leave; arguments and errors as of `mask_request`."""
        return _Job(self, conversation, rules).run(endpoint)


def mask_request(
    endpoint: str,
    fields: dict[str, msgspec.Raw],
    *,
    find: Find,
    conversation: Conversation,
    rules: Rules,
) -> Masked:
    """Mask the fields of a request.

    Args:
        endpoint: `chat`, `completions`, `responses`, `messages` or `embeddings`.
        fields: as of `Look`.
        find: as of `Look`.
        conversation: gets what is new.
        rules: what is done about each type.

    Raises:
        VaultFull: too many different values.
        Unmaskable: a field that cannot be read in full.
    """
    return Look(fields, find).mask(endpoint, conversation, rules)


class _Job:
    __slots__ = (
        "_blocked",
        "_conversation",
        "_counts",
        "_entities",
        "_inside",
        "_looked",
        "_rules",
        "_walk",
    )

    def __init__(self, looked: Look, conversation: Conversation, rules: Rules) -> None:
        self._looked = looked
        self._walk = looked.walk
        self._conversation = conversation
        self._rules = rules
        self._counts: dict[str, int] = {}
        self._entities: list[tuple[str, Entity]] = []
        self._blocked: set[str] = set()
        self._inside: set[str] = set()

    def run(self, endpoint: str) -> Masked:
        walk, conversation, rules = self._walk, self._conversation, self._rules
        for slot, found in zip(walk.slots, self._looked.found, strict=True):
            self._mark(slot, found)
        if not conversation.is_empty and rules.propagate:
            self._propagate()
        fields = walk.written()
        if rules.note and any(e.fake is None and e.type != tokens.LITERAL for e in conversation.entries()):
            add_note(endpoint, fields)
        return Masked(
            fields=fields,
            counts=self._counts,
            entities=self._entities,
            blocked=frozenset(self._blocked),
            inside=frozenset(self._inside),
            opaque=frozenset(walk.opaque),
        )

    def _propagate(self) -> None:
        """Second pass: what was found anywhere, wherever its letters stand."""
        rules = self._rules
        known = KnownValues(
            entry
            for entry in self._conversation.entries()
            if rules.action_of(entry.type) in ("mask", "block")
        )
        if known.is_empty:
            return
        for slot in self._walk.slots:
            for _, _, piece in slot.document.parts:
                self._look_again(piece, known)

    def _share(self, document: Document, found: Iterable[Entity]) -> dict[int, list[tuple[int, int, str]]]:
        """The hits of each part. An entity may reach over a value's end: each value keeps its share."""
        hits: dict[int, list[tuple[int, int, str]]] = {}
        parts = document.parts
        starts: list[int] = []
        for entity in found:
            starts = starts or [part[0] for part in parts]
            at = max(0, bisect_right(starts, entity.start) - 1)
            while at < len(parts) and parts[at][0] < entity.end:
                start, end, piece = parts[at]
                low, high = max(entity.start, start) - start, min(entity.end, end) - start
                if low < high:
                    self._entities.append((piece.path, entity._replace(start=low, end=high)))
                    hits.setdefault(at, []).append((low, high, entity.type))
                at += 1
        return hits

    def _mark(self, slot: Slot, found: Sequence[Entity]) -> None:
        if not found and not self._conversation.fakes and not tokens.may_hold_any(slot.text):
            return
        hits = self._share(slot.document, found)
        for at, (_, _, piece) in enumerate(slot.document.parts):
            forged = tokens.find_forged(piece.shown)
            if self._conversation.fakes:
                forged = sorted(forged + self._find_fakes(piece.shown))
            for label, number in tokens.find_bare(piece.shown):
                self._conversation.shut_bare(label, number)
            if at in hits or forged:
                self._replace(piece, hits.get(at, []), forged)

    def _find_fakes(self, text: str) -> list[tuple[int, int]]:
        """A fake that somebody wrote is no fake."""
        spans = []
        for fake in self._conversation.fakes:
            at = text.find(fake)
            while at >= 0:
                spans.append((at, at + len(fake)))
                at = text.find(fake, at + len(fake))
        return spans

    def _replace(self, piece: Piece, hits: list[tuple[int, int, str]], forged: list[tuple[int, int]]) -> None:
        spans = [(start, end, type) for start, end, type in hits if self._decide(type)]
        for start, end in forged:
            # Where both lie, the text of both is kept as one literal: nothing of it leaves, all comes back.
            over = [span for span in spans if span[0] < end and start < span[1]]
            if any(span[2] == tokens.LITERAL or (piece.is_whole) for span in over):
                continue
            spans = [span for span in spans if span not in over]
            low = min([start, *(span[0] for span in over)])
            high = max([end, *(span[1] for span in over)])
            spans.append((low, high, tokens.LITERAL))
        spans.sort()
        for start, end, type in spans:
            self._put(piece, start, end, type)

    def _decide(self, type: str) -> bool:
        action = self._rules.action_of(type)
        if action == "block":
            self._blocked.add(type)
        elif action == "keep_inside":
            self._inside.add(type)
        return action in ("mask", "block")

    def _put(self, piece: Piece, start: int, end: int, type: str) -> None:
        if piece.is_whole:
            if piece.spans:
                return
            entry = self._mint(type, piece.shown)
            self._span(piece, 0, len(piece.shown), entry)
            return
        value = piece.shown[start:end]
        kept = trim(type, value)
        self._span(piece, start, start + kept, self._mint(type, value[:kept]))

    def _mint(self, type: str, value: str) -> Entry:
        if type not in self._rules.fakes:
            return self._conversation.mint(type, value)
        conversation = self._conversation

        def occurs(fake: str) -> bool:
            return fake in conversation.fakes or any(fake in slot.text for slot in self._walk.slots)

        return conversation.mint(
            type, value, lambda number: fakes.make(type, value, number, conversation.id, occurs)
        )

    def _span(self, piece: Piece, start: int, end: int, entry: Entry) -> None:
        text = self._conversation.write_bare(entry) if piece.is_name else self._conversation.write(entry)
        if piece.origin is not None:
            start, end = piece.origin[start], piece.origin[end]
        piece.spans.append(Span(start, end, text))
        if entry.type != tokens.LITERAL:
            self._counts[entry.type] = self._counts.get(entry.type, 0) + 1

    def _look_again(self, piece: Piece, known: KnownValues) -> None:
        found = sorted(known.find(piece.shown), key=lambda hit: (hit[0], -hit[1]))
        if not found:
            return
        origin = piece.origin
        taken = list(piece.spans)
        starts = [span.start for span in taken]
        last = 0
        is_added = False
        for start, end, entry in found:
            low, high = (start, end) if origin is None else (origin[start], origin[end])
            at = bisect_right(starts, low)
            if low < last or (at and taken[at - 1].end > low) or (at < len(taken) and starts[at] < high):
                continue
            if piece.is_whole:
                start, end, low, high = 0, len(piece.shown), 0, len(piece.text)
                entry = self._conversation.mint(entry.type, piece.shown)
            self._span(piece, start, end, entry)
            last = high
            is_added = True
        if is_added:
            piece.spans.sort(key=lambda span: span.start)
