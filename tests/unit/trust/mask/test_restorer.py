import json

import pytest
from tests.unit.trust.mask.tools import chunk, data_of, known, mask, restored_text

from naru.trust.mask import Conversation, Restorer, Rules
from naru.trust.mask.tokens import MAX_HOLD


def content_of(raw, index=0):
    """What a client reads of one choice."""
    return "".join(
        choice.get("delta", {}).get("content") or ""
        for event in data_of(raw)
        for choice in event.get("choices", ())
        if choice["index"] == index
    )


@pytest.mark.parametrize(
    "form",
    [
        "<PERSON_1>",
        "<person_1>",
        "<Person 1>",
        "<PERSON-1>",
        "<PERSON\\_1>",
        "\\<PERSON\\_1\\>",
        "< PERSON_1 >",
        "＜PERSON_1＞",
        "〈PERSON_1〉",
        "PERSON_1",
        "**PERSON_1**",
        "[PERSON_1]",
    ],
)
def test_what_models_make_of_a_placeholder_is_read(form):
    """Case, separators, blanks and brackets may change; the value comes back."""
    made = restored_text(f"a {form} b", known("김민수"))
    assert made.replace("**", "").replace("[", "").replace("]", "") == "a 김민수 b"


def test_escaped_brackets_get_an_escaped_value():
    """In HTML the value is HTML, in a URL it is percent-encoded."""
    conversation = known("김민수", "kim@corp.kr")
    assert restored_text("&lt;PERSON_1&gt;", conversation) == "김민수"
    assert restored_text("x%3CEMAIL_1%3E", conversation) == "xkim%40corp.kr"


def test_nothing_is_restored_that_was_not_masked_here():
    """Unknown numbers and types stay and are counted; text that only resembles one stays."""
    conversation = known("김민수")
    restorer = Restorer("chat", conversation, Rules())
    text = "<PERSON_2> <PHONE_1> <PERSON_1x> XPERSON_1 PERSON_12 <div> <PERSON>"
    assert restored_text(text, conversation, restorer=restorer) == text
    assert (restorer.counters.restored, restorer.counters.unknown) == (0, 2)


def test_a_forged_placeholder_comes_back_as_written():
    """The user's own `<PERSON_1>` never becomes a person, and a literal is not read again."""
    body, conversation, _ = mask(
        "chat", {"messages": [{"role": "user", "content": "김민수 <PERSON_1> PERSON_1"}]}
    )
    assert body["messages"][0]["content"] == "<PERSON_1> <LITERAL_1> PERSON_1"
    assert restored_text("<LITERAL_1> PERSON_1 <PERSON_1>", conversation) == "<PERSON_1> PERSON_1 김민수"


@pytest.mark.parametrize(
    ("written", "value", "read"),
    [
        ("<PERSON_1>은 ", "김민수", "김민수는 "),
        ("<PERSON_1>는, ", "홍길동", "홍길동은, "),
        ("<PERSON_1>이(가) ", "김민수", "김민수가 "),
        ("<PERSON_1>(을/를) ", "홍길동", "홍길동을 "),
        ("<PERSON_1>와의 ", "홍길동", "홍길동과의 "),
        ("<PERSON_1>(으)로", "홍길동", "홍길동으로"),
        ("**<PERSON_1>**이 ", "김민수", "**김민수**가 "),
        ("<PERSON_1>이라고 ", "김민수", "김민수라고 "),
        ("<PERSON_1>이다.", "김민수", "김민수이다."),
        ("<PERSON_1>이나마", "김민수", "김민수이나마"),
        ("<PHONE_1>로 ", "010-1234-5670", "010-1234-5670으로 "),
        ("<PHONE_1>으로 ", "010-1234-5671", "010-1234-5671로 "),
        ("<PHONE_1>은 ", "010-1234-5672", "010-1234-5672는 "),
        ("<EMAIL_1>은 ", "kim@corp.kr", "kim@corp.kr은 "),
    ],
)
def test_particles_follow_the_value(written, value, read):
    """은/는, 이/가, 을/를, 과/와, (으)로 by the value's last sound; the copula stays."""
    assert restored_text(written, known(value)) == read


def test_a_stream_is_restored_at_any_cut_and_holds_back_little():
    """One letter an event: all comes back, and never is more held than the bound."""
    conversation = known("김민수", "010-1234-5678")
    text = "안녕 <PERSON_1>은(는) <b>A & B</b> <PHONE_1>로 PERSON_1 <PERSON_9>, 끝<PERSON_"
    restorer = Restorer("chat", conversation, Rules())
    out = b""
    for sent, letter in enumerate(text, start=1):
        out += restorer.feed(chunk(letter))
        assert sent - len(content_of(out)) <= MAX_HOLD
    out += restorer.feed(chunk(finish="stop")) + restorer.feed(b"data: [DONE]\n\n") + restorer.finish()
    assert content_of(out) == "안녕 김민수는 <b>A & B</b> 010-1234-5678로 김민수 <PERSON_9>, 끝<PERSON_"
    assert out.endswith(b"data: [DONE]\n\n")
    assert data_of(out)[-1]["choices"][0]["finish_reason"] == "stop"
    assert data_of(out)[-2]["choices"][0] == {
        "index": 0,
        "delta": {"content": "<PERSON_"},
        "logprobs": None,
        "finish_reason": None,
    }


