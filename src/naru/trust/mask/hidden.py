"""What a reader sees of a text whose signs say it otherwise: invisible signs between letters, Korean in loose
jamo as some file systems write it, percent-encoded addresses, HTML's numbers of signs.

Detectors read that; what is replaced is the text as it came.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SIGNS = re.compile(
    f"(?P<invisible>[{_INVISIBLE}]+)"
    "|(?P<jamo>[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?)"
    "|(?P<marked>[A-Za-z][\u0300-\u036f]{1,4})"
    "|(?P<percent>(?:%[0-9A-Fa-f]{2}){1,512})"
    "|&#(?:(?P<number>[0-9]{2,6})|[xX](?P<hex>[0-9A-Fa-f]{2,5}));"
)
# Each begins with a sign of its own, which is what makes them quick.
_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
_NUMBER = re.compile("&#[0-9xX]")
_MAX_CODE = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def is_hiding(text: str) -> bool:
    """Whether a reader may see something else. Quick: most texts hide nothing."""
    if "%" in text and _PERCENT.search(text) is not None:
        return True
    if "&#" in text and _NUMBER.search(text) is not None:
        return True
    if text.isascii():
        return False
    return any(sign in text for sign in _INVISIBLE) or not unicodedata.is_normalized("NFC", text)


def reveal(text: str) -> tuple[str, list[int]]:
    """What a reader sees, and for each of its code points (and the end) where it begins in `text`."""
    shown: list[str] = []
    origin: list[int] = []
    at = 0
    for match in _SIGNS.finditer(text):
        start, end = match.span()
        read = _read(match)
        if read is None:
            continue
        shown.append(text[at:start])
        origin.extend(range(at, start))
        for sign, place in read:
            shown.append(sign)
            origin.append(start + place)
        at = end
    shown.append(text[at:])
    origin.extend(range(at, len(text) + 1))
    return "".join(shown), origin


def _read(match: re.Match[str]) -> list[tuple[str, int]] | None:
    """Signs and where each begins; None for what says nothing else."""
    kind, said = match.lastgroup, match[0]
    if kind == "invisible":
        return []
    if kind == "percent":
        return _read_percent(said)
    if kind in ("number", "hex"):
        code = int(match[kind], 16 if kind == "hex" else 10)
        return None if code > _MAX_CODE or code in _SURROGATES else [(chr(code), 0)]
    return [(sign, 0) for sign in unicodedata.normalize("NFC", said)]


def _read_percent(said: str) -> list[tuple[str, int]] | None:
    try:
        text = bytes.fromhex(said.replace("%", "")).decode()
    except UnicodeDecodeError:
        return None
    read = []
    place = 0
    for sign in text:
        read.append((sign, place))
        place += 3 * len(sign.encode())
    return read
