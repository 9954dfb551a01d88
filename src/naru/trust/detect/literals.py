"""Many expressions in one pass: a compiled database, shared by all threads, with scratch space for each."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import hyperscan


class Matcher:
    """Expressions looked for at once, in UTF-8 bytes. Linear, whatever the expressions: there is no way back.

    Args:
        expressions: in Hyperscan's syntax, ASCII letters of either case.
        is_literal: they are plain words and hold no syntax.
        is_unicode: classes and dots mean code points. The bytes scanned must then be valid UTF-8.
        has_starts: hits carry where they start; costs time, and some expressions cannot be compiled with it.

    Raises:
        ValueError: an expression cannot be matched in linear time, or not at all.
    """

    def __init__(
        self,
        expressions: Sequence[str],
        *,
        is_literal: bool = False,
        is_unicode: bool = False,
        has_starts: bool = False,
    ) -> None:
        flags = hyperscan.HS_FLAG_CASELESS
        if is_unicode:
            flags |= hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_UCP
        if has_starts:
            flags |= hyperscan.HS_FLAG_SOM_LEFTMOST
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(
                expressions=[expression.encode() for expression in expressions],
                ids=list(range(len(expressions))),
                flags=[flags] * len(expressions),
                literal=is_literal,
            )
        except hyperscan.HyperscanError as error:
            # Hyperscan's message holds the expression, which is the operator's and no secret, but no text.
            why = str(error).rstrip(".")
            raise ValueError(f"not an expression that can be matched in linear time: {why}") from None
        self._database = database
        self._local = threading.local()

    def scan(self, data: bytes) -> list[tuple[int, int, int]]:
        """Every hit as (expression, start, end), by rising end. Starts are 0 unless asked for."""
        hits: list[tuple[int, int, int]] = []
        append = hits.append

        def on_match(expression: int, start: int, end: int, _flags: int, _context: object) -> None:
            append((expression, start, end))

        self._database.scan(data, on_match, 0, None, self._scratch())
        return hits

    def scan_ends(self, data: bytes) -> tuple[list[int], list[int]]:
        """Of every hit the expression, and of every hit the end, rising."""
        expressions: list[int] = []
        ends: list[int] = []
        append, append_end = expressions.append, ends.append

        def on_match(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append(expression)
            append_end(end)

        self._database.scan(data, on_match, 0, None, self._scratch())
        return expressions, ends

    def _scratch(self) -> hyperscan.Scratch:
        scratch: hyperscan.Scratch | None = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch
