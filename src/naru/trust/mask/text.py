"""Restores one text that comes in pieces: a message, a thought, the arguments of one tool call.

Only what may still become a placeholder is held back (`tokens.MAX_HOLD` code points at most); cut anywhere,
the text comes out as it would in one piece.
"""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from collections.abc import Iterator

from naru.trust.mask import particles, tokens
from naru.trust.mask.rules import Rules
from naru.trust.mask.urls import UrlGuard
from naru.trust.mask.vault import Conversation, Entry

PLAIN, ARGUMENTS, SEALED = "plain", "arguments", "sealed"
"""Kinds of text: prose; the JSON of a tool call; a thought under a signature, which has to be masked back to
the very bytes that were signed and so is restored without any correction."""


_JSON_BLANKS = ("\\n", "\\t", "\\r")


def _read_escape(unit: str) -> str:
    try:
        return str(json.loads(f'"{unit}"'))
    except ValueError:
        return unit


class Counters:
    """What restoring did in one answer."""

    __slots__ = ("is_counting", "restored", "unknown", "withheld")

    def __init__(self) -> None:
        self.restored = 0
        self.unknown = 0
        self.withheld = 0
        self.is_counting = True
        """False while text is read that was counted before (an event that repeats the whole)."""


class TextRestorer:
    """One text.

    Args:
        may_restore: False only counts what is withheld (a call to a tool off the list).
    """

    __slots__ = (
        "_before",
        "_conversation",
        "_counters",
        "_fakes",
        "_grammar",
        "_guard",
        "_held",
        "_in_nested",
        "_in_string",
        "_is_begun",
        "_is_json",
        "_is_nested",
        "_is_opening",
        "_kind",
        "_may_restore",
        "_read",
        "_written",
        "edits",
    )

    def __init__(
        self,
        conversation: Conversation,
        rules: Rules,
        counters: Counters,
        *,
        kind: str = PLAIN,
        may_restore: bool = True,
    ) -> None:
        self._conversation = conversation
        self._counters = counters
        self._kind = kind
        self._may_restore = may_restore
        self._is_json = kind == ARGUMENTS
        self._grammar = tokens.JSON if self._is_json else tokens.TEXT
        self._is_begun = self._is_json
        self._guard = UrlGuard(rules.hosts)
        self._fakes = _FakeFinder(conversation) if conversation.fakes else None
        self._held = ""
        self._before = ""
        self._in_string = self._is_opening = False
        self._is_nested = self._in_nested = False
        """Inside a string of JSON that itself stands in a string."""
        self._read = 0
        self._written = 0
        self.edits: list[tuple[int, int]] = []
        """(position behind a changed place in the text read, the same in the text written), ascending."""

    @property
    def has_held(self) -> bool:
        """Whether something waits for what comes next."""
        return bool(self._held)

    def feed(self, text: str) -> str:
        """What can be sent once `text` has come."""
        if (
            not self._held
            and self._is_begun
            and self._fakes is None
            and self._grammar.trigger.search(text) is None
        ):
            if text:
                self._before = (self._before + text)[-2:]
                self._note(text)
            return text
        if not self._is_begun:
            self._begin(text)
        return self._run(self._held + text, is_last=False)

    def flush(self) -> str:
        """The rest, at the end of the text."""
        if not self._held:
            return ""
        return self._run(self._held, is_last=True)

    def _begin(self, text: str) -> None:
        """Prose that begins like JSON is a structured answer: values are escaped inside its strings."""
        first = (self._held + text).lstrip()[:1]
        if first:
            self._is_begun = True
            if first in "{[" and self._kind == PLAIN:
                self._is_json = True
                self._grammar = tokens.JSON

    def _note(self, piece: str, shown: str | None = None) -> None:
        """`piece` goes out as it is; `shown` is what a reader of the JSON sees."""
        if self._is_opening and (first := piece.lstrip()[:1]) and first not in '"\\':
            self._is_opening = False
            self._is_nested = first in "{["
        self._read += len(piece)
        self._written += len(piece)
        self._guard.add(piece if shown is None else shown)

    def _run(self, text: str, *, is_last: bool) -> str:
        skipped = len(self._before)
        text = self._before + text
        end = stop = len(text)
        if not is_last:
            hold = self._grammar.hold.search(text, max(skipped, end - tokens.MAX_HOLD))
            if hold is not None:
                stop = hold.start()
            if self._fakes is not None:
                stop = min(stop, self._fakes.hold(text, skipped))
        out: list[str] = []
        at = skipped
        found: Iterator[_Unit] = self._grammar.full.finditer(text, at)
        if self._fakes is not None:
            found = self._merge(text, at, self._fakes)
        for match in found:
            start, close = match.span()
            if start >= stop:
                break
            if start > at:
                self._pass(text[at:start], out)
            self._take(match, out, text[close : close + 8])
            at = close
        if at < stop:
            self._pass(text[at:stop], out)
            at = stop
        self._held = text[at:]
        self._before = text[max(0, at - 2) : at]
        return "".join(out)

    def _pass(self, piece: str, out: list[str]) -> None:
        out.append(piece)
        is_escape = self._is_json and piece[0] == "\\" and len(piece) in (2, 6)
        self._note(piece, _read_escape(piece) if is_escape else None)

    def _merge(self, text: str, at: int, fakes: _FakeFinder) -> Iterator[_Unit]:
        """Placeholders and fakes in order of appearance."""
        while True:
            token = self._grammar.full.search(text, at)
            fake = fakes.search(text, at, token.start() if token else len(text))
            found = fake or token
            if found is None:
                return
            yield found
            at = found.end()

    def _take(self, match: _Unit, out: list[str], after: str) -> None:
        entry, opener = self._find(match)
        text = match.group()
        if entry is None:
            if self._is_json:
                self._note_quote(text)
            self._pass(text, out)
            return
        counters = self._counters
        closers, particle = match["closers"] or "", match["particle"] or ""
        if (
            not self._may_restore
            or (self._kind == ARGUMENTS and not self._in_string)
            or self._guard.is_closed_at(entry.label, closers + particle + after)
        ):
            counters.withheld += counters.is_counting
            self._pass(text, out)
        else:
            counters.restored += counters.is_counting
            if particle and self._kind != SEALED:
                particle = particles.correct(entry.value, particle)
            written = self._escape(entry.value, opener) + closers + particle
            out.append(written)
            self._read += len(text)
            self._written += len(written)
            self.edits.append((self._read, self._written))
            self._guard.add(written)
        if self._is_json and closers.count('"') == 1:
            self._note_quote('"')

    def _note_quote(self, unit: str) -> None:
        """Follows the JSON over a quote or an escape; a string beginning with `{` or `[` is JSON again."""
        if unit == '"':
            self._in_string = not self._in_string
            self._is_opening = self._in_string
            self._is_nested = self._in_nested = False
        elif unit == '\\"' and self._is_nested:
            self._in_nested = not self._in_nested
        elif self._is_opening and unit not in _JSON_BLANKS:
            self._is_opening = False

    def _find(self, match: _Unit) -> tuple[Entry | None, str]:
        """What a unit stands for, None when it is to be left as it is; and the bracket it began with."""
        if isinstance(match, _FakeMatch):
            return match.entry, ""
        label, opener = match["label"], match["open"] or ""
        if label is not None:
            number, nonce = int(match["number"]), match["nonce"][1:] or None
            entry = self._conversation.find(tokens.canonical(label), number, nonce)
            if entry is None:
                self._counters.unknown += self._counters.is_counting
            elif self._kind == SEALED and not match.group().startswith(self._conversation.write(entry)):
                return None, ""
            if opener[0] == "\\" and match["close"][0] == "\\":
                opener = opener.lstrip(
                    "\\"
                )  # Markdown's escapes belong to the brackets, a path's `\` does not
            return entry, opener
        if match["bare"] is None or self._kind == SEALED:
            return None, ""
        label, number = tokens.canonical(match["bare"]), int(match["bare_number"])
        if self._conversation.is_shut_bare(label, number):
            return None, ""
        return self._conversation.find(label, number, match["bare_nonce"][1:] or None), ""

    def _escape(self, value: str, opener: str) -> str:
        kept = opener[: len(opener) - len(opener.lstrip("\\"))] if opener[-1:] == "<" else ""
        if opener.startswith("%"):
            return urllib.parse.quote(value, safe="")
        if opener.startswith("&"):
            value = html.escape(value, quote=False)
        for _ in range((self._is_json and self._in_string) + self._in_nested):
            value = json.dumps(value, ensure_ascii=False)[1:-1]
        return kept + value


