"""What metering needs of a whole message that passes through: read without building the message."""

from __future__ import annotations

import msgspec

from naru.wire.loose import find_json
from naru.wire.messages.reply import decode_reply, read_finish
from naru.wire.messages.usage import read_usage
from naru.wire.model import Summary
from naru.wire.turns import output_chars


class _Block(msgspec.Struct):
    text: str = ""
    thinking: str = ""
    input: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    content: list[_Block] = []
    usage: dict[str, object] | None = None


_decoder = msgspec.json.Decoder(_Message)


def summarize(body: bytes) -> Summary:
    """Never raises; a body of another shape is read field by field."""
    try:
        message = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _summarize_slowly(body)
    chars = 0
    for block in message.content:
        chars += len(block.text) + len(block.thinking) + len(bytes(block.input).decode())
    return Summary(
        id=message.id,
        model=message.model,
        usage=read_usage(message.usage),
        finish=read_finish(message.stop_reason),
        output_chars=chars,
    )


def _summarize_slowly(body: bytes) -> Summary:
    value = find_json(body)
    if not isinstance(value, dict):
        return Summary(id=None, model=None, usage=None, finish=None, output_chars=0)
    reply = decode_reply(value)
    return Summary(
        id=reply.id or None,
        model=reply.model or None,
        usage=read_usage(value.get("usage")),
        finish=reply.choices[0].finish,
        output_chars=output_chars(reply.choices[0].parts),
    )
