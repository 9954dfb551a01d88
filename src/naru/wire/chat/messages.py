"""The `messages` of a chat request, to the model's turns and back."""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.chat.content import DIALECT, read_content, write_content
from naru.wire.chat.thinking import read_thinking, write_history
from naru.wire.fields import Fields
from naru.wire.model import (
    Json,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Unknown,
)
from naru.wire.signatures import find_gemini, mark_gemini


def read_messages(items: list[object]) -> list[Message]:
    """Turns in order. Results of parallel calls, each a message here, become one user turn."""
    messages: list[Message] = []
    last_call_by_name: dict[str, str] = {}  # the legacy function messages name a function, not a call
    is_results = False
    for i, item in enumerate(items):
        fields = Fields(item, f"messages.{i}")
        role = fields.required_string("role")
        if role in ("tool", "function"):
            result = _read_result(fields, role, last_call_by_name)
            if is_results:
                messages[-1].parts.append(result)
            else:
                messages.append(Message(role="user", parts=[result]))
            is_results = True
            continue
        is_results = False
        if role in ("system", "developer"):
            messages.append(_read_turn(fields, "system"))
        elif role == "user":
            messages.append(_read_turn(fields, "user"))
        elif role == "assistant":
            messages.append(_read_assistant(fields, i, last_call_by_name))
        else:
            raise fields.wrong("role", "system, developer, user, assistant or tool")
    return messages


def _read_turn(fields: Fields, role: str) -> Message:
    content = fields.take("content")
    if content is None:
        raise fields.missing("content")
    return Message(
        role="system" if role == "system" else "user",
        parts=read_content(content, fields.at("content")),
        name=fields.string("name"),
    )


def _read_result(fields: Fields, role: str, last_call_by_name: dict[str, str]) -> ToolResult:
    parts = read_content(fields.take("content"), fields.at("content"))
    if role == "tool":
        return ToolResult(
            id=fields.required_string("tool_call_id"),
            parts=parts,
            name=fields.string("name"),
            cache_control=fields.mapping("cache_control"),
        )
    name = fields.required_string("name")
    if name not in last_call_by_name:
        raise BadRequest(f"No earlier function_call names {name!r}.", param=fields.at("name"))
    return ToolResult(id=last_call_by_name[name], parts=parts, name=name)


def _read_assistant(fields: Fields, i: int, last_call_by_name: dict[str, str]) -> Message:
    parts: list[Part] = list(read_content(fields.take("content"), fields.at("content")))
    if refusal := fields.string("refusal"):
        parts.append(Refusal(text=refusal))
    for number, call in enumerate(fields.array("tool_calls") or []):
        parts.append(_read_call(call, f"{fields.at('tool_calls')}.{number}"))
    if (legacy := fields.mapping("function_call")) is not None:
        function = Fields(legacy, fields.at("function_call"))
        use = ToolUse(
            id=f"call_{i}",
            name=function.required_string("name"),
            arguments=function.string("arguments") or "",
        )
        last_call_by_name[use.name] = use.id
        parts.append(use)
    if (audio := fields.mapping("audio")) is not None:
        parts.append(Unknown(dialect=DIALECT, raw={"type": "audio", "audio": audio}))
    name = fields.string("name")
    return Message(role="assistant", parts=[*read_thinking(fields.rest()), *parts], name=name)


def _read_call(call: object, path: str) -> Part:
    fields = Fields(call, path)
    kind = fields.string("type") or "function"
    if kind != "function":
        assert isinstance(call, dict)
        return Unknown(dialect=DIALECT, raw={"type": "tool_call", "call": call})
    call_id = fields.required_string("id")
    function = Fields(fields.take("function"), fields.at("function"))
    return ToolUse(
        id=call_id,
        name=function.required_string("name"),
        arguments=function.string("arguments") or "",
        signature=read_signature(fields.rest()),
    )


def read_signature(call: Json) -> str | None:
    """Gemini's seal of a call, where Google's own compatible endpoint puts it."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return mark_gemini(signature) if isinstance(signature, str) else None


def write_signature(signature: str | None) -> Json:
    """The fields that carry a call's seal; none for another provider's seal, which this place cannot hold."""
    own = find_gemini(signature)
    return {} if own is None else {"extra_content": {"google": {"thought_signature": own}}}


def write_call(use: ToolUse, *, is_signed: bool) -> Json:
    """One entry of `tool_calls`. An upstream's seal goes along only where it will be understood."""
    call: Json = {
        "id": use.id,
        "type": "function",
        "function": {"name": use.name, "arguments": use.arguments or "{}"},
    }
    if is_signed:
        call.update(write_signature(use.signature))
    return call


def write_messages(messages: list[Message], *, is_signed: bool, is_strict: bool) -> list[Json]:
    """The turns as chat messages; each tool result becomes one of its own, before all else that is said.

    Args:
        is_signed: the upstream is Gemini, and takes its seals of calls back.
        is_strict: the upstream refuses fields that OpenAI does not have.
    """
    written: list[Json] = []
    for i, message in enumerate(messages):
        path = f"messages.{i}"
        if message.role == "assistant":
            written.append(_write_assistant(message, path, is_signed=is_signed, is_strict=is_strict))
            continue
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        written.extend(_write_result(result) for result in results)
        # A tool message holds text alone; images and files follow in a user turn after all the results.
        rest: list[Part] = [p for result in results for p in result.parts if not isinstance(p, Text)]
        rest += [part for part in message.parts if not isinstance(part, ToolResult)]
        if rest or not results:
            turn: Json = {"role": message.role, "content": write_content(rest, path) or ""}
            if message.name is not None:
                turn["name"] = message.name
            written.append(turn)
    return written


def _write_result(result: ToolResult) -> Json:
    texts: list[Part] = [part for part in result.parts if isinstance(part, Text)]
    message: Json = {
        "role": "tool",
        "tool_call_id": result.id,
        "content": write_content(texts, "messages") or "",
    }
    if result.name is not None:
        message["name"] = result.name
    return message


def _write_assistant(message: Message, path: str, *, is_signed: bool, is_strict: bool) -> Json:
    said: list[Part] = []
    calls: list[object] = []
    beside: Json = {}
    for part in message.parts:
        own = part.raw if isinstance(part, Unknown) and part.dialect == DIALECT else {}
        if isinstance(part, ToolUse):
            calls.append(write_call(part, is_signed=is_signed))
        elif isinstance(part, Refusal):
            beside["refusal"] = f"{beside.get('refusal', '')}{part.text}"
        elif own.get("type") == "tool_call":
            calls.append(own["call"])
        elif own.get("type") == "audio":
            beside["audio"] = own["audio"]
        elif not isinstance(part, Thinking):
            said.append(part)
    if calls:
        beside["tool_calls"] = calls
    # Only a turn that says something in another way may have no content.
    written: Json = {"role": "assistant", "content": write_content(said, path) if said or beside else ""}
    if message.name is not None:
        written["name"] = message.name
    if is_strict:
        return written | beside
    return written | beside | write_history([part for part in message.parts if isinstance(part, Thinking)])
