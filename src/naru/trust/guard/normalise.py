"""One text, as a reader would see it, and what is folded into it: the views that rules and model look at.

Every view is made in time linear in the text, and all views together are bounded. Disguise is evidence too:
what had to be undone is told in `disguises`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from naru.trust.guard.decode import find_hidden
from naru.trust.guard.spelling import find_respelled

MAX_CHARS = 65_536
"""Longer texts are looked at by head and tail of half this size each: instructions stand at the edges."""
_MAX_TAGGED = 8


class Views(NamedTuple):
    """A text's views.

    Attributes:
        plain: lower case, one form a letter, single blanks; line breaks stay.
        raw: as it came, only bounded: markup is judged by its exact signs.
        hidden: (how it was hidden, what it says), each in the form of `plain`.
        disguises: what was undone, as short phrases.
        blobs: how many long encoded runs there are, decodable or not.
    """

    plain: str
    raw: str
    hidden: tuple[tuple[str, str], ...]
    disguises: tuple[str, ...]
    blobs: int


_INVISIBLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
]
_BIDI = re.compile("[\u202d\u202e]")
_ZERO_WIDTH_INSIDE = re.compile("[\u00ad\u200b\u200c\u2060-\u2064\ufeff](?<=\\w.)(?=\\w)")
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")

_LOOKALIKE_PAIRS = (
    "аa вb сc ԁd еe ɡg һh іi јj κk кk ӏl мm нh оo рp ԛq гr ѕs тt υu ѵv ԝw хx уy զq οo ոn սu օo "
    "αa βb εe ηn ιi νv ρp τt χx γy ɑa ɩi ɪi ɴn ʀr ʏy ʟl ʙb ʜh ɢg ıi łl øo đd ħh"
)
_LOOKALIKES = {ord(pair[0]): pair[1] for pair in _LOOKALIKE_PAIRS.split(" ")}
"""Letters of Cyrillic, Armenian, Greek and IPA that stand in for Latin ones (after lower-casing)."""
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u058f\u0250-\u02af]")
_COMMON = "etaoinsr"
"""The most frequent Latin letters: a text with many of them is not in another script."""
_SYMBOLS = {
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2010: "-", 0x2011: "-",
    0x300C: '"', 0x300D: '"', 0x300E: '"', 0x300F: '"', 0x3002: ". ", 0x3001: ", ", 0x2800: " ",
}  # fmt: skip


def _fold_table() -> dict[int, str | None]:
    """Latin letters with marks to bare ones, marks and invisible signs to nothing."""
    table: dict[int, str | None] = dict.fromkeys(_INVISIBLE)
    table.update(dict.fromkeys(range(0x0300, 0x0370)))
    table.update(dict.fromkeys(range(0xE0000, 0xE0080)))
    table.update(_SYMBOLS)
    table.update({0x00DF: "ss", 0x00E6: "ae", 0x0153: "oe"})
    for code in (*range(0x00C0, 0x0250), *range(0x1E00, 0x1F00)):
        bare = unicodedata.normalize("NFD", chr(code)).encode("ascii", "ignore").decode()
        if bare:
            table[code] = bare.lower()
    # Regional, squared and negative circled letters, which NFKC leaves as they are.
    for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):
        table.update({first + i: chr(97 + i) for i in range(26)})
    return table


_FOLD = _fold_table()

_JAMO_RUN = re.compile("[\u3131-\u314e][\u314f-\u3163][\u3131-\u3163]*")
_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_TAILS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_LEAD_OF = {letter: i for i, letter in enumerate(_LEADS)}
_TAIL_OF = {letter: i for i, letter in enumerate(_TAILS) if i}
_CONJOINING = re.compile("[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]")
_COMPATIBLE = {
    **{0x1100 + i: letter for i, letter in enumerate(_LEADS)},
    **{0x1161 + i: chr(0x314F + i) for i in range(21)},
    **{0x11A7 + i: letter for i, letter in enumerate(_TAILS) if i},
}


def compose_jamo(run: str) -> str:
    """Loose letters to syllables, as an input method would: `ㅁㅜㅅㅣ` is `무시`, `시ㅂㅏㄹ` is `시발`."""
    out: list[str] = []
    i, end = 0, len(run)
    while i < end:
        letter = run[i]
        if letter in _LEAD_OF and i + 1 < end and "ㅏ" <= run[i + 1] <= "ㅣ":
            code = 0xAC00 + _LEAD_OF[letter] * 588 + (ord(run[i + 1]) - 0x314F) * 28
            i += 2
            if i < end and run[i] in _TAIL_OF and not (i + 1 < end and "ㅏ" <= run[i + 1] <= "ㅣ"):
                code += _TAIL_OF[run[i]]
                i += 1
            out.append(chr(code))
        else:
            out.append(letter)
            i += 1
    return "".join(out)


_BLANKS = re.compile(
    "  +|[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000][ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]*"
)
_LINES = re.compile(r"\r?\n[ \n\r]*")


def fold(text: str) -> str:
    """One form a letter: NFKC, lower case, no marks, no invisible signs, single blanks."""
    return _LINES.sub("\n", _BLANKS.sub(" ", _fold_letters(text))).strip()


def _fold_letters(text: str) -> str:
    if not text.isascii():
        if _JAMO_RUN.search(text):
            text = _JAMO_RUN.sub(lambda match: compose_jamo(match[0]), text)
        text = unicodedata.normalize("NFKC", text)
        if _CONJOINING.search(text):
            text = text.translate(_COMPATIBLE)
        text = text.lower().translate(_FOLD)
        if _FOREIGN.search(text) and 2 * sum(map(text.count, _COMMON)) > len(_FOREIGN.findall(text)):
            text = text.translate(_LOOKALIKES)
        return text
    return text.lower()


def normalise(text: str) -> Views:
    """The views of a text.

    Args:
        text: any length; of more than MAX_CHARS code points head and tail are taken.

    Returns:
        Its views. Never raises for any string, lone surrogates included.
    """
    if len(text) > MAX_CHARS:
        text = text[: MAX_CHARS // 2] + "\n" + text[-MAX_CHARS // 2 :]
    disguises: list[str] = []
    hidden: list[tuple[str, str]] = []
    if not text.isascii():
        if _ZERO_WIDTH_INSIDE.search(text):
            disguises.append("invisible characters inside words")
        if _BIDI.search(text):
            disguises.append("text direction overridden")
        hidden += [
            ("invisible tag characters", "".join(chr(ord(letter) - 0xE0000) for letter in match[0]))
            for match in list(_TAGS.finditer(text))[:_MAX_TAGGED]
        ]
    letters = _fold_letters(text)
    plain = _LINES.sub("\n", _BLANKS.sub(" ", letters)).strip()
    if (
        not text.isascii()
        and _FOREIGN.search(text)
        and re.search(r"[a-zA-Z][\u0400-\u052f\u0370-\u03ff]", text)
    ):
        disguises.append("letters of two scripts in one word")
    hidden.extend((how, fold(found)) for how, found in find_respelled(letters, plain))
    decoded, blobs = find_hidden(text, plain)
    hidden.extend((name, fold(found)) for name, found in decoded)
    return Views(plain, text, tuple(hidden), tuple(disguises), blobs)
