"""A chat completions request, to the model and back."""

from __future__ import annotations

import re
from typing import Final, Literal

from naru.kernel.errors import BadRequest
from naru.wire.chat.content import DIALECT
from naru.wire.chat.messages import read_messages, write_messages
from naru.wire.fields import Fields, extra_for
from naru.wire.model import (
    HostedTool,
    Json,
    Reasoning,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)

# OpenAI's reasoning families refuse `max_tokens`; every other server takes it, and many take nothing else.
_NEEDS_MAX_COMPLETION_TOKENS = re.compile(r"(^|/)(o[1-9]|gpt-[5-9])")
# OpenAI itself refuses every field it does not know; `top_k` and `reasoning_content` are such.
_IS_OPENAIS = re.compile(r"(^|/)(o[1-9]|gpt-[3-9]|chatgpt)")
_MODES: Final = ("auto", "none", "required")
_SERVICE_TIERS: Final = ("auto", "default", "flex", "scale", "priority", "fast")
# Models known to refuse `reasoning_effort`: a thinking budget said in another language is not forced on them.
_CANNOT_REASON = re.compile(r"(^|/)gpt-(3\.5|4)")


class ChatRequest(Request, kw_only=True):
    """A request that came in this language."""

    uses_functions: bool = False
    """The client speaks the legacy `functions`, and is answered with `function_call`."""


