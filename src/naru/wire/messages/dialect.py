"""The Messages language as the road sees it."""

from __future__ import annotations

import msgspec

from naru.wire.messages.decoder import MessagesDecoder
from naru.wire.messages.encoder import MessagesEncoder
from naru.wire.messages.errors import decode_fault, write_error, write_stream_error
from naru.wire.messages.passthrough import patch_request
from naru.wire.messages.reply import decode_reply, encode_reply
from naru.wire.messages.request_in import decode_request
from naru.wire.messages.request_out import encode_request
from naru.wire.messages.summary import summarize
from naru.wire.model import Json, Reply, Request, Summary, UpstreamFault


class MessagesDialect:
    """Client, upstream and pass-through language at once."""

    name = "messages"

    def decode_request(self, body: Json) -> Request:
        """Raises BadRequest with `param` naming the field at fault."""
        return decode_request(body)

    def encode_reply(self, reply: Reply, request: Request) -> Json:
        """A whole message."""
        return encode_reply(reply, request)

    def new_encoder(self, request: Request) -> MessagesEncoder:
        """Writes one client stream."""
        return MessagesEncoder(request)

    def encode_error(
        self, *, status: int, type: str, code: str, message: str, param: str | None, request_id: str
    ) -> Json:
        """Anthropic's error object, with `code` where its SDKs look for one."""
        return write_error(
            status=status, type=type, code=code, message=message, param=param, request_id=request_id
        )

    def encode_stream_error(
        self, *, status: int, type: str, code: str, message: str, request_id: str
    ) -> bytes:
        """The event after which Anthropic's SDKs raise."""
        return write_stream_error(status=status, type=type, code=code, message=message, request_id=request_id)

    def encode_request(self, request: Request, model: str) -> Json:
        """Raises BadRequest when the request cannot be said in this language at all."""
        return encode_request(request, model)

    def decode_reply(self, body: Json) -> Reply:
        """Lenient: what cannot be read is left out."""
        return decode_reply(body)

    def summarize(self, body: bytes) -> Summary:
        """Never raises."""
        return summarize(body)

    def new_decoder(self) -> MessagesDecoder:
        """Reads one upstream stream."""
        return MessagesDecoder()

    def decode_fault(self, status: int, body: bytes) -> UpstreamFault:
        """Copes with HTML, plain text and nothing at all."""
        return decode_fault(status, body)

    def patch_request(
        self,
        fields: dict[str, msgspec.Raw],
        model: str,
        *,
        may_ask_usage: bool,  # noqa: ARG002 - usage always comes in this language
    ) -> bool:
        """Puts the upstream's model name in. No chunk has to be hidden from the client."""
        patch_request(fields, model)
        return False
