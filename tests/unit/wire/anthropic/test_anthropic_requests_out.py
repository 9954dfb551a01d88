"""Requests of other clients, written for Anthropic upstreams."""

from __future__ import annotations

import itertools

import pytest
from anthropic.types import MessageCreateParams
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from naru.kernel.errors import BadRequest
from naru.wire.messages import MessagesDialect
from naru.wire.model import (
    Audio,
    File,
    HostedTool,
    Image,
    Message,
    Reasoning,
    Refusal,
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

PARAMS: TypeAdapter[object] = TypeAdapter(MessageCreateParams)
OLD, NEW = "claude-sonnet-4-5-20250929", "claude-opus-4-8"


def user(*parts, name=None):
    return Message(role="user", parts=[Text(text=p) if isinstance(p, str) else p for p in parts], name=name)


def assistant(*parts):
    return Message(role="assistant", parts=[Text(text=p) if isinstance(p, str) else p for p in parts])


def system(text):
    return Message(role="system", parts=[Text(text=text)])


def encode(*messages, model=OLD, **fields):
    request = Request(model="asked", messages=list(messages) or [user("hi")], **fields)
    body = MessagesDialect().encode_request(request, model)
    PARAMS.validate_python(body)
    return body


def call(id, name="f", arguments="{}", **more):
    return ToolUse(id=id, name=name, arguments=arguments, **more)


def result(id, text="ok", **more):
    return ToolResult(id=id, parts=[Text(text=text)], **more)


def test_the_least_request():
    """The limit that Anthropic demands is put in when the client named none."""
    assert encode() == {
        "model": OLD,
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_system_messages_are_lifted_out_wherever_they_stand():
    """Developer and system messages in the middle reach the model, in order."""
    body = encode(system("a"), user("1"), system("b"), user("2"))
    assert body["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}]}
    ]


def test_a_lone_system_message_is_said_by_the_user():
    """OpenAI accepts a request of nothing but a system message: so does Naru."""
    body = encode(system("a"))
    assert body["messages"] == [{"role": "user", "content": "a"}]
    assert "system" not in body


def test_the_user_speaks_first():
    """A history that begins with the assistant gets an opening."""
    assert [message["role"] for message in encode(assistant("a"), user("b"))["messages"]] == [
        "user",
        "assistant",
        "user",
    ]


def test_parallel_calls_and_their_results():
    """Results of separate messages form one turn, before anything else the user says."""
    body = encode(
        user("q"),
        assistant("thinking aloud", call("a", arguments='{"x":1}'), call("b")),
        user("by the way"),
        user(result("a")),
        user(result("b", "broke", is_error=True)),
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "thinking aloud"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "ok"},
                {"type": "tool_result", "tool_use_id": "b", "content": "broke", "is_error": True},
                {"type": "text", "text": "by the way"},
            ],
        },
    ]


def test_foreign_ids_still_match():
    """Ids that Anthropic would refuse are rewritten alike in the call and in its result."""
    body = encode(user("q"), assistant(call("functions.f:0")), user(result("functions.f:0")))
    written = body["messages"][1]["content"][0]["id"]
    assert written.startswith("functions_f_0_")
    assert body["messages"][2]["content"][0]["tool_use_id"] == written


@pytest.mark.parametrize("arguments", ["", "  "])
def test_empty_arguments_are_an_empty_object(arguments):
    """OpenAI's models write nothing for a call without arguments."""
    body = encode(user("q"), assistant(call("a", arguments=arguments)), user(result("a")))
    assert body["messages"][1]["content"][0]["input"] == {}


@pytest.mark.parametrize("arguments", ['{"x":', "[1]", '"text"'])
def test_arguments_that_are_no_object_stay_visible(arguments):
    """A conversation in which a model once wrote a broken call can go on."""
    body = encode(user("q"), assistant(call("a", arguments=arguments)), user(result("a")))
    assert body["messages"][1]["content"][0]["input"] == {"invalid_json": arguments}


def test_images_and_documents():
    """Data URLs become base64 sources, addresses stay addresses, text documents stay text."""
    body = encode(
        user(
            Image(url="data:image/jpeg;base64,/9j/4A"),
            Image(url="https://x/y.png"),
            Image(data="iVBORw0KGgo=", media_type=None),
            File(data="data:application/pdf;base64,JVBERi0=", filename="a.pdf"),
            File(data="bmFydQ==", media_type="text/plain"),
            File(file_id="file_1"),
        )
    )
    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4A"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "naru"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]


