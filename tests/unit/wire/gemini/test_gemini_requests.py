"""Requests written for Gemini."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.errors import BadRequest
from naru.wire.gemini import GeminiDialect
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
    Unknown,
)

OLD, NEW = "gemini-2.5-flash", "gemini-3.8-flash"


def say(role, *parts):
    return Message(role=role, parts=[Text(text=p) if isinstance(p, str) else p for p in parts])


def encode(*messages, model=OLD, **fields):
    request = Request(model="asked", messages=list(messages) or [say("user", "hi")], **fields)
    return GeminiDialect().encode_request(request, model)


def call(id, name="f", arguments="{}", **more):
    return ToolUse(id=id, name=name, arguments=arguments, **more)


def result(id, *parts, **more):
    return ToolResult(id=id, parts=[Text(text=p) if isinstance(p, str) else p for p in parts], **more)


def test_the_least_request():
    """The model's name stands in the address, and nothing is made up."""
    assert encode() == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_system_and_roles():
    """System prompts are lifted out, the assistant is called model."""
    body = encode(say("system", "a"), say("user", "1"), say("assistant", "2"), say("user", "3"))
    assert body["systemInstruction"] == {"parts": [{"text": "a"}]}
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]


def test_results_are_named_and_in_the_order_of_their_calls():
    """Gemini pairs by name and order: ids are looked up and out-of-order results sorted."""
    body = encode(
        say("user", "q"),
        say("assistant", call("1", "a", '{"x":1}'), call("2", "b")),
        say("user", result("2", "second", is_error=True), result("1", "first", Image(url="https://x/i.png"))),
        say("user", "and?"),
    )
    assert body["contents"][1]["parts"] == [
        {"functionCall": {"name": "a", "args": {"x": 1}}},
        {"functionCall": {"name": "b", "args": {}}},
    ]
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"name": "a", "response": {"output": "first"}}},
        {"functionResponse": {"name": "b", "response": {"error": "second"}}},
        {"fileData": {"fileUri": "https://x/i.png", "mimeType": "image/png"}},
        {"text": "and?"},
    ]


def test_a_result_without_its_call_is_refused():
    """There is no name to give it; the error says what to send."""
    with pytest.raises(BadRequest):
        encode(say("user", result("1", "x")))


def test_signatures_go_back_where_they_came_from():
    """Signed calls, signed thinking and the signature of a text return unchanged and without our mark."""
    body = encode(
        say("user", "q"),
        say(
            "assistant",
            Thinking(text="unsigned"),
            Thinking(text="t", signature="gemini#s1"),
            "text",
            Thinking(signature="gemini#s2"),
            call("1", signature="gemini#s3"),
        ),
        say("user", result("1", "x")),
        model=NEW,
    )
    assert body["contents"][1]["parts"] == [
        {"text": "t", "thought": True, "thoughtSignature": "s1"},
        {"text": "text", "thoughtSignature": "s2"},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s3"},
    ]


def test_calls_of_another_model_get_googles_stand_in():
    """Gemini 3 refuses an unsigned first call, older models do not; another's signature is no use."""
    history = [
        say("user", "q"),
        say("assistant", call("1", signature="Eq=="), call("2")),
        say("user", result("1", "x"), result("2", "x")),
    ]
    signed = encode(*history, model=NEW)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in signed] == ["skip_thought_signature_validator", None]
    unsigned = encode(*history, model=OLD)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in unsigned] == [None, None]


def test_media():
    """Data goes inline, addresses and file ids as file data, each with its type."""
    body = encode(
        say(
            "user",
            Image(url="data:image/webp;base64,UklG"),
            Image(data="iVBORw0KGgo"),
            Audio(data="AA", format="mp3"),
            File(data="JVBERi0", filename="a.pdf"),
            File(file_id="https://g/files/1", media_type="video/mp4"),
        )
    )
    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/webp", "data": "UklG"}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "AA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0"}},
        {"fileData": {"fileUri": "https://g/files/1", "mimeType": "video/mp4"}},
    ]


def test_tools_keep_their_whole_schema():
    """Keywords that the older schema field would refuse arrive."""
    schema = {"type": "object", "properties": {}, "additionalProperties": False, "$defs": {}}
    body = encode(
        tools=[
            Tool(name="f", description="d", parameters=schema),
            HostedTool(dialect="gemini", raw={"googleSearch": {}}),
            Tool(name="g"),
        ],
        tool_choice=ToolChoice(mode="tool", name="f"),
    )
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": schema},
                {"name": "g"},
            ]
        },
        {"googleSearch": {}},
    ]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}


