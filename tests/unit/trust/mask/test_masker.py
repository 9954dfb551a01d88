import base64
import itertools
import json
import unicodedata

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.trust.mask.tools import fields_of, find, find_nothing, mask, masked_text

from naru.trust.mask import NOTE, Conversation, Look, Rules, Unmaskable, VaultFull, mask_request
from naru.trust.mask.fields import Walk


def test_one_value_is_one_placeholder_in_all_fields_and_ways_of_writing():
    """System, user, tool text and settings share one map; a phone is its digits, a mail has no case."""
    body, _, made = mask(
        "chat",
        {
            "messages": [
                {"role": "system", "content": "담당 김민수 010-1234-5678"},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "+82 10 1234 5678, KIM@corp.kr 김민수 씨"}],
                },
            ],
            "user": "kim@corp.kr",
            "metadata": {"김민수": "01012345678"},
        },
    )
    assert body["messages"][0]["content"] == "담당 <PERSON_1> <PHONE_1>"
    assert body["messages"][1]["content"][0]["text"] == "<PHONE_1>, <EMAIL_1> <PERSON_1> 씨"
    assert body["user"] == "<EMAIL_1>"
    assert body["metadata"] == {"<PERSON_1>": "<PHONE_1>"}
    assert made.counts == {"PERSON": 3, "PHONE": 3, "EMAIL": 2}


def test_a_title_stays_outside_the_placeholder():
    """홍길동님 and 홍길동 are one person, and 님 stays where it was."""
    assert masked_text("홍길동님과 홍길동") == "<PERSON_1>님과 <PERSON_1>"


def test_fields_without_a_hit_keep_their_bytes():
    """Only what changed is written anew, down to the message."""
    raw = (
        '{"model": "m", "temperature":1.0e0, "messages": '
        '[{"role":"user",  "content":"hi \\u0041"}, {"role":"user","content":"김민수"}]}'
    )
    fields = fields_of(raw.encode())
    made = mask_request("chat", fields, find=find, conversation=Conversation("c"), rules=Rules(note=False))
    assert bytes(made.fields["temperature"]) == b"1.0e0"
    assert bytes(made.fields["messages"]) == (
        b'[{"role":"user",  "content":"hi \\u0041"},{"role":"user","content":"<PERSON_1>"}]'
    )
    clean = mask_request("chat", fields, find=find_nothing, conversation=Conversation("c"), rules=Rules())
    assert clean.fields == fields


def test_a_longer_history_begins_with_the_bytes_of_the_shorter_one():
    """Turn n+1 sends turn n's masked messages again, byte for byte, without a stored conversation."""
    turns = [
        {"role": "system", "content": "도우미. 담당 010-0000-1111"},
        {"role": "user", "content": "김민수 연락처?"},
        {"role": "assistant", "content": "김민수는 kim@corp.kr"},
        {"role": "user", "content": "홍길동은? 010-2222-3333"},
        {"role": "assistant", "content": "홍길동은 모릅니다", "tool_calls": []},
        {"role": "user", "content": "김민수와 이지훈"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "description": "010-9999-8888 로 전화"}}]
    sent = []
    for size in (2, 4, 6):
        made = mask_request(
            "chat",
            fields_of({"messages": turns[:size], "tools": tools, "user": "kim@corp.kr" if size > 2 else "u"}),
            find=find,
            conversation=Conversation("c"),
            rules=Rules(),
        )
        sent.append((bytes(made.fields["messages"]), bytes(made.fields["tools"])))
    for (before, before_tools), (after, after_tools) in itertools.pairwise(sent):
        assert after.startswith(before[:-1])
        assert after_tools == before_tools


def test_text_like_a_placeholder_is_escaped_in_every_form():
    """What a user forged is a literal: it stands for itself, never for a value."""
    forms = [
        "<PERSON_1>",
        "< person 1 >",
        "＜PERSON_1＞",
        "&lt;PERSON_1&gt;",
        "%3CPERSON_1%3E",
        "\\<PERSON\\_1\\>",
    ]
    for form in forms:
        text = masked_text(f"김민수 {form}")
        assert text == "<PERSON_1> <LITERAL_1>", form


