"""All that has a shape: one scan for labels, prefixes and signs, one for numbers, then a look at each hit.

Linear: both scans read the text once, and what is looked at around a hit is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from naru.trust.detect import korean, labels, network, papers, payment, phones, secrets
from naru.trust.detect.folding import code_points, fold
from naru.trust.detect.labels import OTHER, Labels
from naru.trust.detect.literals import Matcher
from naru.trust.detect.number import Number, Shape, draw, find_anchors, find_cut, find_end, shape_of
from naru.trust.entity import Entity

_IPV6 = "[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f:]|[0-9a-f]::[0-9a-f]|::[0-9a-f]"
# Labels whose value is found from the label, since its own shape would be found everywhere.
_PROMISES = {"POSTAL_CODE": papers.find_postal_after, "PASSPORT": papers.find_passport_after}
_SURE = 0.5
_CERTAIN = 0.8
_PHONE_DIGITS = range(7, 18)
_MAX_TRIGGER = 16
_MAX_GROUPS = 6
_HEAD = 18
_HIDDEN = re.compile(r"[*●○xX]")
_MAX_LENGTH = 72
# Beginnings of numbers, drawn: four digits, six, and those that are groups of digits and nothing more.
_FOUR, _SIX, _PLAIN = b"0000", b"000000", frozenset([b"000-", b"000 ", b"000)"])

# By their number of digits, what a number may be. Grouping is each rule's own affair.
_RULES: dict[int, tuple[Callable[[Number], korean.Guess | None], ...]] = {
    8: (papers.classify_passport, payment.classify_account),
    9: (papers.classify_ssn, papers.classify_passport, payment.classify_account),
    10: (korean.classify_brn, korean.classify_health, payment.classify_account),
    11: (korean.classify_health, payment.classify_account),
    12: (korean.classify_license, payment.classify_account),
    13: (korean.classify_rrn, korean.classify_crn, payment.classify_card, payment.classify_account),
    14: (payment.classify_card, payment.classify_account),
    15: (payment.classify_card, payment.classify_account),
    16: (payment.classify_card, payment.classify_account),
    17: (payment.classify_account,),
    19: (payment.classify_card,),
}
_GROUPS_OF: dict[Callable[[Number], korean.Guess | None], frozenset[tuple[int, ...]]] = {
    papers.classify_ssn: frozenset({(3, 2, 4), (9,)}),
    korean.classify_brn: frozenset({(3, 2, 5), (10,)}),
    korean.classify_license: frozenset({(2, 2, 6, 2), (12,), (2, 10), (4, 6, 2)}),
    korean.classify_rrn: frozenset({(6, 7), (13,)}),
    korean.classify_crn: frozenset({(6, 7), (13,)}),
    korean.classify_health: frozenset({(11,), (1, 10), (10,), (4, 7), (3, 4, 4), (2, 9), (5, 6), (1, 5, 5)}),
    papers.classify_passport: frozenset({(8,), (9,)}),
}
# What a rule says nothing of without looking at a digit: it is not asked then.
_MAY: dict[Callable[[Number], korean.Guess | None], Callable[[Shape, str], bool]] = {
    papers.classify_passport: lambda _, label: label == "PASSPORT",
    papers.classify_ssn: lambda shape, label: (
        label == "US_SSN" or (label != OTHER and shape.groups == (3, 2, 4))
    ),
    korean.classify_health: lambda _, label: label == "HEALTH_INSURANCE",
    korean.classify_crn: lambda shape, label: (
        label == "KR_CRN" or (label != OTHER and shape.separators != "")
    ),
    korean.classify_brn: lambda shape, label: (
        label in ("KR_BRN", "KR_CRN") or (label != OTHER and shape.separators == "-")
    ),
    korean.classify_license: lambda shape, label: (
        label == "DRIVER_LICENSE" or (label not in (OTHER, "ACCOUNT", "CARD") and shape.separators == "-")
    ),
    payment.classify_account: payment.may_be_account,
    payment.classify_card: lambda shape, _: shape.groups in payment.CARD_GROUPS,
}


@lru_cache(maxsize=1)
def _matcher() -> tuple[Matcher, list[tuple[str, int]]]:
    """The one database of all labels and prefixes, and of each expression what it is."""
    expressions = list(labels.EXPRESSIONS)
    kinds: list[tuple[str, int]] = [("label", i) for i in range(len(expressions))]
    for index, rule in enumerate(secrets.SECRETS):
        expressions.append(rule.trigger)
        kinds.append(("secret", index))
    for index, (_, expression) in enumerate(secrets.LABELS):
        expressions.append(expression)
        kinds.append(("labelled", index))
    for index, (_, expression, _) in enumerate(papers.TRIGGERS):
        expressions.append(expression)
        kinds.append(("paper", index))
    expressions += [secrets.PEM_TRIGGER, _IPV6, "://"]
    kinds += [("pem", 0), ("ipv6", 0), ("url", 0)]
    return Matcher(expressions), kinds


class StructuredDetector:
    """Identifiers, payment, network addresses and secrets: all types but names, addresses and birth dates."""

    name = "structured"

    def __init__(self) -> None:
        # Compiled here, a tenth of a second for the first of all: never on the road.
        self._matcher, self._kinds = _matcher()
        self._read = frozenset(
            i
            for i, (kind, index) in enumerate(self._kinds)
            if kind != "label" or labels.MEANINGS[index][0] in _PROMISES
        )

    def find(self, text: str) -> list[Entity]:
        """Every span found, in no order, overlapping ones and weak ones too."""
        folded, data = fold(text)
        kinds = self._kinds
        hits = self._matcher.scan(data)
        anchors = find_anchors(folded)
        found: list[Entity] = list(network.find_emails(folded)) if "@" in folded else []
        if not hits and not anchors:
            return found
        ends = [end for _, _, end in hits]
        points = ends if len(data) == len(folded) else code_points(data, ends)
        # The expressions of labels come first, so that each has the place of its meaning.
        labelled = len(labels.MEANINGS)
        near = Labels(folded, [(i, end) for (i, _, _), end in zip(hits, points, strict=True) if i < labelled])
        read = self._read
        _read_hits(
            folded,
            [(kinds[i], end) for (i, _, _), end in zip(hits, points, strict=True) if i in read],
            near,
            found,
        )
        _read_numbers(folded, anchors, near, found)
        return found


_Rules = tuple[Callable[[Number], korean.Guess | None], ...]


@lru_cache(maxsize=2048)
def _plan_of(drawn: bytes) -> tuple[Shape, dict[str, _Rules] | None]:
    """The shape of a chain of digits, drawn, and by the group of its label what it may be; None if nothing.

    No digit is kept: numbers are written in a few hundred ways.
    """
    shape = shape_of(drawn)
    return shape, None if shape.is_decimal or not _rules_of(shape.groups) else {}


def _rules_of(groups: tuple[int, ...]) -> _Rules:
    """What a number so grouped may be. Many tiny groups are a list, a table or a game's result."""
    size = sum(groups)
    if len(groups) > _MAX_GROUPS or (len(groups) > 2 and 2 * size < 3 * len(groups)):
        return ()
    rules = tuple(rule for rule in _RULES.get(size, ()) if groups in _GROUPS_OF.get(rule, (groups,)))
    return (*rules, phones.classify_phone) if size in _PHONE_DIGITS else rules


