"""A client's Messages request to the neutral model."""

from __future__ import annotations

from typing import Literal

from naru.kernel.errors import BadRequest
from naru.wire.fields import Fields
from naru.wire.messages.blocks import NAME, read_content
from naru.wire.model import (
    HostedTool,
    Json,
    Message,
    Part,
    Reasoning,
    Request,
    ResponseFormat,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolUse,
)
from naru.wire.signatures import find_call

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MODES: dict[str, Literal["auto", "none", "required", "tool"]] = {
    "auto": "auto",
    "any": "required",
    "tool": "tool",
    "none": "none",
}


def decode_request(body: Json) -> Request:
    """Raises BadRequest with `param` naming the field at fault."""
    fields = Fields(body)
    request = Request(model=fields.required_string("model"), messages=_read_system(fields))
    request.messages += _read_messages(fields)
    request.max_tokens = fields.integer("max_tokens", minimum=0)
    if request.max_tokens is None:
        raise fields.missing("max_tokens")
    request.tools = _read_tools(fields)
    _read_tool_choice(fields, request)
    request.temperature = fields.number("temperature")
    request.top_p = fields.number("top_p")
    request.top_k = fields.integer("top_k")
    request.stop = fields.strings("stop_sequences")
    request.is_stream = fields.boolean("stream") or False
    request.reasoning = _read_thinking(fields)
    _read_output(fields, request)
    tier = fields.string("service_tier")
    request.service_tier = "default" if tier == "standard_only" else tier
    metadata = dict(fields.mapping("metadata") or {})
    user = metadata.pop("user_id", None)
    request.user = user if isinstance(user, str) else None
    request.extra = fields.rest()
    if metadata:
        request.extra["metadata"] = metadata
    return request


def _read_system(fields: Fields) -> list[Message]:
    system = fields.take("system")
    if system is None:
        return []
    parts = read_content(system, "system")
    if not all(isinstance(part, Text) for part in parts):
        raise BadRequest("`system` must be a string or a list of text blocks.", param="system")
    return [Message(role="system", parts=parts)]


def _read_messages(fields: Fields) -> list[Message]:
    items = fields.array("messages")
    if items is None:
        raise fields.missing("messages")
    if not items:
        raise BadRequest("`messages` must hold at least one message.", param="messages")
    messages = []
    for number, item in enumerate(items):
        message = Fields(item, f"messages.{number}")
        role = message.required_string("role")
        if role not in _ROLES:
            raise BadRequest(
                f"`{message.at('role')}` must be user, assistant or system.", param=message.at("role")
            )
        content = message.take("content")
        if content is None:
            raise message.missing("content")
        parts = _sign_calls(read_content(content, message.at("content")))
        messages.append(Message(role=_ROLES[role], parts=parts))
    return messages


def _sign_calls(parts: list[Part]) -> list[Part]:
    """Gives calls back the signatures that went to the client in a thinking block before them."""
    kept: list[Part] = []
    waiting: str | None = None
    for part in parts:
        signature = find_call(part.signature) if isinstance(part, Thinking) else None
        if signature is not None:
            waiting = signature
            continue
        if isinstance(part, ToolUse) and waiting is not None:
            part.signature, waiting = waiting, None
        kept.append(part)
    return kept


def _read_tools(fields: Fields) -> list[Tool | HostedTool]:
    tools: list[Tool | HostedTool] = []
    for number, item in enumerate(fields.array("tools") or []):
        tool = Fields(item, f"tools.{number}")
        if tool.string("type") not in (None, "custom"):
            assert isinstance(item, dict)
            tools.append(HostedTool(dialect=NAME, raw=item))
            continue
        tools.append(
            Tool(
                name=tool.required_string("name"),
                description=tool.string("description"),
                parameters=tool.mapping("input_schema"),
                is_strict=tool.boolean("strict"),
                cache_control=tool.mapping("cache_control"),
            )
        )
    return tools


def _read_tool_choice(fields: Fields, request: Request) -> None:
    given = fields.mapping("tool_choice")
    if given is None:
        return
    choice = Fields(given, "tool_choice")
    kind = choice.required_string("type")
    if kind not in _MODES:
        raise BadRequest("`tool_choice.type` must be auto, any, tool or none.", param="tool_choice.type")
    name = choice.required_string("name") if kind == "tool" else None
    request.tool_choice = ToolChoice(mode=_MODES[kind], name=name)
    is_serial = choice.boolean("disable_parallel_tool_use")
    request.is_parallel = None if is_serial is None else not is_serial


def _read_thinking(fields: Fields) -> Reasoning | None:
    given = fields.mapping("thinking")
    if given is None:
        return None
    thinking = Fields(given, "thinking")
    is_enabled = thinking.required_string("type") != "disabled"
    budget = thinking.integer("budget_tokens", minimum=0)
    summary = "auto" if thinking.string("display") == "summarized" else None
    return Reasoning(is_enabled=is_enabled, budget_tokens=budget, summary=summary)


def _read_output(fields: Fields, request: Request) -> None:
    """Effort and structured output; `output_format` is where the latter stood during its beta."""
    output = Fields(fields.mapping("output_config") or {}, "output_config")
    effort = output.string("effort")
    if effort is not None:
        request.reasoning = request.reasoning or Reasoning()
        request.reasoning.effort = effort
    format = output.mapping("format") or fields.mapping("output_format")
    if format is not None:
        shape = Fields(format, "output_config.format")
        if shape.required_string("type") != "json_schema":
            raise BadRequest("The output format must be a json_schema.", param=shape.at("type"))
        request.format = ResponseFormat(kind="json_schema", schema=shape.mapping("schema"), is_strict=True)
    rest = output.rest()
    if rest:
        request.extra["output_config"] = rest
