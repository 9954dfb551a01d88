"""Gemini's answers, whole and streamed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.tokens import Usage
from naru.wire.base import Frame
from naru.wire.gemini import GeminiDialect
from naru.wire.gemini.usage import read_usage
from naru.wire.model import (
    Choice,
    End,
    Event,
    Fault,
    Finish,
    Image,
    Metered,
    Ping,
    Start,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    ToolUse,
    Unknown,
)

DIALECT = GeminiDialect()
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 2, "totalTokenCount": 16}
BUCKETS = Usage(input_tokens=10, output_tokens=4, reasoning_tokens=2)


def frame(value: object) -> Frame:
    data = json.dumps(value).encode()
    return Frame(b"data: " + data + b"\n\n", "", data)


def chunk(*parts: object, finish: str | None = None, index: int | None = None, **more: object) -> dict:
    candidate: dict = {"content": {"role": "model", "parts": list(parts)}}
    if finish is not None:
        candidate["finishReason"] = finish
    if index is not None:
        candidate["index"] = index
    return {"responseId": "r1", "modelVersion": "gemini-2.5-flash", "candidates": [candidate], **more}


def decode(*chunks: object) -> list:
    decoder = DIALECT.new_decoder()
    return [event for value in chunks for event in decoder.decode(frame(value))]


def test_a_whole_answer():
    """Thoughts, text, calls and images come out as parts; calls get ids that repeat for the same reply."""
    body = chunk(
        {"text": "hm", "thought": True},
        {"text": "안녕", "thoughtSignature": "s1"},
        {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "s2"},
        {"functionCall": {"name": "f"}},
        {"functionCall": {"id": "given", "name": "g", "args": {}}},
        {"inlineData": {"mimeType": "image/png", "data": "AA"}},
        {"executableCode": {"code": "1"}},
        finish="STOP",
        usageMetadata=USAGE,
    )
    reply = DIALECT.decode_reply(body)
    assert (reply.id, reply.model, reply.usage) == ("r1", "gemini-2.5-flash", BUCKETS)
    assert reply.choices == [
        Choice(
            index=0,
            finish="tool_calls",
            parts=[
                Thinking(text="hm"),
                Text(text="안녕"),
                Thinking(signature="gemini#s1"),
                ToolUse(id="call_r1_0", name="f", arguments='{"x":1}', signature="gemini#s2"),
                ToolUse(id="call_r1_1", name="f", arguments="{}"),
                ToolUse(id="given", name="g", arguments="{}"),
                Image(data="AA", media_type="image/png"),
                Unknown(dialect="gemini", raw={"executableCode": {"code": "1"}}),
            ],
        )
    ]


def test_a_stream_ends_with_its_finish_reason():
    """There is no terminal event: the chunk with the reason gives Finish, usage and End, in this order."""
    assert decode(
        chunk({"text": "a"}, usageMetadata={"promptTokenCount": 10}),
        chunk({"text": "b"}, finish="STOP", usageMetadata=USAGE),
    ) == [
        Start(id="r1", model="gemini-2.5-flash", created=0),
        TextDelta(index=0, text="a"),
        Metered(usage=Usage(input_tokens=10)),
        TextDelta(index=0, text="b"),
        Finish(index=0, reason="stop"),
        Metered(usage=BUCKETS),
        End(),
    ]


def test_a_cut_stream_has_no_end():
    """Without a finish reason the stream was cut, and must not look complete."""
    assert not any(isinstance(event, End | Finish) for event in decode(chunk({"text": "a"})))


def test_usage_after_the_end_is_still_metered():
    """A chunk after the finish reason ends nothing twice and loses no count."""
    late = decode(chunk({"text": "a"}, finish="STOP"), {"usageMetadata": USAGE})
    assert late[-2:] == [End(), Metered(usage=BUCKETS)]


def test_calls_are_numbered_over_the_whole_stream():
    """Calls in separate chunks are separate calls with ids of their own."""
    events = decode(
        chunk({"text": "", "thought": True, "thoughtSignature": "s"}),
        chunk({"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "t"}),
        chunk({"functionCall": {"name": "g", "args": {}}}, finish="STOP"),
    )
    assert events[1:] == [
        ThinkingDelta(index=0, signature="gemini#s"),
        ToolStart(index=0, slot=0, id="call_r1_0", name="f", signature="gemini#t"),
        ToolDelta(index=0, slot=0, arguments='{"x":1}'),
        ToolStart(index=0, slot=1, id="call_r1_1", name="g"),
        ToolDelta(index=0, slot=1, arguments="{}"),
        Finish(index=0, reason="tool_calls"),
        End(),
    ]


def test_the_stream_of_several_candidates_ends_with_the_last():
    """One finished candidate does not end the others."""
    both = chunk({"text": "a"}, index=0)
    both["candidates"] += chunk({"text": "b"}, index=1)["candidates"]
    events = decode(both, chunk(finish="STOP", index=1), chunk({"text": "c"}, finish="MAX_TOKENS", index=0))
    assert events[3:] == [
        Finish(index=1, reason="stop"),
        TextDelta(index=0, text="c"),
        Finish(index=0, reason="length"),
        End(),
    ]


def test_a_streamed_answer_equals_the_whole_one():
    """The same chunks, read as a stream, give the texts and calls of the whole answer."""
    parts = [{"text": "a"}, {"functionCall": {"name": "f", "args": {"x": [1]}}}]
    [text, call] = DIALECT.decode_reply(chunk(*parts, finish="STOP")).choices[0].parts
    events = decode(*(chunk(part) for part in parts))
    assert TextDelta(index=0, text=text.text) in events
    assert ToolStart(index=0, slot=0, id=call.id, name=call.name) in events
    assert ToolDelta(index=0, slot=0, arguments=call.arguments) in events


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "stop"),
        ("SOMETHING_NEW", "stop"),
        ("FINISH_REASON_UNSPECIFIED", None),
    ],
)
def test_finish_reasons(reason, finish):
    """A filtered answer never reads as a complete one."""
    assert DIALECT.decode_reply(chunk({"text": "a"}, finish=reason)).choices[0].finish == finish


def test_a_blocked_prompt_is_a_filtered_answer():
    """Gemini answers a refused prompt with 200 and no candidate."""
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}
    assert DIALECT.decode_reply(body).choices == [Choice(index=0, parts=[], finish="content_filter")]
    assert decode(body)[1:] == [
        Finish(index=0, reason="content_filter"),
        Metered(usage=Usage(input_tokens=3)),
        End(),
    ]


def test_logprobs_take_openais_shape():
    """Chosen and top tokens, with the bytes that OpenAI's clients join."""
    result = {
        "chosenCandidates": [{"token": "나", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "x", "logProbability": -2}]}],
    }
    body = chunk({"text": "나"}, finish="STOP")
    body["candidates"][0]["logprobsResult"] = result
    expected = {
        "content": [
            {
                "token": "나",
                "logprob": -0.5,
                "bytes": [235, 130, 152],
                "top_logprobs": [{"token": "x", "logprob": -2, "bytes": [120]}],
            }
        ],
        "refusal": None,
    }
    assert DIALECT.decode_reply(body).choices[0].logprobs == expected
    assert decode(body)[1] == TextDelta(index=0, text="나", logprobs=expected)