def test_only_anthropics_own_thinking_goes_back():
    """Unsigned thinking and that of other providers would be refused, so it stays behind."""
    body = encode(
        user("q"),
        assistant(
            Thinking(text="open"),
            Thinking(text="g", signature="gemini#x"),
            Thinking(text="own", signature="s"),
            Thinking(redacted="r"),
            Thinking(redacted="openai#r"),
            "a",
        ),
        user("q2"),
    )
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "own", "signature": "s"},
        {"type": "redacted_thinking", "data": "r"},
        {"type": "text", "text": "a"},
    ]


def test_empty_texts_are_left_out():
    """Anthropic refuses empty text, OpenAI's clients send it beside calls."""
    body = encode(user("q"), assistant("", call("a")), user(ToolResult(id="a", parts=[Text(text="")])))
    assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]
    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "a"}]


def test_a_refusal_is_said_as_text():
    """The model sees in its history that it had refused."""
    assert encode(user("q"), assistant(Refusal(text="no")), user("why"))["messages"][1]["content"] == "no"


def test_tools():
    """A tool without parameters still has a schema; strictness and choice are kept."""
    body = encode(
        tools=[
            Tool(name="f", description="d", parameters={"properties": {}}, is_strict=True),
            Tool(name="g"),
            HostedTool(dialect="messages", raw={"type": "web_search_20250305", "name": "web_search"}),
        ],
        tool_choice=ToolChoice(mode="required"),
        is_parallel=False,
    )
    assert body["tools"] == [
        {
            "name": "f",
            "description": "d",
            "input_schema": {"properties": {}, "type": "object"},
            "strict": True,
        },
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        {"type": "web_search_20250305", "name": "web_search"},
    ]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "is_parallel", "written"),
    [
        (None, True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
        (ToolChoice(mode="tool", name="f"), None, {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choice(choice, is_parallel, written):
    """Whether calls may be parallel is part of the choice, where the choice allows any call."""
    body = encode(tools=[Tool(name="f")], tool_choice=choice, is_parallel=is_parallel)
    assert body["tool_choice"] == written


def test_structured_output_is_native():
    """The schema goes where Anthropic wants it, closed as it demands, and the client's stays as it was."""
    schema = {
        "type": "object",
        "properties": {
            "default": {"type": "object", "properties": {}},
            "open": {"type": "object", "additionalProperties": True},
        },
        "default": {"type": "object"},
    }
    body = encode(format=ResponseFormat(kind="json_schema", name="n", schema=schema))
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "default": {"type": "object", "properties": {}, "additionalProperties": False},
                "open": {"type": "object", "additionalProperties": True},
            },
            "default": {"type": "object"},
        },
    }
    assert "additionalProperties" not in schema


def test_json_mode_is_asked_for_in_words():
    """There is no native JSON mode without a schema."""
    body = encode(system("a"), user("q"), format=ResponseFormat(kind="json_object"))
    assert [block["text"] for block in body["system"]] == [
        "a",
        "Answer with one valid JSON object and nothing else.",
    ]


@pytest.mark.parametrize(
    ("effort", "budget"), [("minimal", 1024), ("low", 1024), ("medium", 4096), ("high", 16384)]
)
def test_effort_becomes_a_number_of_tokens_for_older_models(effort, budget):
    """Anthropic wants the limit above the thinking, and no sampling beside it."""
    body = encode(reasoning=Reasoning(effort=effort), max_tokens=100, temperature=0.5, top_p=0.5, top_k=3)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert body["max_tokens"] == 100 + budget
    assert not {"temperature", "top_p", "top_k"} & body.keys()


@pytest.mark.parametrize(
    "model", [NEW, "claude-sonnet-5", "claude-opus-4-6", "us.anthropic.claude-opus-4-7-v1:0"]
)
def test_effort_stays_an_effort_for_newer_models(model):
    """From 4.6 on the model decides how long it thinks; from 4.7 on it refuses a number of tokens."""
    body = encode(model=model, reasoning=Reasoning(effort="high"), max_tokens=100)
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "high"}
    assert body["max_tokens"] == 100


def test_a_number_of_tokens_becomes_an_effort_for_newer_models():
    """An Anthropic client's old-style budget still works with a model that refuses it."""
    body = encode(model=NEW, reasoning=Reasoning(is_enabled=True, budget_tokens=8000))
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "medium"})


@pytest.mark.parametrize("reasoning", [None, Reasoning(effort="none"), Reasoning(summary="auto")])
def test_no_thinking_unasked(reasoning):
    """Nothing is switched on that the client did not ask for."""
    assert "thinking" not in encode(reasoning=reasoning)


def test_thinking_switched_off_is_said():
    """Some models think by default."""
    assert encode(reasoning=Reasoning(is_enabled=False))["thinking"] == {"type": "disabled"}