def test_a_value_found_once_is_masked_everywhere():
    """A later mention that detection alone would miss does not leave either."""

    def labelled(text):
        return [entity for entity in find(text) if text[: entity.start].endswith("이름: ")]

    body, _, _ = mask(
        "chat",
        {
            "messages": [
                {"role": "user", "content": "김민수는 누구? 강김민수x 이름: 김민수"},
                {"role": "assistant", "content": "김민수는 직원"},
            ]
        },
        finder=labelled,
    )
    assert body["messages"][0]["content"] == "<PERSON_1>는 누구? 강김민수x 이름: <PERSON_1>"
    assert body["messages"][1]["content"] == "<PERSON_1>는 직원"


def test_arguments_are_masked_in_values_and_names_and_stay_json():
    """A call's arguments keep their layout; escapes hide nothing; JSON in JSON is read."""
    arguments = (
        '{ "to":"\\uae40\\ubbfc\\uc218" , "010-1234-5678": {"raw": '
        '"{\\"n\\": \\"\\\\uae40\\\\ubbfc\\\\uc218\\"}"}, "n": 1012345678}'
    )
    call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    body, _, _ = mask("chat", {"messages": [{"role": "assistant", "tool_calls": [call]}]})
    made = body["messages"][0]["tool_calls"][0]["function"]
    assert made["name"] == "send"
    assert made["arguments"].startswith('{ "to":"<PERSON_1>" , "<PHONE_1>": {')
    assert json.loads(json.loads(made["arguments"])["<PHONE_1>"]["raw"]) == {"n": "<PERSON_1>"}
    assert json.loads(made["arguments"])["n"].startswith("<PHONE_")


def test_arguments_that_are_no_json_are_masked_as_text():
    """A broken call is still looked at."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to": "김민수'}}
    body, _, _ = mask("chat", {"messages": [{"role": "assistant", "tool_calls": [call]}]})
    assert body["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"to": "<PERSON_1>'


def test_escapes_in_plain_text_hide_nothing():
    """Text that quotes JSON with \\u escapes is read through them."""
    assert masked_text('결과: {"name": "\\uae40\\ubbfc\\uc218"}') == '결과: {"name": "<PERSON_1>"}'


def base64_of(text, encoding="utf-8"):
    return base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
def test_files_of_text_are_read_through_base64(encoding):
    """A table that a client attaches is text, whatever wraps it; what it was written in stays."""
    table = "이름,전화\n김민수,010-1234-5678\n"
    coded = base64_of(table, encoding)
    parts = [
        {"type": "file", "file": {"filename": "a.csv", "file_data": f"data:text/csv;base64,{coded}"}},
        {"type": "file", "file": {"filename": "a.CSV", "file_data": coded}},
        {"type": "input_file", "filename": "a", "file_data": f"data:text/csv;name=김민수.csv;base64,{coded}"},
        {"type": "image_url", "image_url": {"url": f"data:image/svg+xml;charset=x;base64,{coded}"}},
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": coded}},
    ]
    body, _, made = mask("chat", {"messages": [{"role": "user", "content": parts}]})
    assert "김민수" not in json.dumps(body, ensure_ascii=False)
    first, second, third, fourth, fifth = body["messages"][0]["content"]
    values = [first["file"]["file_data"], second["file"]["file_data"], third["file_data"]]
    values += [fourth["image_url"]["url"], fifth["source"]["data"]]
    heads = ["data:text/csv;base64,", "", "data:text/csv;base64,", "data:image/svg+xml;charset=x;base64,", ""]
    for value, head in zip(values, heads, strict=True):
        assert value.startswith(head)
        read = base64.b64decode(value.removeprefix(head)).decode(encoding)
        assert read == "이름,전화\n<PERSON_1>,<PHONE_1>\n"
    assert made.count == 10


def test_files_without_a_hit_stay_as_they_came():
    """Byte for byte; of a picture's address only what names the file goes."""
    clean = base64_of('{"a": "\\u0041"}')
    picture = "data:image/png;name=kim.png;base64,iVBORw0KGgo="
    parts = [
        {"type": "file", "file": {"filename": "a.json", "file_data": f"data:;base64,{clean}"}},
        {"type": "image_url", "image_url": {"url": picture}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "no base64, 010-1234-5678"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "010123456789"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": ""}},
    ]
    body, _, _ = mask("chat", {"messages": [{"role": "user", "content": parts}]})
    made = body["messages"][0]["content"]
    assert made[0] == parts[0]
    assert made[1]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="
    assert made[2]["file"]["file_data"] == "no base64, <PHONE_1>"
    assert "01012345678" not in made[3]["file"]["file_data"]
    assert made[4] == parts[4]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("김\u200b민수 010-12\u200b34-5678", "<PERSON_1> <PHONE_1>"),
        ("김민\u00ad수\u200b님", "<PERSON_1>님"),
        (
            unicodedata.normalize("NFD", "고객 김민수 각"),
            unicodedata.normalize("NFD", "고객 ") + "<PERSON_1> 각",
        ),
        (
            "https://x.kr/?m=kim%40corp.kr&n=%EA%B9%80%EB%AF%BC%EC%88%98!",
            "https://x.kr/?m=<EMAIL_1>&n=<PERSON_1>!",
        ),
        ("&#44608;&#xBBFC;수 kim&#64;corp.kr", "<PERSON_1> <EMAIL_1>"),
        ("<PER\u200bSON_1> 100% %zz %ff &#9999999;", "<LITERAL_1> 100% %zz %ff &#9999999;"),
        ('{"n": "김\u200b민수 \\uae40\\u200b\\ubbfc\\uc218"}', '{"n": "<PERSON_1> <PERSON_1>"}'),
    ],
)
def test_signs_that_say_it_otherwise_hide_nothing(text, made):
    """Invisible signs, loose jamo, percent signs, HTML's numbers; what is around a value stays as it came."""
    assert unicodedata.normalize("NFC", masked_text(text)) == unicodedata.normalize("NFC", made)


