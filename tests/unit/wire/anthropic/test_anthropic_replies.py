"""Whole messages, errors and what passes through."""

from __future__ import annotations

import json

import anthropic
import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages_sdk import ASKED

from naru.kernel.tokens import Usage
from naru.wire.messages import MessagesDialect
from naru.wire.model import (
    Choice,
    Image,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolUse,
    Unknown,
)

DIALECT = MessagesDialect()
SERVER_TOOL = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        SERVER_TOOL,
        {"type": "text", "text": "안녕", "citations": [{"type": "char_location"}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": "나"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 4},
}


def encode(*parts, finish="stop", **choice) -> anthropic.types.Message:
    reply = Reply(
        id="r",
        model="m",
        created=1,
        choices=[Choice(index=0, parts=list(parts), finish=finish, **choice)],
        usage=Usage(input_tokens=2, output_tokens=1),
    )
    return anthropic.types.Message.model_validate(DIALECT.encode_reply(reply, ASKED))


def test_a_message_is_read_whole():
    """Every block keeps its kind; what only Anthropic knows is kept as it is."""
    reply = DIALECT.decode_reply(MESSAGE)
    assert (reply.id, reply.model, reply.usage) == (
        "msg_1",
        "claude",
        Usage(input_tokens=3, output_tokens=4),
    )
    [choice] = reply.choices
    assert choice.finish == "tool_calls"
    assert choice.parts == [
        Thinking(text="hm", signature="s"),
        Unknown(dialect="messages", raw=SERVER_TOOL),
        Text(text="안녕", citations=[{"type": "char_location"}]),
        ToolUse(id="t", name="f", arguments='{"x":"나"}'),
    ]


def test_a_message_read_and_written_again_is_the_same():
    """The neutral model can say all that a message says."""
    assert DIALECT.encode_reply(DIALECT.decode_reply(MESSAGE), ASKED) == MESSAGE


def test_an_answer_of_another_language():
    """Text, calls and their missing words are what the SDK's types demand."""
    message = encode(Text(text="a"), ToolUse(id="t", name="f", arguments=""), Refusal(text="no"))
    assert [block.type for block in message.content] == ["text", "tool_use", "text"]
    assert message.content[1].input == {}
    assert (message.stop_reason, message.usage.input_tokens) == ("tool_use", 2)


def test_unsigned_thinking_and_signed_calls():
    """Open reasoning is shown; a call's signature stands in a block before it."""
    message = encode(Thinking(text="open"), ToolUse(id="t", name="f", arguments="{}", signature="gemini#x"))
    assert [(block.type, getattr(block, "signature", None)) for block in message.content] == [
        ("thinking", ""),
        ("thinking", "call#gemini#x"),
        ("tool_use", None),
    ]


def test_an_image_in_the_answer_is_not_silently_lost():
    """This language has no images in answers: the client is told."""
    assert "image" in encode(Image(data="AA", media_type="image/png")).content[0].text


def test_an_answer_without_choices_or_reason_is_still_a_message():
    """A blocked or empty answer must not break the client's types."""
    reply = Reply(id="", model="", created=0, choices=[], usage=Usage())
    message = anthropic.types.Message.model_validate(DIALECT.encode_reply(reply, ASKED))
    assert (message.model, message.stop_reason) == ("asked", "end_turn")
    assert encode(Text(text="a"), finish=None).stop_reason == "end_turn"


def test_the_summary_counts_what_was_written():
    """Text, thinking and arguments are the base of an estimate."""
    summary = DIALECT.summarize(json.dumps(MESSAGE, ensure_ascii=False).encode())
    assert (summary.id, summary.model, summary.finish) == ("msg_1", "claude", "tool_calls")
    assert summary.usage == Usage(input_tokens=3, output_tokens=4)
    assert summary.output_chars == len("hm") + len("안녕") + len('{"x": "나"}') + len("{}")


@pytest.mark.parametrize(
    ("change", "chars"),
    [({"stop_reason": 7}, 6), ({"content": [*MESSAGE["content"], 5, {"type": "text", "text": None}]}, None)],
)
def test_one_odd_field_does_not_hide_the_usage(change, chars):
    """A field of a wrong type costs only itself: the tokens are still metered."""
    summary = DIALECT.summarize(json.dumps({**MESSAGE, **change}).encode())
    assert summary.usage == Usage(input_tokens=3, output_tokens=4)
    assert summary.output_chars >= (chars or 1)


@given(st.binary(max_size=60))
def test_summary_and_fault_never_raise(body):
    """Whatever a proxy on the way answers."""
    assert DIALECT.summarize(body).usage is None
    assert DIALECT.decode_fault(502, body).message


@pytest.mark.parametrize(
    ("body", "message", "type"),
    [
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            "Overloaded",
            "overloaded_error",
        ),
        (b'{"error":"plain"}', "plain", None),
        (b'{"detail":"Not Found"}', "Not Found", None),
        (b"upstream connect error", "upstream connect error", None),
        (
            b"<html><h1>502</h1> nginx at 10.0.0.7</html>",
            "The upstream answered 502 without a readable error.",
            None,
        ),
        (b"", "The upstream answered 502 without a readable error.", None),
    ],
)
def test_faults(body, message, type):
    """Errors are found where servers and proxies put them; a page of HTML is never passed on."""
    fault = DIALECT.decode_fault(502, body)
    assert (fault.message, fault.type, fault.status) == (message, type, 502)


