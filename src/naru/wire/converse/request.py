"""The neutral model to a Converse request. The model's name stands in the address, not here.

What Converse itself has no field for goes to the model under `additionalModelRequestFields`.
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
from naru.wire.converse.blocks import NAME, cache_point, write_blocks
from naru.wire.fields import extra_for
from naru.wire.loose import compact, object_of
from naru.wire.model import HostedTool, Json, Request, Tool
from naru.wire.schemas import JSON_ONLY, closed_schema, object_schema
from naru.wire.signatures import is_anthropics
from naru.wire.turns import Turn, split_system, used_tools

_TIERS = frozenset({"default", "flex", "priority", "reserved"})
# Converse's own top-level fields, which a client may set though no other language has them.
_OWN_FIELDS = ("guardrailConfig", "performanceConfig", "requestMetadata", "additionalModelResponseFieldPaths")


def encode_request(request: Request, model: str) -> Json:
    """Raises BadRequest when the request cannot be said in this language at all."""
    refuse_unsayable(request)
    # Only Claude models take their reasoning back.
    system, turns = split_system(request.messages, is_anthropics if "claude" in model else lambda _: False)
    body: Json = {"messages": [_write_turn(turn) for turn in turns]}
    prompt = write_blocks(list(system))
    if request.format is not None and request.format.kind == "json_object":
        prompt.append({"text": JSON_ONLY})
    if prompt:
        body["system"] = prompt
    tools = _write_tool_config(request, turns)
    if tools:
        body["toolConfig"] = tools
    more = extra_for("bedrock", request.extra)
    for name in _OWN_FIELDS:
        if name in more:
            body[name] = more.pop(name)
    own = object_of(more.pop("additionalModelRequestFields", None))
    more = {**_write_model_fields(request, turns, model, body), **more, **own}
    if more:
        body["additionalModelRequestFields"] = more
    if request.format is not None and request.format.kind == "json_schema":
        body["outputConfig"] = {**object_of(body.get("outputConfig")), "textFormat": _write_format(request)}
    if request.service_tier in _TIERS:
        body["serviceTier"] = {"type": request.service_tier}
    return body


def _write_turn(turn: Turn) -> Json:
    return {"role": turn.role, "content": write_blocks(turn.parts)}


def _write_format(request: Request) -> Json:
    format = request.format
    assert format is not None
    shape: Json = {"schema": compact(closed_schema(format.schema or {}))}
    if format.name is not None:
        shape["name"] = format.name
    if format.description is not None:
        shape["description"] = format.description
    return {"type": "json_schema", "structure": {"jsonSchema": shape}}


def _write_tool_config(request: Request, turns: list[Turn]) -> Json:
    """Converse has no choice `none`: the tools are left out then, but not those the conversation used,
    because Bedrock refuses calls in a conversation that declares no tool."""
    choice = request.tool_choice
    offered = [] if choice is not None and choice.mode == "none" else request.tools
    tools = [block for number, tool in enumerate(offered) for block in _write_tool(tool, number)]
    if not tools:
        tools = [
            {"toolSpec": {"name": name, "inputSchema": {"json": object_schema(None)}}}
            for name in used_tools(turns)
        ]
        return {"tools": tools} if tools else {}
    config: Json = {"tools": tools}
    if choice is not None:
        choices: dict[str, Json] = {"auto": {"auto": {}}, "required": {"any": {}}}
        config["toolChoice"] = choices.get(choice.mode) or {"tool": {"name": choice.name}}
    return config


def _write_tool(tool: Tool | HostedTool, number: int) -> list[Json]:
    if isinstance(tool, HostedTool):
        if tool.dialect == NAME:
            return [tool.raw]
        raise BadRequest(
            f"tools.{number} is run by one provider only, and this model is served by another.",
            param=f"tools.{number}",
            code="unsupported_tool",
        )
    written: Json = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["inputSchema"] = {"json": object_schema(tool.parameters)}
    if tool.is_strict:
        written["strict"] = True
    return [{"toolSpec": written}, *cache_point(tool.cache_control)]


def _write_model_fields(request: Request, turns: list[Turn], model: str, body: Json) -> Json:
    """Sampling into `inferenceConfig`; what only this family of models knows is returned."""
    config: Json = {}
    more: Json = {}
    limit = request.max_tokens
    is_claude = "claude" in model
    is_thinking = False
    if is_claude:
        thought = choose_thinking(request, turns, model)
        if thought.config is not None:
            more["thinking"] = {key: value for key, value in thought.config.items() if key != "display"}
            is_thinking = thought.config["type"] != "disabled"
        if thought.effort is not None:
            body["outputConfig"] = {"effort": thought.effort}
        if thought.budget_tokens:
            limit = limit or DEFAULT_MAX_TOKENS
            limit = limit if limit > thought.budget_tokens else limit + thought.budget_tokens
    elif request.reasoning is not None and request.reasoning.effort is not None:
        more.update(_write_effort(request.reasoning.effort, model))
    if limit is not None:
        config["maxTokens"] = limit
    if stop := accepted_stops(request.stop) if is_claude else request.stop:
        config["stopSequences"] = stop
    if not is_claude or (not is_thinking and takes_sampling(model)):
        _write_sampling(request, config, more, is_claude=is_claude)
    if config:
        body["inferenceConfig"] = config
    return more


def _write_sampling(request: Request, config: Json, more: Json, *, is_claude: bool) -> None:
    if request.temperature is not None:
        config["temperature"] = min(request.temperature, 1)  # OpenAI's scale ends at 2, Bedrock's at 1
    if request.top_p is not None and not (is_claude and "temperature" in config):
        config["topP"] = request.top_p
    if request.top_k is not None and is_claude:
        more["top_k"] = request.top_k


def _write_effort(effort: str, model: str) -> Json:
    if "gpt-oss" in model:
        return {"reasoning_effort": effort if effort in ("low", "medium", "high") else "low"}
    if "nova-2" in model:
        if effort not in ("low", "medium", "high"):
            return {}
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    return {}
