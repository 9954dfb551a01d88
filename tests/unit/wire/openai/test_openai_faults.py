"""Errors as upstreams word them, and replies as metering skims them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.wire.chat import ChatDialect
from naru.wire.completions import CompletionsDialect
from naru.wire.embeddings import summarize_embeddings
from naru.wire.model import Summary, UpstreamFault
from naru.wire.responses import ResponsesDialect

CHAT = ChatDialect()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            {
                "error": {
                    "message": "Bad key",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "invalid_api_key",
                }
            },
            UpstreamFault(
                message="Bad key", type="invalid_request_error", code="invalid_api_key", status=400
            ),
        ),
        ({"error": "model not found"}, UpstreamFault(message="model not found", status=400)),
        ({"detail": "Not Found"}, UpstreamFault(message="Not Found", status=400)),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "too big"}, {"msg": "odd"}]},
            UpstreamFault(message="too big; odd", status=400),
        ),
        (
            {"object": "error", "message": "too long", "type": "BadRequestError", "param": None, "code": 400},
            UpstreamFault(message="too long", type="BadRequestError", code="400", status=400),
        ),
        (
            [{"error": {"message": "quota", "code": 429}}],
            UpstreamFault(message="quota", code="429", status=400),
        ),
        ({"message": "Unauthorized"}, UpstreamFault(message="Unauthorized", status=400)),
    ],
)
def test_an_error_body_is_read_in_every_shape_servers_use(body, fault):
    """The message is what a person needs; the rest decides about retries."""
    assert CHAT.decode_fault(400, json.dumps(body).encode()) == fault


@pytest.mark.parametrize(
    "body", [b"", b"<html><h1>502 at node-7.internal</h1></html>", b"{}", b"null", b"\xff\xfe"]
)
def test_an_unreadable_error_says_only_its_status(body):
    """A proxy's page may name machines inside the provider; it is not passed on."""
    fault = CHAT.decode_fault(502, body)
    assert fault.status == 502
    assert "internal" not in fault.message
    assert fault.message


def test_plain_text_is_a_message_of_bounded_length():
    """Some servers answer in words."""
    assert CHAT.decode_fault(503, b"no healthy upstream").message == "no healthy upstream"
    assert len(CHAT.decode_fault(503, b"x" * 10_000).message) <= 1000


def test_a_reply_is_skimmed_without_being_built():
    """Usage, finish, model, and the characters an estimate would stand on."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "Hello", "reasoning_content": "Hm", "tool_calls": [call]}
    body = {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3},
    }
    assert CHAT.summarize(json.dumps(body).encode()) == Summary(
        id="chatcmpl-1",
        model="m",
        usage=Usage(input_tokens=9, output_tokens=3),
        finish="tool_calls",
        output_chars=9,
    )


def test_a_reply_of_odd_shape_still_gives_its_usage():
    """A wrong type in one place does not lose the bill."""
    body = {"id": 7, "choices": "odd", "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    assert CHAT.summarize(json.dumps(body).encode()).usage == Usage(input_tokens=9, output_tokens=3)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("choices", "message", "content", "usage", "output", "error", "tool_calls", "detail")
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "read",
    [
        CHAT.summarize,
        CompletionsDialect().summarize,
        ResponsesDialect().summarize,
        summarize_embeddings,
        lambda body: CHAT.decode_fault(500, body),
    ],
)
@settings(deadline=None)
@given(_json.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20))
def test_no_body_breaks_what_must_never_raise(read, body):
    """Metering and error handling work on whatever came."""
    assert read(body) is not None


@pytest.mark.parametrize("depth", [10_000])
def test_a_body_nested_too_deep_breaks_nothing(depth):
    """A hostile upstream cannot exhaust the stack."""
    body = b'{"choices":' + b"[" * depth + b"]" * depth + b"}"
    assert CHAT.summarize(body).usage is None
    assert CHAT.decode_fault(500, body).status == 500
