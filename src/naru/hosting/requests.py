"""What the embedded model's server must be told in its own way: named and required tools, JSON answers.

llama.cpp knows `tool_choice` only as a word, and with "required" still lets the model write prose before
its call. Bodies without these fields pass untouched.
"""

from __future__ import annotations

from typing import Any

import msgspec

from naru.kernel.errors import BadRequest

_MARKS = (b'"tool_choice"', b'"response_format"', b'"image_url"', b'"input_audio"', b'"file"')
_UNREADABLE_PARTS = {"image_url", "input_audio", "file"}


def adapt_chat_request(body: bytes) -> bytes:
    """`body` (an OpenAI chat request) as the embedded model's server understands it.

    Raises:
        BadRequest: it names a tool it does not define, or holds an image, audio or a file.
    """
    if not any(mark in body for mark in _MARKS):
        return body
    request = msgspec.json.decode(body)
    if not isinstance(request, dict):
        return body
    _refuse_media(request.get("messages"))
    kwargs: dict[str, Any] = {}
    if _adapt_tool_choice(request) == "required":
        kwargs["must_call"] = True
        request.setdefault("parallel_tool_calls", False)  # one well-formed call is what a small model can do
    elif _wants_json(request.get("response_format")):
        kwargs["must_answer"] = True
    if kwargs:
        given = request.get("chat_template_kwargs")
        request["chat_template_kwargs"] = {**(given if isinstance(given, dict) else {}), **kwargs}
    return msgspec.json.encode(request)


def _adapt_tool_choice(request: dict[str, Any]) -> object:
    """Turn a choice written as an object into a word and a shorter list of tools; returns the word."""
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return choice
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools")
        allowed = allowed if isinstance(allowed, dict) else {}
        wanted = [_find_name(tool) for tool in _items(allowed.get("tools"))]
        word = allowed.get("mode", "auto")
    else:
        wanted = [_find_name(choice)]
        word = "required"
    tools = [tool for tool in _items(request.get("tools")) if (_find_name(tool) or object()) in wanted]
    if not tools:
        raise BadRequest(
            "tool_choice names no function of `tools`; name one that is there.", param="tool_choice"
        )
    request["tools"] = tools
    request["tool_choice"] = word
    return word


def _find_name(tool: object) -> str | None:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _wants_json(response_format: object) -> bool:
    return isinstance(response_format, dict) and response_format.get("type") in ("json_object", "json_schema")


def _refuse_media(messages: object) -> None:
    for message in _items(messages):
        for part in _items(message.get("content") if isinstance(message, dict) else None):
            kind = part.get("type") if isinstance(part, dict) else None
            if isinstance(kind, str) and kind in _UNREADABLE_PARTS:
                raise BadRequest(
                    f"The embedded model reads text only, and a message holds `{kind}`; ask another model.",
                    code="unsupported_content",
                    param="messages",
                )
