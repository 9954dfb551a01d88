"""The official SDK as the judge of what Naru writes: its own client reads our bytes."""

from __future__ import annotations

import anthropic
import httpx2
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from naru.wire.messages import MessagesDialect
from naru.wire.model import Event, Request
from naru.wire.sse import SseFraming

EVENTS: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
ASKED = Request(model="asked", messages=[])


def write(events: list[Event], request: Request = ASKED) -> bytes:
    encoder = MessagesDialect().new_encoder(request)
    return b"".join(encoder.encode(event) for event in events)


def payloads(stream: bytes) -> list[bytes]:
    framing = SseFraming()
    frames = framing.feed(stream)
    assert not framing.has_rest
    return [frame.data for frame in frames]


def read(stream: bytes) -> anthropic.types.Message:
    """What `client.messages.stream(...)` makes of the bytes; each event must also fit the SDK's types."""
    for data in payloads(stream):
        if data != b'{"type": "ping"}' and not data.startswith(b'{"type":"error"'):
            EVENTS.validate_json(data)

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        anthropic.Anthropic(api_key="-", http_client=http, max_retries=0) as client,
        client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
        ) as running,
    ):
        return running.get_final_message()
