"""Responses streams, written for the official SDK and read back."""

from __future__ import annotations

import json

import httpx2
import pytest
from openai import APIError, OpenAI
from tests.unit.wire.openai.streams import decode_all, encode_all, frame

from naru.kernel.tokens import Usage
from naru.wire.model import (
    End,
    Fault,
    Finish,
    Metered,
    Ping,
    RefusalDelta,
    Start,
    TextDelta,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    UpstreamFault,
)
from naru.wire.responses import ResponsesDecoder, ResponsesDialect, ResponsesEncoder

RESPONSES = ResponsesDialect()
START = Start(id="chatcmpl-1", model="m", created=1)
ASKED = RESPONSES.decode_request(
    {
        "model": "m",
        "input": "Hi",
        "stream": True,
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "tools": [{"type": "function", "name": "f"}],
    }
)
WHOLE = (
    START,
    ThinkingDelta(index=0, text="Hm"),
    ThinkingDelta(index=0, signature="s"),
    TextDelta(
        index=0,
        text="Let ",
        logprobs={"content": [{"token": "Let ", "logprob": -1.0, "bytes": [], "top_logprobs": []}]},
    ),
    TextDelta(index=0, text="me."),
    ToolStart(index=0, slot=0, id="a", name="f"),
    ToolStart(index=0, slot=1, id="b", name="g"),
    ToolDelta(index=0, slot=0, arguments='{"x":'),
    ToolDelta(index=0, slot=0, arguments="1}"),
    Finish(index=0, reason="tool_calls"),
    Metered(usage=Usage(input_tokens=20, cache_read_tokens=100, output_tokens=16, reasoning_tokens=24)),
    End(),
)


def _client(body):
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )
    http = httpx2.Client(transport=transport)
    return OpenAI(api_key="k", base_url="http://naru.test", http_client=http, max_retries=0)


def test_the_sdk_gathers_the_whole_response():
    """Reasoning, text and parallel calls arrive as items, with usage and the client's own settings."""
    encoder = ResponsesEncoder(ASKED)
    body = b"".join(encoder.encode(event) for event in WHOLE)
    with _client(body) as client, client.responses.stream(model="m", input="Hi") as stream:
        response = stream.get_final_response()
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert response.output_text == "Let me."
    assert response.output[0].encrypted_content == "naru#s"
    assert [(call.call_id, call.arguments) for call in response.output[2:]] == [("a", '{"x":1}'), ("b", "{}")]
    assert (response.status, response.instructions, response.metadata) == (
        "completed",
        "Be brief.",
        {"a": "b"},
    )
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (120, 100)
    assert (response.usage.output_tokens, response.usage.output_tokens_details.reasoning_tokens) == (40, 24)


def test_events_are_numbered_without_a_gap_and_items_open_and_close_once():
    """Clients detect lost events by the numbers and index items by their place."""
    written = encode_all(ResponsesEncoder(ASKED), *WHOLE)
    assert [data["sequence_number"] for _, data in written] == list(range(len(written)))
    assert all(name == data["type"] for name, data in written)
    added = [d["output_index"] for _, d in written if d["type"] == "response.output_item.added"]
    done = [d["output_index"] for _, d in written if d["type"] == "response.output_item.done"]
    assert added == sorted(done) == [0, 1, 2, 3]
    assert [name for name, _ in written].count("response.completed") == 1


def test_the_last_event_holds_the_items_that_were_streamed():
    """A client that only looks at the end sees the same answer."""
    written = encode_all(ResponsesEncoder(ASKED), *WHOLE)
    done = {d["output_index"]: d["item"] for _, d in written if d["type"] == "response.output_item.done"}
    assert written[-1][1]["response"]["output"] == [done[i] for i in sorted(done)]


@pytest.mark.parametrize(
    ("events", "status", "reason"),
    [
        ([Finish(index=0, reason="stop")], "completed", None),
        ([Finish(index=0, reason="length")], "incomplete", "max_output_tokens"),
        ([Finish(index=0, reason="content_filter")], "incomplete", "content_filter"),
        ([Finish(index=0, reason="refusal")], "incomplete", "content_filter"),
        ([RefusalDelta(index=0, text="No."), Finish(index=0, reason="refusal")], "completed", None),
        ([], "completed", None),
    ],
)
def test_the_final_status_says_whether_the_answer_is_whole(events, status, reason):
    """Cut short or held back is incomplete; a refusal in words is an answer."""
    name, data = encode_all(ResponsesEncoder(ASKED), START, *events, End())[-1]
    assert name == f"response.{status}"
    assert data["response"]["status"] == status
    assert (data["response"]["incomplete_details"] or {}).get("reason") == reason


def test_only_the_first_of_several_choices_is_written():
    """This language has one answer; another choice must not leak into it."""
    written = encode_all(
        ResponsesEncoder(ASKED), START, TextDelta(index=1, text="B"), TextDelta(index=0, text="A"), End()
    )
    assert [d["delta"] for _, d in written if d["type"] == "response.output_text.delta"] == ["A"]


