"""Structural rules: an order and its object near each other. A word alone never speaks for an attack.

Each rule is one pass over the few concept hits of a text (`terms`), so the whole stays linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from naru.trust.guard.markup import read_markup
from naru.trust.guard.normalise import Views, fold
from naru.trust.guard.terms import Hit, load_lexicon
from naru.trust.guard.verdict import Source, combine

Evidence = tuple[float, str]


class Near(NamedTuple):
    """Concepts that must stand within a window of code points, in any order.

    Attributes:
        concepts: all of them are needed.
        window: from the first one's start to the last one's end, in code points.
        score: how much they say.
        reason: in words for people.
        others_text: the score when the text came from a tool or was retrieved; None: the same.
        is_one_sentence: no full stop may stand between.
    """

    concepts: tuple[str, ...]
    window: int
    score: float
    reason: str
    others_text: float | None = None
    is_one_sentence: bool = False


_ASIDE = "sets earlier instructions aside"
_LEAK = "asks for the hidden prompt"
_FREE = "gives the model a role without limits"
_HIJACK = "puts another order in the place of the task"
_MENTIONED = 0.35
"""What a piece of evidence is worth inside a quotation."""
_FORCE = "forbids refusals"
_INSIDE = "speaks to the model from inside a text"
_SEND = "asks to send data out"
_DECODE = "asks to decode and obey"

NEAR: tuple[Near, ...] = (
    Near(("OVERRIDE", "PRIOR", "INSTR"), 70, 0.88, _ASIDE),
    Near(("OVERRIDE", "INSTR"), 45, 0.3, "sets instructions aside", 0.5, is_one_sentence=True),
    Near(("OVERRIDE", "MODELRULE"), 60, 0.75, _ASIDE),
    Near(("OVERRIDE", "SYSPROMPT"), 60, 0.75, _ASIDE),
    Near(("OVERRIDE", "PRIOR", "HIJACK"), 140, 0.45, _ASIDE),
    Near(("TOAI", "NOREFUSE"), 200, 0.4, _INSIDE, 0.6),
    Near(("TOAI", "DATA"), 120, 0.2, _INSIDE, 0.5),
    Near(("SCENE", "FREE"), 160, 0.3, _FREE),
    Near(("PERSONA", "FREE", "NOREFUSE"), 400, 0.8, _FREE),
    Near(("RESET",), 80, 0.42, _ASIDE),
    Near(("RESET", "INSTR"), 80, 0.85, _ASIDE),
    Near(("RESET", "SYSPROMPT"), 80, 0.85, _ASIDE),
    Near(("RESETPART",), 80, 0.3, _ASIDE),
    Near(("RESETPART", "INSTR"), 60, 0.7, _ASIDE),
    Near(("RESETPART", "SYSPROMPT"), 60, 0.7, _ASIDE),
    Near(("RESETPART", "HIJACK"), 160, 0.3, _HIJACK),
    Near(("RESETPART", "PERSONA"), 200, 0.4, _HIJACK),
    Near(("RESETPART", "TELL"), 120, 0.2, _HIJACK),
    Near(("RESET", "HIJACK"), 160, 0.55, _HIJACK),
    Near(("RESET", "TELL"), 160, 0.4, _HIJACK),
    Near(("RESET", "PERSONA"), 200, 0.6, _HIJACK),
    Near(("OVERRIDE", "INSTR", "HIJACK"), 160, 0.6, _HIJACK),
    Near(("OVERRIDE", "INSTR", "TOAI"), 160, 0.6, _HIJACK),
    Near(("OVERRIDE", "PRIOR", "HIJACK"), 120, 0.4, _HIJACK),
    Near(("OVERRIDE", "FREE"), 120, 0.35, _FREE),
    Near(("VOID", "PRIOR", "INSTR"), 60, 0.42, _ASIDE),
    Near(("VOID", "INSTR", "HIJACK"), 120, 0.5, _HIJACK),
    Near(("VOID", "PRIOR", "HIJACK"), 120, 0.3, _HIJACK),
    Near(("GRAN", "GRAVE"), 160, 0.6, "a harmful wish inside a story"),
    Near(("FRAME", "GRAVE"), 300, 0.3, "a harmful wish inside a story"),
    Near(("SCENE", "GRAVE"), 300, 0.25, "a harmful wish inside a story"),
    Near(("FRAME", "GRAVE", "DETAIL"), 300, 0.35, "a harmful wish inside a story"),
    Near(("PERSONA", "GRAVE"), 500, 0.3, "a harmful wish for another role"),
    Near(("FREE", "GRAVE"), 400, 0.4, "a harmful wish for a role without limits"),
    Near(("NOREFUSE", "GRAVE"), 400, 0.5, _FORCE),
    Near(("OVERRIDE", "GRAVE", "INSTR"), 400, 0.4, _ASIDE),
    Near(("LEAK",), 200, 0.42, _LEAK),
    Near(("LEAK", "TELL"), 90, 0.8, _LEAK),
    Near(("SYSPROMPT", "MINE", "TELL"), 90, 0.65, _LEAK),
    Near(("SYSPROMPT", "WHOLE", "TELL"), 90, 0.65, _LEAK),
    Near(("PERSONA", "FREE"), 300, 0.6, _FREE),
    Near(("PERSONA", "FREE", "AIWORD"), 250, 0.75, _FREE),
    Near(("PERSONA", "FREEWORD"), 120, 0.25, _FREE),
    Near(("PERSONA", "FREEWORD", "AIWORD"), 160, 0.6, _FREE),
    Near(("FREEWORD", "AIWORD", "NOREFUSE"), 250, 0.6, _FREE),
    Near(("FREEWORD", "JAILNAME"), 120, 0.5, "names a known jailbreak"),
    Near(("FREEWORD", "GRAVE"), 250, 0.35, "a harmful wish for a role without limits"),
    Near(("SCENE", "FREEWORD", "AIWORD"), 160, 0.4, _FREE),
    Near(("OVERRIDE", "FREEWORD"), 80, 0.25, _FREE),
    Near(("PERSONA", "JAILNAME"), 200, 0.65, "names a known jailbreak"),
    Near(("SCENE", "JAILNAME"), 60, 0.5, "names a known jailbreak"),
    Near(("YOU", "JAILNAME"), 50, 0.35, "names a known jailbreak"),
    Near(("JAILNAME", "FREE"), 300, 0.6, "names a known jailbreak"),
    Near(("SCENE", "FREE", "YOU"), 250, 0.5, _FREE),
    Near(("FREE", "YOU", "NOREFUSE"), 400, 0.6, _FREE),
    Near(("PERSONA", "NOREFUSE"), 400, 0.5, _FORCE),
    Near(("HARM", "NOREFUSE"), 400, 0.5, _FORCE),
    Near(("HARM", "PERSONA", "FRAME"), 500, 0.35, "a harmful wish inside a story"),
    Near(("HARM", "PERSONA", "FREE"), 600, 0.6, "a harmful wish for a role without limits"),
    Near(("HARM", "FREE", "YOU"), 300, 0.45, "a harmful wish for a role without limits"),
    Near(("HARM", "OVERRIDE", "MODELRULE"), 400, 0.5, _ASIDE),
    Near(("TOAI", "HIJACK"), 200, 0.55, _INSIDE, 0.75),
    Near(("TOAI", "SEND", "DATA"), 250, 0.6, _INSIDE, 0.8),
    Near(("TOAI", "OVERRIDE"), 150, 0.55, _INSIDE, 0.75),
    Near(("TOAI", "TELL"), 120, 0.25, _INSIDE, 0.5),
    Near(("TOAI", "PERSONA"), 200, 0.55, _INSIDE, 0.75),
    Near(("TOAI", "SEND"), 100, 0.25, _INSIDE, 0.55),
    Near(("TOAI", "SECRET"), 200, 0.5, _INSIDE, 0.7),
    Near(("FRAME", "LEAK"), 300, 0.5, "claims a right to the hidden prompt"),
    Near(("FRAME", "SYSPROMPT", "TELL"), 300, 0.5, "claims a right to the hidden prompt"),
    Near(("FRAME", "OVERRIDE", "MODELRULE"), 300, 0.5, "claims a right to lift the rules"),
    Near(("FRAME", "JAILNAME"), 200, 0.3, "names a known jailbreak"),
    Near(("PWNED", "TELL"), 60, 0.55, _HIJACK),
    Near(("PWNED", "HIJACK"), 90, 0.55, _HIJACK),
    Near(("PWNED", "DROPTASK"), 160, 0.6, _HIJACK),
    Near(("PWNED", "OVERRIDE"), 160, 0.55, _HIJACK),
    Near(("GUARDED", "TELL"), 60, 0.5, "asks for a secret"),
    Near(("GUARDED", "LETTERED"), 110, 0.55, "asks for a secret in pieces"),
    Near(("SECRET", "LETTERED", "TELL"), 110, 0.5, "asks for a secret in pieces"),
    Near(("CTXTOP", "TELL"), 90, 0.45, _LEAK),
    Near(("CTXTOP", "WHOLE"), 90, 0.35, "wants the whole of what came before"),
    Near(("JMODE",), 80, 0.2, "names a known jailbreak"),
    Near(("JMODE", "PERSONA"), 200, 0.5, "names a known jailbreak"),
    Near(("JMODE", "NOREFUSE"), 300, 0.5, _FORCE),
    Near(("JMODE", "FREE"), 300, 0.55, _FREE),
    Near(("JMODE", "FREEWORD"), 200, 0.5, _FREE),
    Near(("JMODE", "GRAVE"), 400, 0.55, "a harmful wish for another role"),
    Near(("JMODE", "JAILNAME"), 300, 0.5, "names a known jailbreak"),
    Near(("DROPTASK", "TELL"), 140, 0.25, _HIJACK, 0.45),
    Near(("DROPTASK", "HIJACK"), 160, 0.4, _HIJACK, 0.6),
    Near(("DROPTASK", "SYSPROMPT"), 160, 0.6, _HIJACK),
    Near(("DROPTASK", "SECRET"), 160, 0.5, _HIJACK),
    Near(("DROPTASK", "CTXTOP"), 160, 0.6, _HIJACK),
    Near(("DROPTASK", "OVERRIDE"), 160, 0.4, _HIJACK),
    Near(("AIREADER", "TELL"), 140, 0.35, _INSIDE, 0.6),
    Near(("AIREADER", "HIJACK"), 180, 0.5, _INSIDE, 0.7),
    Near(("AIREADER", "SEND"), 180, 0.4, _INSIDE, 0.6),
    Near(("AIREADER", "OVERRIDE"), 160, 0.5, _INSIDE, 0.7),
    Near(("AIREADER",), 80, 0.15, _INSIDE, 0.35),
)
"""What order of words is in all languages at once: near, in any order."""

# What was said about a hit before it, in its own sentence.
_NEGATED = re.compile(
    r"(?:\b(?:not|never|without|avoid|cannot|nicht|keinesfalls|no|ne|who|which|often|people|users|tend to"
    r"|sometimes|they|he|she|we|did|drivers|students|employees|should i|can i|may i|do i|why|were|was|is|has"
    r"|have|page|system|device|program|gets?)|n't)"
    r"(?: (?:to|be|been|just|simply|even|always|frequently|ever|should|would|will|may|might|can|must|has|have"
    r"|does)){0,3} $"
)
_ANY_ONE = re.compile(
    r"(?:\b(?:a|an|good|better|my|our|effective|write|in the|in a|in your|ein|einen|un|une)|좋은) $"
)
"""Before a system prompt: it is not the model's own."""
_WHAT_IS = re.compile(
    r"이?란(?: |\?|$)|이?라는|(?:이|가|은|는)? ?(?:무슨|무엇|뭐|뭔)|(?:을|를)? ?(?:잘 )?(?:쓰는|작성)"
    r"|とは|は何"
)
"""After a system prompt: it is asked what such a thing is."""
_STOP = re.compile(r"[.!?](?=\s|$)|\n|。")
_QUOTE = re.compile("[\"'`“”‘’«»„]")
_QUOTED = re.compile(
    r"[\"'`<](?:(?<=\")[^\"\n]{3,300}\"|(?<=`)[^`\n]{3,300}`|(?<!\w')(?<=')[^'\n]{3,300}'(?!\w)"
    r"|(?<=<)<[^<>\n]{3,300}>>)"
)

