"""The grammar of placeholders: how we write them, what models make of them, and what may still become one.

`<PERSON_1>`: short, ASCII, kept whole by tokenisers. Models change case, separators and brackets, so more is
read than is written; whatever can be read is also what a user's own text must not contain unescaped.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from naru.trust.entity import CUSTOM, ENTITY_TYPES
from naru.trust.mask import particles

LITERAL = "LITERAL"
"""Label of text that looked like a placeholder before we wrote any."""
MAX_HOLD = 60
"""Code points looked back over: the longest form there is (46, every part mutated) and what may follow it
(particle or port, 8). What we write ourselves is 24 at most, 28 with a nonce."""
MAX_NUMBER = 99_999
_MAX_CUSTOM = 10

_LABELS = (*ENTITY_TYPES, LITERAL)
_SEP = r"(?:\\{0,2}_|[ \-\u2011])"
_SEP_PREFIX = r"\\{0,2}"
_BARE_SEP = r"(?:\\{0,2}_)"
_BLANK = "[ \\u00a0]{0,2}"
_OPEN = r"(?:\\{0,2}<|[＜〈‹⟨《]|&lt;|%3[Cc])"
_OPEN_PREFIX = r"(?:\\{1,2}|&(?:lt?)?|%3?)"
_CLOSE = r"(?:\\{0,2}>|[＞〉›⟩》]|&gt;|%3[Ee])"
_CLOSE_PREFIX = r"(?:\\{1,2}|&(?:gt?)?|%3?)"
_NONCE = "(?:_[a-z0-9]{1,3})?"
_CLOSERS = "[\"'”’`*_」』]"
_WORD = "[A-Za-z0-9_]"


def label_of(type: str) -> str:
    """The label a type is written with: its own name; of a custom one its name's ASCII letters and digits."""
    if not type.startswith(CUSTOM):
        return type
    name = re.sub("[^A-Z0-9]", "", type[len(CUSTOM) :].upper())[:_MAX_CUSTOM]
    return f"CUSTOM_{name}" if name else "CUSTOM"


def _write_label(sep: str) -> str:
    known = "|".join(label.replace("_", sep) for label in sorted(_LABELS, key=lambda label: -len(label)))
    return f"(?:{known}|CUSTOM(?:{sep}[A-Z0-9]{{1,{_MAX_CUSTOM}}})?)"


def _write_label_prefix(sep: str, sep_prefix: str) -> str:
    """Every unfinished label. Inside, `~` stands for a separator."""
    trie = particles.write_prefixes([label.replace("_", "~") for label in (*_LABELS, "CUSTOM")])
    unfinished = trie.replace("\\~", "~").replace("~", sep)
    return f"(?:{unfinished}{sep_prefix}|CUSTOM{sep}[A-Z0-9]{{0,{_MAX_CUSTOM}}}{sep_prefix})"


class Grammar(NamedTuple):
    """The compiled patterns for one kind of text.

    Attributes:
        full: one unit: a placeholder with the particle behind it (groups open, label, number, nonce,
            close, or bare, bare_number, bare_nonce; closers, particle), or text to be passed over (no group).
        hold: at the end of a text, the start of what may still become a unit or make one longer.
        trigger: a character without which nothing in a text can be or begin a unit.
    """

    full: re.Pattern[str]
    hold: re.Pattern[str]
    trigger: re.Pattern[str]