def test_after_an_error_nothing_is_written():
    """A broken answer must not look like a whole one."""
    fault = Fault(fault=UpstreamFault(message="Busy", code="overloaded"))
    written = encode_all(ResponsesEncoder(ASKED), START, TextDelta(index=0, text="x"), fault, End())
    assert written[-1][0] == "error"
    assert written[-1][1]["message"] == "Busy"


def test_the_sdk_raises_on_the_stream_error():
    """A client of a broken stream finds out."""
    body = RESPONSES.encode_stream_error(
        status=502, type="upstream_error", code="upstream_error", message="Broke off.", request_id="r"
    )
    with _client(body) as client:
        stream = client.responses.create(model="m", input="Hi", stream=True)
        with pytest.raises(APIError, match="Broke off"):
            list(stream)


def test_what_is_encoded_is_decoded_the_same():
    """Responses to Responses through the model changes nothing; a call without arguments gets its `{}`."""
    written = encode_all(ResponsesEncoder(ASKED), *WHOLE)
    events = decode_all(ResponsesDecoder(), *(frame(data, name) for name, data in written))
    told = [event for event in events if not isinstance(event, Start | Metered)]
    said = [event for event in WHOLE if not isinstance(event, Start | Metered | Finish | End)]
    assert told == [
        *said,
        ToolDelta(index=0, slot=1, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
        End(),
    ]


def _event(kind, **fields):
    return frame({"type": kind, **fields}, kind)


CALL = {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}"}
MESSAGE = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "Hi"}]}
CREATED = _event("response.created", response={"id": "resp_1", "model": "m", "created_at": 1})


def _completed(**fields):
    return _event("response.completed", response={"id": "resp_1", "status": "completed", **fields})


@pytest.mark.parametrize(
    "frames",
    [
        [_completed(output=[MESSAGE, CALL])],
        [
            _event("response.output_item.done", output_index=0, item=MESSAGE),
            _event("response.output_item.done", output_index=1, item=CALL),
            _completed(output=[MESSAGE, CALL]),
        ],
        [
            _event("response.output_text.done", output_index=0, content_index=0, text="Hi"),
            _event("response.output_item.added", output_index=1, item={**CALL, "arguments": ""}),
            _event("response.function_call_arguments.done", output_index=1, arguments="{}"),
            _completed(output=[MESSAGE, CALL]),
        ],
        [
            _event("response.output_text.delta", output_index=0, content_index=0, delta="Hi"),
            _event("response.output_text.done", output_index=0, content_index=0, text="Hi"),
            _event("response.output_item.done", output_index=0, item=MESSAGE),
            _event("response.output_item.added", output_index=1, item={**CALL, "arguments": ""}),
            _event("response.function_call_arguments.delta", output_index=1, delta="{}"),
            _event("response.output_item.done", output_index=1, item=CALL),
            _completed(),
        ],
    ],
    ids=["at_the_end", "whole_items", "done_without_deltas", "deltas"],
)
def test_everything_is_told_exactly_once_however_the_upstream_tells_it(frames):
    """`.done` events repeat the deltas, or replace them."""
    assert decode_all(ResponsesDecoder(), CREATED, *frames) == [
        Start(id="resp_1", model="m", created=1),
        TextDelta(index=0, text="Hi"),
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolDelta(index=0, slot=0, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
        End(),
    ]


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_usage_is_read_from_every_kind_of_end(kind):
    """A failed response was billed too."""
    usage = {"input_tokens": 9, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}}
    end = _event(f"response.{kind}", response={"id": "resp_1", "status": kind, "usage": usage, "error": None})
    events = decode_all(ResponsesDecoder(), CREATED, end)
    assert Metered(usage=Usage(input_tokens=9, output_tokens=2, reasoning_tokens=1)) in events
    assert isinstance(events[-1], Fault if kind == "failed" else End)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "Slow", "param": None},
            UpstreamFault(message="Slow", type="error", code="rate_limit_exceeded"),
        ),
        (
            {"type": "error", "error": {"message": "Slow", "code": "x"}},
            UpstreamFault(message="Slow", code="x"),
        ),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "Broke"}}},
            UpstreamFault(message="Broke", code="server_error"),
        ),
    ],
)
def test_every_kind_of_failure_is_a_fault(data, fault):
    """The documented event, the one servers really send, and the failed response."""
    assert decode_all(ResponsesDecoder(), frame(data)) == [Fault(fault=fault)]


def test_frames_that_mean_nothing_elsewhere_are_left_out():
    """Hosted tools report their progress; no other language has a word for it."""
    frames = [_event("response.web_search_call.searching", output_index=0), frame(b"[DONE]")]
    assert decode_all(ResponsesDecoder(), *frames) == []
    assert ResponsesDecoder().decode(frame(b"")) == [Ping()]


def test_an_unreadable_event_is_a_fault():
    """Never an exception, and never an empty success."""
    [event] = ResponsesDecoder().decode(frame(b"{"))
    assert isinstance(event, Fault)
    assert json.dumps(event.fault.message)
