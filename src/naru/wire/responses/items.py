"""The `input` of a Responses request, a flat list of items, to the model's turns and back."""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.fields import Fields
from naru.wire.model import Json, Message, Part, Refusal, Text, Thinking, ToolResult, ToolUse, Unknown
from naru.wire.responses.content import DIALECT, read_content, write_input
from naru.wire.responses.reasoning import read_reasoning, write_own_reasoning


def read_input(value: object) -> list[Message]:
    """A string is one user turn. Items of the assistant in a row become one turn, results of calls too."""
    if isinstance(value, str):
        return [Message(role="user", parts=[Text(text=value)])]
    if not isinstance(value, list):
        raise BadRequest("input must be a string or an array of items.", param="input")
    if not value:
        raise BadRequest("input must hold at least one item.", param="input")
    messages: list[Message] = []
    for i, item in enumerate(value):
        message = _read_item(item, f"input.{i}")
        last = messages[-1] if messages else None
        if last is not None and _belongs(message, last):
            last.parts.extend(message.parts)
        else:
            messages.append(message)
    return messages


def _belongs(message: Message, last: Message) -> bool:
    if message.role != last.role:
        return False
    return message.role == "assistant" or (
        isinstance(message.parts[-1] if message.parts else None, ToolResult)
        and isinstance(last.parts[-1] if last.parts else None, ToolResult)
    )


def _read_item(item: object, path: str) -> Message:
    fields = Fields(item, path)
    kind = fields.string("type") or "message"
    if kind == "message":
        return _read_message(fields)
    if kind == "function_call":
        use = ToolUse(
            id=fields.required_string("call_id"),
            name=fields.required_string("name"),
            arguments=fields.string("arguments") or "",
        )
        return Message(role="assistant", parts=[use])
    if kind == "function_call_output":
        call_id = fields.required_string("call_id")
        parts = read_content(fields.take("output"), fields.at("output"))
        return Message(role="user", parts=[ToolResult(id=call_id, parts=parts)])
    if kind == "reasoning":
        return Message(role="assistant", parts=[read_reasoning(fields.rest())])
    if kind == "item_reference":
        raise BadRequest(
            f"{path} refers to an item kept by the provider, but this model's provider keeps none. "
            "Send the item itself.",
            param=path,
            code="unsupported_parameter",
        )
    assert isinstance(item, dict)
    return Message(role="assistant", parts=[Unknown(dialect=DIALECT, raw=item)])


def _read_message(fields: Fields) -> Message:
    role = fields.required_string("role")
    if role not in ("user", "assistant", "system", "developer"):
        raise fields.wrong("role", "user, assistant, system or developer")
    content = fields.take("content")
    if content is None:
        raise fields.missing("content")
    parts = read_content(content, fields.at("content"))
    if role == "assistant":
        return Message(role="assistant", parts=parts)
    return Message(role="user" if role == "user" else "system", parts=parts)


def write_items(messages: list[Message]) -> list[Json]:
    """The turns as items; `instructions` have been taken out before."""
    items: list[Json] = []
    for i, message in enumerate(messages):
        path = f"messages.{i}"
        if message.role == "assistant":
            _write_assistant(message, path, items)
            continue
        rest: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                output = write_input(part.parts, path)
                items.append({"type": "function_call_output", "call_id": part.id, "output": output})
            else:
                rest.append(part)
        if rest or not message.parts:
            items.append({"type": "message", "role": message.role, "content": write_input(rest, path)})
    return items


def _write_assistant(message: Message, path: str, items: list[Json]) -> None:
    said: list[Part] = []
    for part in message.parts:
        if isinstance(part, Text | Refusal):
            said.append(part)
            continue
        if said:
            items.append(_write_said(said))
            said = []
        item = _write_own(part, path)
        if item is not None:
            items.append(item)
    if said:
        items.append(_write_said(said))


def _write_said(said: list[Part]) -> Json:
    # As plain text: output parts belong to a message with an id of OpenAI's own, which there is not.
    text = "".join(part.text for part in said if isinstance(part, Text | Refusal))
    return {"type": "message", "role": "assistant", "content": text}


def _write_own(part: Part, path: str) -> Json | None:
    if isinstance(part, Thinking):
        return write_own_reasoning(part)
    if isinstance(part, ToolUse):
        return {
            "type": "function_call",
            "call_id": part.id,
            "name": part.name,
            "arguments": part.arguments or "{}",
        }
    if isinstance(part, Unknown) and part.dialect == DIALECT:
        return part.raw
    raise BadRequest(
        "An assistant turn of this request holds content that the Responses language cannot carry.",
        param=path,
        code="unsupported_content",
    )
