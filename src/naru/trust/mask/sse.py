"""Cuts a byte stream into server-sent events, whatever the chunks, and writes one again with other data.

Only whole events are read, so no character is ever cut; an event nobody changes keeps its bytes.
"""

from __future__ import annotations

import re

from naru.kernel.errors import UpstreamError

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BLANK_LINE = re.compile(rb"(\r\n|\n|\r)(\r\n|\n|\r)")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")
_LOOK_BACK = 4


class Events:
    """One stream. Raises UpstreamError when one event is over `MAX_EVENT_BYTES`."""

    __slots__ = ("_buffer", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events completed by `chunk`, with their blank lines."""
        if not self._buffer and b"\r" not in chunk and chunk.endswith(b"\n\n"):
            if chunk.find(b"\n\n") == len(chunk) - 2:
                return [chunk]
            return [block + b"\n\n" for block in chunk.split(b"\n\n")[:-1]]
        buffer = self._buffer
        buffer += chunk
        events: list[bytes] = []
        start, at = 0, self._scanned
        while match := _BLANK_LINE.search(buffer, at):
            end = match.end()
            # `\n\r` at the very end may be the first half of `\n\r\n`.
            if end == len(buffer) and match[2] == b"\r":
                break
            events.append(bytes(buffer[start:end]))
            start = at = end
        del buffer[:start]
        if len(buffer) > MAX_EVENT_BYTES:
            buffer.clear()
            raise UpstreamError("The answer holds a stream event that is too long.", code="upstream_protocol")
        self._scanned = max(0, len(buffer) - _LOOK_BACK)
        return events

    def rest(self) -> bytes:
        """What came of an event that was never finished."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        return rest


def read_data(event: bytes) -> bytes:
    """The data of an event, empty for a comment."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        return event[6:-2].rstrip(b"\r")
    lines = [line for line, _ in _LINE.findall(event) if line.startswith(b"data:")]
    return b"\n".join(line[6:] if line[5:6] == b" " else line[5:] for line in lines)


def write_data(event: bytes, data: bytes) -> bytes:
    """The event with other data, one line of it; its name, comments and line ends stay."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and not event.endswith(b"\r\n"):
        return b"data: " + data + b"\n\n"
    out: list[bytes] = []
    is_written = False
    for line, end in _LINE.findall(event):
        if not line.startswith(b"data:"):
            out.append(line + end)
        elif not is_written:
            is_written = True
            out.append(b"data: " + data + end)
    return b"".join(out)
