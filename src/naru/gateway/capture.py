"""Prompt and answer as the client saw them, handed over where a policy has consent to it.

Where nobody consents a call is not touched. Where somebody does, what is sent is gathered beside the
sending, bounded, and read into a pair later, on another thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from naru.gateway.endpoints import Endpoint
from naru.gateway.exchange import Exchange, Message, Send
from naru.kernel.errors import NaruError
from naru.trust import Desk
from naru.trust.feedback import Pair, RatedCall
from naru.wire.model import Reply, Text, TextDelta, ToolDelta, ToolStart, ToolUse
from naru.wire.registry import UPSTREAM_DIALECTS
from naru.wire.sse import SseFraming

_MAX_BYTES = 4 * 1024 * 1024
"""Of prompt and answer together; what is longer is no training example."""
_OK = 200
_SPOKEN = ("chat", "responses", "completions", "messages")
_decode = msgspec.json.Decoder().decode

Put = Callable[..., bool]
"""`CaptureQueue.put`."""


class Capture:
    """The road's hook: call it with an exchange whose principal and body are known."""

    def __init__(self, desk: Desk, put: Put) -> None:
        self._desk = desk
        self._put = put

    def __call__(self, x: Exchange) -> None:
        """Gather this call's answer, if its team consents."""
        room = self._desk.room
        if not room.table.may_capture or not room.is_enabled or x.endpoint.name not in _SPOKEN:
            return
        who = x.principal
        assert who is not None
        if not room.table.resolve(who.org, who.team, who.project, None, "").capture_consent:
            return
        if len(x.body) < _MAX_BYTES:
            x.send = _Gathering(x, self._put)


class _Gathering:
    """Stands before `x.send`, keeps what passes, and hands it over when the answer is whole."""

    __slots__ = ("_parts", "_put", "_send", "_size", "_x")

    def __init__(self, x: Exchange, put: Put) -> None:
        self._x = x
        self._put = put
        self._send: Send = x.send
        self._parts: list[bytes] | None = []
        self._size = len(x.body)

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        parts = self._parts
        if parts is None or message["type"] != "http.response.body":
            return
        body = message.get("body", b"")
        self._size += len(body)
        if self._size > _MAX_BYTES:
            self._parts = None
            return
        parts.append(body)
        if not message.get("more_body", False):
            self._parts = None
            x, who = self._x, self._x.principal
            # A stream that broke off says so before its last bytes.
            if who is not None and x.status == "ok" and x.http_status == _OK:
                self._put(
                    RatedCall(x.id, who.org, who.team, who.project),
                    _reader(x.endpoint, x.body, parts, is_stream=x.is_stream),
                    size=self._size,
                )


def _reader(
    endpoint: Endpoint, body: bytes, parts: list[bytes], *, is_stream: bool
) -> Callable[[], Pair | None]:
    return lambda: read_pair(endpoint, body, b"".join(parts), is_stream=is_stream)


def read_pair(endpoint: Endpoint, body: bytes, answer: bytes, *, is_stream: bool) -> Pair | None:
    """A request and its answer in OpenAI's words.

    Returns:
        None when they cannot be said so, or are not whole (Responses that go on from an earlier answer).
    """
    try:
        request: dict[str, Any] = _decode(body)
        if endpoint.name != "chat":
            neutral = endpoint.dialect.decode_request(request)
            request = UPSTREAM_DIALECTS["chat"].encode_request(neutral, neutral.model)
        said = _read_stream(endpoint.name, answer) if is_stream else _read_whole(endpoint.name, answer)
    except (NaruError, msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None
    messages = request.get("messages")
    if said is None or not isinstance(messages, list):
        return None
    tools = request.get("tools")
    return Pair(messages=messages, answer=said, tools=tools if isinstance(tools, list) and tools else None)


def _read_whole(language: str, answer: bytes) -> dict[str, object] | None:
    reply: Reply = UPSTREAM_DIALECTS[language].decode_reply(_decode(answer))
    parts = reply.choices[0].parts
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolUse)]
    return _message(text, calls)


def _read_stream(language: str, answer: bytes) -> dict[str, object] | None:
    decode = UPSTREAM_DIALECTS[language].new_decoder().decode
    text: list[str] = []
    calls: dict[int, list[str]] = {}
    framing = SseFraming()
    for frame in [*framing.feed(answer), *framing.flush()]:
        for event in decode(frame):
            match event:
                case TextDelta(index=0):
                    text.append(event.text)
                case ToolStart(index=0):
                    calls[event.slot] = [event.id, event.name, ""]
                case ToolDelta(index=0) if event.slot in calls:
                    calls[event.slot][2] += event.arguments
                case _:
                    pass
    return _message("".join(text), [(id, name, arguments) for id, name, arguments in calls.values()])


def _message(text: str, calls: list[tuple[str, str, str]]) -> dict[str, object] | None:
    if not text and not calls:
        return None
    said: dict[str, object] = {"role": "assistant", "content": text or None}
    if calls:
        said["tool_calls"] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in calls
        ]
    return said