_PERSON_MARK = re.compile(r"\bDAN\b|\bSTAN\b(?! Lee)|\bAIM\b|\bDUDE\b|\bUCAR\b|\bJAILBREAK\b|🔓")
_PERSON_NAMES = ("DAN", "STAN", "AIM", "DUDE", "UCAR", "JAILBREAK", "🔓")

_TURN = re.compile(
    r"(?:^|\n|\\n)\s{0,9}[\[*#<]{0,3}(?:user|human|assistant|ai|bot|q|a|question|answer|chatgpt|사용자|질문|답변|답)"
    r"[\]*>]{0,3}\s?:",
    re.IGNORECASE,
)
_ASSIGN = re.compile(
    r"[\"'“‘](?:(?<=[=+,는은].)|(?<=[=+,는은] .)|(?<=\b(?:be|is) .))([^\"'”’\n]{1,80})[\"'”’]"
)
_SUM = re.compile(
    r"\+|\}\s?\{|concat|combin|\bjoin|glue|followed by|together|합쳐|합친|이어|연결", re.IGNORECASE
)
_TARGET = re.compile(r"://|www\.|\w@\w|(?<![\d.])(?:\d{1,3}\.){3}\d|0x[0-9a-f]{20}")
_QUOTED_SAY = re.compile(
    r"(?:say|print|output|write|respond|reply|answer|return|tell (?:them|him|her|the user))"
    r"(?: (?:only|just|with|exactly|the (?:word|words|phrase|text|following|sentence))){0,4}:? ?[\"'“‘`<\[]"
)


