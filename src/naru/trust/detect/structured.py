"""All that has a shape: one scan for labels, prefixes and signs, one for numbers, then a look at each hit.

Linear: both scans read the text once, and what is looked at around a hit is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from naru.trust.detect import labels, network, papers, secrets
from naru.trust.detect.folding import code_points, fold
from naru.trust.detect.labels import Labels
from naru.trust.detect.literals import Matcher
from naru.trust.detect.number import draw, find_numbers
from naru.trust.detect.numbers import read_numbers
from naru.trust.entity import Entity

_IPV6 = "[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f:]|[0-9a-f]::[0-9a-f]|::[0-9a-f]"
# Labels whose value is found from the label, since its own shape would be found everywhere.
_PROMISES = {"POSTAL_CODE": papers.find_postal_after, "PASSPORT": papers.find_passport_after}
_MAX_TRIGGER = 16


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
        drawn = draw(folded)
        numbers = find_numbers(folded, drawn)
        found: list[Entity] = list(network.find_emails(folded)) if "@" in folded else []
        if not hits and not numbers:
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
        read_numbers(folded, drawn, numbers, near, found)
        return found


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
