"""What is changed of a request that passes through, and what is kept from the client on the way back."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.unit.wire.openai.streams import frame

from naru.wire.chat import ChatDialect
from naru.wire.completions import CompletionsDialect
from naru.wire.responses import ResponsesDialect

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _patch(dialect, body, *, may_ask_usage=True):
    fields = msgspec.json.decode(json.dumps(body).encode(), type=dict[str, msgspec.Raw])
    is_dropped = dialect.patch_request(fields, "served", may_ask_usage=may_ask_usage)
    return is_dropped, json.loads(msgspec.json.encode(fields))


@pytest.mark.parametrize("dialect", [ChatDialect(), CompletionsDialect()])
@pytest.mark.parametrize(
    ("body", "options", "is_dropped"),
    [
        ({}, None, False),
        ({"stream": False}, None, False),
        ({"stream": True}, {"include_usage": True}, True),
        ({"stream": True, "stream_options": None}, {"include_usage": True}, True),
        (
            {"stream": True, "stream_options": {"include_obfuscation": False}},
            {"include_obfuscation": False, "include_usage": True},
            True,
        ),
        (
            {"stream": True, "stream_options": {"include_usage": False, "x": 1}},
            {"include_usage": True, "x": 1},
            True,
        ),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"include_usage": True}, False),
        ({"stream": True, "stream_options": "odd"}, "odd", False),
    ],
)
def test_usage_is_asked_for_and_hidden_from_who_did_not_ask(dialect, body, options, is_dropped):
    """Merged into what the client said, so that none of its own options is lost."""
    dropped, patched = _patch(dialect, {"model": "asked", "odd": [1.10], **body})
    assert dropped is is_dropped
    assert patched.pop("stream_options", None) == options
    assert patched == {k: v for k, v in body.items() if k != "stream_options"} | {
        "model": "served",
        "odd": [1.10],
    }


def test_an_upstream_that_refuses_the_option_is_not_asked():
    """`may_ask_usage` is a capability of the provider."""
    assert _patch(ChatDialect(), {"stream": True}, may_ask_usage=False) == (
        False,
        {"stream": True, "model": "served"},
    )


def test_responses_need_no_asking():
    """Usage always comes in the last event."""
    assert _patch(ResponsesDialect(), {"stream": True}) == (False, {"stream": True, "model": "served"})


@pytest.mark.parametrize(
    ("data", "is_usage_only"),
    [
        ({"choices": [], "usage": USAGE}, True),
        (b'{"usage": {"prompt_tokens": 1}, "choices" : [ ]}', True),
        ({"choices": [], "usage": None}, False),
        ({"choices": [], "prompt_filter_results": []}, False),
        ({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE}, False),
        ({"choices": [], "usage": USAGE, "error": {"message": "x"}}, False),
        ({"choices": [{"index": 0, "delta": {"content": '"choices":[]'}}], "usage": None}, False),
        (b"[DONE]", False),
        (b"", False),
        (b'{"choices":[]', False),
    ],
)
def test_only_the_usage_chunk_is_kept_from_the_client(data, is_usage_only):
    """A chunk that says anything else is the client's."""
    assert ChatDialect().is_usage_only(frame(data)) is is_usage_only
