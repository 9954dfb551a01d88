"""OpenAI's legacy completions: a prompt in, its continuation out. Translated, it is a chat of one turn."""

from __future__ import annotations

from naru.wire.chat import is_usage_only, patch_request
from naru.wire.chat.encoder import write_event
from naru.wire.chat.errors import decode_fault, write_error
from naru.wire.chat.reply import summarize
from naru.wire.completions.reply import decode_reply, encode_reply
from naru.wire.completions.request import CompletionsRequest, decode_request, encode_request
from naru.wire.completions.stream import CompletionsDecoder, CompletionsEncoder
from naru.wire.model import Json, Reply, Request

__all__ = ["CompletionsDecoder", "CompletionsDialect", "CompletionsEncoder", "CompletionsRequest"]


class CompletionsDialect:
    """Client, upstream and passthrough dialect `completions`. Stateless."""

    name = "completions"

    decode_request = staticmethod(decode_request)
    encode_request = staticmethod(encode_request)
    patch_request = staticmethod(patch_request)
    is_usage_only = staticmethod(is_usage_only)
    summarize = staticmethod(summarize)
    decode_fault = staticmethod(decode_fault)

    def decode_reply(self, body: Json) -> Reply:
        return decode_reply(body)

    def encode_reply(self, reply: Reply, request: Request) -> Json:
        return encode_reply(reply, request)

    def new_decoder(self) -> CompletionsDecoder:
        return CompletionsDecoder()

    def new_encoder(self, request: Request) -> CompletionsEncoder:
        return CompletionsEncoder(request)

    def encode_error(
        self,
        *,
        status: int,  # noqa: ARG002 - this language says it in the HTTP status alone
        type: str,
        code: str,
        message: str,
        param: str | None,
        request_id: str,  # noqa: ARG002 - and this in a header
    ) -> Json:
        return write_error(type=type, code=code, message=message, param=param)

    def encode_stream_error(
        self,
        *,
        status: int,  # noqa: ARG002 - a stream that has begun has its status already
        type: str,
        code: str,
        message: str,
        request_id: str,  # noqa: ARG002 - and its headers
    ) -> bytes:
        return write_event(write_error(type=type, code=code, message=message, param=None))
