"""Legacy completions, native and as a chat of one turn."""

from __future__ import annotations

import pytest
from openai.types import Completion
from tests.unit.wire.openai.streams import decode_all, encode_all, frame

from naru.kernel.errors import BadRequest
from naru.kernel.tokens import Usage
from naru.wire.completions import CompletionsDecoder, CompletionsDialect, CompletionsEncoder
from naru.wire.model import (
    Choice,
    End,
    Fault,
    Finish,
    Message,
    Metered,
    Reply,
    Request,
    Start,
    Text,
    TextDelta,
    Thinking,
    Tool,
    UpstreamFault,
)

COMPLETIONS = CompletionsDialect()
USAGE = Usage(input_tokens=4, output_tokens=2)
ROWS = {
    "content": [
        {
            "token": "a",
            "logprob": -0.5,
            "bytes": [97],
            "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}],
        }
    ]
}


def _ask(**fields):
    return COMPLETIONS.decode_request({"model": "m", "prompt": "Once", **fields})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2]]}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"n": 0}, "n"),
    ],
)
def test_what_no_other_language_can_say_is_refused_by_name(fields, param):
    """Several prompts, token ids and gaps to fill need a real completions endpoint."""
    with pytest.raises(BadRequest) as caught:
        _ask(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize("prompt", ["Once", ["Once"]])
def test_a_prompt_is_one_user_turn(prompt):
    """And is written back as the prompt it was."""
    request = _ask(prompt=prompt, best_of=1, suffix="")
    assert request.messages == [Message(role="user", parts=[Text(text="Once")])]
    assert COMPLETIONS.encode_request(request, "m")["prompt"] == "Once"


def test_echo_puts_the_prompt_before_every_answer():
    """Whole and streamed; positions of tokens count from the prompt's start."""
    request = _ask(echo=True, logprobs=1, stream=True)
    reply = Reply(
        id="x",
        model="m",
        created=1,
        usage=USAGE,
        choices=[Choice(index=0, parts=[Thinking(text="Hm"), Text(text="a")], finish="stop", logprobs=ROWS)],
    )
    choice = Completion.model_validate(COMPLETIONS.encode_reply(reply, request)).choices[0]
    assert (choice.text, choice.logprobs.text_offset) == ("Oncea", [4])
    written = encode_all(
        CompletionsEncoder(request),
        Start(id="x", model="m", created=1),
        TextDelta(index=0, text="a", logprobs=ROWS),
        TextDelta(index=0, text="b"),
        Finish(index=0, reason="stop"),
        End(),
    )
    assert "".join(data["choices"][0]["text"] for _, data in written[:-1]) == "Onceab"
    assert written[0][1]["choices"][0]["logprobs"]["text_offset"] == [4]


def test_a_stream_ends_with_reason_usage_and_done():
    """Usage only for who asked; an answer that ended well always has a reason."""
    events = (Start(id="x", model="m", created=1), TextDelta(index=0, text="a"), Metered(usage=USAGE), End())
    asked = encode_all(CompletionsEncoder(_ask(stream=True, stream_options={"include_usage": True})), *events)
    assert asked[-3][1]["choices"][0]["finish_reason"] == "stop"
    assert asked[-2][1]["usage"]["total_tokens"] == 6
    assert asked[-1][1] == "[DONE]"
    assert len(encode_all(CompletionsEncoder(_ask(stream=True)), *events)) == 3


def test_after_an_error_nothing_is_written():
    """A broken answer must not look like a whole one."""
    fault = Fault(fault=UpstreamFault(message="Busy"))
    written = encode_all(CompletionsEncoder(_ask(stream=True)), TextDelta(index=0, text="a"), fault, End())
    assert written[-1][1]["error"]["message"] == "Busy"


def test_a_native_stream_is_read_with_its_usage_and_end():
    """As llama.cpp and vLLM send it."""
    logprobs = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5}], "text_offset": [4]}
    head = {"id": "cmpl-1", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
    frames = [
        frame({**head, "choices": [{"index": 0, "text": "a", "logprobs": logprobs, "finish_reason": None}]}),
        frame({**head, "choices": [{"index": 0, "text": "", "finish_reason": "length"}], "usage": usage}),
        frame(b"[DONE]"),
    ]
    assert decode_all(CompletionsDecoder(), *frames) == [
        Start(id="cmpl-1", model="m", created=1),
        TextDelta(index=0, text="a", logprobs=ROWS),
        Finish(index=0, reason="length"),
        Metered(usage=USAGE),
        End(),
    ]


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (Request(model="m", messages=[], tools=[Tool(name="f")]), "tools"),
        (Request(model="m", messages=[Message(role="assistant", parts=[Text(text="x")])]), "messages.0"),
        (
            Request(model="m", messages=[Message(role="user", parts=[Thinking(text="x")])]),
            "messages.0.content",
        ),
    ],
)
def test_a_conversation_is_refused_by_an_upstream_that_only_completes(request_, param):
    """Guessing at a template would give a worse answer than none."""
    with pytest.raises(BadRequest) as caught:
        COMPLETIONS.encode_request(request_, "m")
    assert caught.value.param == param
