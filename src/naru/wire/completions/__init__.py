"""OpenAI's legacy completions: a prompt in, its continuation out. Translated, it is a chat of one turn."""

from __future__ import annotations

from naru.wire.chat import is_usage_only, patch_request
from naru.wire.chat.errors import OpenAIErrors
from naru.wire.chat.reply import summarize
from naru.wire.completions.reply import decode_reply, encode_reply
from naru.wire.completions.request import CompletionsRequest, decode_request, encode_request
from naru.wire.completions.stream import CompletionsDecoder, CompletionsEncoder

__all__ = ["CompletionsDecoder", "CompletionsDialect", "CompletionsEncoder", "CompletionsRequest"]


class CompletionsDialect(OpenAIErrors):
    """Client, upstream and passthrough dialect `completions`. Stateless."""

    name = "completions"

    decode_request = staticmethod(decode_request)
    encode_request = staticmethod(encode_request)
    patch_request = staticmethod(patch_request)
    is_usage_only = staticmethod(is_usage_only)
    summarize = staticmethod(summarize)
    decode_reply = staticmethod(decode_reply)
    encode_reply = staticmethod(encode_reply)
    new_decoder = CompletionsDecoder
    new_encoder = CompletionsEncoder
