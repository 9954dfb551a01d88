"""One text, as a reader would see it, and what is folded into it: the views that rules and model look at.

Every view is made in time linear in the text, and all views together are bounded. Disguise is evidence too:
what had to be undone is told in `disguises`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote

MAX_CHARS = 65_536
"""Longer texts are looked at by head and tail of half this size each: instructions stand at the edges."""
_MAX_BLOBS = 8
_MAX_DECODED = 8_192


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


# --- letters -----------------------------------------------------------------------------------------------

_INVISIBLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
]
_BIDI = re.compile("[\u202d\u202e]")
_ZERO_WIDTH_INSIDE = re.compile("(?<=\\w)[\u00ad\u200b\u200c\u2060-\u2064\ufeff](?=\\w)")
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")

_LOOKALIKES = {
    ord(pair[0]): pair[1]
    for pair in (
        "аa вb сc ԁd еe ɡg һh іi јj κk кk ӏl мm нh оo рp ԛq гr ѕs тt υu ѵv ԝw хx уy զq οo ոn սu օo "
        "αa βb εe ηn ιi νv ρp τt χx γy ɑa ɩi ɪi ɴn ʀr ʏy ʟl ʙb ʜh ɢg ıi łl øo đd ħh"
    ).split()
}
"""Letters of Cyrillic, Armenian, Greek and IPA that stand in for Latin ones (after lower-casing)."""
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u058f\u0250-\u02af]")
_ASCII_LETTER = re.compile("[a-z]")
_SYMBOLS = {
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2010: "-", 0x2011: "-",
    0x300C: '"', 0x300D: '"', 0x300E: '"', 0x300F: '"', 0x3002: ". ", 0x3001: ", ",
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
    """One form a letter: NFKC, lower case, no marks, no invisible signs, single blanks. `plain` without views."""
    return _LINES.sub("\n", _BLANKS.sub(" ", _fold_letters(text))).strip()


def _fold_letters(text: str) -> str:
    if not text.isascii():
        if _JAMO_RUN.search(text):
            text = _JAMO_RUN.sub(lambda match: compose_jamo(match[0]), text)
        text = unicodedata.normalize("NFKC", text)
        if _CONJOINING.search(text):
            text = text.translate(_COMPATIBLE)
        text = text.lower().translate(_FOLD)
        if _FOREIGN.search(text) and 2 * len(_ASCII_LETTER.findall(text)) > len(_FOREIGN.findall(text)):
            text = text.translate(_LOOKALIKES)
        return text
    return text.lower()


# --- what is hidden ------------------------------------------------------------------------------------------

_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_]([ .\-_*|/,+])(?:\1{1,3}(?=[^\W_]\1))?){5,}[^\W_](?![^\W_])")
_KNOWN = re.compile(
    "(ignore|disregard|forget|previous|prior|above|instructions?|rules|system|prompt|reveal|show|print|your"
    "|password|secret|tell me|override|repeat|restrictions?|follow|everything|developer|mode)"
)
"""Where gaps between words are lost too, the words that matter are found again."""
_WIDE_GAP = re.compile(r"([ .\-_*|/,+])\1+")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,]{0,2}){10,}(?![0-9A-Za-z])")
_BITS = re.compile(r"(?<![01])(?:[01]{8}\s?){5,}")
_CODES = re.compile(r"(?<!\d)(?:\d{2,3}[ ,]{1,2}){9,}\d{2,3}(?!\d)")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})|&#(\d{2,6});|&#x([0-9a-fA-F]{2,5});")
_BASE32 = re.compile(r"(?<![A-Z2-7=])[A-Z2-7]{24,}={0,6}(?![A-Z2-7=])")
_LEET = re.compile(r"[a-z][0134578@$!|][a-z]|[0134578@$!][a-z]{2}[0134578@$!]")
_FROM_LEET = str.maketrans("0134578@$!|", "oieastbasii")
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

_MORSE_LETTERS = dict(
    zip(
        (".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..").split(),
        "abcdefghijklmnopqrstuvwxyz",
        strict=True,
    )
)  # fmt: skip


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


def _respace(match: re.Match[str]) -> str:
    """Letters set apart to words: a wider gap between them is the word's end."""
    run = match[0]
    gap = match[1]
    if gap == " ":
        return " ".join(part.replace(" ", "") for part in re.split("  +", run))
    return _WIDE_GAP.sub(" ", run).replace(gap, "")


