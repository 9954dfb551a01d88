"""Bodies for the embedded model's server."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.hosting import adapt_chat_request
from naru.kernel.errors import BadRequest

TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}},
]
MESSAGES = [{"role": "user", "content": "hi"}]


def adapt(**fields):
    return json.loads(adapt_chat_request(json.dumps({"messages": MESSAGES, **fields}).encode()))


@given(st.dictionaries(st.sampled_from(["model", "temperature", "tools", "user", "x"]), st.integers()))
def test_other_bodies_pass_untouched(fields):
    """Without tool_choice, JSON answers or media the bytes are the very same object."""
    body = json.dumps({"messages": MESSAGES, **fields}).encode()
    assert adapt_chat_request(body) is body


def test_required_opens_the_reply_with_a_call():
    adapted = adapt(tools=TOOLS, tool_choice="required")
    assert adapted["chat_template_kwargs"] == {"must_call": True}
    assert adapted["parallel_tool_calls"] is False
    assert adapted["tools"] == TOOLS


def test_a_named_tool_becomes_the_only_one():
    """llama.cpp takes an object for nothing; a list of one and "required" mean the same."""
    adapted = adapt(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_time"}})
    assert adapted["tool_choice"] == "required"
    assert adapted["tools"] == TOOLS[1:]


def test_allowed_tools_shorten_the_list():
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": TOOLS[:1]}}
    adapted = adapt(tools=TOOLS, tool_choice=choice)
    assert adapted["tool_choice"] == "auto"
    assert adapted["tools"] == TOOLS[:1]
    assert "chat_template_kwargs" not in adapted


def test_a_clients_own_wish_for_parallel_calls_stays():
    assert adapt(tools=TOOLS, tool_choice="required", parallel_tool_calls=True)["parallel_tool_calls"] is True


def test_a_json_answer_comes_without_a_thought_before_it():
    adapted = adapt(response_format={"type": "json_object"}, chat_template_kwargs={"x": 1})
    assert adapted["chat_template_kwargs"] == {"x": 1, "must_answer": True}


@pytest.mark.parametrize("name", ["get_nothing", None, 7, ["x"]])
def test_an_unknown_tool_is_refused(name):
    """A wrong tool_choice is the client's 400, whatever its type, and names its field."""
    with pytest.raises(BadRequest) as caught:
        adapt(tools=TOOLS, tool_choice={"type": "function", "function": {"name": name}})
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
def test_media_is_refused_with_a_reason(kind):
    messages = [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": kind, kind: {}}]}]
    with pytest.raises(BadRequest, match="text only"):
        adapt_chat_request(json.dumps({"messages": messages}).encode())


def test_a_text_that_only_speaks_of_images_passes():
    messages = [{"role": "user", "content": 'what is an "image_url"?'}, {"role": "user", "content": None}]
    assert adapt(messages=messages)["messages"] == messages


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["type", "function", "required", "get_time"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "function", "name", "allowed_tools", "tools", "mode"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({"tools": JSON, "tool_choice": JSON, "response_format": JSON, "messages": JSON}))
def test_wrong_types_are_refused_or_passed_on_never_a_crash(body):
    """Whatever stands in the fields: a 400 of ours, or a body for the engine to refuse."""
    try:
        adapted = json.loads(adapt_chat_request(json.dumps(body).encode()))
    except BadRequest:
        return
    assert adapted["messages"] == body["messages"]
