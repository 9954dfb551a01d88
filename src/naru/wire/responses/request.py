"""A Responses request, to the model and back. What needs a provider that remembers is refused by name."""

from __future__ import annotations

import msgspec

from naru.kernel.errors import BadRequest
from naru.wire.chat.request import find_effort, read_json_schema, read_tool_choice
from naru.wire.fields import Fields, extra_for
from naru.wire.model import (
    HostedTool,
    Json,
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    Text,
    Tool,
)
from naru.wire.responses.content import DIALECT, write_input
from naru.wire.responses.items import read_input, write_items

_LOGPROBS = "message.output_text.logprobs"
_SEALED_REASONING = "reasoning.encrypted_content"
# Settings the answer repeats to the client, as it sent them.
_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
# Understood and of no use to a provider of another language: nothing is lost by leaving them out.
_LOCAL = ("include", "max_tool_calls", "metadata", "stream_options", "truncation", "client_metadata")


class ResponsesRequest(Request, kw_only=True):
    """A request that came in this language. `echo` holds the settings its answer has to repeat."""

    echo: Json = msgspec.field(default_factory=dict)


def decode_request(body: Json) -> ResponsesRequest:
    """Raises BadRequest with `param` naming the field at fault."""
    fields = Fields(body)
    model = fields.required_string("model")
    _refuse_state(fields)
    instructions = fields.take("instructions")
    value = fields.take("input")
    if value is None:
        raise fields.missing("input")
    messages = _read_instructions(instructions) + read_input(value)
    tools = _read_tools(fields)
    tool_choice, tools = read_tool_choice(fields.take("tool_choice"), tools, "tool_choice")
    include = fields.strings("include")
    text = Fields(fields.mapping("text") or {}, "text")
    request = ResponsesRequest(
        model=model,
        messages=messages,
        tools=tools,
        tool_choice=tool_choice,
        is_parallel=fields.boolean("parallel_tool_calls"),
        max_tokens=fields.integer("max_output_tokens", minimum=1),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        wants_logprobs=True if _LOGPROBS in include else None,
        top_logprobs=fields.integer("top_logprobs", minimum=0) if _LOGPROBS in include else None,
        format=_read_format(text),
        reasoning=_read_reasoning(fields),
        service_tier=fields.string("service_tier"),
        user=fields.string("user"),
        is_stream=fields.boolean("stream") or False,
        echo={key: body[key] for key in _ECHOED if body.get(key) is not None},
    )
    request.extra = {
        key: value for key, value in fields.rest().items() if value is not None and key not in _LOCAL
    }
    request.extra.pop("top_logprobs", None)
    if verbosity := text.string("verbosity"):
        request.extra["verbosity"] = verbosity
    return request


def _refuse_state(fields: Fields) -> None:
    for key in ("previous_response_id", "conversation", "prompt"):
        if fields.take(key) is not None:
            raise _stateless(key)
    for key in ("background", "store"):
        if fields.boolean(key):
            raise _stateless(key)


def _stateless(field: str) -> BadRequest:
    return BadRequest(
        f"{field}: this model's provider keeps no state between requests. Leave it out and send the whole "
        "conversation in input.",
        param=field,
        code="unsupported_parameter",
    )


def _read_instructions(value: object) -> list[Message]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [Message(role="system", parts=[Text(text=value)])]
    if isinstance(value, list):
        return read_input(value)
    raise BadRequest("instructions must be a string.", param="instructions")


def _read_tools(fields: Fields) -> list[Tool | HostedTool]:
    tools: list[Tool | HostedTool] = []
    for i, item in enumerate(fields.array("tools") or []):
        tool = Fields(item, f"tools.{i}")
        if tool.required_string("type") == "function":
            tools.append(
                Tool(
                    name=tool.required_string("name"),
                    description=tool.string("description"),
                    parameters=tool.mapping("parameters"),
                    is_strict=tool.boolean("strict"),
                )
            )
        else:
            assert isinstance(item, dict)
            tools.append(HostedTool(dialect=DIALECT, raw=item))
    return tools


def _read_format(text: Fields) -> ResponseFormat | None:
    value = text.mapping("format")
    if value is None:
        return None
    format = Fields(value, text.at("format"))
    kind = format.required_string("type")
    if kind == "json_schema":
        return read_json_schema(format)
    if kind == "json_object":
        return ResponseFormat(kind="json_object")
    if kind == "text":
        return ResponseFormat(kind="text")
    raise format.wrong("type", "text, json_object or json_schema")