_DECODERS = (
    ("base64", 0, _BASE64, _from_base64),
    ("hexadecimal", 10, _HEX, _from_hex),
    ("bits", 40, _BITS, _from_bits),
    ("character codes", 18, _CODES, _from_codes),
    ("base32", 0, _BASE32, _from_base32),
)
"""Name, how many digits there must be in the text at least, pattern, decoder."""


def _decode(raw: str, plain: str) -> tuple[list[tuple[str, str]], int]:
    hidden: list[tuple[str, str]] = []
    blobs = 0
    digits = sum(map(raw.count, "0123456789"))
    for name, fewest, pattern, decoder in _DECODERS:
        if digits < fewest:
            continue
        for match in pattern.finditer(raw):
            if blobs >= _MAX_BLOBS:
                break
            if name == "base64" and (match[0].isalpha() and match[0].islower() or match[0].isdigit()):
                continue
            found = decoder(match[0])
            if found is not None:
                blobs += 1
                hidden.append((name, found))
                inner = _BASE64.search(found) if name == "base64" else None
                if inner and (twice := _from_base64(inner[0])) is not None:
                    hidden.append(("base64 twice", twice))
            elif name in ("base64", "hexadecimal") and len(match[0]) >= 24:
                blobs += 1
    if "%" in raw and len(_PERCENT.findall(raw, 0, _MAX_DECODED)) >= 4:
        hidden.append(("percent signs", unquote(raw[:_MAX_DECODED])))
    if ("\\u" in raw or "&#" in raw) and len(_ESCAPES.findall(raw, 0, _MAX_DECODED)) >= 4:
        hidden.append(("escapes", _ESCAPES.sub(_unescape, raw[:_MAX_DECODED])))
    if any(word in plain for word in _ROT13):
        hidden.append(("rot13", codecs.encode(plain, "rot13")))
        blobs += 1
    if any(word in plain for word in _REVERSED) or sum(word in plain for word in _REVERSED_KO) > 1:
        hidden.append(("reversed letters", plain[::-1]))
        blobs += 1
    if any(word in plain for word in _ATBASH):
        hidden.append(("atbash", plain.translate(_ATBASH_TABLE)))
        blobs += 1
    if plain.count("-") >= 6 and (morse := _MORSE.search(plain)) is not None:
        words = re.split(r" ?/ ?|  +", morse[0][:_MAX_DECODED])
        hidden.append(
            (
                "morse",
                " ".join("".join(_MORSE_LETTERS.get(code, "") for code in word.split()) for word in words),
            )
        )
        blobs += 1
    return hidden, blobs


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
        for match in list(_TAGS.finditer(text))[:_MAX_BLOBS]:
            hidden.append(("invisible tag characters", "".join(chr(ord(c) - 0xE0000) for c in match[0])))
    letters = _fold_letters(text)
    plain = _LINES.sub("\n", _BLANKS.sub(" ", letters)).strip()
    if (
        not text.isascii()
        and _FOREIGN.search(text)
        and re.search(r"[a-zA-Z][\u0400-\u052f\u0370-\u03ff]", text)
    ):
        disguises.append("letters of two scripts in one word")
    if _SPACED.search(letters):
        hidden.append(("letters set apart", fold(_KNOWN.sub(r" \1 ", fold(_SPACED.sub(_respace, letters))))))
    if sum(map(plain.count, "0134578@$")) >= 3 and len(_LEET.findall(plain, 0, _MAX_DECODED)) >= 2:
        hidden.append(("digits for letters", plain.replace("11", "ll").translate(_FROM_LEET)))
    decoded, blobs = _decode(text, plain)
    hidden.extend((name, fold(found)) for name, found in decoded)
    return Views(plain, text, tuple(hidden), tuple(disguises), blobs)
