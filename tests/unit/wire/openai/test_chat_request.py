"""Chat requests: read leniently where OpenAI is lenient, refused by field where it is not, written back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.kernel.errors import BadRequest
from naru.wire.chat import ChatDialect
from naru.wire.model import (
    Audio,
    File,
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
)

CHAT = ChatDialect()
USER = {"role": "user", "content": "Hi"}


def _body(**fields):
    return {"model": "m", "messages": [USER], **fields}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [USER]}, "model"),
        ({"model": 7, "messages": [USER]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": "Hi"}, "messages"),
        ({"model": "m", "messages": ["Hi"]}, "messages.0"),
        (_body(messages=[{"content": "Hi"}]), "messages.0.role"),
        (_body(messages=[{"role": "robot", "content": "Hi"}]), "messages.0.role"),
        (_body(messages=[{"role": "user"}]), "messages.0.content"),
        (_body(messages=[{"role": "user", "content": 7}]), "messages.0.content"),
        (_body(messages=[{"role": "user", "content": [{"text": "Hi"}]}]), "messages.0.content.0.type"),
        (_body(messages=[{"role": "user", "content": [{"type": "text"}]}]), "messages.0.content.0.text"),
        (
            _body(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
            "messages.0.content.0.image_url.url",
        ),
        (
            _body(
                messages=[
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}
                ]
            ),
            "messages.0.content.0.image_url.url",
        ),
        (_body(messages=[{"role": "tool", "content": "x"}]), "messages.0.tool_call_id"),
        (_body(messages=[{"role": "function", "name": "f", "content": "x"}]), "messages.0.name"),
        (
            _body(messages=[{"role": "assistant", "tool_calls": [{"id": "a"}]}]),
            "messages.0.tool_calls.0.function",
        ),
        (_body(n=0), "n"),
        (_body(n=True), "n"),
        (_body(temperature="hot"), "temperature"),
        (_body(max_tokens=-1), "max_tokens"),
        (_body(stop=[1]), "stop"),
        (_body(stream="yes"), "stream"),
        (_body(tools=[{"type": "function"}]), "tools.0.function"),
        (_body(tools=[{"type": "function", "function": {}}]), "tools.0.function.name"),
        (_body(tool_choice="whatever"), "tool_choice"),
        (_body(response_format={"type": "json_schema"}), "response_format.json_schema"),
        (_body(logit_bias={"1": "x"}), "logit_bias.1"),
    ],
)
def test_a_malformed_request_is_refused_with_the_field_at_fault(body, param):
    """Nobody has to guess which of fifty fields was wrong."""
    with pytest.raises(BadRequest) as caught:
        CHAT.decode_request(body)
    assert caught.value.param == param


def test_null_reads_as_absent():
    """Clients that serialise every optional field as null are served."""
    request = CHAT.decode_request(_body(temperature=None, tools=None, stop=None, stream=None, user=None))
    assert request == CHAT.decode_request(_body())


def test_results_of_parallel_calls_are_one_turn_and_come_apart_again():
    """Other languages want all results together; chat wants a message for each."""
    results = [{"role": "tool", "tool_call_id": i, "content": i} for i in "ab"]
    request = CHAT.decode_request(_body(messages=[USER, *results, USER]))
    assert [[type(part) for part in m.parts] for m in request.messages] == [
        [Text],
        [ToolResult, ToolResult],
        [Text],
    ]
    assert CHAT.encode_request(request, "m")["messages"] == [USER, *results, USER]


def test_images_in_a_result_follow_all_results_in_a_user_turn():
    """A tool message holds text only, and nothing may stand between the results of parallel calls."""
    parts = [
        ToolResult(id="a", parts=[Text(text="see"), Image(url="https://x/1.png")]),
        ToolResult(id="b", parts=[Text(text="ok")]),
    ]
    request = Request(model="m", messages=[Message(role="user", parts=[*parts, Text(text="So?")])])
    messages = CHAT.encode_request(request, "m")["messages"]
    assert [m["role"] for m in messages] == ["tool", "tool", "user"]
    assert [part["type"] for part in messages[2]["content"]] == ["image_url", "text"]


@pytest.mark.parametrize(
    ("model", "reasoning", "field"),
    [
        ("gpt-4o", None, "max_tokens"),
        ("llama-3.3-70b", None, "max_tokens"),
        ("gpt-oss-120b", None, "max_tokens"),
        ("llama-3.3-70b", Reasoning(effort="low"), "max_completion_tokens"),
        ("gpt-5-mini", None, "max_completion_tokens"),
        ("openai/o3", None, "max_completion_tokens"),
    ],
)
def test_the_bound_on_output_has_the_name_the_model_takes(model, reasoning, field):
    """OpenAI's reasoning models refuse `max_tokens`; most other servers know nothing else."""
    request = Request(model="m", messages=[], max_tokens=10, reasoning=reasoning)
    assert CHAT.encode_request(request, model)[field] == 10


