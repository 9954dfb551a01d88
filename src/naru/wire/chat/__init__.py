"""OpenAI chat completions: the language most clients and most upstreams speak."""

from __future__ import annotations

import re

import msgspec

from naru.wire.base import Frame
from naru.wire.chat.decoder import ChatDecoder
from naru.wire.chat.encoder import ChatEncoder
from naru.wire.chat.errors import OpenAIErrors
from naru.wire.chat.reply import decode_reply, encode_reply, summarize
from naru.wire.chat.request import ChatRequest, decode_request, encode_request

__all__ = ["ChatDecoder", "ChatDialect", "ChatEncoder", "ChatRequest", "is_usage_only", "patch_request"]

_EMPTY_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class _UsageChunk(msgspec.Struct):
    choices: list[msgspec.Raw]
    usage: msgspec.Raw
    error: object = None


_decode_usage_chunk = msgspec.json.Decoder(_UsageChunk).decode
_decode_options = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_TRUE = msgspec.Raw(b"true")


def patch_request(fields: dict[str, msgspec.Raw], model: str, *, may_ask_usage: bool) -> bool:
    """`PassthroughDialect.patch_request` of chat and completions."""
    fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    if not may_ask_usage or bytes(fields.get("stream", b"")) != b"true":
        return False
    try:
        options = _decode_options(fields.get("stream_options", b"null")) or {}
    except msgspec.DecodeError:
        return False  # the upstream will say what is wrong with it
    if bytes(options.get("include_usage", b"")) == b"true":
        return False
    options["include_usage"] = _TRUE  # merged, so that include_obfuscation and the like live on
    fields["stream_options"] = msgspec.Raw(msgspec.json.encode(options))
    return True


def is_usage_only(frame: Frame) -> bool:
    """Whether a frame is the usage chunk that only Naru asked for, and no more than that.

    Azure's prompt-filter chunk has no choices either, but its usage is null: it is the client's.
    """
    if _EMPTY_CHOICES.search(frame.data) is None:
        return False
    try:
        chunk = _decode_usage_chunk(frame.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return not chunk.choices and bytes(chunk.usage).startswith(b"{") and chunk.error is None


class ChatDialect(OpenAIErrors):
    """Client, upstream and passthrough dialect `chat`. Stateless."""

    name = "chat"

    decode_request = staticmethod(decode_request)
    encode_request = staticmethod(encode_request)
    patch_request = staticmethod(patch_request)
    is_usage_only = staticmethod(is_usage_only)
    summarize = staticmethod(summarize)
    decode_reply = staticmethod(decode_reply)
    encode_reply = staticmethod(encode_reply)
    new_decoder = ChatDecoder
    new_encoder = ChatEncoder
