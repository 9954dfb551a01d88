"""Streams written for Anthropic clients, read back by the official SDK."""

from __future__ import annotations

import json

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages_sdk import payloads, read, write

from naru.kernel.errors import UpstreamError
from naru.kernel.tokens import Usage
from naru.wire.messages.encoder import MAX_WAITING
from naru.wire.model import (
    End,
    Event,
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

START = Start(id="msg_7", model="served", created=5)


def _types(stream: bytes) -> list[str]:
    return [json.loads(data)["type"] for data in payloads(stream)]


def test_text_answer_is_accumulated_by_the_sdk():
    """A client sees id, model, text, reason and the usage that came last."""
    message = read(
        write(
            [
                START,
                TextDelta(index=0, text="안녕"),
                Ping(),
                TextDelta(index=0, text=" 나루"),
                Finish(index=0, reason="stop"),
                Metered(
                    usage=Usage(
                        input_tokens=7,
                        cache_read_tokens=5,
                        cache_write_5m_tokens=2,
                        cache_write_1h_tokens=1,
                        output_tokens=3,
                        reasoning_tokens=4,
                    )
                ),
                End(),
            ]
        )
    )
    assert (message.id, message.model, message.stop_reason) == ("msg_7", "served", "end_turn")
    assert [block.text for block in message.content] == ["안녕 나루"]
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens) == (7, 7)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (5, 3)
    assert usage.output_tokens_details.thinking_tokens == 4


def test_nothing_final_is_said_before_the_stream_has_ended():
    """Usage may come after the finish, so `message_delta` waits; a cut stream stays visibly cut."""
    stream = write([START, TextDelta(index=0, text="a"), Finish(index=0, reason="stop")])
    assert _types(stream)[-1] == "content_block_stop"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
    ],
)
def test_each_finish_reason_has_its_word(reason, expected):
    """Every reason of the neutral model is one the SDK's types know."""
    message = read(write([START, Finish(index=0, reason=reason), End()]))
    assert message.stop_reason == expected


def test_a_matched_stop_sequence_is_named():
    """The client learns which of its stop sequences ended the answer."""
    message = read(write([START, Finish(index=0, reason="stop", stop_sequence="END"), End()]))
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


def test_thinking_keeps_its_signature_and_closes_before_the_text():
    """Thinking, its signature, redacted thinking and text are four separate, closed steps."""
    message = read(
        write(
            [
                START,
                ThinkingDelta(index=0, text="let "),
                ThinkingDelta(index=0, text="me"),
                ThinkingDelta(index=0, signature="sig=="),
                ThinkingDelta(index=0, redacted="opaque"),
                TextDelta(index=0, text="done"),
                Finish(index=0, reason="stop"),
                End(),
            ]
        )
    )
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "text"]
    assert (message.content[0].thinking, message.content[0].signature) == ("let me", "sig==")
    assert message.content[1].data == "opaque"


def test_thinking_after_a_signature_is_another_block():
    """A signature seals what stands before it: later thinking must not slip under it."""
    message = read(
        write(
            [
                START,
                ThinkingDelta(index=0, text="a"),
                ThinkingDelta(index=0, signature="1"),
                ThinkingDelta(index=0, text="b"),
                ThinkingDelta(index=0, signature="2"),
                End(),
            ]
        )
    )
    assert [(b.thinking, b.signature) for b in message.content] == [("a", "1"), ("b", "2")]


def test_a_call_signature_travels_in_a_block_before_its_call():
    """Gemini's signature of a call reaches the client, who sends the block back as it is."""
    message = read(
        write(
            [
                START,
                ToolStart(index=0, slot=0, id="t", name="f", signature="gemini#abc"),
                ToolDelta(index=0, slot=0, arguments="{}"),
                Finish(index=0, reason="tool_calls"),
                End(),
            ]
        )
    )
    assert [block.type for block in message.content] == ["thinking", "tool_use"]
    assert message.content[0].signature == "call#gemini#abc"


def test_a_stop_after_calls_reads_as_tool_use():
    """Some upstreams finish with `stop` although they call a tool; clients wait for `tool_use`."""
    message = read(
        write([START, ToolStart(index=0, slot=0, id="t", name="f"), Finish(index=0, reason="stop"), End()])
    )
    assert message.stop_reason == "tool_use"
    assert message.content[0].input == {}


_ARGUMENTS = st.dictionaries(
    st.text(max_size=4), st.one_of(st.integers(), st.text(max_size=8), st.just({"}": "{"})), max_size=3
)