def _rules_for(shape: Shape, label: str) -> _Rules:
    """Of what a number so grouped may be, what a label leaves: some it must promise, some it rules out."""
    return tuple(rule for rule in _rules_of(shape.groups) if rule not in _MAY or _MAY[rule](shape, label))


def _read_hits(
    text: str,
    hits: list[tuple[tuple[str, int], int]],
    near: Labels,
    found: list[Entity],
) -> None:
    """A closer look at each hit of the scan, by what it is."""
    url_read = pem_end = pem_read = 0
    for (kind, index), end in hits:
        entity: Entity | None = None
        if kind == "url":
            if end > url_read:
                entity, url_read = network.find_url(text, end - len("://"))
        elif kind == "pem" and end <= pem_read:
            continue
        elif kind == "pem":
            if 0 <= pem_end < end:
                pem_end = text.find("-----END ", end)
            entity = secrets.match_pem(text, end - len(secrets.PEM_TRIGGER), pem_end)
            pem_read = entity.end if entity is not None else 0
        else:
            entity = _READERS[kind](text, index, end, near)
        if entity is not None:
            found.append(entity)


def _read_label(text: str, index: int, end: int, _near: Labels) -> Entity | None:
    return _PROMISES[labels.MEANINGS[index][0]](text, end)


def _read_labelled(text: str, index: int, end: int, _near: Labels) -> Entity | None:
    return secrets.match_labelled(secrets.LABELS[index][0], text, end)


def _read_secret(text: str, index: int, end: int, _near: Labels) -> Entity | None:
    rule = secrets.SECRETS[index]
    return secrets.match_secret(rule, text, end - rule.length)


def _read_ipv6(text: str, _index: int, end: int, _near: Labels) -> Entity | None:
    return network.find_ipv6(text, end - 1)


