"""What the official SDKs make of a conversion: their own types, validated strictly instead of leniently."""

from __future__ import annotations

from collections.abc import Iterable

import anthropic.types
import anthropic.types.message_create_params as message_params
import openai.types
import openai.types.chat
import openai.types.chat.completion_create_params as chat_params
import openai.types.completion_create_params as params
import openai.types.responses
import openai.types.responses.response_create_params as response_params
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


_REQUESTS = {
    "chat": (chat_params.CompletionCreateParamsNonStreaming, chat_params.CompletionCreateParamsStreaming),
    "completions": (params.CompletionCreateParamsNonStreaming, params.CompletionCreateParamsStreaming),
    "responses": (
        response_params.ResponseCreateParamsNonStreaming,
        response_params.ResponseCreateParamsStreaming,
    ),
    "messages": (
        message_params.MessageCreateParamsNonStreaming,
        message_params.MessageCreateParamsStreaming,
    ),
}
_REQUEST_ADAPTERS = {name: tuple(map(TypeAdapter, kinds)) for name, kinds in _REQUESTS.items()}


def validate_request(language, body):
    """Raises when the SDK would not let a program send this request."""
    if language in _REQUEST_ADAPTERS:
        _read_all(_REQUEST_ADAPTERS[language][bool(body.get("stream"))].validate_python(body))


def _read_all(value):
    """Iterables are validated only as they are read."""
    if isinstance(value, dict):
        for inner in value.values():
            _read_all(inner)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for inner in value:
            _read_all(inner)


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
