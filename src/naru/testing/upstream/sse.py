"""Server-sent events, in the plain form and in the legal but rare ones a reader must also understand."""

from __future__ import annotations

from naru.testing.upstream.script import SseStyle
from naru.testing.upstream.turn import Turn


class SseWriter:
    """Writes the events of one answer.

    Args:
        turn: whose script says the style.
        is_crlf: the provider's own line ends, unless the script wants others.
    """

    def __init__(self, turn: Turn, *, is_crlf: bool = False) -> None:
        self._turn = turn
        self._styles: frozenset[SseStyle] = frozenset(turn.script.sse)
        self._line = b"\r\n" if is_crlf else b"\n"
        for style, line in (("crlf", b"\r\n"), ("lf", b"\n"), ("cr", b"\r")):
            if style in self._styles:
                self._line = line
        self._count = 0

    def event(self, value: object, name: str | None = None) -> bytes:
        """One event with `value` as JSON, under an `event:` line when it has a name."""
        return self.raw(self._turn.encode(value), name)

    def raw(self, payload: bytes, name: str | None = None) -> bytes:
        """One event whose data is exactly `payload`."""
        line = self._line
        self._count += 1
        if not self._styles:
            head = b"event: " + name.encode() + line if name else b""
            return head + b"data: " + payload + line + line
        out = b"\xef\xbb\xbf" if "bom" in self._styles and self._count == 1 else b""
        if "comments" in self._styles:
            out += b": keep-alive" + line + line
        colon = b":" if "tight" in self._styles else b": "
        if "ids" in self._styles:
            out += b"id" + colon + str(self._count).encode() + line
        if name:
            out += b"event" + colon + name.encode() + line
        if "multiline" in self._styles and payload.startswith(b"{"):
            # JSON may be broken after its first brace, and SSE joins the lines with a newline again.
            out += b"data" + colon + b"{" + line
            payload = payload[1:]
        return out + b"data" + colon + payload + line + line