def test_what_is_sealed_or_binary_stays_exact():
    """Signatures, encrypted content, base64 and data addresses are left alone; text sources are not."""
    message = {
        "role": "user",
        "content": [
            {"type": "thinking", "thinking": "김민수", "signature": "010-1234-5678=="},
            {"type": "redacted_thinking", "data": "01012345678"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "01012345678"}},
            {
                "type": "document",
                "title": "김민수.pdf",
                "context": "홍길동",
                "source": {"type": "text", "data": "010-1234-5678"},
            },
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": '{"phone": 1012345678}'},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"to": ["김민수"], "홍길동": 1}},
        ],
    }
    body, _, made = mask("messages", {"max_tokens": 5, "messages": [message]})
    parts = body["messages"][0]["content"]
    assert parts[0] == {"type": "thinking", "thinking": "<PERSON_1>", "signature": "010-1234-5678=="}
    assert parts[1:3] == message["content"][1:3]
    assert parts[3]["title"] == "<PERSON_1>.pdf"
    assert parts[3]["context"] == "<PERSON_2>"
    assert parts[3]["source"]["data"] == "<PHONE_1>"
    assert json.loads(parts[4]["content"])["phone"] == "<PHONE_2>"
    assert parts[5]["input"] == {"to": ["<PERSON_1>"], "<PERSON_2>": 1}
    assert "image" in made.opaque


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("completions", {"prompt": ["a 김민수", "b"], "suffix": "김민수", "stop": ["김민수"]}),
        ("embeddings", {"input": "김민수"}),
        (
            "responses",
            {
                "input": "김민수",
                "instructions": "김민수",
                "prompt": {"id": "p", "variables": {"x": "김민수"}},
            },
        ),
        (
            "responses",
            {
                "input": [
                    {"type": "function_call_output", "call_id": "c", "output": "김민수"},
                    {
                        "type": "reasoning",
                        "id": "rs",
                        "summary": [{"type": "summary_text", "text": "김민수"}],
                    },
                    {"role": "user", "content": [{"type": "input_file", "filename": "김민수.hwp"}]},
                ]
            },
        ),
        (
            "chat",
            {
                "messages": [{"role": "user", "content": "x"}],
                "prediction": {"type": "content", "content": "김민수"},
            },
        ),
        ("chat", {"messages": [{"role": "user", "content": "x", "새필드": {"김민수": ["김민수"]}}]}),
        (
            "chat",
            {
                "messages": [
                    {"role": "assistant", "content": None, "refusal": "김민수", "reasoning_content": "김민수"}
                ]
            },
        ),
        (
            "messages",
            {"system": [{"type": "text", "text": "김민수"}], "messages": [{"role": "user", "content": "x"}]},
        ),
        ("messages", {"messages": [{"role": "user", "content": "x"}], "stop_sequences": ["김민수"]}),
        (
            "chat",
            {
                "messages": [{"role": "user", "content": "x"}],
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "description": "김민수",
                            "parameters": {
                                "type": "object",
                                "properties": {
                                    "who": {"type": "string", "enum": ["김민수"], "default": "김민수"}
                                },
                            },
                        },
                    }
                ],
            },
        ),
        (
            "chat",
            {"messages": [{"role": "user", "content": "x"}], "future": ["김민수", {"deep": [{"김민수": 1}]}]},
        ),
    ],
)
def test_every_field_that_can_carry_text_is_masked(endpoint, body):
    """No planted name is left anywhere, and structure is."""
    made, _, _ = mask(endpoint, body)
    assert "김민수" not in json.dumps(made, ensure_ascii=False)
    assert json.loads(json.dumps(made, ensure_ascii=False).replace("<PERSON_1>", "김민수")) == body