def test_a_thinking_budget_becomes_an_effort_unless_the_model_cannot_reason():
    """An Anthropic client's budget reaches reasoning models and does not break the others."""
    request = Request(model="m", messages=[], reasoning=Reasoning(budget_tokens=8000, is_enabled=True))
    assert CHAT.encode_request(request, "gpt-5")["reasoning_effort"] == "medium"
    assert "reasoning_effort" not in CHAT.encode_request(request, "gpt-4o")


def test_sealed_thoughts_of_other_providers_stay_away_from_a_chat_upstream():
    """A foreign signature is refused by OpenAI; open reasoning goes back to the server that showed it."""
    turn = Message(role="assistant", parts=[Thinking(text="a", signature="sealed"), Text(text="x")])
    written = CHAT.encode_request(Request(model="m", messages=[turn]), "m")["messages"][0]
    assert written == {"role": "assistant", "content": "x"}
    turn.parts[0] = Thinking(text="a")
    written = CHAT.encode_request(Request(model="m", messages=[turn]), "m")["messages"][0]
    assert written["reasoning_content"] == "a"
    written = CHAT.encode_request(Request(model="m", messages=[turn]), "gpt-4o")["messages"][0]
    assert "reasoning_content" not in written


def test_a_seal_of_geminis_goes_to_gemini_only():
    """Google's compatible endpoint demands its signature back; others refuse the field."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sealed = call | {"extra_content": {"google": {"thought_signature": "s"}}}
    request = CHAT.decode_request(
        _body(messages=[{"role": "assistant", "content": None, "tool_calls": [sealed]}])
    )
    assert CHAT.encode_request(request, "gemini-3-pro")["messages"][0]["tool_calls"] == [sealed]
    assert CHAT.encode_request(request, "gpt-4o")["messages"][0]["tool_calls"] == [call]


def test_allowed_tools_leave_only_those_tools():
    """What only OpenAI can say is said to all by leaving the other tools out."""
    tools = [{"type": "function", "function": {"name": name}} for name in "abc"]
    choice = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]},
    }
    request = CHAT.decode_request(_body(tools=tools, tool_choice=choice))
    assert [tool.name for tool in request.tools] == ["b"]
    assert request.tool_choice == ToolChoice(mode="required")


def test_fields_nobody_knows_go_on_and_fields_of_other_languages_do_not():
    """A new parameter works the day its provider ships it; a foreign one would be a 400."""
    request = CHAT.decode_request(_body(guided_json={"a": 1}, mcp_servers=[]))
    written = CHAT.encode_request(request, "m")
    assert written["guided_json"] == {"a": 1}
    assert "mcp_servers" not in written


_text = st.text(min_size=1, max_size=8)
_user_part = st.one_of(
    st.builds(Text, text=_text),
    st.builds(Image, url=st.just("https://example.com/a.png"), detail=st.sampled_from((None, "low"))),
    st.builds(Image, data=st.just("QUJD"), media_type=st.just("image/png")),
    st.builds(Audio, data=st.just("QUJD"), format=st.just("wav")),
    st.builds(File, file_id=_text),
)
_assistant = st.builds(
    lambda thinking, texts, refusal, calls: Message(
        role="assistant", parts=[*thinking, *texts, *refusal, *calls]
    ),
    st.lists(st.builds(Thinking, text=_text), max_size=1),
    st.lists(st.builds(Text, text=_text), max_size=2),
    st.lists(st.builds(Refusal, text=_text), max_size=1),
    st.lists(st.builds(ToolUse, id=_text, name=_text, arguments=st.just('{"a":1}')), max_size=2),
).filter(lambda message: any(not isinstance(part, Thinking) for part in message.parts))
_spoken = st.one_of(
    st.builds(Message, role=st.just("user"), parts=st.lists(_user_part, min_size=1, max_size=3)),
    st.builds(
        Message,
        role=st.just("system"),
        parts=st.lists(st.builds(Text, text=_text), min_size=1, max_size=2),
        name=st.sampled_from((None, "n")),
    ),
    _assistant,
)
_results = st.builds(
    Message,
    role=st.just("user"),
    parts=st.lists(
        st.builds(ToolResult, id=_text, parts=st.lists(st.builds(Text, text=_text), min_size=1, max_size=2)),
        min_size=1,
        max_size=2,
    ),
)
# Two turns of results in a row would be read as one, so each is followed by something said.
_messages = st.lists(
    st.one_of(_spoken.map(lambda m: [m]), st.tuples(_results, _spoken).map(list)), min_size=1, max_size=4
).map(lambda groups: [message for group in groups for message in group])
_number = st.sampled_from((None, 0.5))
_requests = st.builds(
    Request,
    model=st.just("m"),
    messages=_messages,
    tools=st.lists(
        st.builds(
            Tool,
            name=_text,
            description=st.none() | _text,
            parameters=st.sampled_from((None, {"type": "object"})),
            is_strict=st.sampled_from((None, True)),
        ),
        min_size=1,
        max_size=2,
    ),
    tool_choice=st.sampled_from(
        (None, ToolChoice(mode="auto"), ToolChoice(mode="required"), ToolChoice(mode="tool", name="f"))
    ),
    is_parallel=st.sampled_from((None, True, False)),
    max_tokens=st.sampled_from((None, 10)),
    temperature=_number,
    top_p=_number,
    stop=st.lists(_text, max_size=2),
    n=st.sampled_from((None, 2)),
    seed=st.sampled_from((None, 7)),
    frequency_penalty=_number,
    presence_penalty=_number,
    logit_bias=st.sampled_from((None, {"1": -100})),
    wants_logprobs=st.sampled_from((None, True)),
    top_logprobs=st.sampled_from((None, 2)),
    format=st.sampled_from(
        (
            None,
            ResponseFormat(kind="json_object"),
            ResponseFormat(kind="json_schema", name="x", schema={"type": "object"}, is_strict=True),
        )
    ),
    reasoning=st.sampled_from((None, Reasoning(effort="high"))),
    service_tier=st.sampled_from((None, "flex")),
    user=st.sampled_from((None, "u")),
    extra=st.sampled_from(({}, {"guided_json": {"a": 1}})),
)


@settings(deadline=None)
@given(_requests)
def test_what_is_written_is_read_back_the_same(request):
    """Nothing that chat can say is lost or changed on the way through the neutral model."""
    written = CHAT.encode_request(request, "m")
    read = CHAT.decode_request(msgspec.json.decode(msgspec.json.encode(written)))
    assert msgspec.structs.asdict(read) == msgspec.structs.asdict(request) | {"uses_functions": False}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_fields = st.sampled_from(
    ("messages", "tools", "tool_choice", "stop", "n", "response_format", "reasoning", "thinking", "functions")
)


@settings(deadline=None)
@given(st.dictionaries(_fields, _json, max_size=4), _json)
def test_no_request_however_odd_breaks_the_reader(fields, content):
    """Whatever stands in a field, the answer is a request or a BadRequest."""
    for body in (_body(**fields), _body(messages=[{"role": "user", "content": content}])):
        try:
            CHAT.encode_request(CHAT.decode_request(body), "m")
        except BadRequest as error:
            assert error.message  # noqa: PT017 - both outcomes are right; only the kind of error is the promise
