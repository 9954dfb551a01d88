"""What encoded runs of a text say: base64, base32, hexadecimal, bits, codes, escapes, simple ciphers, Morse.

Only the first few runs and a bounded part of each are decoded; what is no readable text is not told.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

_MAX_BLOBS = 8
_MAX_DECODED = 8_192

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(r"[0-9A-Fa-f]{2}[\s:,]{0,2}(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,]{0,2}){9,}")
_BITS = re.compile(r"[01]{8}\s?(?:[01]{8}\s?){4,}")
_CODES = re.compile(r"\d{2,3}(?:[ ,]{1,2}\d{2,3}){9,}")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})|&#(\d{2,6});|&#x([0-9a-fA-F]{2,5});")
_BASE32 = re.compile(r"(?<![A-Z2-7=])[A-Z2-7]{24,}={0,6}(?![A-Z2-7=])")
_MORSE = re.compile(r"(?:[.\-]{1,5}[ /]{1,3}){10,}[.\-]{1,5}")
_HAS_LETTERS = re.compile(r"[^\W\d_]{3}")

# Words of attacks as they look in the three simple ciphers. Prefixes, so that inflections are found.
_ROT13 = ("vtaber", "qvfertneq", "sbetrg", "cerivbhf", "vafgehpgvba", "flfgrz cebzcg", "erirny", "cnffjbeq")
_REVERSED = (
    "erongi",
    "dragersid",
    "tegrof",
    "suoiverp",
    "noitcurtsni",
    "tpmorp metsys",
    "laever",
    "drowssap",
)
_REVERSED_KO = ("시무", "시지", "트프롬프", "령명")
_ATBASH = ("rtmliv", "wrhivtziw", "ulitvg", "kiverlfh", "rmhgifxgrlm", "hbhgvn kilnkg")
_ATBASH_TABLE = str.maketrans("abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba")

_MORSE_CODES = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- "  # a to m
    "-. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_MORSE_LETTERS = dict(zip(_MORSE_CODES.split(" "), "abcdefghijklmnopqrstuvwxyz", strict=True))


def _readable(data: bytes) -> str | None:
    """Text of decoded bytes when it is text: UTF-8, printable, with words in it."""
    try:
        text = data[:_MAX_DECODED].decode("utf-8", "strict" if len(data) <= _MAX_DECODED else "ignore")
    except UnicodeDecodeError:
        return None
    if len(text) < 6 or not _HAS_LETTERS.search(text):
        return None
    printable = sum(letter.isprintable() or letter in "\r\n\t" for letter in text)
    return text if printable >= 0.95 * len(text) else None


def _from_base64(run: str) -> str | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")[: _MAX_DECODED * 4 // 3 // 4 * 4]
    body = body[: len(body) - 1] if len(body) % 4 == 1 else body
    try:
        return _readable(base64.b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        return None


def _from_base32(run: str) -> str | None:
    body = run.rstrip("=")[:_MAX_DECODED]
    try:
        return _readable(base64.b32decode(body + "=" * (-len(body) % 8)))
    except (binascii.Error, ValueError):
        return None


def _from_hex(run: str) -> str | None:
    digits = re.sub(r"0x|\\x|[\s:,]", "", run)[: 2 * _MAX_DECODED]
    return _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _from_bits(run: str) -> str | None:
    digits = re.sub(r"\s", "", run)[: 8 * _MAX_DECODED]
    return _readable(int(digits, 2).to_bytes(len(digits) // 8, "big"))


def _from_codes(run: str) -> str | None:
    numbers = [int(number) for number in re.findall(r"\d+", run)[:_MAX_DECODED]]
    return _readable(bytes(numbers)) if max(numbers) < 256 and min(numbers) >= 9 else None


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1] or match[3], 16) if match[1] or match[3] else int(match[2])
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else " "


class _Decoder(NamedTuple):
    """An encoding.

    Attributes:
        name: as it is told.
        digits: how many there must be in a text at least.
        run: how long its longest word must be at least.
        pattern: what may be a run of it.
        decode: a run's text, or None.
        counts_always: whether a long run counts as encoded though it is no text.
    """

    name: str
    digits: int
    run: int
    pattern: re.Pattern[str]
    decode: Callable[[str], str | None]
    counts_always: bool


_DECODERS = (
    _Decoder("base64", 0, 16, _BASE64, _from_base64, True),
    _Decoder("hexadecimal", 10, 0, _HEX, _from_hex, True),
    _Decoder("bits", 40, 0, _BITS, _from_bits, False),
    _Decoder("character codes", 18, 0, _CODES, _from_codes, False),
    _Decoder("base32", 0, 24, _BASE32, _from_base32, False),
)


def find_hidden(raw: str, plain: str) -> tuple[list[tuple[str, str]], int]:
    """What a text hides in encodings and ciphers.

    Args:
        raw: the text as it came: case matters to encodings.
        plain: the text folded: ciphers are found by the words of attacks in them.

    Returns:
        (how, what it says) pairs, and how many encoded runs there are, decodable or not.
    """
    hidden: list[tuple[str, str]] = []
    blobs = 0
    digits = sum(map(raw.count, "0123456789"))
    longest = max(map(len, raw.split()), default=0)
    for decoder in _DECODERS:
        if digits < decoder.digits or longest < decoder.run:
            continue
        for match in decoder.pattern.finditer(raw):
            if blobs >= _MAX_BLOBS:
                break
            run = match[0]
            if decoder.name == "base64" and (run.islower() or run.isdigit()):
                continue  # a long word or number
            found = decoder.decode(run)
            if found is not None:
                hidden += _unwrap(decoder.name, found)
            blobs += found is not None or (decoder.counts_always and len(run) >= 24)
    ciphers = list(_find_ciphers(plain))
    hidden += [*_find_escapes(raw), *ciphers]
    return hidden, blobs + len(ciphers)


def _unwrap(name: str, found: str) -> list[tuple[str, str]]:
    inner = _BASE64.search(found) if name == "base64" else None
    twice = _from_base64(inner[0]) if inner else None
    return [(name, found)] if twice is None else [(name, found), ("base64 twice", twice)]


def _find_escapes(raw: str) -> Iterator[tuple[str, str]]:
    if "%" in raw and len(_PERCENT.findall(raw, 0, _MAX_DECODED)) >= 3:
        yield "percent signs", unquote(raw[:_MAX_DECODED])
    if ("\\u" in raw or "&#" in raw) and len(_ESCAPES.findall(raw, 0, _MAX_DECODED)) >= 4:
        yield "escapes", _ESCAPES.sub(_unescape, raw[:_MAX_DECODED])


def _find_ciphers(plain: str) -> Iterator[tuple[str, str]]:
    if any(word in plain for word in _ROT13):
        yield "rot13", codecs.encode(plain, "rot13")
    if any(word in plain for word in _REVERSED) or sum(word in plain for word in _REVERSED_KO) > 1:
        yield "reversed letters", plain[::-1]
    if any(word in plain for word in _ATBASH):
        yield "atbash", plain.translate(_ATBASH_TABLE)
    if plain.count("-") >= 6 and (morse := _MORSE.search(plain)) is not None:
        words = (word.split() for word in re.split(r" ?/ ?|  +", morse[0][:_MAX_DECODED]))
        yield "morse", " ".join("".join(_MORSE_LETTERS.get(code, "") for code in word) for word in words)
