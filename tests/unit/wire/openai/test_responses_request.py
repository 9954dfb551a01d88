"""Responses requests: items to turns and back, and what a stateless upstream cannot do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.kernel.errors import BadRequest
from naru.wire.model import Message, Reasoning, Request, Text, Thinking, Tool, ToolResult, ToolUse
from naru.wire.responses import ResponsesDialect
from naru.wire.responses.reasoning import write_reasoning

RESPONSES = ResponsesDialect()


def _body(**fields):
    return {"model": "m", "input": "Hi", **fields}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "Hi"}, "model"),
        ({"model": "m"}, "input"),
        (_body(input=[]), "input"),
        (_body(input=7), "input"),
        (_body(input=["Hi"]), "input.0"),
        (_body(input=[{"role": "robot", "content": "x"}]), "input.0.role"),
        (_body(input=[{"role": "user", "content": [{"type": "input_text"}]}]), "input.0.content.0.text"),
        (
            _body(input=[{"role": "user", "content": [{"type": "input_image"}]}]),
            "input.0.content.0.image_url",
        ),
        (_body(input=[{"type": "function_call", "name": "f", "arguments": "{}"}]), "input.0.call_id"),
        (_body(input=[{"type": "item_reference", "id": "msg_1"}]), "input.0"),
        (_body(previous_response_id="resp_1"), "previous_response_id"),
        (_body(conversation="conv_1"), "conversation"),
        (_body(background=True), "background"),
        (_body(store=True), "store"),
        (_body(max_output_tokens=0), "max_output_tokens"),
        (_body(tools=[{"type": "function"}]), "tools.0.name"),
        (_body(text={"format": {"type": "xml"}}), "text.format.type"),
        (_body(instructions=7), "instructions"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_with_the_field_at_fault(body, param):
    """What needs a provider that remembers is refused, not half done."""
    with pytest.raises(BadRequest) as caught:
        RESPONSES.decode_request(body)
    assert caught.value.param == param


def test_not_storing_is_what_naru_does_anyway():
    """`store: false` and `background: false` are fine."""
    assert RESPONSES.decode_request(_body(store=False, background=False)).messages


def test_items_of_one_turn_become_one_turn_and_come_apart_again():
    """Reasoning, text and calls of the assistant belong together, results of parallel calls too."""
    items = [
        {"type": "message", "role": "user", "content": "Hi"},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "e",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": "Look",
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": "2"},
        {"type": "message", "role": "user", "content": "So?"},
    ]
    request = RESPONSES.decode_request(_body(input=items))
    assert [[type(part) for part in message.parts] for message in request.messages] == [
        [Text],
        [Thinking, Text, ToolUse, ToolUse],
        [ToolResult, ToolResult],
        [Text],
    ]
    assert RESPONSES.encode_request(request, "m")["input"] == items


def test_thoughts_go_back_only_to_the_provider_that_sealed_them():
    """OpenAI refuses foreign seals, and so do the others."""
    turn = Message(
        role="assistant",
        parts=[
            Thinking(text="a", signature="anthropics"),
            Thinking(text="b"),
            Thinking(redacted="c"),
            Text(text="x"),
        ],
    )
    written = RESPONSES.encode_request(Request(model="m", messages=[turn]), "m")["input"]
    assert [item["type"] for item in written] == ["message"]


@pytest.mark.parametrize(
    "thinking",
    [
        Thinking(text="Count.", signature="c2lnbmVk"),
        Thinking(text="Count.", signature="gemini#x"),
        Thinking(text="Count.", signature="openai#rs_9:Z0FB"),
        Thinking(redacted="b3BhcXVl"),
        Thinking(text="Count."),
    ],
)
def test_a_seal_survives_the_way_through_the_client(thinking):
    """A client that returns items as it got them keeps the thread of thought of any provider."""
    item = write_reasoning(thinking, "rs_1_0")
    request = RESPONSES.decode_request(_body(input=[item, {"role": "user", "content": "x"}]))
    assert request.messages[0].parts == [thinking]


def test_reasoning_is_asked_to_be_sealed_where_it_is_asked_for():
    """The seal alone carries a thought over a tool call; models that do not reason refuse the field."""
    thinking = Request(model="m", messages=[], reasoning=Reasoning(effort="low"))
    assert RESPONSES.encode_request(thinking, "m")["include"] == ["reasoning.encrypted_content"]
    assert "include" not in RESPONSES.encode_request(Request(model="m", messages=[]), "m")


def test_a_tool_is_strict_only_when_the_client_said_so():
    """In this language alone silence means strict, which refuses most schemas."""
    request = Request(model="m", messages=[], tools=[Tool(name="f"), Tool(name="g", is_strict=True)])
    assert [tool["strict"] for tool in RESPONSES.encode_request(request, "m")["tools"]] == [False, True]


@pytest.mark.parametrize(("field", "value"), [("n", 2), ("stop", ["x"]), ("logit_bias", {"1": -100})])
def test_what_changes_the_answer_and_cannot_be_said_is_refused(field, value):
    """Leaving it out would give another answer than the one asked for."""
    with pytest.raises(BadRequest) as caught:
        RESPONSES.encode_request(Request(model="m", messages=[], **{field: value}), "m")
    assert caught.value.param == field


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_kinds = st.sampled_from(
    ("message", "function_call", "function_call_output", "reasoning", "web_search_call", "item_reference")
)
_items = st.fixed_dictionaries(
    {},
    optional={"type": _kinds, "role": st.sampled_from(("user", "assistant", "system"))}
    | dict.fromkeys(
        ("content", "call_id", "name", "arguments", "output", "summary", "encrypted_content"), _json
    ),
)
_fields = st.sampled_from(
    ("instructions", "tools", "tool_choice", "text", "reasoning", "include", "metadata")
)


@settings(deadline=None)
@given(st.dictionaries(_fields, _json, max_size=3), st.lists(_items | _json, max_size=3))
def test_no_request_however_odd_breaks_the_reader(fields, items):
    """Whatever stands in a field, the answer is a request or a BadRequest."""
    for body in (_body(**fields), _body(input=items)):
        try:
            RESPONSES.encode_request(RESPONSES.decode_request(body), "m")
        except BadRequest as error:
            assert error.message  # noqa: PT017 - both outcomes are right; only the kind of error is the promise
