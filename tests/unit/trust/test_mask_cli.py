"""`naru mask`: every line in its order, offsets that fit, and nothing lost to a bad one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

from naru.cli import app
from naru.trust.entity import ENTITY_TYPES

KOREAN = "😀 김민수 님 번호는 010-2345-6789로 바꿨어요. 메일은 minsu@example.com"


def run(*arguments, data=b""):
    return CliRunner().invoke(app, ["mask", *arguments], input=data)


def lines(*rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def answers(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_text_is_masked():
    """Stdin to stdout, one conversation, not a byte more."""
    result = run(data=f"{KOREAN}\r\n{KOREAN}".encode())
    masked = "😀 <PERSON_1> 님 번호는 <PHONE_1>로 바꿨어요. 메일은 <EMAIL_1>"
    assert result.stdout_bytes.decode() == f"{masked}\r\n{masked}"
    assert result.exit_code == 0
    assert run(data=b"").stdout == ""


def test_a_line_is_an_object_and_offsets_are_code_points():
    """Each line is its own conversation; ids come back as they were, whatever they are."""
    result = run("--jsonl", data=lines({"id": 7, "text": KOREAN}, {"id": {"a": [None]}, "text": KOREAN}))
    first, second = answers(result)
    assert (first["id"], second["id"]) == (7, {"a": [None]})
    assert (
        first["masked"]
        == second["masked"]
        == "😀 <PERSON_1> 님 번호는 <PHONE_1>로 바꿨어요. 메일은 <EMAIL_1>"
    )
    assert list(first) == ["id", "masked", "entities"]
    assert [(e["type"], KOREAN[e["start"] : e["end"]]) for e in first["entities"]] == [
        ("PERSON", "김민수"),
        ("PHONE", "010-2345-6789"),
        ("EMAIL", "minsu@example.com"),
    ]
    assert all(list(e) == ["type", "start", "end", "score", "reason"] for e in first["entities"])


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_bad_line_loses_no_other(workers):
    """It is an object with its number where its answer would stand, a line on stderr, and exit code 1."""
    bad = [
        b"{",
        b"[]",
        b'{"id": 3}',
        b'{"id": 4, "text": 5}',
        b"\xff",
        b'{"text": "' + b"[" * 5 + b'"}',
        b"nul",
        b'{"id": NaN, "text": "a"}',
    ]
    good = lines({"id": "g", "text": KOREAN}).strip()
    data = b"".join(line + b"\n" + good + b"\n" for line in bad) + b"\n  \n" + good
    result = run("--jsonl", "--workers", workers, data=data)
    found = answers(result)
    assert result.exit_code == 1
    assert [a.get("id") for a in found] == [
        *(None, "g", None, "g", 3, "g", 4, "g", None, "g", None, "g", None, "g", None, "g", "g")
    ]
    faults = [a["line"] for a in found if "error" in a]
    assert faults == [1, 3, 5, 7, 9, 13, 15]
    assert [int(line.split()[3].rstrip(":")) for line in result.stderr.splitlines()] == faults
    assert "minsu" not in result.stderr


def test_what_is_no_text_in_utf8_is_still_answered():
    """Half of a surrogate pair is read as U+FFFD, so that offsets stay; NUL and JSON in the text are text."""
    odd = b'{"id": "\\ud800", "text": "\\ud800 minsu@example.com"}\n'
    found = answers(run("--jsonl", data=odd))[0]
    assert found["masked"] == "\ufffd <EMAIL_1>"
    assert found["entities"][0]["start"] == 2
    inner = '{"to": "minsu@example.com", "n": 1}'
    found = answers(run("--jsonl", data=lines({"id": 1, "text": f"\x00{inner}"}, {"id": 2, "text": inner})))
    assert json.loads(found[1]["masked"]) == {"to": "<EMAIL_1>", "n": 1}
    assert [inner[e["start"] : e["end"]] for e in found[1]["entities"]] == ["minsu@example.com"]
    assert "minsu" not in found[0]["masked"]


def test_a_value_that_is_masked_is_an_entity_wherever_it_stands():
    """Every placeholder has its entity, also where only the letters tell."""
    text = "성명: 남궁별하\n...\n오늘 남궁별하가 왔다"
    found = answers(run("--jsonl", data=lines({"id": 1, "text": text})))[0]
    assert found["masked"].count("<PERSON_1>") == len(found["entities"]) == 2


def test_hidden_values_have_their_places():
    """Offsets are those of the text as it came, also behind signs that nobody sees."""
    text = "a\u200bb 010-23\u200b45-6789, minsu%40example.com, 010-2345-6789"
    found = answers(run("--jsonl", data=lines({"id": 1, "text": text})))[0]
    assert found["masked"] == "a\u200bb <PHONE_1>, <EMAIL_1>, <PHONE_1>"
    assert [text[e["start"] : e["end"]] for e in found["entities"]] == [
        "010-23\u200b45-6789",
        "minsu%40example.com",
        "010-2345-6789",
    ]


def test_types_can_be_chosen_and_listed(tmp_path):
    """Only those asked for, an operator's own among them; a type that is none is said."""
    assert [line.split()[0] for line in run("--types").stdout.splitlines()] == [
        *ENTITY_TYPES,
        "CUSTOM:<name>",
    ]
    assert run("--only", "PHONE, EMAIL", data=KOREAN.encode()).stdout.startswith(
        "😀 김민수 님 번호는 <PHONE_1>"
    )
    wrong = run("--only", "NAME", data=b"")
    assert "NAME" in str(wrong.exception)
    words = tmp_path / "words.txt"
    words.write_text("Project Otter\n")
    own = run(
        "--dictionary", f"secret={words}", "--pattern", "staff=EMP-[0-9]{3}", data=b"project otter EMP-123"
    )
    assert own.stdout == "<CUSTOM_SECRET_1> <CUSTOM_STAFF_1>"
    for option in (
        ("--dictionary", "x"),
        ("--dictionary", "x=/nowhere"),
        ("--pattern", "x=("),
        ("--threshold", "2"),
    ):
        assert run(*option, data=b"x").exit_code != 0
    assert run("--threshold", "1", data="홍길동".encode()).stdout == "홍길동"


def test_each_answer_is_there_before_the_next_line_is_sent():
    """It streams: a program may wait for each answer."""
    command = [sys.executable, "-c", "from naru.cli import main; main()", "mask", "--jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        alarm = threading.Timer(20, process.kill)
        alarm.start()
        for number in range(3):
            process.stdin.write(lines({"id": number, "text": KOREAN}))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait() == 0
        alarm.cancel()


def test_it_starts_without_a_server():
    """Neither a database nor a web framework is loaded for a line of text."""
    code = (
        "import sys, io; from typer.testing import CliRunner; from naru.cli import app; "
        "CliRunner().invoke(app, ['mask'], input='x'); print(*{m.split('.')[0] for m in sys.modules})"
    )
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not loaded & {"sqlalchemy", "fastapi", "starlette", "uvicorn", "alembic", "pandas"}
