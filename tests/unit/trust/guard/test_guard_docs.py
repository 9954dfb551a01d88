"""The page on the guard is true: its examples run, and say what they say."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from naru.cli import app
from naru.trust.guard import ACTIONS, KINDS, SOURCES

PAGE = (Path(__file__).parents[4] / "docs" / "trust-guard.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LINES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(example):
    """Pasted as it stands."""
    exec(compile(example, "docs/trust-guard.md", "exec"), {"__name__": "__main__"})


def test_the_line_shown_is_answered_as_shown():
    """The same fields, verdicts and first reasons."""
    asked, told = LINES
    result = RUNNER.invoke(app, ["guard", "--jsonl"], input=json.dumps(asked))
    found = json.loads(result.stdout)
    assert set(found) == set(told)
    for name in ("injection", "toxicity", "secrets", "urls"):
        assert found[name]["verdict"] == told[name]["verdict"]
        assert found[name]["score"] >= told[name]["score"]
        assert found[name]["reasons"][: len(told[name]["reasons"])] == told[name]["reasons"]


RUNNER = CliRunner()


def test_every_kind_action_and_source_is_named():
    """Nothing can be chosen that the page does not tell of."""
    assert [word for word in (*KINDS, *ACTIONS, *SOURCES) if f"`{word}`" not in PAGE] == []