def test_a_key_that_comes_twice_hides_nothing():
    """Of a doubled key only the value that was looked at is sent."""
    raw = '{"messages":[{"role":"user","content":"김민수","content":"hi"}]}'.encode()
    made = mask_request("chat", fields_of(raw), find=find, conversation=Conversation("c"), rules=Rules())
    assert bytes(made.fields["messages"]) == b'[{"role":"user","content":"hi"}]'


def test_a_doubled_key_does_not_bring_back_what_another_message_lost():
    """A picture's name is taken out of its address, also when a key comes twice elsewhere."""
    address = "data:image/png;name=kim.png;base64," + "iVBORw0KGgo=" * 40
    picture = f'{{"type":"image_url","image_url":{{"url":"{address}"}}}}'
    parts = (picture, '{"type":"text","text":"a","text":"b"}')
    messages = ",".join(f'{{"role":"user","content":[{part}]}}' for part in parts)
    fields = fields_of(f'{{"messages":[{messages}]}}'.encode())
    made = mask_request("chat", fields, find=find_nothing, conversation=Conversation("c"), rules=Rules())
    assert b"kim.png" not in bytes(made.fields["messages"])


def test_a_name_gets_a_placeholder_without_brackets():
    """Names of participants and tools take no brackets; a tool keeps one name wherever it stands."""
    body, conversation, _ = mask(
        "chat",
        {
            "messages": [
                {"role": "user", "name": "홍길동", "content": "x"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "c",
                            "type": "function",
                            "function": {"name": "call_01012345678", "arguments": "{}"},
                        }
                    ],
                },
            ],
            "tools": [{"type": "function", "function": {"name": "call_01012345678"}}],
        },
    )
    assert body["messages"][0]["name"] == "PERSON_1"
    name = body["tools"][0]["function"]["name"]
    assert name == body["messages"][1]["tool_calls"][0]["function"]["name"] == "PHONE_1"
    assert conversation.find("PHONE", 1, None).value == "call_01012345678"


def test_actions_decide_by_type():
    """`allow` and `keep_inside` leave the value, `block` masks it and says so."""
    rules = Rules(actions={"PERSON": "allow", "PHONE": "keep_inside", "EMAIL": "block"}, note=False)
    body, _, made = mask(
        "chat",
        {"messages": [{"role": "user", "content": "김민수 010-1234-5678 kim@corp.kr 10.0.0.1"}]},
        rules=rules,
    )
    assert body["messages"][0]["content"] == "김민수 010-1234-5678 <EMAIL_1> <IP_1>"
    assert (made.blocked, made.inside) == ({"EMAIL"}, {"PHONE"})
    assert Rules(actions={"CUSTOM": "block"}).action_of("CUSTOM:staff") == "block"
    assert Rules(actions=lambda _: "allow").action_of("PHONE") == "allow"


def test_token_ids_are_said_to_be_opaque():
    """Nobody can look into a prompt of token ids, so the caller is told."""
    assert "token_ids" in mask("completions", {"prompt": [1212, 318]})[2].opaque
    assert "token_ids" in mask("embeddings", {"input": [[1, 2], [3]]})[2].opaque


