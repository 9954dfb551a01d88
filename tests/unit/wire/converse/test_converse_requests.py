"""Requests written for Bedrock Converse, judged by AWS's own service model."""

from __future__ import annotations

import json

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from naru.kernel.errors import BadRequest
from naru.wire.converse import ConverseDialect
from naru.wire.model import (
    Audio,
    File,
    HostedTool,
    Image,
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)

_API = botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2")
INPUT = botocore.model.ServiceModel(_API, "bedrock-runtime").operation_model("Converse").input_shape
OLD, NEW = "anthropic.claude-sonnet-4-5-20250929-v1:0", "global.anthropic.claude-opus-4-8-v1:0"
NOVA, OSS = "amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0"
EMPTY = {"type": "object", "properties": {}}


def say(role, *parts):
    return Message(role=role, parts=[Text(text=p) if isinstance(p, str) else p for p in parts])


def encode(*messages, model=OLD, **fields):
    request = Request(model="asked", messages=list(messages) or [say("user", "hi")], **fields)
    body = ConverseDialect().encode_request(request, model)
    report = botocore.validate.ParamValidator().validate({**body, "modelId": model}, INPUT)
    assert not report.has_errors(), report.generate_report()
    return body


def test_the_least_request():
    """The model's name stands in the address; no limit is made up, since Converse needs none."""
    assert encode() == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def test_a_conversation_with_calls():
    """Roles, parallel calls, results with errors and the turns' order are Converse's."""
    body = encode(
        say("system", "a"),
        say("user", "q"),
        say(
            "assistant",
            "",
            ToolUse(id="1", name="f", arguments='{"x":1}'),
            ToolUse(id="2", name="g", arguments=""),
        ),
        say("user", ToolResult(id="1", parts=[Text(text="ok")])),
        say("user", ToolResult(id="2", parts=[], is_error=True), "go on"),
        tools=[
            Tool(name="f", description="d", parameters={"type": "object"}, is_strict=True),
            Tool(name="g"),
        ],
        tool_choice=ToolChoice(mode="tool", name="f"),
    )
    assert body == {
        "system": [{"text": "a"}],
        "messages": [
            {"role": "user", "content": [{"text": "q"}]},
            {
                "role": "assistant",
                "content": [
                    {"toolUse": {"toolUseId": "1", "name": "f", "input": {"x": 1}}},
                    {"toolUse": {"toolUseId": "2", "name": "g", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "1", "content": [{"text": "ok"}]}},
                    {"toolResult": {"toolUseId": "2", "content": [{"text": "(nothing)"}], "status": "error"}},
                    {"text": "go on"},
                ],
            },
        ],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "d",
                        "inputSchema": {"json": {"type": "object"}},
                        "strict": True,
                    }
                },
                {"toolSpec": {"name": "g", "inputSchema": {"json": EMPTY}}},
            ],
            "toolChoice": {"tool": {"name": "f"}},
        },
    }


@pytest.mark.parametrize("tools", [[], [Tool(name="h")]])
def test_tools_of_the_past_stay_declared(tools):
    """Bedrock refuses calls in a conversation without tools, even where no tool may be called now."""
    body = encode(
        say("user", "q"),
        say("assistant", ToolUse(id="1", name="f", arguments="{}")),
        say("user", ToolResult(id="1", parts=[Text(text="x")])),
        tools=tools,
        tool_choice=ToolChoice(mode="none"),
    )
    assert body["toolConfig"] == {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": EMPTY}}}]}


def test_no_tools_may_be_called_when_the_choice_is_none():
    """Converse has no word for it: the tools are left out."""
    assert "toolConfig" not in encode(tools=[Tool(name="f")], tool_choice=ToolChoice(mode="none"))


def test_cache_marks_become_cache_points():
    """Behind the marked part, with its lifetime."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    body = encode(
        Message(role="system", parts=[Text(text="long", cache_control={"type": "ephemeral"})]),
        Message(role="user", parts=[Text(text="a", cache_control=mark), Text(text="b")]),
        tools=[Tool(name="f", cache_control=mark)],
    )
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "long"}, {"cachePoint": {"type": "default"}}]
    assert body["messages"][0]["content"] == [{"text": "a"}, long, {"text": "b"}]
    assert body["toolConfig"]["tools"][1] == long


def test_media():
    """Images, documents and audio by format; a document's name has only the characters AWS allows."""
    body = encode(
        say(
            "user",
            Image(url="data:image/jpg;base64,/9j/"),
            Image(data="R0lGOD"),
            File(data="data:application/pdf;base64,JVBE", filename="분기_보고 v1.2.pdf"),
            File(data="YQ==", media_type="text/markdown"),
            Audio(data="AA", format="wav"),
        )
    )
    assert body["messages"][0]["content"] == [
        {"image": {"format": "jpeg", "source": {"bytes": "/9j/"}}},
        {"image": {"format": "gif", "source": {"bytes": "R0lGOD"}}},
        {"document": {"format": "pdf", "name": "v1 2 pdf", "source": {"bytes": "JVBE"}}},
        {"document": {"format": "md", "name": "document", "source": {"bytes": "YQ=="}}},
        {"audio": {"format": "wav", "source": {"bytes": "AA"}}},
    ]


def test_thinking_goes_back_with_its_seal():
    """Signed and redacted reasoning return; unsigned and foreign reasoning stay behind."""
    body = encode(
        say("user", "q"),
        say(
            "assistant",
            Thinking(text="t", signature="s"),
            Thinking(redacted="r"),
            Thinking(text="open"),
            Thinking(text="g", signature="gemini#x"),
        ),
        say("user", "q"),
    )
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "r"}},
    ]