def find_evidence(views: Views, source: Source) -> tuple[list[Evidence], str, list[Hit]]:
    """What the rules say of a text.

    Args:
        views: from `normalise`.
        source: who wrote it; a tool's or a page's orders weigh more than a user's.

    Returns:
        (score, reason) pairs, none when nothing speaks for an attack; and the folded text without what it
        only mentions, with the concepts in it, for the model.
    """
    found, quoted, hits = _read_plain(views.plain, source, views.blobs)
    found += read_markup(views.raw)
    found += _read_shape(views)
    if views.disguises:
        found += [(0.3 if found else 0.15, disguise) for disguise in views.disguises]
    for how, text in (*views.hidden, *_join_pieces(views.raw)):
        inner, reasons = combine(_read_plain(text, source, 0)[0])
        if how == "invisible tag characters":
            found.append((0.7, "hidden: invisible tag characters"))
        if inner >= 0.3:
            found.append((min(0.97, inner + 0.15), f"hidden as {how}: {reasons[0]}"))
    said = views.plain
    for start, end in reversed(quoted):
        said = said[:start] + said[end:]
        hits = [
            hit if hit.end <= start else Hit(hit.start - end + start, hit.end - end + start, hit.concept)
            for hit in hits
            if hit.end <= start or hit.start >= end
        ]
    return found, said, hits


