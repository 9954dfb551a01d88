"""The neutral model to a Messages request for an upstream.

Sampling hints Anthropic has no word for (seed, penalties, logit bias) are dropped; what would change the
shape of the answer (`n`, log probabilities) is refused.
"""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.claude import (
    DEFAULT_MAX_TOKENS,
    accepted_stops,
    choose_thinking,
    refuse_unsayable,
    takes_sampling,
)
from naru.wire.fields import extra_for
from naru.wire.messages.blocks import NAME, write_blocks
from naru.wire.model import HostedTool, Json, Part, Request, Text, Tool
from naru.wire.schemas import JSON_ONLY, closed_schema, object_schema
from naru.wire.signatures import is_anthropics
from naru.wire.turns import Turn, split_system, used_tools

_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only"}
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "tool": "tool"}


def encode_request(request: Request, model: str) -> Json:
    """Raises BadRequest when the request cannot be said in this language at all."""
    refuse_unsayable(request)
    system, turns = split_system(request.messages, is_anthropics)
    body: Json = {"model": model, "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS}
    if request.max_tokens == 0:
        body["max_tokens"] = 0  # fills the prompt cache without an answer
    parts = list(system)
    if request.format is not None and request.format.kind == "json_object":
        parts.append(Text(text=JSON_ONLY))
    if parts:
        body["system"] = _write_text_or_blocks(list(parts), "messages")
    messages = [_write_turn(turn) for turn in turns]
    _trim_prefill(messages[-1])
    body["messages"] = messages
    _write_tools(request, turns, body)
    _write_sampling(request, turns, model, body)
    if stop := accepted_stops(request.stop):
        body["stop_sequences"] = stop
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier in _TIERS:
        body["service_tier"] = _TIERS[request.service_tier]
    if request.is_stream:
        body["stream"] = True
    _write_extra(request, body)
    return body


def _write_extra(request: Request, body: Json) -> None:
    for name, value in extra_for("anthropic", request.extra).items():
        known = body.get(name)
        if name == "metadata":
            continue  # OpenAI's has other keys, which Anthropic refuses; `user` is written already
        if isinstance(known, dict) and isinstance(value, dict):
            body[name] = {**value, **known}
        else:
            body.setdefault(name, value)


def _write_turn(turn: Turn) -> Json:
    return {"role": turn.role, "content": _write_text_or_blocks(turn.parts, "messages")}


def _write_text_or_blocks(parts: list[Part], where: str) -> str | list[Json]:
    blocks = write_blocks(parts, where)
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks


def _trim_prefill(last: Json) -> None:
    """An answer begun by the client must not end in white space: Anthropic refuses it."""
    if last["role"] != "assistant":
        return
    content = last["content"]
    if isinstance(content, str):
        last["content"] = content.rstrip() or content
    elif isinstance(content, list) and content and content[-1].get("type") == "text":
        text = str(content[-1]["text"])
        content[-1]["text"] = text.rstrip() or text


def _write_tools(request: Request, turns: list[Turn], body: Json) -> None:
    if not request.tools:
        # Anthropic wants the tools of past calls declared, even where none may be called any more.
        past = [{"name": name, "input_schema": object_schema(None)} for name in used_tools(turns)]
        if past:
            body.update(tools=past, tool_choice={"type": "none"})
        return
    body["tools"] = [_write_tool(tool, number) for number, tool in enumerate(request.tools)]
    choice: Json | None = None
    if request.tool_choice is not None:
        choice = {"type": _CHOICES[request.tool_choice.mode]}
        if request.tool_choice.mode == "tool":
            choice["name"] = request.tool_choice.name
    if request.is_parallel is not None and (choice is None or choice["type"] != "none"):
        choice = choice or {"type": "auto"}
        choice["disable_parallel_tool_use"] = not request.is_parallel
    if choice is not None:
        body["tool_choice"] = choice


def _write_tool(tool: Tool | HostedTool, number: int) -> Json:
    if isinstance(tool, HostedTool):
        if tool.dialect == NAME:
            return tool.raw
        raise BadRequest(
            f"tools.{number} is run by one provider only, and this model is served by another.",
            param=f"tools.{number}",
            code="unsupported_tool",
        )
    written: Json = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["input_schema"] = object_schema(tool.parameters)
    if tool.is_strict:
        written["strict"] = True
    if tool.cache_control is not None:
        written["cache_control"] = tool.cache_control
    return written


def _write_sampling(request: Request, turns: list[Turn], model: str, body: Json) -> None:
    thought = choose_thinking(request, turns, model)
    output: Json = {}
    if thought.config is not None:
        body["thinking"] = thought.config
    if thought.effort is not None:
        output["effort"] = thought.effort
    if thought.budget_tokens:
        limit = request.max_tokens or DEFAULT_MAX_TOKENS
        body["max_tokens"] = limit if limit > thought.budget_tokens else limit + thought.budget_tokens
    if request.format is not None and request.format.kind == "json_schema":
        output["format"] = {"type": "json_schema", "schema": closed_schema(request.format.schema or {})}
    if output:
        body["output_config"] = output
    is_thinking = thought.config is not None and thought.config["type"] != "disabled"
    if is_thinking or not takes_sampling(model):
        return
    if request.temperature is not None:
        # OpenAI's scale ends at 2, Anthropic's at 1. Claude 4.5 refuses temperature and top_p together.
        body["temperature"] = min(request.temperature, 1)
    elif request.top_p is not None:
        body["top_p"] = request.top_p
    if request.top_k is not None:
        body["top_k"] = request.top_k