def test_an_error_under_200_names_its_own_status():
    """Some servers answer an error with 200: its type says what it is."""
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"m"}}'
    assert DIALECT.decode_fault(200, body).status == 429


@pytest.mark.parametrize(
    ("status", "type", "raised", "written"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError, "invalid_request_error"),
        (401, "authentication_error", anthropic.AuthenticationError, "authentication_error"),
        (403, "permission_error", anthropic.PermissionDeniedError, "permission_error"),
        (404, "not_found_error", anthropic.NotFoundError, "not_found_error"),
        (413, "invalid_request_error", anthropic.APIStatusError, "request_too_large"),
        (429, "rate_limit_error", anthropic.RateLimitError, "rate_limit_error"),
        (429, "insufficient_quota", anthropic.RateLimitError, "rate_limit_error"),
        (500, "internal_error", anthropic.InternalServerError, "api_error"),
        (502, "upstream_error", anthropic.InternalServerError, "api_error"),
        (503, "upstream_error", anthropic.APIStatusError, "overloaded_error"),
        (504, "upstream_error", anthropic.APIStatusError, "timeout_error"),
    ],
)
def test_errors_are_raised_by_the_sdk_as_anthropics_own(status, type, raised, written):
    """Class, type, code, request id and the field at fault arrive at the client."""
    body = DIALECT.encode_error(
        status=status, type=type, code="some_code", message="Wrong.", param="top_k", request_id="req_1"
    )

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        anthropic.Anthropic(api_key="-", http_client=http, max_retries=0) as client,
        pytest.raises(raised) as caught,
    ):
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
    assert caught.value.body["error"] == {
        "type": written,
        "message": "top_k: Wrong.",
        "details": {"error_code": "some_code"},
    }
    assert caught.value.body["request_id"] == "req_1"
    assert caught.value.error_code == "some_code"


def _patched(messages: object) -> dict:
    raw = msgspec.json.encode({"model": "alias", "max_tokens": 1, "messages": messages, "x": 1e3})
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    assert DIALECT.patch_request(fields, "claude-x", may_ask_usage=True) is False
    return fields


def test_passing_through_changes_the_model_alone():
    """Every other byte goes on as the client wrote it."""
    messages = [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "a", "signature": "Eq=="}]}
    ]
    fields = _patched(messages)
    assert bytes(fields["model"]) == b'"claude-x"'
    assert bytes(fields["messages"]) == msgspec.json.encode(messages)
    assert bytes(fields["x"]) == b"1000.0"


def test_another_providers_thinking_does_not_reach_anthropic():
    """After a fall back the history holds thinking Anthropic would refuse: it is taken out, its own stays."""
    own = {"type": "thinking", "thinking": "a", "signature": "Eq=="}
    messages = [
        {"role": "user", "content": "gemini# is a word"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "b", "signature": ""},
                {"type": "thinking", "thinking": "", "signature": "call#gemini#x"},
                {"type": "redacted_thinking", "data": "openai#x"},
                own,
                {"type": "text", "text": "hi"},
            ],
        },
    ]
    kept = msgspec.json.decode(_patched(messages)["messages"])
    assert kept == [messages[0], {"role": "assistant", "content": [own, {"type": "text", "text": "hi"}]}]
