"""The session of docs/combine.md is what happens: typed in an empty folder, it prints what the page says."""

import re
import shlex
import subprocess

from typer.testing import CliRunner

from naru.cli import app
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "combine.md").read_text("utf-8")
STEP = re.compile(r"^```sh\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
CHANGING = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{6}Z|\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?|[0-9a-f]{16,}|[\w+/]{43}="
)


def plain(text):
    """Lines without what differs from run to run: dates, serials, keys, hashes."""
    return [CHANGING.sub("…", line) for line in text.splitlines()]


def test_the_session_is_true(tmp_path, monkeypatch):
    """Every command ends well and says what the page shows; other programs show as many lines."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    steps = STEP.findall(PAGE)
    assert len(steps) >= 10
    for block, shown in steps:
        if "<<" in block:
            subprocess.run(["bash", "-euc", block], check=True)
            continue
        printed = []
        for line in block.splitlines():
            if line.startswith("naru "):
                result = runner.invoke(app, shlex.split(line)[1:])
                assert result.exit_code == 0, f"{line}\n{result.output}{result.exception!r}"
                said = plain(result.output)
                at = len(printed)
                assert plain(shown)[at : at + len(said)] == said, line
                printed += said
            else:
                output = subprocess.check_output(["bash", "-euc", line], text=True)
                assert output, line
                printed += output.splitlines()
        assert len(printed) == len(shown.splitlines()), block