def find_said(text: str) -> list[Hit]:
    """The concepts in a folded text that are not denied, in order of place."""
    return [hit for hit in load_lexicon().find(text) if not _is_denied(text, hit)]


def _is_denied(text: str, hit: Hit) -> bool:
    return (
        hit.concept in ("OVERRIDE", "RESET", "RESETPART")
        and _NEGATED.search(text, max(0, hit.start - 24), hit.start) is not None
    )


def _read_plain(
    text: str, source: Source, blobs: int
) -> tuple[list[Evidence], list[tuple[int, int]], list[Hit]]:
    """The evidence in a folded text, the places of its quotations, and its concepts."""
    said = find_said(text)
    if not said:
        return [], [], []
    places: dict[str, list[Hit]] = defaultdict(list)
    for hit in said:
        places[hit.concept].append(hit)
    quoted = _find_quoted(text, places)
    is_others = source in ("tool", "retrieved")
    found = list(_read_near(text, places, quoted, is_others=is_others))
    found += _read_asks(text, places)
    found += _read_counts(text, places, is_others, blobs)
    return found, quoted, said


def _read_near(
    text: str, places: dict[str, list[Hit]], quoted: list[tuple[int, int]], *, is_others: bool
) -> Iterator[Evidence]:
    stops: list[int] | None = None
    for rule in NEAR:
        if not all(concept in places for concept in rule.concepts):
            continue
        if rule.is_one_sentence and stops is None:
            stops = [match.start() for match in _STOP.finditer(text)]
        lists = [places[concept] for concept in rule.concepts]
        span = _find_near(lists, rule.window, stops if rule.is_one_sentence else None)
        if span is None:
            continue
        score = rule.others_text if is_others and rule.others_text is not None else rule.score
        if any(start <= span[0] and span[1] <= end for start, end in quoted):
            score *= _MENTIONED
        yield score, rule.reason