def _read_reasoning(fields: Fields) -> Reasoning | None:
    value = fields.mapping("reasoning")
    if value is None:
        return None
    reasoning = Fields(value, "reasoning")
    effort = reasoning.string("effort")
    summary = reasoning.string("summary") or reasoning.string("generate_summary")
    return Reasoning(effort=effort, summary=summary) if effort or summary else None


def encode_request(request: Request, model: str) -> Json:
    """Raises BadRequest for what this language has no word for and an answer would differ by."""
    _refuse_unsayable(request)
    messages = request.messages
    body: Json = {"model": model}
    if messages and messages[0].role == "system" and all(isinstance(p, Text) for p in messages[0].parts):
        body["instructions"] = "\n\n".join(p.text for p in messages[0].parts if isinstance(p, Text))
        messages = messages[1:]
    body["input"] = write_items(messages) or write_input([], "input")
    if request.tools:
        body.update(_write_tools(request))
    body.update(_write_settings(request))
    body["store"] = False  # the whole conversation comes with each request; nobody would fetch it again
    if request.is_stream:
        body["stream"] = True
    for key, value in extra_for("openai", request.extra).items():
        if key not in ("stream_options", "verbosity"):
            body.setdefault(key, value)
    if isinstance(request.extra.get("store"), bool):
        body["store"] = request.extra["store"]
    return body


def _refuse_unsayable(request: Request) -> None:
    unsayable: Json = {"n": (request.n or 1) > 1, "stop": request.stop, "logit_bias": request.logit_bias}
    for field, value in unsayable.items():
        if value:
            raise BadRequest(
                f"{field}: this model's provider is spoken to in the Responses language, which has no such "
                "parameter.",
                param=field,
                code="unsupported_parameter",
            )


def _write_tools(request: Request) -> Json:
    written: Json = {"tools": [_write_tool(tool, i) for i, tool in enumerate(request.tools)]}
    choice = request.tool_choice
    if choice is not None:
        is_named = choice.mode == "tool"
        written["tool_choice"] = {"type": "function", "name": choice.name} if is_named else choice.mode
    if request.is_parallel is not None:
        written["parallel_tool_calls"] = request.is_parallel
    return written


def _write_settings(request: Request) -> Json:
    effort = find_effort(request.reasoning)
    reasoning: Json = {"effort": effort} if effort is not None else {}
    if request.reasoning is not None and request.reasoning.summary is not None:
        reasoning["summary"] = request.reasoning.summary
    include: list[str] = []
    if reasoning and effort != "none":
        # Without a stored response this seal is all that keeps the thread of thought over tool calls.
        include.append(_SEALED_REASONING)
    if request.wants_logprobs:
        include.append(_LOGPROBS)
    text: Json = {}
    if request.format is not None:
        text["format"] = _write_format(request.format)
    if isinstance(request.extra.get("verbosity"), str):
        text["verbosity"] = request.extra["verbosity"]
    written: Json = {
        "max_output_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_logprobs": request.top_logprobs if request.wants_logprobs else None,
        "reasoning": reasoning or None,
        "text": text or None,
        "include": include or None,
        "service_tier": request.service_tier
        if request.service_tier in ("auto", "default", "flex", "scale", "priority", "fast")
        else None,
        "user": request.user,
    }
    return {key: value for key, value in written.items() if value is not None}


def _write_tool(tool: Tool | HostedTool, i: int) -> Json:
    if isinstance(tool, HostedTool):
        if tool.dialect == DIALECT:
            return tool.raw
        raise BadRequest(
            f"tools.{i} is run by one provider only, and this model is served by another.",
            param=f"tools.{i}",
            code="unsupported_tool",
        )
    written: Json = {
        "type": "function",
        "name": tool.name,
        "parameters": tool.parameters or {"type": "object", "properties": {}},
        # Said in every case: here, and here alone, silence means strict.
        "strict": tool.is_strict or False,
    }
    if tool.description is not None:
        written["description"] = tool.description
    return written


def _write_format(format: ResponseFormat) -> Json:
    if format.kind != "json_schema":
        return {"type": format.kind}
    written: Json = {"type": "json_schema", "name": format.name or "answer", "schema": format.schema or {}}
    if format.description is not None:
        written["description"] = format.description
    if format.is_strict is not None:
        written["strict"] = format.is_strict
    return written
