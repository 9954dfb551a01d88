"""Words spelt so that filters miss them: letters set apart, digits and signs among them, letters in disorder.

Each reading is linear in the text and given only where it brings words of attacks to light.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MAX_LOOKED = 8_192

_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_]([ .\-_*|/,+])(?:\1{1,3}(?=[^\W_]\1))?){5,}[^\W_](?![^\W_])")
_KNOWN = re.compile(
    "(ignore|disregard|forget|previous|prior|above|instructions?|rules|system|prompt|reveal|show|print|your"
    "|password|secret|tell me|override|repeat|restrictions?|follow|everything|developer|mode)"
)
"""Where gaps between words are lost too, the words that matter are found again."""
_WIDE_GAP = re.compile(r"([ .\-_*|/,+])\1+")

_LEET = re.compile(r"[a-z][0134578@$!|][a-z]|[0134578@$!][a-z]{2}[0134578@$!]")
_FROM_LEET = str.maketrans("0134578@$!|", "oieastbasii")

_SIGNED = re.compile(r"[가-힣](?:([@^*_|+#=!&%$~])[가-힣])(?:\1[가-힣])*")
"""Syllables with a sign between each two; quotes and the signs that lists have (한·미·일) are left out."""

_JUMBLED = (
    "ignore ignores previous instruction instructions disregard system prompt reveal forget bypass override"
    " restrictions guidelines password everything developer directives unrestricted security filters"
)
_IN_ORDER = {(word[0], word[-1], "".join(sorted(word))): word for word in _JUMBLED.split(" ")}
_ENDS = {(word[0], word[-1], len(word)) for word in _IN_ORDER.values()}
_LONG_WORD = re.compile("[a-z]{6,12}")


def _respace(match: re.Match[str]) -> str:
    """Letters set apart to words: a wider gap between them is the word's end."""
    run = match[0]
    gap = match[1]
    if gap == " ":
        return " ".join(part.replace(" ", "") for part in re.split("  +", run))
    return _WIDE_GAP.sub(" ", run).replace(gap, "")


def _unsign(match: re.Match[str]) -> str:
    return match[0].replace(match[1], "")


def _reorder(plain: str) -> str | None:
    """A text with the words put right whose inner letters were shuffled; None for fewer than two."""
    found: dict[str, str] = {}
    for match in _LONG_WORD.finditer(plain, 0, _MAX_LOOKED):
        word = match[0]
        if (word[0], word[-1], len(word)) in _ENDS:
            meant = _IN_ORDER.get((word[0], word[-1], "".join(sorted(word))))
            if meant is not None and meant != word:
                found[word] = meant
    if len(found) < 2:
        return None
    return _LONG_WORD.sub(lambda match: found.get(match[0], match[0]), plain[:_MAX_LOOKED])


def find_respelled(letters: str, plain: str) -> Iterator[tuple[str, str]]:
    """What a text says when its odd spelling is undone.

    Args:
        letters: the text with its letters folded, blanks as they came.
        plain: the same with single blanks.

    Returns:
        (how, what it says) pairs; the second is to be folded once more.
    """
    if _SPACED.search(letters):
        yield "letters set apart", _KNOWN.sub(r" \1 ", _SPACED.sub(_respace, letters))
    if sum(map(plain.count, "0134578@$")) >= 3 and len(_LEET.findall(plain, 0, _MAX_LOOKED)) >= 2:
        read = plain.replace("11", "ll").translate(_FROM_LEET)
        if len(_KNOWN.findall(read)) > len(_KNOWN.findall(plain)):
            yield "digits for letters", read
    if (
        not plain.isascii()
        and sum(len(match[0]) // 2 for match in _SIGNED.finditer(plain, 0, _MAX_LOOKED)) >= 3
    ):
        yield "signs between syllables", _SIGNED.sub(_unsign, plain)
    jumbled = _reorder(plain)
    if jumbled is not None:
        yield "letters in disorder", jumbled