def decode_request(body: Json) -> ChatRequest:
    """Raises BadRequest with `param` naming the field at fault."""
    fields = Fields(body)
    model = fields.required_string("model")
    items = fields.array("messages")
    if items is None:
        raise fields.missing("messages")
    if not items:
        raise BadRequest("messages must hold at least one message.", param="messages")

    tools = _read_tools(fields)
    legacy_tools = _read_functions(fields)
    choice = fields.take("tool_choice")
    if choice is None:
        choice = fields.take("function_call")
    tool_choice, tools = read_tool_choice(choice, tools + legacy_tools, "tool_choice")
    logit_bias = _read_logit_bias(fields)
    max_completion_tokens = fields.integer("max_completion_tokens", minimum=0)
    max_tokens = fields.integer("max_tokens", minimum=0)
    options = fields.mapping("stream_options")
    wants_usage = options is not None and options.get("include_usage") is True

    request = ChatRequest(
        model=model,
        messages=read_messages(items),
        tools=tools,
        tool_choice=tool_choice,
        is_parallel=fields.boolean("parallel_tool_calls"),
        max_tokens=max_tokens if max_completion_tokens is None else max_completion_tokens,
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        stop=fields.strings("stop"),
        n=fields.integer("n", minimum=1),
        seed=fields.integer("seed"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        logit_bias=logit_bias,
        wants_logprobs=fields.boolean("logprobs"),
        top_logprobs=fields.integer("top_logprobs", minimum=0),
        format=_read_format(fields),
        reasoning=_read_reasoning(fields),
        service_tier=fields.string("service_tier"),
        user=fields.string("user"),
        is_stream=fields.boolean("stream") or False,
        wants_stream_usage=wants_usage,
        uses_functions=bool(legacy_tools),
    )
    request.extra = {key: value for key, value in fields.rest().items() if value is not None}
    other_options = {key: value for key, value in (options or {}).items() if key != "include_usage"}
    if other_options:
        request.extra["stream_options"] = other_options
    return request


def _read_tools(fields: Fields) -> list[Tool | HostedTool]:
    tools: list[Tool | HostedTool] = []
    for i, item in enumerate(fields.array("tools") or []):
        tool = Fields(item, f"tools.{i}")
        if tool.required_string("type") == "function":
            function = tool.take("function")
            if function is None:
                raise tool.missing("function")
            tools.append(_read_function(Fields(function, tool.at("function")), tool.mapping("cache_control")))
        else:
            assert isinstance(item, dict)
            tools.append(HostedTool(dialect=DIALECT, raw=item))
    return tools


def _read_functions(fields: Fields) -> list[Tool | HostedTool]:
    return [
        _read_function(Fields(item, f"functions.{i}"), None)
        for i, item in enumerate(fields.array("functions") or [])
    ]


def _read_function(function: Fields, cache_control: Json | None) -> Tool:
    return Tool(
        name=function.required_string("name"),
        description=function.string("description"),
        parameters=function.mapping("parameters"),
        is_strict=function.boolean("strict"),
        cache_control=cache_control,
    )


def read_tool_choice(
    value: object, tools: list[Tool | HostedTool], path: str
) -> tuple[ToolChoice | None, list[Tool | HostedTool]]:
    """The choice, and the tools it leaves: fewer tools say in any language what `allowed_tools` says."""
    if value is None:
        return None, tools
    if isinstance(value, str):
        if value == "any":  # Mistral's word
            value = "required"
        for word in _MODES:
            if value == word:
                return ToolChoice(mode=word), tools
        raise BadRequest(f"{path} must be auto, none, required or an object naming a tool.", param=path)
    fields = Fields(value, path)
    kind = fields.string("type")
    if kind == "allowed_tools":
        inner = fields.mapping("allowed_tools")
        allowed = Fields(inner, fields.at("allowed_tools")) if inner is not None else fields
        mode: Literal["auto", "required"] = "required" if allowed.string("mode") == "required" else "auto"
        names = {_find_name(item) for item in allowed.array("tools") or []}
        return ToolChoice(mode=mode), [t for t in tools if isinstance(t, HostedTool) or t.name in names]
    name = _find_name(value)
    if name is None:
        raise BadRequest(f"{path} does not name a function.", param=path)
    return ToolChoice(mode="tool", name=name), tools


def _find_name(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    for holder in (value.get("function"), value.get("custom"), value):
        if isinstance(holder, dict) and isinstance(holder.get("name"), str):
            return str(holder["name"])
    return None


def _read_logit_bias(fields: Fields) -> dict[str, float] | None:
    bias = fields.mapping("logit_bias")
    if bias is None:
        return None
    inner = Fields(bias, "logit_bias")
    return {token: inner.number(token) or 0 for token in bias}


def _read_format(fields: Fields) -> ResponseFormat | None:
    value = fields.mapping("response_format")
    if value is None:
        return None
    format = Fields(value, "response_format")
    kind = format.required_string("type")
    if kind == "text" or kind == "json_object":
        return ResponseFormat(kind="text" if kind == "text" else "json_object")
    if kind == "json_schema":
        return read_json_schema(Fields(format.take("json_schema"), format.at("json_schema")))
    fields.rest()["response_format"] = value  # a server's own kind (grammar, regex): its business
    return None


def read_json_schema(schema: Fields) -> ResponseFormat:
    """`{name, schema, strict, description}`, wherever a language keeps it."""
    return ResponseFormat(
        kind="json_schema",
        name=schema.string("name"),
        schema=schema.mapping("schema"),
        is_strict=schema.boolean("strict"),
        description=schema.string("description"),
    )


def _read_reasoning(fields: Fields) -> Reasoning | None:
    effort = fields.string("reasoning_effort")
    budget: int | None = None
    is_enabled: bool | None = None
    # `reasoning` as OpenRouter has it and `thinking` as Anthropic has it are often sent in this language too.
    if (router := fields.mapping("reasoning")) is not None:
        reasoning = Fields(router, "reasoning")
        effort = effort or reasoning.string("effort")
        budget = reasoning.integer("max_tokens", minimum=0)
        is_enabled = reasoning.boolean("enabled")
    if (thinking := fields.mapping("thinking")) is not None:
        inner = Fields(thinking, "thinking")
        is_enabled = inner.string("type") != "disabled"
        budget = inner.integer("budget_tokens", minimum=0) or budget
    if effort is None and budget is None and is_enabled is None:
        return None
    return Reasoning(effort=effort, budget_tokens=budget, is_enabled=is_enabled)


def find_effort(reasoning: Reasoning | None) -> str | None:
    """OpenAI's word for how hard to think; a budget in tokens is put on its scale."""
    if reasoning is None:
        return None
    if reasoning.effort is not None:
        return "high" if reasoning.effort == "max" else reasoning.effort  # Anthropic's word, unknown here
    if reasoning.is_enabled is False or reasoning.budget_tokens is None:
        return None
    if reasoning.budget_tokens < 4096:
        return "low"
    return "medium" if reasoning.budget_tokens < 16384 else "high"


def encode_request(request: Request, model: str) -> Json:
    """Raises BadRequest when the request cannot be said in this language at all.

    A stream always asks for its usage: the road needs it and the encoder decides what the client sees.
    """
    body: Json = {
        "model": model,
        "messages": write_messages(
            request.messages, is_signed="gemini" in model, is_strict=bool(_IS_OPENAIS.search(model))
        ),
    }
    if request.tools:
        body["tools"] = [_write_tool(tool, i) for i, tool in enumerate(request.tools)]
        if request.tool_choice is not None:
            body["tool_choice"] = _write_tool_choice(request.tool_choice)
        if request.is_parallel is not None:
            body["parallel_tool_calls"] = request.is_parallel
    if request.format is not None:
        body["response_format"] = _write_format(request.format)
    body.update(_write_limits(request, model))
    body.update(write_sampling(request, model))
    if request.is_stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    for key, value in extra_for("openai", request.extra).items():
        if key != "stream_options":
            body.setdefault(key, value)
        elif request.is_stream and isinstance(value, dict):
            body[key] = {**value, "include_usage": True}
    return body


def _write_limits(request: Request, model: str) -> Json:
    """How hard to think and how much to write."""
    effort = find_effort(request.reasoning)
    if request.reasoning is not None and request.reasoning.effort is None and _CANNOT_REASON.search(model):
        effort = None
    written: Json = {}
    if effort is not None:
        written["reasoning_effort"] = effort
    if request.max_tokens is not None:
        is_new = effort is not None or _NEEDS_MAX_COMPLETION_TOKENS.search(model)
        written["max_completion_tokens" if is_new else "max_tokens"] = request.max_tokens
    return written


def write_sampling(request: Request, model: str) -> Json:
    """The plain fields that chat and completions name alike; absent ones are left out."""
    written: Json = {
        "stop": request.stop or None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": None if _IS_OPENAIS.search(model) else request.top_k,
        "n": request.n,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "logit_bias": request.logit_bias,
        "logprobs": request.wants_logprobs,
        "top_logprobs": request.top_logprobs,
        "service_tier": request.service_tier if request.service_tier in _SERVICE_TIERS else None,
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
    function: Json = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.is_strict is not None:
        function["strict"] = tool.is_strict
    return {"type": "function", "function": function}


def _write_tool_choice(choice: ToolChoice) -> object:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _write_format(format: ResponseFormat) -> Json:
    if format.kind != "json_schema":
        return {"type": format.kind}
    schema: Json = {"name": format.name or "answer"}
    if format.description is not None:
        schema["description"] = format.description
    if format.schema is not None:
        schema["schema"] = format.schema
    if format.is_strict is not None:
        schema["strict"] = format.is_strict
    return {"type": "json_schema", "json_schema": schema}