class _FakeMatch:
    """A fake in a text, with the groups of a placeholder's match that matter."""

    __slots__ = ("_close", "_groups", "_start", "entry")

    def __init__(self, entry: Entry, start: int, close: int, groups: tuple[str, str, str]) -> None:
        self.entry = entry
        self._start = start
        self._close = close
        self._groups = dict(zip(("", "closers", "particle"), groups, strict=True))

    def span(self) -> tuple[int, int]:
        return self._start, self._close

    def start(self) -> int:
        return self._start

    def end(self) -> int:
        return self._close

    def group(self) -> str:
        return self._groups[""]

    def __getitem__(self, name: str) -> str:
        return self._groups[name]


_Unit = re.Match[str] | _FakeMatch


class _FakeFinder:
    """Finds the fakes of one conversation in a text."""

    __slots__ = ("_fakes", "_full", "_longest", "_prefixes")

    def __init__(self, conversation: Conversation) -> None:
        self._fakes = dict(conversation.fakes)
        ordered = sorted(self._fakes, key=lambda fake: -len(fake))
        body = "|".join(re.escape(fake) for fake in ordered)
        self._full = re.compile(
            rf"(?<![0-9A-Za-z])(?P<fake>{body})(?![0-9A-Za-z])"
            rf"(?:(?P<closers>[\"'”’`*_」』]{{0,2}})(?P<particle>{particles.ALTERNATION}){particles.BOUNDARY})?"
        )
        self._prefixes = {fake[:size] for fake in ordered for size in range(1, len(fake) + 1)}
        self._longest = max(map(len, ordered)) + 9

    def hold(self, text: str, at: int) -> int:
        """Where the start of a possible fake begins, or the text's length."""
        for start in range(max(at, len(text) - self._longest), len(text)):
            tail = text[start:]
            if tail in self._prefixes:
                return start
            match = self._full.match(text, start)
            if match is not None and len(text) - match.end() < particles.LONGEST + 2:
                return start
        return len(text)

    def search(self, text: str, at: int, stop: int) -> _FakeMatch | None:
        match = self._full.search(text, at)
        if match is None or match.start() >= stop:
            return None
        groups = (match.group(), match["closers"] or "", match["particle"] or "")
        return _FakeMatch(self._fakes[match["fake"]], match.start(), match.end(), groups)