def _find_quoted(text: str, places: dict[str, list[Hit]]) -> list[tuple[int, int]]:
    """Quotations in a text that speaks about words: what stands in them is mentioned, not said."""
    if "ABOUT" not in places or not _QUOTE.search(text):
        return []
    first = places["ABOUT"][0].start
    return [match.span() for match in _QUOTED.finditer(text) if first < match.end() + 40][:64]


def _find_near(lists: list[list[Hit]], window: int, stops: list[int] | None) -> tuple[int, int] | None:
    """The first place where one hit of each list stands within a window; a hit serves one concept only.

    Of each other list the two neighbours on either side of a hit are tried: n log n in the number of hits.
    """
    if len(lists) == 1:
        return lists[0][0].start, lists[0][0].end
    anchors, *others = sorted(lists, key=len)
    for anchor in anchors:
        near: list[list[Hit]] = []
        for hits in others:
            place = bisect_right(hits, anchor)
            near.append(
                [
                    hit
                    for hit in hits[max(0, place - 2) : place + 2]
                    if hit[:2] != anchor[:2] and -window <= hit.start - anchor.start <= window
                ]
            )
            if not near[-1]:
                break
        else:
            for chosen in product(*near):
                first = min(anchor.start, *(hit.start for hit in chosen))
                last = max(anchor.end, *(hit.end for hit in chosen))
                if last - first > window or len({hit[:2] for hit in chosen}) < len(chosen):
                    continue
                if stops is not None and bisect_right(stops, first) != bisect_right(stops, last - 1):
                    continue
                return first, last
    return None


def _read_asks(text: str, places: dict[str, list[Hit]]) -> Iterator[Evidence]:
    """Asking for the model's own prompt or a secret: verb, owner, object, in that order."""
    tells = places.get("TELL", [])[:200]

    def asked(concept: str) -> list[Hit]:
        return [thing for thing in places.get(concept, [])[:100] if any(_near(tell, thing) for tell in tells)]

    def beside(thing: Hit, concept: str, before: int, after: int) -> bool:
        return any(
            0 <= thing.start - mark.end <= before or 0 <= mark.start - thing.end <= after
            for mark in places.get(concept, [])[:100]
        )

    if not tells:
        return
    prompts = asked("PROMPTOBJ")
    if any(beside(thing, "MINE", 22, 12) for thing in prompts):
        yield 0.75, _LEAK
    # "Follow the instructions above" keeps them.
    if any(beside(thing, "WHOLE", 8, 8) and not beside(thing, "KEEP", 12, -1) for thing in prompts):
        yield 0.35, _LEAK
    if any(beside(thing, "MINE", 22, 12) for thing in asked("RULEOBJ")):
        yield 0.4, _LEAK
    if any(_is_its_own(text, thing) for thing in asked("SYSPROMPT")):
        yield 0.6, _LEAK
    for concept, score in (("SECRETX", 0.55), ("SECRET", 0.45)):
        if any(
            0 <= thing.start - tell.end <= 32 or 0 <= tell.start - thing.end <= 20
            for thing in places.get(concept, [])[:100]
            for tell in tells
        ):
            yield score, "asks for a secret"