@given(st.data())
def test_interleaved_calls_arrive_whole_and_in_order(data):
    """However the deltas of parallel calls interleave, the SDK gets each call with its own arguments."""
    wanted = data.draw(st.lists(_ARGUMENTS, min_size=1, max_size=4))
    queues: list[list[Event]] = []
    for slot, arguments in enumerate(wanted):
        text = json.dumps(arguments, ensure_ascii=data.draw(st.booleans()))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        queues.append([ToolDelta(index=0, slot=slot, arguments=piece) for piece in pieces])
    events: list[Event] = [START]
    started = 0
    while started < len(wanted) or any(queues):
        ready = [slot for slot in range(started) if queues[slot]]
        choices = ready + ([-1] if started < len(wanted) else [])
        pick = data.draw(st.sampled_from(choices))
        if pick == -1:
            events.append(ToolStart(index=0, slot=started, id=f"t{started}", name=f"f{started}"))
            started += 1
        else:
            events.append(queues[pick].pop(0))
    message = read(write([*events, Finish(index=0, reason="tool_calls"), End()]))
    assert [(b.id, b.name, b.input) for b in message.content] == [
        (f"t{slot}", f"f{slot}", arguments) for slot, arguments in enumerate(wanted)
    ]


def test_a_second_call_starts_as_soon_as_the_first_is_whole():
    """Sequential calls, the usual case, are not held back until the end."""
    stream = write(
        [
            START,
            ToolStart(index=0, slot=0, id="a", name="f"),
            ToolDelta(index=0, slot=0, arguments='{"x":1}'),
            ToolStart(index=0, slot=1, id="b", name="g"),
            ToolDelta(index=0, slot=1, arguments='{"y"'),
        ]
    )
    assert payloads(stream)[-1].endswith(b'"partial_json":"{\\"y\\""}}')


def test_text_amid_an_open_call_waits_and_is_not_lost():
    """Text that an upstream writes between two halves of a call follows the call."""
    message = read(
        write(
            [
                START,
                ToolStart(index=0, slot=0, id="a", name="f"),
                ToolDelta(index=0, slot=0, arguments='{"x":'),
                TextDelta(index=0, text="by "),
                TextDelta(index=0, text="the way"),
                ToolDelta(index=0, slot=0, arguments="1}"),
                Finish(index=0, reason="tool_calls"),
                End(),
            ]
        )
    )
    assert message.content[0].input == {"x": 1}
    assert message.content[1].text == "by the way"


def test_what_waits_is_bounded():
    """An upstream that never completes its first call cannot fill the memory with the second."""
    encoder_events: list[Event] = [
        START,
        ToolStart(index=0, slot=0, id="a", name="f"),
        ToolStart(index=0, slot=1, id="b", name="g"),
    ]
    piece = "x" * (MAX_WAITING // 4)
    with pytest.raises(UpstreamError) as caught:
        write(encoder_events + [ToolDelta(index=0, slot=1, arguments=piece)] * 5)
    assert caught.value.code == "upstream_protocol"


def test_other_choices_are_left_out():
    """A message holds one answer: choices beyond the first never mix into it."""
    message = read(
        write(
            [
                START,
                TextDelta(index=0, text="one"),
                TextDelta(index=1, text="two"),
                Finish(index=1, reason="length"),
                Finish(index=0, reason="stop"),
                End(),
            ]
        )
    )
    assert [block.text for block in message.content] == ["one"]
    assert message.stop_reason == "end_turn"


def test_refusal_is_readable_text():
    """OpenAI's refusal text reaches a client that knows no such part."""
    message = read(write([START, RefusalDelta(index=0, text="no"), Finish(index=0, reason="refusal"), End()]))
    assert message.content[0].text == "no"
    assert message.stop_reason == "refusal"


def test_an_empty_stream_is_still_a_whole_message():
    """An upstream that only says it has ended gives a well-formed message without a reason."""
    message = read(write([End()]))
    assert (message.model, message.content, message.stop_reason) == ("asked", [], None)


def test_nothing_follows_the_end():
    """Usage or text after the terminal event cannot break a stream that is over."""
    events: list[Event] = [START, End(), TextDelta(index=0, text="late"), Ping(), End()]
    assert _types(write(events)) == ["message_start", "message_delta", "message_stop"]


def test_pings_wait_for_the_message_to_begin():
    """`message_start` is the first event of every stream."""
    assert _types(write([Ping(), START, Ping()])) == ["message_start", "ping"]


def test_a_fault_makes_the_sdk_raise_with_its_status_type():
    """An error inside the stream is an exception at the client, never a quiet end."""
    fault = UpstreamFault(message="busy", type="overloaded_error", status=529)
    stream = write([START, TextDelta(index=0, text="a"), Fault(fault=fault), End()])
    with pytest.raises(anthropic.APIStatusError) as caught:
        read(stream)
    assert caught.value.body["error"]["type"] == "overloaded_error"
    assert _types(stream)[-1] == "error"
