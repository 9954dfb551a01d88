"""Whether a place in a text lies inside a URL, and whose: a value restored there would travel to that host.

Errs to one side: what may be inside a URL to a host off the list is inside. Text is kept only as far back as
an open URL reaches, and never more than a bound.
"""

from __future__ import annotations

import re

_KEPT = 2_048
_MAX = 8_192
# `scheme://`; the web's schemes with any number of slashes, as browsers read them; `//host` where markup
# begins an address; `www.`, which is linked without a scheme; what a mail address adds, and schemes that run
# code. `\/` is how JSON may write a slash.
_START = re.compile(
    r"""(?:https?|wss?|ftp):[\\/]*
    |[a-z][a-z0-9+.\-]{1,30}:(?:\\?/){2,}
    |(?<=[("'=<])(?:[\\/]){2}(?=[a-z0-9\[<])
    |www\.
    |(?P<hostless>mailto:[^\s?]{0,320}\?|(?:javascript|vbscript):|data:[a-z]{2,20}/)""",
    re.IGNORECASE | re.VERBOSE,
)
_HINTS = ("//", "\\", ":/", "p:", "s:", "w.", "o:", "t:", "a:", "P:", "S:", "W.", "O:", "T:", "A:")
"""Every beginning of an address holds one of these: `in` is faster than the pattern."""
# What is linked without a scheme, `host.tld/`, and `\\host\`, which a desktop opens. Looked for in a word.
_BARE = re.compile(
    r"""(?<![a-z0-9_@.\-/\\])
    (?=(?:(?:[a-z0-9\-]{1,63}\.){1,8}(?:[a-z]{2,24}|xn--[a-z0-9\-]{2,59})|(?:[0-9]{1,3}\.){3}[0-9]{1,3})
       (?::[0-9]{1,5})?[/?\#])
    |(?<![\\:\w])\\\\(?=[a-z0-9][a-z0-9.\-]{0,253}(?:@[a-z0-9@]{1,16})?(?:\\|\Z))""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_START = 600
"""No beginning of an address is longer."""
_SPACE = re.compile("[ \t\r\n\f\v]")
"""Only ASCII blanks end an address in Markdown: behind a no-break space it goes on."""
_LINE_END = re.compile("[\r\n]")
_END_OF_HOST = re.compile(r"[/\\?#]")
# After a host: its port, a path, or a Korean particle; never what would make it part of another host.
_STANDS_ALONE = re.compile(r"(?::[0-9]{1,5})?(?:[/?#]|[가-힣]{0,4}(?:[\s\"'<>)\]`,]|\.(?:\s|$)|$))")
_HOST_LABELS = frozenset(["IP", "URL"])


class UrlGuard:
    """Follows one text.

    Args:
        hosts: as in `Rules.hosts`.
    """

    __slots__ = ("_exact", "_is_open", "_parts", "_size", "_suffixes")

    def __init__(self, hosts: frozenset[str]) -> None:
        self._exact = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._suffixes = tuple(host[1:].lower() for host in hosts if host.startswith("*."))
        self._is_open = "*" in hosts
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """`text` was sent."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > _MAX:
            self._trim()

    def is_closed_at(self, label: str, after: str) -> bool:
        """Whether a value of `label` must not be restored here.

        `after` is what follows: 7 code points or more where the text goes on.
        """
        if self._is_open:
            return False
        text = self._text()
        url = self._open_url(text)
        if url is None:
            self._keep(text[max(_last_word(text) - 1, len(text) - _LONGEST_START, 0) :])
            return False
        address = text[url[1] :]
        self._keep(text[max(0, url[0] - 2) :])  # with its opener
        if not address and (label in _HOST_LABELS or label.startswith("CUSTOM")):
            # The host itself, nothing before it and nothing that would make it a part of another.
            return _STANDS_ALONE.match(after) is None
        if url[2]:
            return True
        end = _END_OF_HOST.search(address)
        if end is None or (end[0] == "\\" and address[end.end() : end.end() + 1] != "/"):
            return True  # browsers and others do not agree on where a host with a backslash ends
        return not self._is_listed(address[: end.start()])

    def _text(self) -> str:
        text = "".join(self._parts)
        self._parts = [text]
        return text

    def _trim(self) -> None:
        text = self._text()
        url = self._open_url(text)
        if url is None:
            self._keep(text[max(_last_word(text) - 1, len(text) - _LONGEST_START, 0) :])
        else:  # the middle of a very long address does not matter: its opener and host do
            kept = text[max(0, url[0] - 1) : url[1] + 512]
            rest = text[url[1] + 512 :]
            self._keep(kept + rest[-_KEPT:])

    def _keep(self, text: str) -> None:
        self._parts = [text]
        self._size = len(text)

    @staticmethod
    def _open_url(text: str) -> tuple[int, int, bool] | None:
        """(start, end of the scheme, whether it has no host) of the URL open at the end of `text`."""
        match = _START.search(text) if any(hint in text for hint in _HINTS) else None
        while match is not None:
            end = _find_end(text, match.start(), match.end())
            if end is None:
                return match.start(), match.end(), match["hostless"] is not None
            match = _START.search(text, max(end, match.end()))
        match = _BARE.search(text, _last_word(text))
        return None if match is None else (match.start(), match.end(), False)

    def _is_listed(self, authority: str) -> bool:
        host = authority.rpartition("@")[2].lower()
        if not host.startswith("["):
            host = host.partition(":")[0]
        host = host.rstrip(".")
        return host in self._exact or host.endswith(self._suffixes)


def _last_word(text: str) -> int:
    """Where it begins: no beginning of an address holds a blank."""
    return max(text.rfind(" "), text.rfind("\n"), text.rfind("\t")) + 1


def _find_end(text: str, start: int, at: int) -> int | None:
    opener = text[start - 1] if start else ""
    if opener in ('"', "'", "<") and opener:
        found = text.find(">" if opener == "<" else opener, at)
        return None if found < 0 else found
    is_linked = text[max(0, start - 2) : start] == "]("  # some readers of Markdown let blanks stand in there
    space = (_LINE_END if is_linked else _SPACE).search(text, at)
    stop = space.start() if space else len(text)
    if opener == "(":
        depth = 0
        for position in range(at, stop):
            char = text[position]
            if char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth < 0:
                    return position
    return stop if space else None
