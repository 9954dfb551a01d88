"""What holds for Claude models whichever language they are reached in: above all, how they are told to think.

Up to Claude 4.5, and at the servers that copy Anthropic, thinking is a number of tokens. From 4.6 on the
model decides (`adaptive`) and is told an effort; from 4.7 on a number of tokens is refused, and so are
temperature, top_p and top_k.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from naru.kernel.errors import BadRequest
from naru.wire.model import Json, Reasoning, Request, Thinking, ToolResult, ToolUse
from naru.wire.turns import Turn

# Anthropic demands a limit, OpenAI's languages do not; this is what their clients commonly mean by "some".
DEFAULT_MAX_TOKENS = 4096
_VERSION = re.compile(r"claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?(?!\d)")
_LEAST_BUDGET = 1024  # Anthropic refuses less
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768, "max": 32768}
_EFFORTS = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


class Thought(NamedTuple):
    """What to write: the `thinking` object and the effort, each None when there is nothing to say."""

    config: Json | None
    effort: str | None
    budget_tokens: int = 0


def is_adaptive(model: str) -> bool:
    """Whether this model decides itself how long to think."""
    return _version(model) >= (4, 6)


def takes_sampling(model: str) -> bool:
    """Whether this model accepts temperature, top_p and top_k."""
    return _version(model) < (4, 7)


def _version(model: str) -> tuple[int, int]:
    found = _VERSION.search(model)
    if found is None or len(found[1]) > 2:
        return 0, 0
    return int(found[1]), int(found[2] or 0)


def choose_thinking(request: Request, turns: list[Turn], model: str) -> Thought:
    """Thinking as `model` wants it told.

    It is left out where Anthropic refuses it: under a forced tool, and (for a number of tokens) when the
    turn to go on with used a tool without showing its thinking, as clients of other languages do.
    """
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort == "none" or not _is_asked(reasoning):
        return Thought(None, None)
    if reasoning.is_enabled is False:
        return Thought({"type": "disabled"}, None)
    is_forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "tool")
    if is_adaptive(model):
        effort = _find_effort(reasoning)
        return Thought(None if is_forced else _with_display({"type": "adaptive"}, reasoning), effort)
    budget = reasoning.budget_tokens or _BUDGETS.get(reasoning.effort or "medium", _BUDGETS["medium"])
    budget = max(budget, _LEAST_BUDGET)
    if is_forced or _has_hidden_thinking(turns):
        return Thought(None, None)
    return Thought(_with_display({"type": "enabled", "budget_tokens": budget}, reasoning), None, budget)


def _is_asked(reasoning: Reasoning) -> bool:
    """Whether thinking is asked for or forbidden at all: wanting a summary of it is not asking for it."""
    said = (reasoning.effort, reasoning.budget_tokens, reasoning.is_enabled)
    return any(value is not None for value in said)


def _find_effort(reasoning: Reasoning) -> str | None:
    if reasoning.effort is not None:
        return _EFFORTS.get(reasoning.effort)
    if reasoning.budget_tokens is None:
        return None
    if reasoning.budget_tokens < _BUDGETS["medium"]:
        return "low"
    return "medium" if reasoning.budget_tokens < _BUDGETS["high"] else "high"


def _with_display(config: Json, reasoning: Reasoning) -> Json:
    if reasoning.summary is not None:
        config["display"] = "summarized"
    return config


def _has_hidden_thinking(turns: list[Turn]) -> bool:
    if len(turns) < 2 or not any(isinstance(part, ToolResult) for part in turns[-1].parts):
        return False
    parts = turns[-2].parts
    return any(isinstance(part, ToolUse) for part in parts) and not any(
        isinstance(part, Thinking) and (part.signature or part.redacted) for part in parts
    )


def accepted_stops(stop: list[str]) -> list[str]:
    """Stop sequences without those of white space alone, which Claude models refuse."""
    return [text for text in stop if text.strip()]


def refuse_unsayable(request: Request) -> None:
    """Raises BadRequest for several answers or log probabilities, which no Claude model gives."""
    if request.n is not None and request.n > 1:
        raise BadRequest(
            "This model's provider gives one answer a request: leave out `n` or set it to 1.", param="n"
        )
    if request.wants_logprobs or request.top_logprobs:
        raise BadRequest(
            "This model's provider has no log probabilities: leave out `logprobs`.", param="logprobs"
        )
