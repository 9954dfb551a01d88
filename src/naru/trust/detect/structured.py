"""All that has a shape: one scan for labels, prefixes and signs, one for numbers, then a look at each hit.

Linear: both scans read the text once, and what is looked at around a hit is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from naru.trust.detect import (
    labels,
    network,
    papers,
    papers_abroad,
    phones,
    phones_abroad,
    secrets,
    secrets_told,
)
from naru.trust.detect.folding import code_points, fold
from naru.trust.detect.labels import Labels
from naru.trust.detect.literals import Matcher
from naru.trust.detect.number import draw
from naru.trust.detect.numbers import read_numbers
from naru.trust.detect.numbers_hidden import find_hidden
from naru.trust.entity import Entity

_IPV6 = "::[0-9a-f]|[0-9a-f]:[0-9a-f]{1,4}::|(?:[0-9a-f]{1,4}:){6}[0-9a-f:]"
# Labels whose value is found from the label, since its own shape would be found everywhere.
_PROMISES = {"POSTAL_CODE": papers.find_postal_after, "PASSPORT": papers.find_passport_after}
_MAX_TRIGGER = 16
# Where a trigger of no fixed length may begin: at a word's start, some signs back.
_BEGINNING = re.compile(r"[A-Za-z](?<![A-Za-z0-9_].)(?=(?:[^\W_]++|[ -]++)*+\Z)")


_Reader = Callable[[str, int, Labels], Entity | None]


@lru_cache(maxsize=1)
def _matcher() -> tuple[Matcher, tuple[_Reader | str, ...]]:
    """The one database of all labels and prefixes, and of each expression who reads on where it ends.

    A word stands for what is read with an eye on what was read before; "" for a label that only says of which
    kind a number is. Labels come first, so that each has the place of its meaning.
    """
    expressions = list(labels.EXPRESSIONS)
    readers: list[_Reader | str] = [
        partial(_read_promised, _PROMISES[group]) if group in _PROMISES else ""
        for group, _, _ in labels.MEANINGS
    ]
    for rule in secrets.SECRETS:
        expressions.append(rule.trigger)
        readers.append(partial(_read_secret, rule))
    for kind, expression in secrets.LABELS:
        expressions.append(expression)
        readers.append(partial(_read_labelled, kind))
    for expression, find in (*secrets_told.TRIGGERS, *phones_abroad.TRIGGERS, *papers_abroad.TRIGGERS):
        expressions.append(expression)
        readers.append(partial(_read_promised, find))
    expressions.append(phones.SPOKEN)
    readers.append(partial(_read_promised, phones.find_spoken))
    for name, expression, length in papers.TRIGGERS:
        expressions.append(expression)
        readers.append(partial(_PAPERS[name], length))
    return Matcher([*expressions, secrets.PEM_TRIGGER, _IPV6, "://"]), (*readers, "pem", "ipv6", "url")


class StructuredDetector:
    """Identifiers, payment, network addresses and secrets: all types but names, addresses and birth dates."""

    name = "structured"

    def __init__(self) -> None:
        # Compiled here, a tenth of a second for the first of all: never on the road.
        self._matcher, self._readers = _matcher()

    def find(self, text: str) -> list[Entity]:
        """Every span found, in no order, overlapping ones and weak ones too."""
        folded, data = fold(text)
        expressions, ends = self._matcher.scan_ends(data)
        drawn = draw(folded, data)
        found: list[Entity] = list(network.find_emails(folded)) if "@" in folded else []
        if b"**" in drawn:
            found += find_hidden(folded, drawn)
        has_digit = b"0" in drawn
        if not expressions and not has_digit:
            return found
        if len(data) != len(folded):
            ends = code_points(data, ends)
        near = Labels(folded, expressions, ends)
        self._read_hits(folded, expressions, ends, near, found)
        if has_digit:
            read_numbers(folded, drawn, near, found)
        return found

    def _read_hits(
        self,
        text: str,
        expressions: Iterable[int],
        ends: Iterable[int],
        near: Labels,
        found: list[Entity],
    ) -> None:
        """A closer look at each hit of the scan, by what it is."""
        readers = self._readers
        read = {"url": 0, "ipv6": 0, "pem": 0}
        pem_end = 0
        for expression, end in zip(expressions, ends, strict=True):
            reader = readers[expression]
            if not reader:
                continue
            entity: Entity | None = None
            if not isinstance(reader, str):
                entity = reader(text, end, near)
            elif end <= read[reader]:
                continue
            elif reader == "url":
                entity, read["url"] = network.find_url(text, end - len("://"))
            elif reader == "ipv6":
                entity, read["ipv6"] = network.find_ipv6(text, end - 1)
            else:
                pem_end = text.find("-----END ", end) if 0 <= pem_end < end else pem_end
                entity = secrets.match_pem(text, end - len(secrets.PEM_TRIGGER), pem_end)
                read["pem"] = entity.end if entity else 0
            if entity is not None:
                found.append(entity)


def _read_promised(
    find: Callable[[str, int], Entity | None], text: str, end: int, _: Labels
) -> Entity | None:
    return find(text, end)


def _read_labelled(kind: str, text: str, end: int, _: Labels) -> Entity | None:
    return secrets.match_labelled(kind, text, end)


def _read_secret(rule: secrets.Secret, text: str, end: int, _: Labels) -> Entity | None:
    return secrets.match_secret(rule, text, end - rule.length)


def _read_passport(length: int, text: str, end: int, near: Labels) -> Entity | None:
    return papers.find_passport(text, end - length, near)


def _read_zip(length: int, text: str, end: int, _: Labels) -> Entity | None:
    return papers.find_zip(text, end - length)


def _read_iban(_length: int, text: str, end: int, _: Labels) -> Entity | None:
    for begin in _BEGINNING.finditer(text, max(0, end - _MAX_TRIGGER), end):
        if (entity := papers.find_iban(text, begin.start())) is not None:
            return entity
    return None


def _read_foreign(_length: int, text: str, end: int, near: Labels) -> Entity | None:
    for begin in _BEGINNING.finditer(text, max(0, end - _MAX_TRIGGER), end):
        if (entity := papers.find_foreign_paper(text, begin.start(), near)) is not None:
            return entity
    return None


_PAPERS: dict[str, Callable[[int, str, int, Labels], Entity | None]] = {
    "passport": _read_passport,
    "zip": _read_zip,
    "iban": _read_iban,
    "foreign": _read_foreign,
    "license": _read_foreign,
}