def _is_its_own(text: str, thing: Hit) -> bool:
    """Whether a system prompt is the model's own, and not such a thing in general."""
    if _WHAT_IS.match(text, thing.end):
        return False
    return _ANY_ONE.search(text, max(0, thing.start - 12), thing.start) is None


def _near(tell: Hit, thing: Hit) -> bool:
    return 0 <= thing.start - tell.end <= 45 or 0 <= tell.start - thing.end <= 18


def _read_counts(text: str, places: dict[str, list[Hit]], is_others: bool, blobs: int) -> Iterator[Evidence]:
    """What only numbers of hits say."""
    forced = len({(hit.end - hit.start, text[hit.start : hit.end]) for hit in places.get("NOREFUSE", ())})
    if forced:
        yield min(0.25 + 0.2 * (forced - 1), 0.75), _FORCE
    if "TOAI" in places:
        yield (0.35 if is_others else 0.2), _INSIDE
    if blobs and "DECODE" in places:
        yield (0.6 if "OBEY" in places else 0.3), _DECODE
    elif (
        "DECODE" in places
        and "OBEY" in places
        and {"OVERRIDE", "HARM", "SECRET", "SYSPROMPT"} & places.keys()
    ):
        yield 0.3, _DECODE
    if "SEND" in places and "DATA" in places and (target := _TARGET.search(text)):
        near = _find_near(
            [places["SEND"], places["DATA"], [Hit(target.start(), target.end(), "TARGET")]], 260, None
        )
        if near is not None:
            yield (0.55 if is_others else 0.3), _SEND
    if len({hit[:2] for hit in places.get("HIJACK", ())}) >= 2:
        yield 0.2, _HIJACK + " more than once"
    if "HIJACK" in places and _QUOTED_SAY.search(text):
        yield 0.25, _HIJACK


_MADE_UP_NAME = re.compile(
    r"\b(?:you(?:'re| are| will be|'ll be)|act as|be|as|called|named) (?:now )?[a-z]{2,16}(?:gpt|bot|\bai)\b"
)


def _read_shape(views: Views) -> Iterator[Evidence]:
    """Whole-text shapes: many forged turns, a sentence cut into variables, capitals that name a jailbreak."""
    raw = views.raw
    if raw.count(":") >= 4:
        turns = len(_TURN.findall(raw))
        if turns >= 4:
            yield min(0.2 + 0.04 * turns, 0.6), "many forged turns"
    if ("gpt" in views.plain or "bot" in views.plain) and _MADE_UP_NAME.search(views.plain):
        yield 0.3, "makes the model another one"
    if any(name in raw for name in _PERSON_NAMES) and (mark := _PERSON_MARK.search(raw)) is not None:
        yield (0.3 if mark[0] != "🔓" else 0.1), "names a known jailbreak"


def _join_pieces(raw: str) -> list[tuple[str, str]]:
    """What the quoted values of two or more assignments say together, when something joins them."""
    if sum(map(raw.count, "\"'“‘")) < 3:
        return []
    pieces = _ASSIGN.findall(raw, 0, 8_192)[:32]
    if len(pieces) < 2 or not _SUM.search(raw):
        return []
    return [("pieces", fold("".join(pieces))), ("pieces in reverse", fold("".join(reversed(pieces))))]