def test_reasoning_stays_behind_where_the_model_does_not_take_it():
    """Claude's seal means nothing to a model of another family."""
    history = (say("user", "q"), say("assistant", Thinking(text="t", signature="s"), "a"), say("user", "q"))
    assert encode(*history, model=NOVA)["messages"][1]["content"] == [{"text": "a"}]


def test_sampling_and_limits():
    """What Converse knows stands in its config, what only Claude knows goes to the model."""
    body = encode(max_tokens=9, temperature=1.5, top_p=0.5, top_k=3, stop=["END"], service_tier="flex")
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 1, "stopSequences": ["END"]}
    assert body["additionalModelRequestFields"] == {"top_k": 3}
    assert body["serviceTier"] == {"type": "flex"}
    nova = encode(model=NOVA, temperature=0.5, top_p=0.5, top_k=3)
    assert nova["inferenceConfig"] == {"temperature": 0.5, "topP": 0.5}
    assert "additionalModelRequestFields" not in nova


@pytest.mark.parametrize(
    ("model", "more", "output"),
    [
        (OLD, {"thinking": {"type": "enabled", "budget_tokens": 4096}}, None),
        (NEW, {"thinking": {"type": "adaptive"}}, {"effort": "medium"}),
        (NOVA, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}, None),
        (OSS, {"reasoning_effort": "medium"}, None),
        ("meta.llama4-maverick-17b-instruct-v1:0", None, None),
    ],
)
def test_effort_in_each_familys_words(model, more, output):
    """Each family of models is told in its own way, one that cannot reason is told nothing."""
    body = encode(model=model, reasoning=Reasoning(effort="medium"), max_tokens=100)
    assert body.get("additionalModelRequestFields") == more
    assert body.get("outputConfig") == output
    assert body["inferenceConfig"]["maxTokens"] == (4196 if model == OLD else 100)


def test_structured_output():
    """The schema goes as text, closed; beside it stands the effort."""
    body = encode(
        model=NEW,
        format=ResponseFormat(kind="json_schema", name="n", schema={"type": "object"}),
        reasoning=Reasoning(effort="low"),
    )
    [shape] = body["outputConfig"]["textFormat"]["structure"].values()
    assert shape["name"] == "n"
    assert json.loads(shape["schema"]) == {"type": "object", "additionalProperties": False}
    assert body["outputConfig"]["effort"] == "low"


def test_json_mode_is_asked_for_in_words():
    """There is no JSON mode without a schema."""
    assert "JSON" in encode(format=ResponseFormat(kind="json_object"))["system"][0]["text"]


def test_unknown_fields_go_to_the_model():
    """Converse's own fields stay on top, other vendors' hints stay behind, the rest reaches the model."""
    body = encode(
        extra={
            "performanceConfig": {"latency": "optimized"},
            "additionalModelRequestFields": {"a": 1},
            "min_p": 0.1,
            "store": True,
        }
    )
    assert body["performanceConfig"] == {"latency": "optimized"}
    assert body["additionalModelRequestFields"] == {"a": 1, "min_p": 0.1}


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"wants_logprobs": True},
        {"tools": [HostedTool(dialect="messages", raw={"type": "web_search_20250305"})]},
        {"messages": [say("user", Image(url="https://x/y.png"))]},
        {"messages": [say("user", File(file_id="file_1"))]},
        {"messages": [say("user", File(data="AA", media_type="application/zip"))]},
    ],
)
def test_what_cannot_be_said_is_refused(fields):
    """Better a clear error than an answer to another question."""
    with pytest.raises(BadRequest):
        encode(*fields.pop("messages", []), **fields)
