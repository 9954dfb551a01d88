"""The page on the scripted upstream is true: its examples run, and it names every field and option."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from naru.testing.upstream import Script
from naru.testing.upstream.__main__ import _SHORTCUTS

PAGE = (Path(__file__).parents[3] / "docs" / "testing-upstream.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(example):
    exec(compile(example, "docs/testing-upstream.md", "exec"), {"__name__": "__main__"})


def test_every_field_and_option_is_named():
    missing = [field for field in msgspec.structs.fields(Script) if f"`{field.name}`" not in PAGE]
    assert [field.name for field in missing] == []
    assert [option for option in _SHORTCUTS if f"`{option}`" not in PAGE] == []
