"""The neutral model to a `generateContent` request. The model's name stands in the address, not here.

JSON Schema goes as it is into `parametersJsonSchema` and `responseJsonSchema`, so that no keyword is lost
to the older fields' smaller dialect.
"""

from __future__ import annotations

import re

from naru.kernel.errors import BadRequest
from naru.wire.fields import extra_for
from naru.wire.gemini.parts import write_contents
from naru.wire.model import HostedTool, Json, Reasoning, Request, Tool
from naru.wire.signatures import find_gemini
from naru.wire.turns import split_system

NAME = "gemini"
_GENERATION = re.compile(r"gemini-(\d+)")
_THINKERS = re.compile(r"gemini-(?:2\.5|[3-9]|\d\d)")
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576}
_LEVELS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium", "high": "high"}
_TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}


def generation(model: str) -> int:
    """2 for `gemini-2.5-pro`; 0 for a name that does not say (Gemma, tuned models)."""
    found = _GENERATION.search(model)
    return int(found[1]) if found else 0


def encode_request(request: Request, model: str) -> Json:
    """Raises BadRequest when the request cannot be said in this language at all."""
    system, turns = split_system(
        request.messages, lambda thinking: find_gemini(thinking.signature) is not None
    )
    body: Json = {"contents": write_contents(turns, needs_signatures=generation(model) >= 3)}
    if system:
        body["systemInstruction"] = {"parts": [{"text": text.text} for text in system]}
    if request.tools:
        body["tools"] = _write_tools(request.tools)
        if request.tool_choice is not None:
            body["toolConfig"] = _write_tool_config(request)
    config = _write_config(request, model)
    extra = extra_for("gemini", request.extra)
    own = extra.pop("generationConfig", None)
    if isinstance(own, dict):
        config = {**config, **own}
    if config:
        body["generationConfig"] = config
    if request.service_tier in _TIERS:
        body["serviceTier"] = _TIERS[request.service_tier]
    return {**extra, **body}


def _write_tools(tools: list[Tool | HostedTool]) -> list[Json]:
    declarations: list[Json] = []
    written: list[Json] = []
    for number, tool in enumerate(tools):
        if isinstance(tool, Tool):
            declaration: Json = {"name": tool.name}
            if tool.description:
                declaration["description"] = tool.description
            if tool.parameters:
                declaration["parametersJsonSchema"] = tool.parameters
            declarations.append(declaration)
        elif tool.dialect == NAME:
            written.append(tool.raw)
        else:
            raise BadRequest(
                f"tools.{number} is run by one provider only, and this model is served by another.",
                param=f"tools.{number}",
                code="unsupported_tool",
            )
    if declarations:
        written.insert(0, {"functionDeclarations": declarations})
    return written


def _write_tool_config(request: Request) -> Json:
    choice = request.tool_choice
    assert choice is not None
    modes = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
    calling: Json = {"mode": modes[choice.mode]}
    if choice.mode == "tool" and choice.name is not None:
        calling["allowedFunctionNames"] = [choice.name]
    return {"functionCallingConfig": calling}


def _write_config(request: Request, model: str) -> Json:
    config: Json = {}
    for name, value in (
        ("maxOutputTokens", request.max_tokens),
        ("temperature", request.temperature),
        ("topP", request.top_p),
        ("topK", request.top_k),
        ("seed", request.seed),
        ("presencePenalty", request.presence_penalty),
        ("frequencyPenalty", request.frequency_penalty),
        ("candidateCount", request.n),
        ("stopSequences", request.stop or None),
    ):
        if value is not None:
            config[name] = value
    if request.wants_logprobs:
        config["responseLogprobs"] = True
        if request.top_logprobs:
            config["logprobs"] = request.top_logprobs
    if request.format is not None and request.format.kind != "text":
        config["responseMimeType"] = "application/json"
        if request.format.kind == "json_schema" and request.format.schema:
            config["responseJsonSchema"] = request.format.schema
    thinking = _write_thinking(request.reasoning, model)
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _write_thinking(reasoning: Reasoning | None, model: str) -> Json:
    """From Gemini 3 on a level, before that a number of tokens; 3 and later cannot be told not to think."""
    if reasoning is None:
        return {}
    effort, budget = reasoning.effort, reasoning.budget_tokens
    if effort is None and budget is None and reasoning.is_enabled is None:
        return {"includeThoughts": True} if _THINKERS.search(model) else {}
    if reasoning.is_enabled is False:
        effort, budget = "none", None
    config: Json = {} if effort == "none" else {"includeThoughts": True}
    if generation(model) >= 3:
        if effort is None and budget is not None:
            effort = "low" if budget < 4096 else "medium" if budget < 16384 else "high"
        if effort is not None:
            config["thinkingLevel"] = _LEVELS.get(effort, "high")
    elif budget is not None or effort is not None:
        budget = _BUDGETS.get(effort or "none", _BUDGETS["high"]) if budget is None else budget
        config["thinkingBudget"] = _accepted_budget(budget, model)
    return config


def _accepted_budget(budget: int, model: str) -> int:
    """Each 2.5 model has bounds of its own and refuses what lies outside; -1 lets it decide."""
    if budget < 0:
        return -1
    if "pro" in model:
        return min(max(budget, 128), 32_768)
    if "lite" in model and budget:
        budget = max(budget, 512)
    return min(budget, 24_576)
