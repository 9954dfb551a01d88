"""Amazon Bedrock's converse and converse-stream, the latter in AWS's binary event stream."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import Iterator

from naru.testing.upstream.turn import Json, Piece, Turn

_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of `application/vnd.amazon.eventstream`, both checksums right."""
    packed = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack("!I", crc32(prelude)) + packed + payload
    return message + struct.pack("!I", crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", 7, len(value)) + value


def _event(turn: Turn, name: str, value: Json) -> bytes:
    # Bedrock pads each event (`p`) for the reason OpenAI does: the size must not tell the token.
    payload = turn.encode({**value, "p": _PADDING[: 4 + len(name)]})
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, payload)


def _usage(turn: Turn) -> Json:
    script = turn.script
    written = script.cache_write_tokens + script.cache_write_1h_tokens
    output = turn.output_tokens + turn.reasoning_tokens
    usage: Json = {
        "inputTokens": turn.input_tokens,
        "outputTokens": output,
        "totalTokens": turn.all_input_tokens + output,
        "cacheReadInputTokens": script.cache_read_tokens,
        "cacheWriteInputTokens": written,
    }
    if written:
        usage["cacheDetails"] = [
            {"ttl": ttl, "inputTokens": tokens}
            for ttl, tokens in (("5m", script.cache_write_tokens), ("1h", script.cache_write_1h_tokens))
            if tokens
        ]
    return turn.merge_usage(usage)


def _input(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _call_id(id: str) -> str:
    return "tooluse_" + id.removeprefix("call_") if id.startswith("call_") else id


def _stop(turn: Turn) -> str:
    if turn.script.stop_sequence is not None:
        return "stop_sequence"
    return _STOP.get(turn.finish, turn.finish)


def whole(turn: Turn) -> Json:
    """One ConverseResponse."""
    content: list[Json] = []
    if turn.script.reasoning_redacted is not None:
        content.append({"reasoningContent": {"redactedContent": turn.script.reasoning_redacted}})
    if turn.reasoning:
        said = {"text": "".join(turn.reasoning), "signature": turn.script.reasoning_signature}
        content.append({"reasoningContent": {"reasoningText": said}})
    if turn.tokens or not turn.calls:
        content.append({"text": turn.text or turn.script.refusal or ""})
    content += [
        {"toolUse": {"toolUseId": _call_id(c.id), "name": c.name, "input": _input(c.arguments)}}
        for c in turn.calls
    ]
    answer: Json = {
        "metrics": {"latencyMs": 321},
        "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": _stop(turn),
    }
    if turn.wants_usage:
        answer["usage"] = _usage(turn)
    return answer


def fault(turn: Turn) -> bytes:
    """The in-band error: an exception message."""
    payload = turn.encode({"message": "The system encountered an unexpected error during processing."})
    headers = {
        ":exception-type": "modelStreamErrorException",
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, payload)


def garbage(turn: Turn) -> bytes:
    """An event whose checksum does not hold."""
    good = _event(turn, "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})
    return good[:-1] + bytes([good[-1] ^ 0xFF])


def stream(turn: Turn) -> Iterator[Piece]:
    """`messageStart`, the blocks, `messageStop`, then `metadata` with the usage."""
    yield Piece("open", _event(turn, "messageStart", {"role": "assistant"}))
    index = 0
    if turn.script.reasoning_redacted is not None:
        redacted = {"reasoningContent": {"redactedContent": turn.script.reasoning_redacted}}
        yield Piece("token", _delta(turn, index, redacted))
        yield Piece("close", _event(turn, "contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    if turn.reasoning:
        for token in turn.reasoning:
            yield Piece("token", _delta(turn, index, {"reasoningContent": {"text": token}}))
        signature = {"reasoningContent": {"signature": turn.script.reasoning_signature}}
        yield Piece("token", _delta(turn, index, signature))
        yield Piece("close", _event(turn, "contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    tokens = turn.tokens or ([turn.script.refusal] if turn.script.refusal else [])
    if tokens or not turn.calls:
        for token in tokens:
            yield Piece("token", _delta(turn, index, {"text": token}))
        yield Piece("close", _event(turn, "contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    for call in turn.calls:
        start = {"toolUse": {"toolUseId": _call_id(call.id), "name": call.name}}
        yield Piece("open", _event(turn, "contentBlockStart", {"contentBlockIndex": index, "start": start}))
        for fragment in [call.arguments] if turn.script.tool_style == "whole" else call.fragments:
            yield Piece("token", _delta(turn, index, {"toolUse": {"input": fragment}}))
        yield Piece("close", _event(turn, "contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    yield Piece("end", _event(turn, "messageStop", {"stopReason": _stop(turn)}))
    metadata: Json = {"metrics": {"latencyMs": 321}}
    if turn.wants_usage:
        metadata["usage"] = _usage(turn)
    yield Piece("end", _event(turn, "metadata", metadata))


def _delta(turn: Turn, index: int, delta: Json) -> bytes:
    return _event(turn, "contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
