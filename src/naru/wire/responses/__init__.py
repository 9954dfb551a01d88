"""OpenAI Responses: items in, items out, and a stream in which every item opens and closes."""

from __future__ import annotations

import msgspec

from naru.wire.chat.errors import OpenAIErrors
from naru.wire.responses.decoder import ResponsesDecoder
from naru.wire.responses.encoder import ResponsesEncoder, write_failure
from naru.wire.responses.reply import decode_reply, encode_reply
from naru.wire.responses.request import ResponsesRequest, decode_request, encode_request
from naru.wire.responses.summary import summarize

__all__ = ["ResponsesDecoder", "ResponsesDialect", "ResponsesEncoder", "ResponsesRequest"]


class ResponsesDialect(OpenAIErrors):
    """Client, upstream and passthrough dialect `responses`. Stateless."""

    name = "responses"

    decode_request = staticmethod(decode_request)
    encode_request = staticmethod(encode_request)
    summarize = staticmethod(summarize)
    decode_reply = staticmethod(decode_reply)
    encode_reply = staticmethod(encode_reply)
    new_decoder = ResponsesDecoder
    new_encoder = ResponsesEncoder

    def patch_request(
        self,
        fields: dict[str, msgspec.Raw],
        model: str,
        *,
        may_ask_usage: bool,  # noqa: ARG002 - here usage always comes, in the last event
    ) -> bool:
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
        return False

    def encode_stream_error(
        self,
        *,
        status: int,  # noqa: ARG002 - a stream that has begun has its status already
        type: str,
        code: str,
        message: str,
        request_id: str,  # noqa: ARG002 - and its headers
    ) -> bytes:
        return write_failure(type=type, code=code, message=message, sequence_number=0)
