"""Requests of Anthropic clients, read into the neutral model."""

from __future__ import annotations

import base64
import json

import pytest

from naru.kernel.errors import BadRequest
from naru.wire.messages import MessagesDialect
from naru.wire.model import (
    File,
    HostedTool,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Unknown,
)

MARK = {"type": "ephemeral", "ttl": "1h"}


def decode(**fields: object):
    body = {"model": "m", "max_tokens": 8, "messages": [{"role": "user", "content": "hi"}], **fields}
    return MessagesDialect().decode_request(body)


def parts(*blocks: object, role: str = "user"):
    return decode(messages=[{"role": role, "content": list(blocks)}]).messages[0].parts


def test_the_simplest_request():
    """String contents become one text; nothing is made up for what was not said."""
    request = decode(system="be kind")
    assert request.messages == [
        Message(role="system", parts=[Text(text="be kind")]),
        Message(role="user", parts=[Text(text="hi")]),
    ]
    assert (request.model, request.max_tokens, request.extra) == ("m", 8, {})
    assert request.temperature is request.tool_choice is request.reasoning is request.is_parallel is None


def test_cache_marks_stay_on_their_parts():
    """System texts, parts, results and tools keep their cache marks."""
    request = decode(
        system=[{"type": "text", "text": "long", "cache_control": MARK}],
        tools=[{"name": "f", "input_schema": {"type": "object"}, "cache_control": MARK}],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a", "cache_control": MARK},
                    {"type": "tool_result", "tool_use_id": "t", "content": "r", "cache_control": MARK},
                ],
            }
        ],
    )
    marked = [request.messages[0].parts[0], *request.messages[1].parts, request.tools[0]]
    assert [part.cache_control for part in marked] == [MARK] * 4


def test_images_and_documents():
    """Each kind of source is read for what it is."""
    assert parts(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {
            "type": "document",
            "title": "T",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "나루"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "c"}]}},
    ) == [
        Image(data="iVBO", media_type="image/png"),
        Image(url="https://x/y.png"),
        File(data="JVBE", media_type="application/pdf", filename="T"),
        File(data=base64.b64encode("나루".encode()).decode(), media_type="text/plain"),
        File(file_id="file_1"),
        Text(text="c"),
    ]


def test_tool_turns():
    """Input becomes JSON text, results keep their parts and whether they are errors."""
    assert parts(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "r"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"도시": "서울"}},
        role="assistant",
    ) == [
        Thinking(text="hm", signature="s"),
        Thinking(redacted="r"),
        ToolUse(id="t", name="f", arguments='{"도시":"서울"}'),
    ]
    assert parts(
        {"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": "broke"},
        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "ok"}]},
        {"type": "tool_result", "tool_use_id": "c"},
    ) == [
        ToolResult(id="a", parts=[Text(text="broke")], is_error=True),
        ToolResult(id="b", parts=[Text(text="ok")]),
        ToolResult(id="c", parts=[]),
    ]


def test_a_call_gets_its_signature_back():
    """The block that carried a call's signature to the client disappears into the call."""
    assert parts(
        {"type": "thinking", "thinking": "", "signature": "call#gemini#abc"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        {"type": "tool_use", "id": "u", "name": "f", "input": {}},
        role="assistant",
    ) == [
        ToolUse(id="t", name="f", arguments="{}", signature="gemini#abc"),
        ToolUse(id="u", name="f", arguments="{}"),
    ]


def test_blocks_of_the_provider_are_kept_whole():
    """What only Anthropic understands is not taken apart."""
    raw = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    assert parts(raw, role="assistant") == [Unknown(dialect="messages", raw=raw)]


def test_tools_of_the_client_and_of_the_provider():
    """A typed tool is the provider's own, and goes through as it is."""
    search = {"type": "web_search_20260318", "name": "web_search", "max_uses": 2}
    request = decode(
        tools=[
            {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True},
            {"type": "custom", "name": "g", "input_schema": {}},
            search,
        ]
    )
    assert request.tools == [
        Tool(name="f", description="d", parameters={"type": "object"}, is_strict=True),
        Tool(name="g", parameters={}),
        HostedTool(dialect="messages", raw=search),
    ]


@pytest.mark.parametrize(
    ("given", "choice", "is_parallel"),
    [
        ({"type": "auto"}, ToolChoice(mode="auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(mode="required"), False),
        ({"type": "tool", "name": "f"}, ToolChoice(mode="tool", name="f"), None),
        ({"type": "none"}, ToolChoice(mode="none"), None),
        ({"type": "auto", "disable_parallel_tool_use": False}, ToolChoice(mode="auto"), True),
    ],
)
def test_tool_choice(given, choice, is_parallel):
    """Each way to choose has its neutral word."""
    request = decode(tool_choice=given)
    assert (request.tool_choice, request.is_parallel) == (choice, is_parallel)


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            Reasoning(is_enabled=True, budget_tokens=2048),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
            Reasoning(is_enabled=True, effort="low", summary="auto"),
        ),
        ({"thinking": {"type": "disabled"}}, Reasoning(is_enabled=False)),
        ({"output_config": {"effort": "max"}}, Reasoning(effort="max")),
    ],
)
def test_thinking(fields, reasoning):
    """Both ways to ask for thinking are understood."""
    assert decode(**fields).reasoning == reasoning


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_structured_output(where):
    """The schema is found at its place of today and at that of the beta."""
    format = {"type": "json_schema", "schema": {"type": "object"}}
    request = decode(**({where: format} if where == "output_format" else {where: {"format": format}}))
    assert request.format == ResponseFormat(kind="json_schema", schema={"type": "object"}, is_strict=True)
    assert request.extra == {}


def test_unknown_fields_are_kept():
    """Nothing the client said is lost, known or not."""
    request = decode(
        metadata={"user_id": "u", "trace": "t"},
        container={"id": "c"},
        future=[1],
        service_tier="standard_only",
        stop_sequences=["a"],
        stream=True,
        top_k=5,
    )
    assert (request.user, request.service_tier, request.stop, request.top_k) == ("u", "default", ["a"], 5)
    assert request.is_stream
    assert request.extra == {"container": {"id": "c"}, "future": [1], "metadata": {"trace": "t"}}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "8"}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
            "messages.0.content.0.source",
        ),
        ({"system": [{"type": "tool_use", "id": "a", "name": "b"}]}, "system"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"temperature": "hot"}, "temperature"),
        ({"thinking": {}}, "thinking.type"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_wrong_field_is_named(change, param):
    """The error says which field to mend."""
    with pytest.raises(BadRequest) as caught:
        decode(**change)
    assert caught.value.param == param


def test_the_body_is_left_as_it_was():
    """Reading a request changes nothing in it."""
    body = {
        "model": "m",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
        "metadata": {"user_id": "u"},
        "output_config": {"effort": "low", "other": 1},
    }
    before = json.dumps(body)
    MessagesDialect().decode_request(body)
    assert json.dumps(body) == before