def test_what_cannot_be_read_is_not_sent():
    """Half a surrogate pair or too deep a field fails closed."""
    for content in (b'"\\ud83d"', b"[" * 5000 + b"]" * 5000):
        raw = b'{"messages":[{"role":"user","content":' + content + b"}]}"
        with pytest.raises((Unmaskable, msgspec.DecodeError, RecursionError)):
            mask_request("chat", fields_of(raw), find=find, conversation=Conversation("c"), rules=Rules())


def test_a_full_vault_fails_closed_and_says_no_value():
    """More values than are kept: nothing is sent, and the error holds none of them."""
    text = " ".join(f"010-1111-{number:04d}" for number in range(20))
    with pytest.raises(VaultFull) as caught:
        masked_text(text, Conversation("c", max_entries=10))
    assert "1111" not in str(caught.value)


def test_a_failing_detector_goes_through_to_the_caller():
    """Nothing is masked by half: the caller must not send."""

    def broken(text):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        mask("chat", {"messages": [{"role": "user", "content": "x"}]}, finder=broken)


@pytest.mark.parametrize(
    ("endpoint", "body", "where"),
    [
        (
            "chat",
            {"messages": [{"role": "user", "content": "김민수"}]},
            lambda b: b["messages"][0]["content"],
        ),
        (
            "chat",
            {"messages": [{"role": "developer", "content": "be"}, {"role": "user", "content": "김민수"}]},
            lambda b: b["messages"][0]["content"],
        ),
        (
            "chat",
            {"messages": [{"role": "system", "content": [{"type": "text", "text": "김민수"}]}]},
            lambda b: b["messages"][0]["content"][-1]["text"],
        ),
        ("messages", {"messages": [{"role": "user", "content": "김민수"}]}, lambda b: b["system"]),
        (
            "messages",
            {"system": [{"type": "text", "text": "x"}], "messages": [{"role": "user", "content": "김민수"}]},
            lambda b: b["system"][-1]["text"],
        ),
        ("responses", {"input": "김민수", "instructions": "be"}, lambda b: b["instructions"]),
    ],
)
def test_the_note_follows_the_system_prompt(endpoint, body, where):
    """The model is told once, in the same words; never when nothing was masked."""
    assert where(mask(endpoint, body, rules=Rules())[0]).endswith(NOTE)
    assert NOTE not in json.dumps(mask(endpoint, body, rules=Rules(), finder=find_nothing)[0])


@pytest.mark.parametrize(
    ("content", "is_clean"),
    [
        ("nothing personal in a_b & <b>", True),
        ("김민수", False),
        ("<person 1>", False),
        ("PERSON_1", False),
        ('{"note": "<EMAIL_2>"}', False),
        ("say \\u003cPHONE_3\\u003e", False),
    ],
)
def test_a_request_is_clean_when_there_is_nothing_to_do(content, is_clean):
    """Clean means that masking would hand on the very bytes and keep nothing of it."""
    fields = fields_of(json.dumps({"messages": [{"role": "user", "content": content}]}).encode())
    looked = Look(fields, find)
    assert looked.is_clean is is_clean
    conversation = Conversation("c")
    made = looked.mask("chat", conversation, Rules())
    is_unchanged = conversation.is_empty and conversation.snapshot() == Conversation("c").snapshot()
    assert is_unchanged is is_clean
    assert (bytes(made.fields["messages"]) == bytes(fields["messages"])) or not is_clean


def test_what_a_doubled_key_hides_is_not_clean():
    """Nothing was found, and still the bytes that came must not go on."""
    raw = '{"messages":[{"role":"user","content":"김민수","content":"hi"}]}'.encode()
    assert not Look(fields_of(raw), find).is_clean


@given(st.recursive(st.text(max_size=6), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@example('\\"\\\\"')
@example({'a\\\\"b': "\\\\\\", '"': '\\"'})
def test_spaces_between_values_hide_nothing(value):
    """A body written with other blanks than ours goes on as it came, whatever escapes are in it."""
    raw = json.dumps({"messages": [{"role": "user", "content": "x", "tool": value}]}, indent=1).encode()
    assert not Walk(fields_of(raw)).is_hiding
