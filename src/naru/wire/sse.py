"""Server-sent events: cuts a byte stream into frames wherever the reads fall, keeping every byte.

The bytes of all frames, then `rest`, are exactly the bytes that came in. Nearly every read is one
whole event ending in a blank line of plain newlines, so that case does no copy and one scan; anything
with a carriage return takes the slow road.
"""

from __future__ import annotations

import re

from naru.kernel.errors import UpstreamError
from naru.wire.base import Frame

MAX_EVENT_BYTES = 16 * 1024 * 1024

_BLANK_LINE = re.compile(rb"(\r\n|\n|\r(?!\n))(\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_LOOK_BACK = 3  # a blank line is at most four bytes, so up to three of them may already be here


class SseFraming:
    """Implements `naru.wire.base.Framing`. One per stream.

    Args:
        max_event_bytes: an event longer than this is refused, so that no upstream can fill the memory.
    """

    __slots__ = ("_buffer", "_max_event_bytes", "_scanned")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._max_event_bytes = max_event_bytes

    @property
    def has_rest(self) -> bool:
        """True when bytes of an unfinished event are waiting (at EOF: the stream was cut)."""
        return bool(self._buffer.strip(b"\r\n"))

    @property
    def rest(self) -> bytes:
        """The bytes that belong to no frame yet."""
        return bytes(self._buffer)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Frames completed by `chunk`, in order."""
        if not self._buffer and b"\r" not in chunk and chunk.endswith(b"\n\n"):
            if chunk.find(b"\n\n") == len(chunk) - 2:
                if len(chunk) > self._max_event_bytes:
                    raise self._oversize()
                return [read_frame(chunk)]
            *blocks, rest = chunk.split(b"\n\n")
            if not rest:  # else three newlines or five, of which one is left over
                if max(map(len, blocks)) + 2 > self._max_event_bytes:
                    raise self._oversize()
                return [read_frame(block + b"\n\n") for block in blocks]
        return self._feed_buffered(chunk)

    def flush(self) -> list[Frame]:
        """At EOF: the last event when only its blank line is missing, as some servers leave it out."""
        if not self.has_rest or self._buffer[-1] not in b"\r\n":
            return []
        frame = read_frame(bytes(self._buffer))
        self._buffer.clear()
        self._scanned = 0
        return [frame]

    def _feed_buffered(self, chunk: bytes) -> list[Frame]:
        buffer = self._buffer
        buffer += chunk
        frames: list[Frame] = []
        start = 0
        position = self._scanned
        while match := _BLANK_LINE.search(buffer, position):
            end = match.end()
            # `\n\r` at the very end is almost surely the first half of `\n\r\n`: wait for the other half.
            if end == len(buffer) and match[2] == b"\r" and match[1] != b"\r":
                break
            if end - start > self._max_event_bytes:
                raise self._oversize()
            frames.append(read_frame(bytes(buffer[start:end])))
            start = position = end
        if start:
            del buffer[:start]
        if len(buffer) > self._max_event_bytes:
            raise self._oversize()
        self._scanned = max(0, len(buffer) - _LOOK_BACK)
        return frames

    def _oversize(self) -> UpstreamError:
        self._buffer.clear()
        self._scanned = 0
        return UpstreamError(
            f"The upstream sent a stream event of more than {self._max_event_bytes} bytes.",
            code="upstream_protocol",
        )


def read_frame(raw: bytes) -> Frame:
    """Reads one event with its blank line; a comment alone gives a frame with empty `data`."""
    # The two shapes every provider sends: `data: …` alone, and `event: …` before it.
    if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
        return Frame(raw, "", raw[6:-2])
    if raw.startswith(b"event: ") and b"\r" not in raw:
        end = raw.find(b"\n")
        if raw.startswith(b"data: ", end + 1) and raw.find(b"\n", end + 7) == len(raw) - 2:
            return Frame(raw, raw[7:end].decode("utf-8", "replace"), raw[end + 7 : -2])
    return _read_any_frame(raw)


def _read_any_frame(raw: bytes) -> Frame:
    name = b""
    data: list[bytes] = []
    for line in _LINE_END.split(raw.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Frame(raw, name.decode("utf-8", "replace"), b"\n".join(data))