def test_events_without_a_value_keep_their_bytes():
    """Comments, pings, odd spacing and text of no interest pass as they came."""
    raw = (
        b': ping\n\ndata: {"choices" : [{"index":0,"delta":{"content":"hi "}}], "usage": null}\n\n'
        b"data: not json\n\n"
    )
    restorer = Restorer("chat", known("김민수"), Rules())
    assert restorer.feed(raw) + restorer.finish() == raw


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_and_split_bytes(end):
    """Any line end, one byte at a time, Korean letters cut in half."""
    conversation = known("김민수")
    raw = (chunk("가나<PER") + chunk("SON_1>은 다") + chunk(finish="stop")).replace(b"\n", end)
    restorer = Restorer("chat", conversation, Rules())
    out = b"".join([restorer.feed(raw[at : at + 1]) for at in range(len(raw))]) + restorer.finish()
    assert content_of(out.replace(end, b"\n")) == "가나김민수는 다"


def test_choices_and_channels_do_not_mix():
    """Two choices and the reasoning each have their own half placeholder."""
    restorer = Restorer("chat", known("김민수", "홍길동"), Rules())
    out = b"".join(
        restorer.feed(event)
        for event in [
            chunk("<PERSON", 0),
            chunk("<PERSON", 1),
            chunk(reasoning_content="<PERSON_"),
            chunk("_1> ", 0),
            chunk("_2> ", 1),
            chunk(reasoning_content="2>은 "),
        ]
    )
    assert content_of(out, 0) == "김민수 "
    assert content_of(out, 1) == "홍길동 "
    thoughts = "".join(c["delta"].get("reasoning_content", "") for e in data_of(out) for c in e["choices"])
    assert thoughts == "홍길동은 "


def test_a_cut_or_broken_stream_gives_up_what_is_held():
    """At an error, and at the end without one, the rest goes out in events of the same shape."""
    conversation = known("김민수")
    restorer = Restorer("chat", conversation, Rules())
    out = restorer.feed(chunk("끝 <PERSON_1>")) + restorer.feed(b'data: {"error":{"message":"x"}}\n\n')
    assert content_of(out) == "끝 김민수"
    assert "error" in data_of(out)[-1]
    restorer = Restorer("chat", conversation, Rules())
    out = restorer.feed(chunk("끝 <PERSON_1>")) + restorer.feed(b'data: {"choi') + restorer.finish()
    assert content_of(out.removesuffix(b'data: {"choi')) == "끝 김민수"
    restorer = Restorer("chat", conversation, Rules())
    out = restorer.feed(chunk("끝 <PERSON_1>")[:-1]) + restorer.finish()
    assert content_of(out) == "끝 김민수"


def messages_events(*events):
    return b"".join(
        b"event: "
        + event["type"].encode()
        + b"\ndata: "
        + json.dumps(event, ensure_ascii=False).encode()
        + b"\n\n"
        for event in events
    )


def test_a_block_gives_up_its_rest_before_it_stops():
    """Anthropic: the rest is a delta of the same block, in front of `content_block_stop`."""
    restorer = Restorer("messages", known("김민수"), Rules())
    out = restorer.feed(
        messages_events(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "나 <PERSON_1>"},
            },
            {"type": "content_block_stop", "index": 0},
        )
    )
    events = data_of(out)
    assert [event["type"] for event in events] == [
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
    ]
    assert events[2] == {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "김민수"},
    }
    assert out.count(b"event: content_block_delta\n") == 2


def test_responses_events_stay_numbered():
    """An event in between takes the next number, all later ones move up; whole texts are restored whole."""
    at = {"item_id": "m", "output_index": 0, "content_index": 0}
    restorer = Restorer("responses", known("김민수"), Rules())
    text = "안녕 <PERSON_1>"
    out = restorer.feed(
        messages_events(
            {"type": "response.output_text.delta", "sequence_number": 4, **at, "delta": text},
            {"type": "response.output_text.done", "sequence_number": 5, **at, "text": text},
            {
                "type": "response.output_item.done",
                "sequence_number": 6,
                "output_index": 0,
                "item": {
                    "type": "message",
                    "content": [{"type": "output_text", "text": text, "annotations": []}],
                },
            },
        )
    )
    events = data_of(out)
    assert [event["sequence_number"] for event in events] == [4, 5, 6, 7]
    assert "".join(event["delta"] for event in events[:2]) == "안녕 김민수"
    assert events[2]["text"] == "안녕 김민수"
    assert events[3]["item"]["content"][0]["text"] == "안녕 김민수"
    assert restorer.counters.restored == 1


