"""Cleans what upstreams say of themselves before anybody else reads it.

Runs in time linear in the text: every pattern is bounded or anchored to where a word begins, because
the text is an upstream's and may be made to hurt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CHARS = 500
"""Longest text handed on."""
MASK = "***"

_WINDOW = 16_384
"""Characters looked at: far more than is handed on, so that a hostile text costs no time."""
_MIN_SECRET = 4
"""Shorter strings are no secrets, and blanking them would blank ordinary words."""

_WORD_START = r"(?<![A-Za-z0-9_-])"
_ENDINGS = r"(?:com|net|org|io|ai|dev|cloud|app|kr|internal|local|lan|svc|corp|home)"
_HEX = r"[0-9A-Fa-f]{1,4}"
_ADDRESS = r"[A-Za-z][A-Za-z0-9+.-]{0,15}://[^\s\"'<>]*"
_PATTERNS = (
    # addresses
    r"(?<![\w.+-])[\w.+-]+@[\w.-]+",
    r"(?<![\w.:-])\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?",
    rf"(?<![\w.:])(?:(?:{_HEX}:){{3,7}}{_HEX}|(?:{_HEX}:){{1,7}}(?::{_HEX}){{1,6}}|::{_HEX}(?::{_HEX}){{0,6}})(?!\w)",
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?!\w)",
    r"(?<![\w.-])localhost(?::\d{1,5})?\b",
    r"(?<![\w.-])(?:[A-Za-z0-9_-]+\.)+" + _ENDINGS + r"(?::\d{1,5})?(?![\w-])",
    # keys and accounts: by what they begin with, by being masked already, by length
    _WORD_START + r"(?:sk|pk|rk|org|proj)[-_][\w*.•…-]{3,}",
    _WORD_START
    + r"(?:gsk|hf|xai|up|nv|nvapi|pplx|ghp|gho|glpat|xox[a-z]|ABSK|bedrock-api-key)[_-][\w*.-]{6,}",
    _WORD_START + r"AIza[\w*-]{4,}",
    _WORD_START + r"(?:AKIA|ASIA|ABIA|ACCA|ABSK)[A-Za-z0-9*+/=]{4,}",
    _WORD_START + r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}",
    r"\b(?:Bearer|Basic)\s{1,4}[\w.~+/=*-]{4,}",
    r"(?<![\w*-])[\w-]*\*{3,}[\w-]*",
    r"(?<![A-Za-z0-9_+/=-])[A-Za-z0-9_+/=-]{40,}",
)
_TRACE = re.compile(r"Traceback \(most recent call last\)|\n\s{1,8}at [\w.$<>]{1,200}\(|\n\s{0,8}File \"")


class Redactor:
    """Removes an upstream's secrets from a text.

    Args:
        secrets: exact strings to remove wherever they stand, in any case: keys, addresses, host names.
    """

    __slots__ = ("_pattern", "_reach")

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({s.strip() for s in secrets if len(s.strip()) >= _MIN_SECRET}, key=len, reverse=True)
        # Whole addresses first, then the longest secret: of two that begin alike, more is removed.
        alternatives = [re.escape(secret) for secret in known]
        self._pattern = re.compile("|".join([_ADDRESS, *alternatives, *_PATTERNS]), re.IGNORECASE)
        self._reach = max((len(secret) for secret in known), default=0)

    def clean(self, text: str) -> str:
        """`text` on one line, without secrets, addresses and stack traces, at most 500 characters."""
        if len(text) > _WINDOW:
            # What the edge of the window cuts in two cannot be recognised: leave it out.
            text = text[: _WINDOW - self._reach].rpartition(" ")[0]
        if trace := _TRACE.search(text):
            text = text[: trace.start()]
        text = "".join(character if character.isprintable() else " " for character in text)
        text = " ".join(self._pattern.sub(MASK, text).split())
        return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"
