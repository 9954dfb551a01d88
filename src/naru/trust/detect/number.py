"""A number in a text as its groups of digits, and where such numbers begin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naru.trust.detect.labels import OTHER, Labels

# Begins with one class, so that the engine runs over all else in a tight loop; what follows looks a few
# signs back and ahead. A number begins here when it is not the rest of a word, of a decimal or of a longer
# number, and holds seven digits, or is shaped like an address of a machine, a plate or a half-hidden number.
_ANCHOR = re.compile(
    r"[0-9](?<![0-9A-Za-z_][0-9])(?<![0-9][.\-][0-9])(?<![A-Za-z]-[0-9])"
    r"(?!(?<=[0-9],[1-9])[0-9]{2}(?![0-9.\-]))"
    r"(?:(?=(?:[ .()\-]{0,3}[0-9]){6})|(?=[0-9]{0,2}(?:\.[0-9]{1,3}){3})|(?=[0-9]{5} ?- ?[*xX●○])"
    r"|(?=[0-9]{1,2}[가-힣] ?[0-9]{4}))"
)
# Possessive: a chain of a million digits is read once.
_CHAIN = re.compile(r"[0-9]++(?:(?:\.| ?- ?| ?\) ?-?| ?\(|\)? )[0-9]++){0,7}+")
# `x123` after a telephone number is its extension.
_TAIL = re.compile(r"[0-9A-WYZa-wyz_]|[xX](?![0-9]{1,6}(?![0-9A-Za-z]))|-[0-9A-Za-z]|\.[0-9]|[*●○]")
_SPLIT = str.maketrans("-.()", "    ")
_LONG_GROUP = re.compile(r"[0-9]{3}")
_MAX_LENGTH = 72
_MIXED = re.compile(r"[0-9][.\-][0-9]")
_MIN_LIST = 15
_AFTER_WEIGHT = 4


class Number:
    """Groups of digits side by side.

    Attributes:
        start, end: of the digits and what is between them.
        groups: of digits, as lengths.
        digits: all of them.
        separators: `""` none, `"-"` dashes or dots or brackets, `" "` blanks, `" -"` both.
        label: group of the nearest label, or "", once `look` was called.
        distance: how far it is.
        is_promised: the label stands before the number.
    """

    __slots__ = ("digits", "distance", "end", "groups", "is_promised", "label", "separators", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        raw = text[start:end]
        parts = [raw] if raw.isdigit() else raw.translate(_SPLIT).split()
        self.text = text
        self.start = start
        self.end = end
        self.digits = "".join(parts)
        self.groups = tuple(map(len, parts))
        self.separators = (
            "" if len(parts) == 1 else "-" if " " not in raw else " -" if _MIXED.search(raw) else " "
        )
        self.label = ""
        self.distance = 0
        self.is_promised = False

    def look(self, labels: Labels) -> None:
        """Look around for a label: one before it, unless one after it is much nearer."""
        before, after = labels.find_before(self.start), labels.find_after(self.end)
        if after is not None and (before is None or _AFTER_WEIGHT * (after[1] + 1) < before[1]):
            self.label, self.distance = after
        elif before is not None:
            self.label, self.distance = before
            self.is_promised = True

    @property
    def is_decimal(self) -> bool:
        """`126.034246`: one dot and nothing else, unless it stands where another number has its dash."""
        return (
            len(self.groups) == 2
            and self.groups not in ((4, 4), (6, 7))
            and self.text[self.start + self.groups[0]] == "."
        )

    @property
    def is_other(self) -> bool:
        """A label says that it is an order, a parcel, a version, …"""
        return self.label == OTHER


def find_anchors(text: str) -> Iterator[re.Match[str]]:
    """Where numbers worth a look begin. Linear: none is inside a run of digits; each looks a bit ahead."""
    return _ANCHOR.finditer(text)


def find_end(text: str, start: int) -> int:
    """The end of the chain of digits at an anchor; below 0 the end of one that is nobody's number.

    That is a run longer than any number, or a list of one or two digits each.
    """
    chain = _CHAIN.match(text, start)
    assert chain is not None
    raw = chain.group()
    is_list = len(raw) >= _MIN_LIST and _LONG_GROUP.search(raw) is None and text[start - 1 : start] != "+"
    return -chain.end() if is_list or len(raw) > _MAX_LENGTH else chain.end()


def read_numbers(text: str, start: int, end: int) -> Iterator[Number]:
    """Readings of a chain of digits, the longest first: `010 1234 5678 2` is also `010 1234 5678`."""
    raw = text[start:end]
    if not _TAIL.match(text, end):
        yield Number(text, start, end)
    if " " not in raw:
        return
    cut = end
    while (cut := text.rfind(" ", start, cut)) > start:
        # Neither half of a dash with blanks, `850101 - 1234567`, nor a bracket ends a number.
        if text[cut - 1].isdigit() and text[cut + 1] != "(" and text[cut + 1 : cut + 3] != "- ":
            yield Number(text, start, cut)