def _read_paper(text: str, index: int, end: int, near: Labels) -> Entity | None:
    name, _, length = papers.TRIGGERS[index]
    if name == "passport":
        return papers.find_passport(text, end - length, near)
    if name == "zip":
        return papers.find_zip(text, end - length)
    start = end
    while start > 0 and end - start < _MAX_TRIGGER and (text[start - 1].isalnum() or text[start - 1] in " -"):
        start -= 1
    # The trigger has no fixed length: it begins at a word's start, some signs back.
    for begin in range(max(start, end - _MAX_TRIGGER), end):
        if text[begin].isalpha() and text[begin].isascii() and (begin == 0 or not _is_word(text[begin - 1])):
            entity = (
                papers.find_iban(text, begin)
                if name == "iban"
                else papers.find_foreign_paper(text, begin, near)
            )
            if entity is not None:
                return entity
    return None


_READERS: dict[str, Callable[[str, int, int, Labels], Entity | None]] = {
    "label": _read_label,
    "labelled": _read_labelled,
    "secret": _read_secret,
    "paper": _read_paper,
    "ipv6": _read_ipv6,
}


def _is_word(sign: str) -> bool:
    return sign.isascii() and (sign.isalnum() or sign == "_")


def _read_numbers(text: str, starts: list[int], near: Labels, found: list[Entity]) -> None:
    """A closer look at each number: special shapes first, then every rule for its count of digits."""
    if not starts:
        return
    drawn = draw(text)
    done = 0
    for start in starts:
        if start < done:
            continue
        head = drawn[start : start + 4]
        if head not in _PLAIN and (entity := _read_special(text, drawn, head, start, near)) is not None:
            found.append(entity)
            if entity.score >= _SURE:
                done = entity.end
                continue
        entity, done = _read_number(text, drawn, start, near)
        if entity is not None:
            found.append(entity)


def _read_number(text: str, drawn: bytes, start: int, near: Labels) -> tuple[Entity | None, int]:
    """The best reading of the chain of digits at a place, and how far the text needs no other look."""
    end, is_tailed = find_end(text, start)
    if end - start > _MAX_LENGTH:
        return None, end
    shape, rules = _plan_of(drawn[start:end])
    if shape.is_list and text[start - 1 : start] != "+":
        return None, end
    best: korean.Guess | None = None
    number: Number | None = None
    done = 0
    if rules is not None and not is_tailed:
        number = Number(text, start, end, shape, near)
        best = _guess(number, shape, rules)
        if shape.is_even and number.is_other:
            # The halves of a parcel's number, `6143 1522 3352`, are no numbers of their own.
            done = end
    if " " in shape.separators and (best is None or best[1] < _CERTAIN):
        best, number = _read_shorter(text, drawn, (start, end), near, (best, number))
    if best is None or number is None:
        return None, done
    kind, score, reason = best
    start, end = phones.widen_phone(number) if kind == "PHONE" else (start, number.end)
    return Entity(kind, start, end, score, reason), end if score >= _SURE else done


def _read_shorter(
    text: str,
    drawn: bytes,
    chain: tuple[int, int],
    near: Labels,
    best: tuple[korean.Guess | None, Number | None],
) -> tuple[korean.Guess | None, Number | None]:
    """The best reading of a chain with blanks, given that of the whole: it may be cut at each of them."""
    start, cut = chain
    most, number = best
    while (cut := find_cut(drawn, start, cut)) > start:
        shape, rules = _plan_of(drawn[start:cut])
        if rules is None:
            continue
        shorter = Number(text, start, cut, shape, near)
        guess = _guess(shorter, shape, rules)
        if guess is not None and (most is None or guess[1] > most[1]):
            most, number = guess, shorter
        if most is not None and most[1] >= _CERTAIN:
            break
    return most, number


def _guess(number: Number, shape: Shape, rules: dict[str, _Rules]) -> korean.Guess | None:
    """The likeliest of what the rules say of a number."""
    chosen = rules.get(number.label)
    if chosen is None:
        chosen = rules[number.label] = _rules_for(shape, number.label)
    best: korean.Guess | None = None
    for rule in chosen:
        guess = rule(number)
        if guess is not None and (best is None or guess[1] > best[1]):
            best = guess
    return best


def _read_special(text: str, drawn: bytes, head: bytes, start: int, near: Labels) -> Entity | None:
    """Shapes that are more than groups of digits, told apart by their first four signs."""
    if head == _FOUR:
        if drawn.startswith(_SIX, start) and _HIDDEN.search(text, start, start + _HEAD):
            return korean.find_masked_rrn(text, start, near)
        return None
    if b"?" in head and (plate := korean.find_plate(text, start, near)) is not None:
        return plate
    if b"." in head:
        return network.find_ipv4(text, start, near)
    if head[2] in b" -" and start > 1 and not text[start - 2 : start].isascii():
        return korean.find_old_license(text, start)
    return None
