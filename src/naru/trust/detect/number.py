"""A number in a text as its groups of digits, and where such numbers begin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naru.trust.detect.labels import OTHER, Labels

# Begins with one class, so that the engine runs over everything else in a tight loop; what follows looks a few
# signs back and ahead. A number begins here when it is not the rest of a word, of a decimal or of a longer
# number, and holds seven digits, or is shaped like an address of a machine, a plate or a half-hidden number.
_ANCHOR = re.compile(
    r"[0-9](?<![0-9A-Za-z_][0-9])(?<![0-9][.\-][0-9])(?<![A-Za-z]-[0-9])"
    r"(?:(?=(?:[ .()\-]{0,3}[0-9]){6})|(?=[0-9]{0,2}(?:\.[0-9]{1,3}){3})|(?=[0-9]{5} ?- ?[*xX●○])"
    r"|(?=[0-9]{1,2}[가-힣] ?[0-9]{4}))"
)
# Possessive: a chain of a million digits is read once.
_CHAIN = re.compile(r"[0-9]++(?:(?: ?[.\-] ?| ?\) ?-?| ?\(|\)? )[0-9]++){0,7}+")
_TAIL = re.compile(r"[0-9A-Za-z_]|-[0-9A-Za-z]|\.[0-9]|[*●○]")
_SPLIT = str.maketrans("-.()", "    ")
_GROUP = re.compile(r"[0-9]+")
_MAX_DIGITS = 24


class Number:
    """Groups of digits side by side.

    Attributes:
        start, end: of the digits and what is between them.
        groups: of digits, as lengths.
        digits: all of them.
        separators: `""` none, `"-"` dashes or dots or brackets, `" "` a blank among them.
        label: group of the nearest label, or "".
        distance: how far it is.
    """

    __slots__ = ("_labels", "digits", "distance", "end", "groups", "label", "separators", "start", "text")

    def __init__(self, text: str, start: int, end: int, labels: Labels) -> None:
        raw = text[start:end]
        parts = raw.translate(_SPLIT).split() if len(raw) > 8 or not raw.isdigit() else [raw]
        self.text = text
        self.start = start
        self.end = end
        self.digits = "".join(parts)
        self.groups = tuple(map(len, parts))
        self.separators = "" if len(parts) == 1 else " " if " " in raw else "-"
        self._labels = labels
        self.label = ""
        self.distance = 0
        nearest = labels.find_before(start) or labels.find_after(end)
        if nearest is not None:
            self.label, self.distance = nearest

    @property
    def is_other(self) -> bool:
        """A label says that it is an order, a parcel, a version, …"""
        return self.label == OTHER


def find_anchors(text: str) -> Iterator[re.Match[str]]:
    """Where numbers worth a look begin. Linear: no anchor is inside a run of digits and each looks ahead a bit."""
    return _ANCHOR.finditer(text)


def read_numbers(text: str, start: int, labels: Labels) -> Iterator[Number]:
    """Readings of the number at an anchor, the longest first: `010 1234 5678 2` is also `010 1234 5678`."""
    chain = _CHAIN.match(text, start)
    assert chain is not None
    end = chain.end()
    raw = chain.group()
    if len(raw) > 3 * _MAX_DIGITS:
        return
    if not _TAIL.match(text, end):
        yield Number(text, start, end, labels)
    if " " not in raw:
        return
    cuts = [m.end() for m in _GROUP.finditer(text, start, end)][:-1]
    for cut in reversed(cuts):
        if text[cut] == " " and not (text[cut + 1] in "-(" and text[cut + 1 : cut + 3] != "- "):
            yield Number(text, start, cut, labels)
