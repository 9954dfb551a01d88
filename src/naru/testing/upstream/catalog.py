"""Lists of models, and Anthropic's token count: the calls that generate nothing."""

from __future__ import annotations

from naru.testing.upstream.turn import Json, Turn


def openai(turn: Turn) -> Json:
    """OpenAI's list."""
    data = [
        {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "naru"}
        for name in turn.script.models
    ]
    return {"object": "list", "data": data}


def anthropic(turn: Turn) -> Json:
    """Anthropic's list, told from OpenAI's by the `anthropic-version` header."""
    names = list(turn.script.models)
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
        for name in names
    ]
    return {
        "data": data,
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


def gemini(turn: Turn) -> Json:
    """Gemini's list."""
    methods = ["generateContent", "countTokens"]
    return {
        "models": [
            {"name": f"models/{name}", "version": "001", "supportedGenerationMethods": methods}
            for name in turn.script.models
        ]
    }


def count_tokens(turn: Turn) -> Json:
    """Anthropic's count of a prompt."""
    return {"input_tokens": turn.all_input_tokens}
