"""Runs detectors over a text and settles who is right where they overlap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Protocol, runtime_checkable

from naru.trust.detect.addresses import AddressDetector
from naru.trust.detect.custom import CustomDetector, Dictionary, Pattern
from naru.trust.detect.dates import BirthDateDetector
from naru.trust.detect.names import PersonDetector
from naru.trust.detect.structured import StructuredDetector
from naru.trust.detect.tables import TableDetector
from naru.trust.entity import CUSTOM, Detector, Entity

DEFAULT_THRESHOLD = 0.5
_START, _END = attrgetter("start"), attrgetter("end")
_CUSTOM_SIZE = len(CUSTOM)
_LONG = 100


@runtime_checkable
class SecondLook(Protocol):
    """What a detector may offer besides: weak hits that others' hits beside them make likelier."""

    def find_near(self, text: str, entities: Sequence[Entity], weak: Sequence[Entity]) -> Iterable[Entity]:
        """Of the hits that are too weak to report those that are worth it near the entities found."""
        ...


@lru_cache(maxsize=1)
def default_detectors() -> tuple[Detector, ...]:
    """All of ours. They hold no state of a text and are shared by all scanners."""
    return (StructuredDetector(), PersonDetector(), AddressDetector(), BirthDateDetector(), TableDetector())


class Scanner:
    """Finds personal and secret data in a text. Cheap to make, and safe to call from many threads at once.

    Args:
        detectors: instead of ours.
        threshold: 0..1; what scores less is left out.
        dictionaries: an operator's own words, beside the detectors; `CUSTOM:<name>` in what is found.
        patterns: likewise expressions.

    Raises:
        ValueError: a pattern or a dictionary is refused, with why.
    """

    def __init__(
        self,
        detectors: Iterable[Detector] | None = None,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        dictionaries: Sequence[Dictionary] = (),
        patterns: Sequence[Pattern] = (),
    ) -> None:
        chosen = tuple(default_detectors() if detectors is None else detectors)
        if dictionaries or patterns:
            chosen = (*chosen, CustomDetector(patterns=patterns, dictionaries=dictionaries))
        self._finders = tuple(detector.find for detector in chosen)
        self._looks = tuple(detector.find_near for detector in chosen if isinstance(detector, SecondLook))
        self._threshold = threshold

    def scan(self, text: str) -> list[Entity]:
        """What was found, by place, no two overlapping, each with at least the threshold's score.

        Raises:
            Exception: whatever a detector raised. Who calls must then treat the text as personal as a whole.
        """
        threshold = self._threshold
        hits: list[Entity] = []
        for find in self._finders:
            hits += find(text)
        if not hits:
            return hits
        found = [entity for entity in hits if entity.score >= threshold]
        if found and self._looks and not text.isascii():
            # A name beside a telephone number: looked at again once the number is known.
            weak = [entity for entity in hits if entity.score < threshold]
            for look in self._looks:
                found += [e for e in look(text, found, weak) if e.score >= threshold]
        return resolve(found) if len(found) > 1 else found


def resolve(found: list[Entity]) -> list[Entity]:
    """The best of overlapping entities. One that holds another whole wins, unless it is much less sure."""
    found.sort(key=_START)
    kept: list[Entity] = []
    # Those that overlap are the last of `kept`, from `cluster` on, until one comes that does not.
    cluster, reach = 0, -1
    for entity, start, end in zip(found, map(_START, found), map(_END, found), strict=True):
        if start >= reach:
            if len(kept) - cluster > 1:
                kept[cluster:] = _settle(kept[cluster:])
            cluster, reach = len(kept), end
        elif end > reach:
            reach = end
        kept.append(entity)
    if len(kept) - cluster > 1:
        kept[cluster:] = _settle(kept[cluster:])
    return kept


def _rank(entity: Entity) -> tuple[bool, float, int]:
    # The operator's own words come first: they were named on purpose. Then certainty, where a longer span
    # gains a little with each sign, so that an address beats the name or the postal code within it.
    length = entity.end - entity.start
    gain = length * 0.01 if length < _LONG else _LONG * 0.01
    return entity.type[:_CUSTOM_SIZE] == CUSTOM, entity.score + gain, length


def _settle(cluster: list[Entity]) -> list[Entity]:
    """Greedy by rank, the first of equals; each cluster of two overlaps."""
    if len(cluster) == 2:
        return [max(cluster, key=_rank)]
    taken: list[Entity] = []
    places: list[int] = []
    for entity in sorted(cluster, key=_rank, reverse=True):
        at = bisect_right(places, entity.start)
        is_free = (at == 0 or taken[at - 1].end <= entity.start) and (
            at == len(taken) or taken[at].start >= entity.end
        )
        if is_free:
            taken.insert(at, entity)
            places.insert(at, entity.start)
    return taken