@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: [error]])
def test_an_error_in_the_stream(wrap):
    """As an object or in the array that `generateContent` streams without SSE."""
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    [event] = decode(wrap(error))
    assert isinstance(event, Fault)
    assert (event.fault.status, event.fault.type) == (503, "UNAVAILABLE")


def test_faults():
    """The reason of a detail is the code; HTML and silence give a sentence of ours."""
    body = {
        "error": {
            "code": 400,
            "message": "API key not valid.",
            "status": "INVALID_ARGUMENT",
            "details": [{"reason": "API_KEY_INVALID"}],
        }
    }
    for raw in (body, [body]):
        fault = DIALECT.decode_fault(400, json.dumps(raw).encode())
        assert (fault.message, fault.type, fault.code, fault.status) == (
            "API key not valid.",
            "INVALID_ARGUMENT",
            "API_KEY_INVALID",
            400,
        )
    assert DIALECT.decode_fault(200, json.dumps(body).encode()).status == 400
    for text in (b"", b"<html>secret.internal</html>"):
        assert (
            DIALECT.decode_fault(502, text).message == "The upstream answered 502 without a readable error."
        )


def test_array_chunks_and_keep_alives():
    """A frame that holds an array is read as its chunks; an empty one means nothing."""
    events = decode([chunk({"text": "a"}), chunk({"text": "b"}, finish="STOP")])
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["a", "b"]
    assert DIALECT.new_decoder().decode(Frame(b":\n\n", "", b"")) == [Ping()]


