"""A number in a text as its groups of digits, and where such numbers begin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from naru.trust.detect.labels import OTHER

# All in signs drawn: a digit is `0`. Begins with that one sign, so that the engine runs over all else in a
# tight loop; what follows looks a few signs back and ahead. A number begins here when it is not the rest of a
# word, of a decimal, of a longer number or of a time, `14:00 010-…`, and holds seven digits, or is shaped
# like an address of a machine, a plate or a half-hidden number. Six times written out: a group that repeats
# takes far longer.
_BEGIN = (
    rb"0(?<![0A-Za-z_]0)(?<!0[.\-]0)(?<![A-Za-z]-0)(?!(?<=0[:/]0)0? (?:0++-|000 0{3,4} 0000|0{9}))"
    rb"(?=" + rb"[ .()\-]{0,3}+0" * 6 + rb"|0{0,2}(?:\.0{1,3}\.0{1,3}\.0| ?\? ?0000)|0{5} ?- ?[*xX?])"
)
# The first group is the rest of the chain, possessive: a chain of a million digits is read once. A bracket
# within it closes the first few digits, `02)123-4567`, or holds a few and the chain goes on, `010 (1234) 56`;
# another, `(31세)`, `(12/26)`, is no part of a number. The second group is what follows and makes the last
# digits part of something else; `x123` after a telephone number is its extension.
_CHAIN = (
    rb"((?:0{0,4}+ ?\) ?-?0++|0*+)(?:(?:[.\- ]| - ?|- | ?\(0{1,4}+\) ?-?)0++){0,7}+)"
    rb"(?:(?=[0A-WYZa-wyz_*]|[xX](?!0{1,6}(?![0A-Za-z]))|-[0A-Za-z]|\.0)()|)"
)
NUMBER = re.compile(_BEGIN + rb"(?=" + _CHAIN + rb")0*+")
"""Numbers worth a look, in signs drawn: one sign before the first group to its end; with a second group, the
last digits are part of something else. One may begin within another. Linear: none begins inside a run of
digits, and each looks a bit ahead.
"""
_THOUSANDS = re.compile(r"(?<=[0-9],)[1-9][0-9]{2}(?![0-9.\-])")
_HIDING = ("●", "○")
_DRAW = bytes.maketrans(b"123456789", b"000000000")
# An underline beside a word that is not ASCII, or beside a number in groups: a blank, as in names of files.
_UNDERLINE = re.compile(
    rb"_(?:(?<=\?_)(?=0)|(?<=0_)(?=\?)|(?=0{2,6}-0{3,4}-0{4}(?![0A-Za-z])|0{6}-0{7}(?![0A-Za-z]))"
    rb"|(?<=-0000_)|(?<=-0000000_))"
)
_ZERO = ord("0")
_SPLIT = bytes.maketrans(b"-.()", b"    ")
_MIXED = re.compile(rb"0[.\-]0")
_MIN_LIST = 15


@dataclass(frozen=True, slots=True)
class Shape:
    """How a number is written, its digits left out.

    Attributes:
        groups: of digits, as lengths.
        separators: `""` none, `"-"` dashes or dots or brackets, `" "` blanks, `" -"` both.
        signs: each sign between the digits, once.
        is_decimal: `126.034246`, one dot and nothing else, unless it stands where another number has its
            dash.
        is_even: all groups are of one length.
        is_list: many groups of one or two digits each.
    """

    groups: tuple[int, ...]
    separators: str
    signs: str
    is_decimal: bool
    is_even: bool
    is_list: bool


class Number:
    """Groups of digits side by side, one after the other of a text: a new one for each would take longer.

    Attributes:
        start, end: of the digits and what is between them.
        groups: of digits, as lengths.
        digits: all of them.
        separators: as in the number's shape.
        label, distance, is_promised: `Labels.find_near` of its span.
        is_other: the label says that it is an order, a parcel, a version, …
    """

    __slots__ = (
        "digits",
        "distance",
        "end",
        "groups",
        "is_other",
        "is_promised",
        "label",
        "separators",
        "start",
        "text",
    )

    def __init__(self, text: str) -> None:
        self.text = text

    def move(self, start: int, end: int, shape: Shape, near: tuple[str, int, bool]) -> None:
        """Goes on to the next number."""
        digits = self.text[start:end]
        for sign in shape.signs:
            digits = digits.replace(sign, "")
        self.start = start
        self.end = end
        self.groups = shape.groups
        self.digits = digits
        self.separators = shape.separators
        self.label, self.distance, self.is_promised = near
        self.is_other = self.label == OTHER


def is_thousands(text: str, start: int) -> bool:
    """Whether a number goes on with what stands before a comma: `1,234`."""
    return _THOUSANDS.match(text, start) is not None


def draw(text: str, data: bytes) -> bytes:
    """One byte for each code point: `0` for a digit, `*` for a sign that hides one, `?` for all not ASCII.

    Args:
        data: the text in UTF-8.
    """
    if len(data) != len(text):
        for sign in _HIDING:
            if sign in text:
                text = text.replace(sign, "*")
        data = text.encode("ascii", "replace")
    drawn = data.translate(_DRAW)
    return _UNDERLINE.sub(b" ", drawn) if b"_" in drawn else drawn


def shape_of(drawn: bytes) -> Shape:
    """The shape of a chain of digits, drawn."""
    groups = tuple(map(len, drawn.translate(_SPLIT).split()))
    separators = (
        "" if len(groups) == 1 else "-" if b" " not in drawn else " -" if _MIXED.search(drawn) else " "
    )
    return Shape(
        groups,
        separators,
        "".join(sorted({*drawn.decode()} - {"0"})),
        len(groups) == 2 and groups not in ((4, 4), (6, 7)) and drawn[groups[0]] == ord("."),
        len(set(groups)) == 1,
        len(drawn) >= _MIN_LIST and max(groups) <= 2,
    )


def cuts_of(drawn: bytes) -> list[int]:
    """Where shorter readings of a chain may end, longest first: `010 1234 5678 2` is also `010 1234 5678`."""
    cuts: list[int] = []
    cut = len(drawn)
    while (cut := drawn.rfind(b" ", 0, cut)) > 0:
        # Half of a dash with blanks, `850101 - 1234567`, ends no number, but one that has other dashes may
        # end there: `010-1234-5678 - 02-123-4567`.
        if drawn[cut - 1] == _ZERO and (drawn[cut + 1 : cut + 3] != b"- " or drawn.find(b"0-0", 0, cut) >= 0):
            cuts.append(cut)
    return cuts
