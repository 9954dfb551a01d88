"""All that has a shape: one scan for labels, prefixes and signs, one for numbers, then a look at each hit.

Linear: both scans read the text once, and what is looked at around a hit is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from naru.trust.detect import korean, labels, network, papers, payment, phones, secrets
from naru.trust.detect.folding import code_points, fold
from naru.trust.detect.labels import Labels
from naru.trust.detect.literals import Matcher
from naru.trust.detect.number import Number, find_anchors, find_end, read_numbers
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

    def find(self, text: str) -> list[Entity]:
        """Every span found, in no order, overlapping ones and weak ones too."""
        folded, data = fold(text)
        kinds = self._kinds
        hits = self._matcher.scan(data)
        anchors = [m.start() for m in find_anchors(folded)]
        found: list[Entity] = list(network.find_emails(folded)) if "@" in folded else []
        if not hits and not anchors:
            return found
        ends = [end for _, _, end in hits]
        points = ends if len(data) == len(folded) else code_points(data, ends)
        near = Labels(
            folded,
            [
                (kinds[i][1], end)
                for (i, _, _), end in zip(hits, points, strict=True)
                if kinds[i][0] == "label"
            ],
        )
        _read_hits(folded, hits, points, kinds, near, found)
        _read_numbers(folded, anchors, near, found)
        return found


@lru_cache(maxsize=4096)
def _rules_of(groups: tuple[int, ...]) -> tuple[Callable[[Number], korean.Guess | None], ...]:
    """What a number so grouped may be. Many tiny groups are a list, a table or a game's result."""
    size = sum(groups)
    if len(groups) > _MAX_GROUPS or (len(groups) > 2 and 2 * size < 3 * len(groups)):
        return ()
    rules = tuple(rule for rule in _RULES.get(size, ()) if groups in _GROUPS_OF.get(rule, (groups,)))
    return (*rules, phones.classify_phone) if size in _PHONE_DIGITS else rules


def _read_hits(
    text: str,
    hits: list[tuple[int, int, int]],
    points: list[int],
    kinds: list[tuple[str, int]],
    near: Labels,
    found: list[Entity],
) -> None:
    """A closer look at each hit of the scan, by what it is."""
    url_read = pem_end = pem_read = 0
    for (expression, _, _), end in zip(hits, points, strict=True):
        kind, index = kinds[expression]
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
        elif kind != "label" or labels.MEANINGS[index][0] in _PROMISES:
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
    done = 0
    for start in starts:
        if start < done:
            continue
        entity = _read_special(text, start, near)
        if entity is None or entity.score < _SURE:
            if entity is not None:
                found.append(entity)
            end = find_end(text, start)
            if end < 0:
                done = -end
                continue
            entity, done = _read_number(text, start, end, near)
        else:
            done = entity.end
        if entity is not None:
            found.append(entity)


def _read_number(text: str, start: int, end: int, near: Labels) -> tuple[Entity | None, int]:
    """The best reading of a chain of digits, and how far the chain needs no other look."""
    best: Entity | None = None
    done = 0
    for number in read_numbers(text, start, end):
        rules = _rules_of(number.groups)
        if not rules or number.is_decimal:
            continue
        number.look(near)
        if number.end == end and number.is_other and len(set(number.groups)) == 1:
            # The halves of a parcel's number, `6143 1522 3352`, are no numbers of their own.
            done = end
        for rule in rules:
            guess = rule(number)
            if guess is not None and (best is None or guess[1] > best.score):
                span = phones.widen_phone(number) if guess[0] == "PHONE" else (number.start, number.end)
                best = Entity(guess[0], *span, min(guess[1], 1.0), guess[2])
        if best is not None and best.score >= _CERTAIN:
            break
    return best, best.end if best is not None and best.score >= _SURE else done


def _read_special(text: str, start: int, near: Labels) -> Entity | None:
    """Shapes that are more than groups of digits."""
    head = text[start : start + _HEAD]
    if not head[2:4].isascii():
        nearest = near.find_before(start)
        if (plate := korean.find_plate(text, start, nearest[0] if nearest else "")) is not None:
            return plate
    if "." in head[:4] and (address := network.find_ipv4(text, start, near)) is not None:
        return address
    if _HIDDEN.search(head):
        nearest = near.find_before(start)
        if (masked := korean.find_masked_rrn(text, start, nearest[0] if nearest else "")) is not None:
            return masked
    if start > 1 and not text[start - 2 : start].isascii():
        return korean.find_old_license(text, start)
    return None
