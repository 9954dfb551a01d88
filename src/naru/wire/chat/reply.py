"""A whole chat completion: read from an upstream, written to a client, or skimmed for metering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from naru.kernel.errors import UpstreamError
from naru.kernel.tokens import Usage
from naru.wire.chat.citations import write_citations
from naru.wire.chat.content import DIALECT
from naru.wire.chat.messages import read_signature, write_call
from naru.wire.chat.request import ChatRequest
from naru.wire.chat.thinking import read_thinking, write_thinking
from naru.wire.chat.usage import is_known, read_usage, write_usage
from naru.wire.model import (
    Choice,
    FinishReason,
    Json,
    Part,
    Refusal,
    Reply,
    Request,
    Summary,
    Text,
    Thinking,
    ToolUse,
    Unknown,
)
from naru.wire.repair import decode_repaired

_FINISH_IN: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "insufficient_system_resource": "length",  # DeepSeek: cut short for want of machines
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
}


def read_finish(reason: object, *, has_calls: bool, has_refused: bool) -> FinishReason | None:
    """A finish reason in the model's words. Some servers say `stop` though calls came: the calls decide."""
    if not isinstance(reason, str) or not reason:
        return None
    finish = _FINISH_IN.get(reason, "stop")
    if finish == "stop":
        if has_calls:
            return "tool_calls"
        if has_refused:
            return "refusal"
    return finish


def write_finish(finish: FinishReason, *, has_refused: bool, uses_functions: bool) -> str:
    """A finish reason in OpenAI's words, which has none for a refusal or a pause."""
    if finish == "tool_calls" and uses_functions:
        return "function_call"
    if finish == "refusal":
        return "stop" if has_refused else "content_filter"
    return "stop" if finish == "pause" else finish


def make_id(id: str, prefix: str) -> str:
    """The upstream's id in the form clients of this language expect."""
    return id if id.startswith(prefix) else prefix + bare_id(id)


def bare_id(id: str) -> str:
    """A reply's id without the prefix of its language: what ids in another language are made of."""
    for prefix in ("chatcmpl-", "cmpl-", "resp_", "msg_"):
        id = id.removeprefix(prefix)
    return id or "naru"


def read_int(value: object) -> int:
    """A timestamp however it was written; 0 when there is none."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def decode_reply(body: Json) -> Reply:
    """Lenient wherever servers differ; raises UpstreamError only when there is no answer in `body`."""
    items = body.get("choices")
    if not isinstance(items, list):
        raise UpstreamError("The upstream's answer has no choices.", code="upstream_protocol")
    reply_id = body.get("id")
    reply_id = reply_id if isinstance(reply_id, str) else ""
    choices = [_read_choice(item, i, reply_id) for i, item in enumerate(items) if isinstance(item, dict)]
    extra: Json = {}
    if isinstance(body.get("system_fingerprint"), str):
        extra["system_fingerprint"] = body["system_fingerprint"]
    model = body.get("model")
    return Reply(
        id=reply_id,
        model=model if isinstance(model, str) else "",
        created=read_int(body.get("created")),
        choices=choices,
        usage=_find_usage(body) or Usage(),
        extra=extra,
    )


def _find_usage(body: Json) -> Usage | None:
    for holder in (body, body.get("x_groq")):
        if isinstance(holder, dict):
            usage = read_usage(holder.get("usage"), body.get("service_tier"))
            if usage is not None:
                return usage
    return None


def _read_choice(item: Json, position: int, reply_id: str) -> Choice:
    message = item.get("message")
    parts = _read_message(message, position, reply_id) if isinstance(message, dict) else []
    index, logprobs = item.get("index"), item.get("logprobs")
    return Choice(
        index=index if isinstance(index, int) else position,
        parts=parts,
        finish=read_finish(
            item.get("finish_reason"),
            has_calls=any(isinstance(part, ToolUse) for part in parts),
            has_refused=any(isinstance(part, Refusal) for part in parts),
        ),
        logprobs=logprobs if isinstance(logprobs, dict) else None,
    )


def _read_message(message: Json, position: int, reply_id: str) -> list[Part]:
    parts: list[Part] = list(read_thinking(message))
    text = read_text(message.get("content"))
    annotations = message.get("annotations")
    if text:
        citations = annotations if isinstance(annotations, list) and annotations else None
        parts.append(Text(text=text, citations=citations))
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append(Refusal(text=refusal))
    calls = message.get("tool_calls")
    legacy = message.get("function_call")
    if isinstance(calls, list) and calls:
        for slot, call in enumerate(calls):
            if isinstance(call, dict) and (use := _read_call(call, position, slot, reply_id)) is not None:
                parts.append(use)
    elif isinstance(legacy, dict):
        use = _read_call({"function": legacy}, position, 0, reply_id)
        parts.extend([use] if use is not None else [])
    audio = message.get("audio")
    if isinstance(audio, dict):
        parts.append(Unknown(dialect=DIALECT, raw={"type": "audio", "audio": audio}))
    return parts


def read_text(content: object) -> str:
    """The text of a reply's content, whole or in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # Mistral's reasoning models answer in parts
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(text for text in texts if isinstance(text, str))
    return ""