def test_places_of_citations_move_with_the_text():
    """An annotation points at the same words after values of other lengths were put in."""
    restorer = Restorer("responses", known("김민수", "010-1234-5678"), Rules())
    text = "<PHONE_1> <PERSON_1> 출처"
    part = {
        "type": "output_text",
        "text": text,
        "annotations": [{"type": "url_citation", "start_index": 21, "end_index": 23}],
    }
    body = {"output": [{"type": "message", "content": [part]}]}
    made = json.loads(restorer.whole(json.dumps(body).encode()))["output"][0]["content"][0]
    place = made["annotations"][0]
    assert made["text"][place["start_index"] : place["end_index"]] == "출처"


def test_arguments_stay_json_whatever_the_value():
    """Quotes, backslashes and line ends of a value are escaped as deep as it stands."""
    value = 'p"a\\s\nw'
    conversation = Conversation("c")
    token = conversation.write(conversation.mint("PASSWORD", value))
    arguments = json.dumps({"a": f"x{token}", "b": json.dumps({"c": f"{token}!"}), token: 1})
    reply = {
        "choices": [
            {
                "message": {
                    "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": arguments}}]
                }
            }
        ]
    }
    made = json.loads(Restorer("chat", conversation, Rules()).whole(json.dumps(reply).encode()))
    read = json.loads(made["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    assert read["a"] == f"x{value}"
    assert json.loads(read["b"]) == {"c": f"{value}!"}
    assert read[value] == 1


def test_an_answer_in_json_stays_json():
    """A structured answer in the content has its values escaped too."""
    conversation = Conversation("c")
    token = conversation.write(conversation.mint("PASSWORD", 'a"b\\c'))
    assert json.loads(restored_text(f'{{"key": "{token}"}}', conversation)) == {"key": 'a"b\\c'}


@pytest.mark.parametrize(
    ("rules", "kind", "is_restored"),
    [
        (Rules(), "tool_use", True),
        (Rules(), "server_tool_use", False),
        (Rules(), "mcp_tool_use", False),
        (Rules(tools="all"), "mcp_tool_use", True),
        (Rules(tools="none"), "tool_use", False),
        (Rules(tools=frozenset(["send"])), "tool_use", True),
        (Rules(tools=frozenset(["other"])), "tool_use", False),
    ],
)
def test_calls_to_tools_off_the_list_get_no_values(rules, kind, is_restored):
    """Whole and streamed alike; what is withheld is counted."""
    conversation = known("김민수")
    block = {"type": kind, "id": "t", "name": "send", "input": {"to": "<PERSON_1>"}}
    whole = Restorer("messages", conversation, rules)
    made = json.loads(whole.whole(json.dumps({"content": [block]}).encode()))
    assert made["content"][0]["input"]["to"] == ("김민수" if is_restored else "<PERSON_1>")
    assert whole.counters.withheld == (not is_restored)
    streamed = Restorer("messages", conversation, rules)
    out = streamed.feed(
        messages_events(
            {"type": "content_block_start", "index": 1, "content_block": block | {"input": {}}},
            {
                "type": "content_block_delta",
                "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": '{"to": "<PERSON_1>"}'},
            },
            {"type": "content_block_stop", "index": 1},
        )
    )
    said = "".join(event["delta"]["partial_json"] for event in data_of(out) if "delta" in event)
    assert json.loads(said) == made["content"][0]["input"]


def test_log_probabilities_and_usage_are_left_alone():
    """Tokens of the masked text have no restored counterpart; counts are the provider's."""
    logprobs = {"content": [{"token": "<PERSON_1>", "logprob": -0.1, "bytes": [60], "top_logprobs": []}]}
    body = {
        "choices": [{"message": {"content": "<PERSON_1>"}, "logprobs": logprobs}],
        "usage": {"total_tokens": 3},
    }
    made = json.loads(Restorer("chat", known("김민수"), Rules()).whole(json.dumps(body).encode()))
    assert made["choices"][0]["message"]["content"] == "김민수"
    assert made["choices"][0]["logprobs"] == logprobs
    assert made["usage"] == {"total_tokens": 3}


def test_an_unreadable_body_passes_as_it_is():
    """No JSON, no change."""
    assert Restorer("chat", known("김민수"), Rules()).whole(b"<html><PERSON_1>") == b"<html><PERSON_1>"


def test_an_echoed_system_prompt_is_the_clients_own():
    """An answer that repeats the instructions repeats them without our note and with the values."""
    body, conversation, _ = mask("responses", {"input": "x", "instructions": "돕기: 김민수"}, rules=Rules())
    echo = json.dumps({"instructions": body["instructions"], "output": []}).encode()
    assert (
        json.loads(Restorer("responses", conversation, Rules()).whole(echo))["instructions"] == "돕기: 김민수"
    )