def test_no_thinking_where_anthropic_refuses_it():
    """A forced tool excludes thinking; so does, for older models, a call whose thinking nobody kept."""
    forced = encode(
        tools=[Tool(name="f")], tool_choice=ToolChoice(mode="required"), reasoning=Reasoning(effort="low")
    )
    hidden = encode(
        user("q"),
        assistant(call("a")),
        user(result("a")),
        tools=[Tool(name="f")],
        reasoning=Reasoning(effort="low"),
    )
    shown = encode(
        user("q"),
        assistant(Thinking(text="t", signature="s"), call("a")),
        user(result("a")),
        tools=[Tool(name="f")],
        reasoning=Reasoning(effort="low"),
    )
    assert "thinking" not in forced
    assert "thinking" not in hidden
    assert "thinking" in shown


def test_sampling():
    """OpenAI's hotter half of the scale ends where Anthropic's does; of two samplings one is kept."""
    assert encode(temperature=1.7)["temperature"] == 1
    both = encode(temperature=0.2, top_p=0.9)
    assert (both["temperature"], "top_p" in both) == (0.2, False)
    assert encode(top_p=0.9)["top_p"] == 0.9
    assert not {"temperature", "top_p", "top_k"} & encode(model=NEW, temperature=0.2, top_k=1).keys()


def test_tools_of_the_past_stay_declared():
    """A conversation that used tools can go on without them."""
    body = encode(user("q"), assistant(call("a"), call("b"), call("c", "g")), user(result("a")))
    assert [tool["name"] for tool in body["tools"]] == ["f", "g"]
    assert body["tool_choice"] == {"type": "none"}


def test_a_begun_answer_ends_without_white_space():
    """Anthropic refuses it at the end of what the client begins for the model."""
    assert encode(user("q"), assistant("So: "))["messages"][-1]["content"] == "So:"
    assert encode(user("q"), assistant("a", "So:\n"))["messages"][-1]["content"][-1]["text"] == "So:"


def test_hints_without_a_word_are_dropped():
    """Seed, penalties and bias change no shape of the answer."""
    body = encode(
        seed=1, frequency_penalty=1.0, presence_penalty=1.0, logit_bias={"1": 2.0}, n=1, wants_logprobs=False
    )
    assert body.keys() == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"wants_logprobs": True}, "logprobs"),
        ({"tools": [HostedTool(dialect="responses", raw={"type": "web_search"})]}, "tools.0"),
        ({"messages": [user(Audio(data="", format="wav"))]}, "messages"),
        ({"messages": [user(File(data="AAAA", media_type="application/zip"))]}, "messages"),
        ({"messages": [user(Unknown(dialect="chat", raw={"type": "odd"}))]}, "messages"),
        ({"messages": [Message(role="system", parts=[Image(url="https://x")])]}, "messages.0.content"),
    ],
)
def test_what_cannot_be_said_is_refused(fields, param):
    """Better a clear error than an answer to another question."""
    messages = fields.pop("messages", [user("q")])
    with pytest.raises(BadRequest) as caught:
        encode(*messages, **fields)
    assert caught.value.param == param


def test_remaining_fields():
    """User, stop, stream, tier and unknown fields arrive; another vendor's hints do not."""
    body = encode(
        user="u",
        stop=["END", "\n"],
        is_stream=True,
        service_tier="default",
        extra={"future": 1, "store": True, "metadata": {"k": "v"}, "container": {"id": "c"}},
    )
    assert body["metadata"] == {"user_id": "u"}
    assert body["stop_sequences"] == ["END"]
    assert body["stream"] is True
    assert body["service_tier"] == "standard_only"
    assert body["future"] == 1
    assert body["container"] == {"id": "c"}
    assert "store" not in body


_PARTS = st.one_of(
    st.text(max_size=3).map(lambda text: Text(text=text)),
    st.sampled_from("abc").map(call),
    st.sampled_from("abc").map(result),
    st.just(Thinking(text="t")),
)


@given(
    st.lists(
        st.builds(Message, role=st.sampled_from(["user", "assistant"]), parts=st.lists(_PARTS, max_size=3)),
        max_size=6,
    )
)
def test_turns_alternate_from_the_user_on(messages):
    """Whatever the order of the client's messages, Anthropic's two rules of order hold."""
    body = encode(*messages)
    assert encode(*messages) == body  # a fall back writes the same request again
    roles = [message["role"] for message in body["messages"]]
    assert roles[0] == "user"
    assert all(a != b for a, b in itertools.pairwise(roles))
    for message in body["messages"]:
        kinds = [b["type"] == "tool_result" for b in message["content"] if isinstance(b, dict)]
        assert message["content"]
        if message["role"] == "user":
            assert kinds == sorted(kinds, reverse=True)
