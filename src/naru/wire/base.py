"""The contracts between the road and a language."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from naru.wire.model import Event, Json, Reply, Request, Summary, UpstreamFault


class Frame(NamedTuple):
    """One event of a stream: `raw` exactly as it came, `name` its `event:` line, `data` its payload.

    A comment or a keep-alive has empty `data`. For AWS event streams `raw` is empty and `name` is the
    `:event-type` (or `:exception-type`) header.
    """

    raw: bytes
    name: str
    data: bytes


class Framing(Protocol):
    """Cuts a byte stream into frames, wherever the reads happen to fall."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Frames completed by `chunk`. UpstreamError(code="upstream_protocol") on an oversize one."""
        ...

    def flush(self) -> list[Frame]:
        """At EOF: the last frame when only its blank line is missing; nothing when it is really cut."""
        ...

    @property
    def has_rest(self) -> bool:
        """True when bytes of an unfinished frame are waiting (at EOF: the stream was cut)."""
        ...


class StreamDecoder(Protocol):
    """Reads one upstream stream. Also used on a copy when bytes pass through, for metering."""

    def decode(self, frame: Frame) -> list[Event]:
        """Events of one frame; an unreadable frame gives a Fault, never an exception."""
        ...


class StreamEncoder(Protocol):
    """Writes one client stream. Events come in order; every client stream it writes is well formed."""

    def encode(self, event: Event) -> bytes:
        """Bytes to send now, maybe empty."""
        ...


class ClientDialect(Protocol):
    """A language clients speak to Naru: `chat`, `responses`, `completions`, `messages`."""

    name: str

    def decode_request(self, body: Json) -> Request:
        """Raises BadRequest with `param` naming the field at fault."""
        ...

    def encode_reply(self, reply: Reply, request: Request) -> Json: ...

    def new_encoder(self, request: Request) -> StreamEncoder: ...

    def encode_error(
        self, *, status: int, type: str, code: str, message: str, param: str | None, request_id: str
    ) -> Json:
        """The error object of a whole answer, in this language's shape."""
        ...

    def encode_stream_error(
        self, *, status: int, type: str, code: str, message: str, request_id: str
    ) -> bytes:
        """The error event that ends a stream which has already begun, such that the official SDK raises."""
        ...


class UpstreamDialect(Protocol):
    """A language Naru speaks to upstreams: those above, and `gemini`, `converse`."""

    name: str

    def encode_request(self, request: Request, model: str) -> Json:
        """Raises BadRequest when the request cannot be said in this language at all."""
        ...

    def decode_reply(self, body: Json) -> Reply: ...

    def summarize(self, body: bytes) -> Summary:
        """Reads of an answer only what metering needs; unreadable parts are None. Never raises."""
        ...

    def new_decoder(self) -> StreamDecoder: ...

    def decode_fault(self, status: int, body: bytes) -> UpstreamFault:
        """The error an upstream answered with; copes with HTML, plain text and nothing at all."""
        ...


class PassthroughDialect(Protocol):
    """Languages that are both: the body goes on with only these top-level fields changed."""

    def patch_request(self, fields: dict[str, msgspec.Raw], model: str, *, may_ask_usage: bool) -> bool:
        """Write the upstream's model name into `fields` (and ask for stream usage where the language needs
        asking and `may_ask_usage`). Returns True when the usage-only chunk must be kept from the client."""
        ...
