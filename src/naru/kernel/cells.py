"""Cells of a CSV that a spreadsheet may open: what somebody else wrote must not run there as a formula."""

from __future__ import annotations

import re
from typing import Final

# What OWASP names ("CSV Injection"): full-width signs begin a formula, too, where Excel runs in an East Asian
# locale. Quotes before the sign count, so that taking one away gives back every text as it was.
_FORMULA: Final = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def quote_formula(text: str) -> str:
    """`text` with a `'` before it where a spreadsheet might run it; numbers, like -5, stay numbers."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
