"""What the playground shows beside an answer: what was typed, what of it left, and what came back masked.

The text is masked once more, on the road's own code and by the same policy: nothing of a call is kept for
it, and only who typed a text, in the page in which they typed it, can send it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import msgspec

from naru.identity import Principal
from naru.kernel.errors import NaruError
from naru.trust import DetectionFailed
from naru.trust.book import PolicyBook
from naru.trust.entity import Entity
from naru.trust.mask import LITERAL, Conversation, Entry, Masked, Rules, mask_request
from naru.trust.policy import Policy

MAX_TEXT: Final = 200_000
MAX_TURNS: Final = 400
_MIN_AGAIN: Final = 2
_ELSEWHERE: Final = "found elsewhere in the conversation"


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message, as the page sends it to the model."""

    role: Literal["system", "user", "assistant"]
    content: str

    def __repr__(self) -> str:
        return f"Turn({self.role})"


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of text; with a type when it is something found, or what stands in its place."""

    text: str
    type: str | None = None
    action: str | None = None
    title: str | None = None

    def __repr__(self) -> str:
        return f"Piece({self.type})"


class Seen(msgspec.Struct, frozen=True):
    """All three panes."""

    is_enabled: bool
    is_inside: bool
    stopped: Literal["block", "keep_inside"] | None
    """Why nothing left; None when it did."""
    count: int
    """Masked places."""
    turns: list[list[Piece]]
    """Each message as it was typed."""
    left: list[dict[str, Any]]
    """Messages as they left, `{"role", "pieces"}`, with the note to the model where there is one."""
    answer: list[Piece] | None
    """What came back, restored; None without an answer."""
    came: list[Piece] | None
    """The same as the provider sent it: with what stands in the place of values."""


def see(
    policies: PolicyBook,
    caller: Principal,
    turns: list[Turn],
    *,
    model: str,
    site: str,
    answer: str | None = None,
) -> Seen:
    """Mask a conversation as the road does for a target at `site`. Blocks on the database.

    Raises:
        DetectionFailed: it could not be looked through.
        NaruError: of the masker's own, in words for who typed it.
    """
    settings = policies.settings
    is_inside = site in settings.inside_sites
    policy = policies.read_table().resolve(
        caller.org, caller.team, caller.project, model, site, is_inside=is_inside
    )
    scan = policies.find_scanner(caller.org, caller.team).scan
    conversation = Conversation("")
    rules = Rules(actions=policy.action_of, fakes=frozenset(policy.fakes), note=settings.note_to_model)
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    is_looked_at = settings.is_enabled and not policy.allows_all
    try:
        masked = Masked({"messages": msgspec.Raw(msgspec.json.encode(messages))})
        if is_looked_at:
            masked = mask_request("chat", masked.fields, find=scan, conversation=conversation, rules=rules)
        marks = [
            _mark(turn.content, scan if is_looked_at else _nothing, conversation, policy) for turn in turns
        ]
    except NaruError:
        raise
    except Exception:  # noqa: BLE001 - not a word of what was in the text may reach a log
        raise DetectionFailed("The text could not be looked through. Try a shorter one.") from None
    stands = {conversation.write(entry): entry for entry in conversation.entries()}
    left = msgspec.json.decode(masked.fields["messages"]) if not conversation.is_empty else messages
    stopped: Literal["block", "keep_inside"] | None = None
    if masked.blocked:
        stopped = "block"
    elif masked.inside and not is_inside:
        stopped = "keep_inside"
    restored = None if answer is None else _occurrences(answer, conversation.entries())
    return Seen(
        is_enabled=settings.is_enabled,
        is_inside=is_inside,
        stopped=stopped,
        count=masked.count,
        turns=marks,
        left=[
            {"role": message["role"], "pieces": _cut_at_stands(str(message["content"]), stands)}
            for message in left
        ]
        if stopped is None
        else [],
        answer=None
        if answer is None or restored is None
        else _cut(answer, [(start, end, entry.type, "mask", None) for start, end, entry in restored]),
        came=None if answer is None or restored is None else _came(answer, restored, conversation),
    )


def _nothing(_: str) -> Iterable[Entity]:
    return ()


_Span = tuple[int, int, str, str, str | None]


def _mark(
    text: str, find: Callable[[str], Iterable[Entity]], conversation: Conversation, policy: Policy
) -> list[Piece]:
    """What detection finds in a text, and in what is left the values that were found elsewhere."""
    spans: list[_Span] = [
        (e.start, e.end, e.type, policy.action_of(e.type), f"{e.score:.2f} · {e.reason}") for e in find(text)
    ]
    taken = [(start, end) for start, end, *_ in spans]
    for start, end, entry in _occurrences(text, conversation.entries()):
        if all(end <= other_start or start >= other_end for other_start, other_end in taken):
            spans.append((start, end, entry.type, "mask", _ELSEWHERE))
    return _cut(text, sorted(spans))


def _occurrences(text: str, entries: Iterable[Entry]) -> list[tuple[int, int, Entry]]:
    """Where values stand letter by letter, the longest first where two overlap."""
    found: list[tuple[int, int, Entry]] = []
    taken = bytearray(len(text))
    for entry in sorted(entries, key=lambda entry: -len(entry.value)):
        value = entry.value
        start = text.find(value) if len(value) >= _MIN_AGAIN else -1
        while start >= 0:
            end = start + len(value)
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * len(value)
                found.append((start, end, entry))
            start = text.find(value, end)
    return sorted(found, key=lambda item: item[0])


def _cut(text: str, spans: list[_Span]) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    for start, end, type, action, title in spans:
        if start > at:
            pieces.append(Piece(text[at:start]))
        pieces.append(Piece(text[start:end], _shown(type), action, title))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:]))
    return pieces


def _came(text: str, restored: list[tuple[int, int, Entry]], conversation: Conversation) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    for start, end, entry in restored:
        if start > at:
            pieces.append(Piece(text[at:start]))
        pieces.append(Piece(conversation.write(entry), _shown(entry.type), "mask"))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:]))
    return pieces


def _cut_at_stands(text: str, stands: dict[str, Entry]) -> list[Piece]:
    spans: list[_Span] = []
    taken = bytearray(len(text))
    for stand in sorted(stands, key=len, reverse=True):
        start = text.find(stand)
        while start >= 0:
            end = start + len(stand)
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * len(stand)
                spans.append((start, end, stands[stand].type, "mask", None))
            start = text.find(stand, end)
    return _cut(text, sorted(spans))


def _shown(type: str) -> str:
    return "*" if type == LITERAL else type
