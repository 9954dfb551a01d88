"""AWS event streams: length-prefixed binary frames with checksums, cut by botocore's own parser.

botocore is imported when the first such stream is opened: nobody without Bedrock pays for it.
"""

from __future__ import annotations

import struct

import msgspec

from naru.kernel.errors import UpstreamError
from naru.wire.base import Frame


class EventStreamFraming:
    """Implements `naru.wire.base.Framing`. One per stream."""

    __slots__ = ("_buffer", "_parser_error", "_waiting_bytes")

    def __init__(self) -> None:
        from botocore.eventstream import (  # noqa: PLC0415 - see the module's docstring
            EventStreamBuffer,
            ParserError,
        )

        self._buffer = EventStreamBuffer()
        self._parser_error: type[Exception] = ParserError
        self._waiting_bytes = 0

    def flush(self) -> list[Frame]:
        """Nothing: a message of this format is whole or it is cut."""
        return []

    @property
    def has_rest(self) -> bool:
        """True when bytes of an unfinished frame are waiting (at EOF: the stream was cut)."""
        return self._waiting_bytes > 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """Frames completed by `chunk`. Raises UpstreamError(code="upstream_protocol") on a frame that is
        damaged or larger than AWS allows."""
        self._waiting_bytes += len(chunk)
        frames: list[Frame] = []
        try:
            self._buffer.add_data(chunk)
            for message in self._buffer:
                self._waiting_bytes -= message.prelude.total_length
                frames.append(_read_frame(message.headers, message.payload))
        except (self._parser_error, struct.error, ValueError, KeyError) as error:
            raise UpstreamError("The upstream sent a damaged event.", code="upstream_protocol") from error
        return frames


def _read_frame(headers: dict[str, object], payload: bytes) -> Frame:
    if headers.get(":message-type") == "error":
        # An error without a payload: its words stand in headers.
        message = str(headers.get(":error-message") or "")
        data = msgspec.json.encode({"message": message})
        return Frame(b"", str(headers.get(":error-code") or "internalServerException"), data)
    name = headers.get(":exception-type") or headers.get(":event-type") or ""
    return Frame(b"", str(name), payload)
