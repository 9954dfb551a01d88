"""A whole message, both ways."""

from __future__ import annotations

from naru.kernel.tokens import Usage
from naru.wire.loose import list_of, object_of, text_of
from naru.wire.messages.blocks import NAME, read_tool_use, write_text
from naru.wire.messages.usage import read_usage, write_usage
from naru.wire.model import (
    Choice,
    FinishReason,
    Image,
    Json,
    Part,
    Refusal,
    Reply,
    Request,
    Text,
    Thinking,
    ToolUse,
    Unknown,
)
from naru.wire.signatures import mark_call
from naru.wire.turns import read_arguments

_FINISHES: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
}
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}
UNSHOWABLE = "[The answer holds an image, which the Messages API cannot carry.]"
_KEPT = ("container", "context_management", "stop_details")


def read_finish(stop_reason: object) -> FinishReason | None:
    """An unknown reason reads as an ordinary stop; None stays None."""
    reason = text_of(stop_reason)
    return None if reason is None else _FINISHES.get(reason, "stop")


def write_finish(finish: FinishReason | None, *, stop_sequence: str | None, has_tools: bool) -> str | None:
    """Some upstreams say `stop` where a tool is called: clients here look for `tool_use`."""
    if finish is None:
        return None
    if finish == "stop" and has_tools:
        return "tool_use"
    if finish == "stop" and stop_sequence is not None:
        return "stop_sequence"
    return _STOP_REASONS[finish]


def decode_reply(body: Json) -> Reply:
    """Lenient: what cannot be read is left out."""
    parts = [_read_block(block) for block in list_of(body.get("content")) if isinstance(block, dict)]
    choice = Choice(index=0, parts=parts, finish=read_finish(body.get("stop_reason")))
    choice.stop_sequence = text_of(body.get("stop_sequence"))
    return Reply(
        id=text_of(body.get("id")) or "",
        model=text_of(body.get("model")) or "",
        created=0,
        choices=[choice],
        usage=read_usage(body.get("usage")) or Usage(),
        extra={name: body[name] for name in _KEPT if body.get(name) is not None},
    )


def _read_block(block: Json) -> Part:
    text = text_of(block.get("text"))
    match block.get("type"):
        case "text" if text is not None:
            citations = [object_of(item) for item in list_of(block.get("citations"))]
            return Text(text=text, citations=citations or None)
        case "thinking":
            signature = text_of(block.get("signature")) or None
            return Thinking(text=text_of(block.get("thinking")) or "", signature=signature)
        case "redacted_thinking" if isinstance(block.get("data"), str):
            return Thinking(redacted=str(block["data"]))
        case "tool_use" if isinstance(block.get("id"), str) and isinstance(block.get("name"), str):
            return read_tool_use(block, "content")
    return Unknown(dialect=NAME, raw=block)


def encode_reply(reply: Reply, request: Request) -> Json:
    """The first choice: this language knows no others, and its clients cannot ask for them."""
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=[], finish="stop")
    content = [block for part in choice.parts for block in _write_part(part)]
    has_tools = any(block["type"] == "tool_use" for block in content)
    body: Json = {
        "id": reply.id or "msg_0",
        "type": "message",
        "role": "assistant",
        "model": reply.model or request.model,
        "content": content,
        # A whole message always names a reason, even where the upstream gave none.
        "stop_reason": write_finish(
            choice.finish or "stop", stop_sequence=choice.stop_sequence, has_tools=has_tools
        ),
        "stop_sequence": choice.stop_sequence,
        "usage": write_usage(reply.usage),
    }
    for name in _KEPT:
        if name in reply.extra:
            body[name] = reply.extra[name]
    return body


def _write_part(part: Part) -> list[Json]:
    match part:
        case Text():
            return [write_text(part)]
        case Refusal():
            return [{"type": "text", "text": part.text}]
        case Thinking():
            if part.redacted is not None:
                return [{"type": "redacted_thinking", "data": part.redacted}]
            return [{"type": "thinking", "thinking": part.text, "signature": part.signature or ""}]
        case ToolUse():
            call: Json = {"type": "tool_use", "id": part.id, "name": part.name}
            call["input"] = read_arguments(part)
            return [*signature_block(part.signature), call]
        case Image():
            return [{"type": "text", "text": UNSHOWABLE}]
        case Unknown() if part.dialect == NAME:
            return [part.raw]
    return []


def signature_block(signature: str | None) -> list[Json]:
    """The thinking block that carries a call's signature to the client and back; none without one."""
    if signature is None:
        return []
    return [{"type": "thinking", "thinking": "", "signature": mark_call(signature)}]
