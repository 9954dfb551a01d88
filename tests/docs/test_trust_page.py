"""The sessions of the pages on trust are what happens: typed in one folder, they print what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from typer.testing import CliRunner

from naru.cli import app
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "trust.md").read_text("utf-8")
STEP = re.compile(r"^```sh\n((?:(?!```).*\n)+)```\n\n```text\n((?:(?!```).*\n)+)```$", re.MULTILINE)


def plain(text):
    """Words without what differs from run to run: times and the blanks that columns need."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "…", text)
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(("name", "count"), [("trust.md", 3), ("trust-guard.md", 1)])
def test_the_sessions_are_true(tmp_path, monkeypatch, name, count):
    """Every command ends well and says what the page shows."""
    monkeypatch.chdir(tmp_path)
    steps = STEP.findall((ROOT / "docs" / name).read_text("utf-8"))
    assert len(steps) >= count
    for block, shown in steps:
        printed = ""
        for line in block.splitlines():
            data, _, command = line.rpartition(" | ")
            if not command.startswith("naru "):
                printed += subprocess.check_output(["bash", "-euc", line], text=True)
                continue
            stdin = subprocess.check_output(["bash", "-euc", data]) if data else None
            result = CliRunner().invoke(app, shlex.split(command)[1:], input=stdin)
            assert result.exit_code == 0, f"{line}\n{result.output}{result.exception!r}"
            printed += result.output
        assert plain(printed) == plain(shown)


def test_an_answer_of_the_page_is_one(tmp_path):
    """The JSON line under `--jsonl` is what comes."""
    shown = re.search(r"^```json\n(\{.*masked.*\})\n```$", PAGE, re.MULTILINE)[1]
    result = CliRunner().invoke(app, ["mask", "--jsonl"], input='{"id": 7, "text": "김민수 님"}\n'.encode())
    assert result.stdout.strip() == shown
