"""Texts as detectors read them: full-width signs and dashes in their plain form, one code point for one.

Nothing here changes a text's length, so an offset in the folded text is the same offset in the original.
"""

from __future__ import annotations

from collections.abc import Iterable

_DASHES = "‐‑‒–—―−⁃﹘﹣－ㅡ"
_BLANKS = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_TABLE: dict[int, str] = {
    **{full: chr(full - 0xFEE0) for full in range(0xFF01, 0xFF5F)},
    **{ord(dash): "-" for dash in _DASHES},
    **{ord(blank): " " for blank in _BLANKS},
    ord("˗"): "-",
    ord("․"): ".",
    ord("。"): ".",
}


def _by_lead() -> dict[bytes, dict[bytes, tuple[str, str]]]:
    """The table by the leading byte of each sign, then by the rest of its bytes."""
    signs: dict[bytes, dict[bytes, tuple[str, str]]] = {}
    for point, plain in _TABLE.items():
        raw = chr(point).encode()
        signs.setdefault(raw[:1], {})[raw[1:]] = (chr(point), plain)
    return signs


# A text that holds none of the few leading bytes is not looked into any further.
_SIGNS = _by_lead()

_REST = bytes(0x80 if 0x80 <= byte < 0xC0 else 0 for byte in range(256))


def fold(text: str) -> tuple[str, bytes]:
    """The folded text, as long as `text` in code points, and the folded text in UTF-8.

    Lone surrogates, which JSON may carry, are `?` in the bytes: one code point there as well.
    """
    if text.isascii():
        return text, text.encode()
    data = text.encode("utf-8", "replace")
    is_folded = False
    for lead, signs in _SIGNS.items():
        if lead not in data:
            continue
        size = len(next(iter(signs)))
        # A replacement for each sign that is there, which takes a fifth of the time of `str.translate`.
        for tail in {part[:size] for part in data.split(lead)} & signs.keys():
            text = text.replace(*signs[tail])
            is_folded = True
    return text, text.encode("utf-8", "replace") if is_folded else data


def code_points(data: bytes, offsets: Iterable[int]) -> list[int]:
    """Byte offsets of `data` as offsets in code points; rising ones, so that the way is walked once."""
    # One sign for all bytes that go on with a code point, so that they can be counted.
    rest = data.translate(_REST)
    points: list[int] = []
    last = inside = 0
    for offset in offsets:
        if offset != last:
            inside += rest.count(b"\x80", last, offset)
            last = offset
        points.append(offset - inside)
    return points
