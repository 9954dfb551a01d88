"""What the official SDKs make of a conversion: their own types, validated strictly instead of leniently."""

from __future__ import annotations

import anthropic.types
import openai.types
import openai.types.chat
import openai.types.responses
from pydantic import TypeAdapter

_REPLIES = {
    "chat": openai.types.chat.ChatCompletion,
    "completions": openai.types.Completion,
    "responses": openai.types.responses.Response,
    "messages": anthropic.types.Message,
}
_EVENTS = {
    "chat": TypeAdapter(openai.types.chat.ChatCompletionChunk),
    "completions": TypeAdapter(openai.types.Completion),
    "responses": TypeAdapter(openai.types.responses.ResponseStreamEvent),
    "messages": TypeAdapter(anthropic.types.RawMessageStreamEvent),
}


def validate_reply(language, body):
    """Raises when the SDK's own type refuses the reply."""
    return _REPLIES[language].model_validate(body)


def validate_event(language, data):
    """Raises when the SDK's own type refuses one event's data."""
    if language == "messages" and data["type"] == "ping":
        return None  # the SDK drops it before its types see it
    if language == "completions":
        # OpenAI streams null until the end, which its own SDK's type leaves out.
        choices = [
            {**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in data["choices"]
        ]
        data = {**data, "choices": choices}
    return _EVENTS[language].validate_python(data)