@pytest.mark.parametrize(("mode", "written"), [("auto", "AUTO"), ("none", "NONE"), ("required", "ANY")])
def test_tool_choice(mode, written):
    """Each way to choose has its mode."""
    body = encode(tools=[Tool(name="f")], tool_choice=ToolChoice(mode=mode))
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": written}}


def test_generation_config():
    """Every sampling parameter has its name here; several answers and log probabilities too."""
    body = encode(
        max_tokens=9,
        temperature=0.0,
        top_p=0.5,
        top_k=3,
        seed=0,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        n=2,
        stop=["a"],
        wants_logprobs=True,
        top_logprobs=4,
        format=ResponseFormat(kind="json_schema", schema={"type": "object"}),
        extra={"generationConfig": {"mediaResolution": "LOW"}, "safetySettings": [], "store": True},
    )
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.0,
        "topP": 0.5,
        "topK": 3,
        "seed": 0,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "candidateCount": 2,
        "stopSequences": ["a"],
        "responseLogprobs": True,
        "logprobs": 4,
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
        "mediaResolution": "LOW",
    }
    assert body["safetySettings"] == []
    assert "store" not in body


def test_json_mode_needs_no_schema():
    """`json_object` is the media type alone."""
    body = encode(format=ResponseFormat(kind="json_object"))
    assert body["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "reasoning", "written"),
    [
        (OLD, Reasoning(effort="low"), {"includeThoughts": True, "thinkingBudget": 1024}),
        (
            OLD,
            Reasoning(budget_tokens=777, is_enabled=True),
            {"includeThoughts": True, "thinkingBudget": 777},
        ),
        (OLD, Reasoning(effort="none"), {"thinkingBudget": 0}),
        (OLD, Reasoning(is_enabled=False), {"thinkingBudget": 0}),
        (OLD, Reasoning(budget_tokens=50_000), {"includeThoughts": True, "thinkingBudget": 24_576}),
        ("gemini-2.5-pro", Reasoning(effort="none"), {"thinkingBudget": 128}),
        (
            "gemini-2.5-flash-lite",
            Reasoning(budget_tokens=64),
            {"includeThoughts": True, "thinkingBudget": 512},
        ),
        (NEW, Reasoning(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "low"}),
        (NEW, Reasoning(effort="xhigh"), {"includeThoughts": True, "thinkingLevel": "high"}),
        (NEW, Reasoning(budget_tokens=5000), {"includeThoughts": True, "thinkingLevel": "medium"}),
        (NEW, Reasoning(is_enabled=False), {"thinkingLevel": "low"}),
        (NEW, Reasoning(is_enabled=True), {"includeThoughts": True}),
        (OLD, Reasoning(summary="auto"), {"includeThoughts": True}),
    ],
)
def test_thinking(model, reasoning, written):
    """A number of tokens before Gemini 3, a level from then on; never both."""
    assert encode(model=model, reasoning=reasoning)["generationConfig"]["thinkingConfig"] == written


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [HostedTool(dialect="messages", raw={"type": "web_search_20250305"})]},
        {"messages": [say("user", Unknown(dialect="messages", raw={"type": "search_result"}))]},
    ],
)
def test_what_cannot_be_said_is_refused(fields):
    """Better a clear error than an answer to another question."""
    with pytest.raises(BadRequest):
        encode(*fields.pop("messages", []), **fields)


_PARTS = st.one_of(
    st.text(max_size=3).map(lambda text: Text(text=text)),
    st.sampled_from("abc").map(call),
    st.just(Thinking(text="t")),
    st.just(Thinking(text="", signature="gemini#s")),
)


@given(
    st.lists(
        st.builds(Message, role=st.sampled_from(["user", "assistant"]), parts=st.lists(_PARTS, max_size=3)),
        max_size=6,
    )
)
def test_turns_alternate_from_the_user_on(messages):
    """Whatever the order of the client's messages, Gemini's rule of order holds and no turn is empty."""
    for message in messages:
        if message.role == "user":
            message.parts = [part for part in message.parts if isinstance(part, Text)]
    contents = encode(*messages)["contents"]
    assert encode(*messages)["contents"] == contents  # a fall back writes the same request again
    assert contents[0]["role"] == "user"
    assert all(a["role"] != b["role"] for a, b in itertools.pairwise(contents))
    assert all(content["parts"] for content in contents)