def _write_grammar(*, is_json: bool) -> Grammar:
    open_, close = _OPEN, _CLOSE
    open_prefix, close_prefix = _OPEN_PREFIX, _CLOSE_PREFIX
    before = f"(?<!{_WORD})"
    skip = ""
    if is_json:  # raw JSON: escapes are passed over as units, so that none is cut or made by accident
        open_ = rf"(?:{open_}|\\u003[cC])"
        close = rf"(?:{close}|\\u003[eE])"
        open_prefix = rf"(?:{open_prefix}|\\u0{{0,2}}3?)"
        close_prefix = rf"(?:{close_prefix}|\\u0{{0,2}}3?)"
        before = rf"(?:(?<!{_WORD})|(?<=\\[nrt]))"
        skip = r'|\\u[0-9a-fA-F]{4}|\\.|"'
    label, bare = _write_label(_SEP), _write_label(_BARE_SEP)
    body = rf"{_BLANK}(?ai:{label}){_SEP}[0-9]{{1,5}}"
    bracketed = f"{open_}{body}{_NONCE}{_BLANK}{close}"
    bare_token = rf"{before}{bare}\\{{0,2}}_[0-9]{{1,5}}{_NONCE}(?!{_WORD})"
    full = (
        rf"(?:(?P<open>{open_}){_BLANK}(?P<label>(?ai:{label})){_SEP}(?P<number>[0-9]{{1,5}})"
        rf"(?P<nonce>{_NONCE}){_BLANK}(?P<close>{close})"
        rf"|{before}(?P<bare>{bare})\\{{0,2}}_(?P<bare_number>[0-9]{{1,5}})(?P<bare_nonce>{_NONCE})(?!{_WORD}))"
        rf"(?:(?P<closers>{_CLOSERS}{{0,2}})(?P<particle>{particles.ALTERNATION}){particles.BOUNDARY})?"
        + skip
    )
    rest = rf"(?:_[a-z0-9]{{0,3}})?(?:{_BLANK}{close_prefix}?)"
    unfinished = _write_label_prefix(_SEP, _SEP_PREFIX)
    bare_unfinished = _write_label_prefix(_BARE_SEP, _SEP_PREFIX)
    hold = (
        rf"(?:{open_}{_BLANK}(?:(?ai:{label})(?:{_SEP_PREFIX}|{_SEP}(?:[0-9]{{1,5}}{rest})?)|(?ai:{unfinished}))"
        rf"|{open_prefix}"
        rf"|{before}(?:{bare}(?:\\{{0,2}}|\\{{0,2}}_(?:[0-9]{{1,5}}(?:_[a-z0-9]{{0,3}})?)?)|(?=[A-Z]){bare_unfinished})"
        rf"|(?:{bracketed}|{bare_token})(?:{_CLOSERS}{{0,2}}{particles.PREFIXES}|(?::[0-9]{{0,5}}|[가-힣]{{0,4}})\.?))\Z"
    )
    trigger = r'[<＜〈‹⟨《&%\\A-Z"]' if is_json else r"[<＜〈‹⟨《&%\\A-Z]"
    return Grammar(re.compile(full, re.DOTALL), re.compile(hold), re.compile(trigger))


TEXT = _write_grammar(is_json=False)
"""Plain text."""
JSON = _write_grammar(is_json=True)
"""JSON as it is written, e.g. the arguments of a tool call."""

_FORGED = re.compile(rf"{_OPEN}{_BLANK}(?ai:{_write_label(_SEP)}){_SEP}[0-9]{{1,5}}{_NONCE}{_BLANK}{_CLOSE}")
_BARE = re.compile(
    rf"(?<!{_WORD})(?P<bare>{_write_label(_BARE_SEP)})\\{{0,2}}_(?P<number>[0-9]{{1,5}}){_NONCE}(?!{_WORD})"
)
_WIDE_OPENERS = re.compile("[＜〈‹⟨《]")
_SEPARATORS = re.compile(r"[\\_ \-\u2011]+")


def may_hold_any(text: str) -> bool:
    """Whether a text has a character without which it can hold no placeholder, bracketed or bare."""
    return "_" in text or _has_opener(text)


def _has_opener(text: str) -> bool:
    # Most texts have none, and each sign alone is looked for many times as fast as their class.
    if "<" in text or "&" in text or "%" in text:
        return True
    return not text.isascii() and _WIDE_OPENERS.search(text) is not None


def find_forged(text: str) -> list[tuple[int, int]]:
    """Spans of a text that would be read as a bracketed placeholder, in any form."""
    if not _has_opener(text):
        return []
    return [match.span() for match in _FORGED.finditer(text)]


def find_bare(text: str) -> list[tuple[str, int]]:
    """(label, number) of what would be read as a placeholder without brackets."""
    if "_" not in text:
        return []
    return [(canonical(match["bare"]), int(match["number"])) for match in _BARE.finditer(text)]


def canonical(label: str) -> str:
    """A label as we write it, from any form of it."""
    return _SEPARATORS.sub("_", label).upper()


def write(label: str, number: int, nonce: str | None) -> str:
    """The placeholder as we write it."""
    return f"<{label}_{number}_{nonce}>" if nonce else f"<{label}_{number}>"