COUNT = st.none() | st.integers(0, 10**6)
_DETAILS = st.lists(
    st.fixed_dictionaries(
        {
            "modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "VIDEO"]),
            "tokenCount": st.integers(0, 10**6),
        }
    ),
    max_size=4,
)


@given(
    prompt=COUNT,
    cached=COUNT,
    tools=COUNT,
    output=COUNT,
    thoughts=COUNT,
    details=st.tuples(_DETAILS, _DETAILS, _DETAILS),
)
def test_buckets_sum_to_what_was_billed(prompt, cached, tools, output, thoughts, details):
    """Prompt and tool prompt in, candidates and thoughts out: each token once, whatever the details claim."""
    usage = read_usage(
        {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": cached,
            "toolUsePromptTokenCount": tools,
            "candidatesTokenCount": output,
            "thoughtsTokenCount": thoughts,
            "promptTokensDetails": details[0],
            "cacheTokensDetails": details[1],
            "candidatesTokensDetails": details[2],
        }
    )
    if usage is None:
        assert prompt is output is thoughts is None
        return
    if prompt is not None:
        assert usage.total_input_tokens == prompt + (tools or 0)
    assert usage.total_output_tokens == (output or 0) + (thoughts or 0)


def test_modalities_and_the_omitted_zero():
    """Cached audio stays in the cache bucket; a missing output count is what the total leaves."""
    usage = read_usage(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 30,
            "totalTokenCount": 105,
            "promptTokensDetails": [
                {"modality": "AUDIO", "tokenCount": 50},
                {"modality": "TEXT", "tokenCount": 50},
            ],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
        }
    )
    assert usage == Usage(input_tokens=50, cache_read_tokens=30, input_audio_tokens=20, output_tokens=5)


_KEYS = [
    "candidates",
    "content",
    "parts",
    "text",
    "functionCall",
    "args",
    "finishReason",
    "index",
    "usageMetadata",
    "promptFeedback",
    "logprobsResult",
    "chosenCandidates",
    "error",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_no_json_makes_the_decoder_raise(values):
    """Whatever an upstream sends is events, maybe none, and a whole body a reply."""
    decoder = DIALECT.new_decoder()
    for value in values:
        assert all(isinstance(made, Event) for made in decoder.decode(frame(value)))
        DIALECT.summarize(json.dumps(value).encode())
        assert DIALECT.decode_fault(500, json.dumps(value).encode()).message
        if isinstance(value, dict):
            DIALECT.decode_reply(value)


def test_the_summary():
    """Usage, reason and characters of a whole answer."""
    body = chunk({"text": "안녕"}, finish="STOP", usageMetadata=USAGE)
    summary = DIALECT.summarize(json.dumps(body).encode())
    assert (summary.id, summary.usage, summary.finish, summary.output_chars) == ("r1", BUCKETS, "stop", 2)