def make_call_id(reply_id: str, choice: int, slot: int) -> str:
    """An id for a call whose upstream gave none: stable, and unique in the conversation."""
    return f"call_{bare_id(reply_id).replace('-', '_')}_{choice}_{slot}"


def _read_call(call: Json, position: int, slot: int, reply_id: str) -> ToolUse | None:
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    call_id = call.get("id")
    return ToolUse(
        id=call_id if isinstance(call_id, str) and call_id else make_call_id(reply_id, position, slot),
        name=function["name"],
        arguments=read_arguments(function.get("arguments")),
        signature=read_signature(call),
    )


def read_arguments(value: object) -> str:
    """Arguments as JSON text; some servers send the object itself."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def encode_reply(reply: Reply, request: Request) -> Json:
    """A `chat.completion` object."""
    uses_functions = isinstance(request, ChatRequest) and request.uses_functions
    body: Json = {
        "id": make_id(reply.id, "chatcmpl-"),
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model or request.model,
        "choices": [_write_choice(choice, uses_functions=uses_functions) for choice in reply.choices],
    }
    if is_known(reply.usage):
        body["usage"] = write_usage(reply.usage)
    if reply.usage.service_tier in ("auto", "default", "flex", "scale", "priority", "fast"):
        body["service_tier"] = reply.usage.service_tier
    if "system_fingerprint" in reply.extra:
        body["system_fingerprint"] = reply.extra["system_fingerprint"]
    return body


def _write_choice(choice: Choice, *, uses_functions: bool) -> Json:
    texts = [part for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    calls = [part for part in choice.parts if isinstance(part, ToolUse)]
    message: Json = {
        "role": "assistant",
        "content": "".join(text.text for text in texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    message.update(write_thinking([part for part in choice.parts if isinstance(part, Thinking)]))
    citations: list[Json] = []
    offset = 0
    for text in texts:
        citations += write_citations(text, offset)
        offset += len(text.text)
    if citations:
        message["annotations"] = citations
    if calls and uses_functions:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments or "{}"}
    elif calls:
        message["tool_calls"] = [write_call(call, is_signed=True) for call in calls]
    for part in choice.parts:
        if isinstance(part, Unknown) and part.dialect == DIALECT and part.raw.get("type") == "audio":
            message["audio"] = part.raw["audio"]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": write_finish(
            choice.finish or "stop", has_refused=bool(refusals), uses_functions=uses_functions
        ),
    }


# --- summary ---------------------------------------------------------------------------------------


class _Function(msgspec.Struct):
    arguments: Any = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    text: Any = None
    finish_reason: Any = None


class _Body(msgspec.Struct):
    id: Any = None
    model: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    x_groq: Any = None
    service_tier: Any = None


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_any = msgspec.json.Decoder().decode
_EMPTY: Final = Summary(id=None, model=None, usage=None, finish=None, output_chars=0)


def summarize(body: bytes) -> Summary:
    """What metering needs, of a chat or a legacy completion. Never raises."""
    try:
        parsed = decode_repaired(_decode_body, body)
    except msgspec.DecodeError:
        return _summarize_odd(body)
    chars, finish, has_calls = 0, None, False
    for choice in parsed.choices or ():
        finish = finish or choice.finish_reason
        if type(choice.text) is str:
            chars += len(choice.text)
        if choice.message is not None:
            chars += _count_chars(choice.message)
            has_calls = has_calls or bool(choice.message.tool_calls)
    usage = read_usage(parsed.usage, parsed.service_tier)
    if usage is None and type(parsed.x_groq) is dict:
        usage = read_usage(parsed.x_groq.get("usage"), parsed.service_tier)
    return Summary(
        id=parsed.id if type(parsed.id) is str else None,
        model=parsed.model if type(parsed.model) is str else None,
        usage=usage,
        finish=read_finish(finish, has_calls=has_calls, has_refused=False),
        output_chars=chars,
    )


def _count_chars(message: _Message) -> int:
    content = message.content
    chars = len(content) if type(content) is str else len(read_text(content)) if content else 0
    for text in (message.reasoning_content or message.reasoning, message.refusal):
        if type(text) is str:
            chars += len(text)
    for call in message.tool_calls or ():
        if call.function is not None and type(call.function.arguments) is str:
            chars += len(call.function.arguments)
    return chars


def _summarize_odd(body: bytes) -> Summary:
    """A body of an unexpected shape: whatever can still be read."""
    try:
        parsed = decode_repaired(_decode_any, body)
    except msgspec.DecodeError:
        return _EMPTY
    if not isinstance(parsed, dict):
        return _EMPTY
    reply_id, model = parsed.get("id"), parsed.get("model")
    return Summary(
        id=reply_id if isinstance(reply_id, str) else None,
        model=model if isinstance(model, str) else None,
        usage=_find_usage(parsed),
        finish=None,
        output_chars=0,
    )
