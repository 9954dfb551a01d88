"""Rules of the house that no linter knows: the road on one screen, no grab bags, every module introduced."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import naru

SOURCE = Path(naru.__file__).parent
ROOT = SOURCE.parent.parent
FILES = sorted(SOURCE.rglob("*.py"))
GRAB_BAGS = {"utils", "util", "common", "core", "helpers", "helper", "manager", "misc", "bl"}


def ids(path):
    return str(path.relative_to(SOURCE))


def test_the_floors_hold():
    """import-linter keeps every contract of [tool.importlinter]."""
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]


def test_the_road_fits_on_a_screen():
    """pipeline.py stays a story one can read: at most 200 lines, and it names every step's module."""
    lines = (SOURCE / "gateway" / "pipeline.py").read_text("utf-8").splitlines()
    assert len(lines) <= 200
    for step in sorted((SOURCE / "gateway" / "steps").glob("[a-z]*.py")):
        assert any(step.stem in line for line in lines), f"{step.name} is on the road but not in pipeline.py"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_a_module_says_what_it_is_for(path):
    """Every module opens with a docstring (an empty package file need not), and no name is a grab bag."""
    tree = ast.parse(path.read_text("utf-8"))
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), "a module docstring says its purpose"
    assert not GRAB_BAGS & {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts}


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_files_stay_short(path):
    """A file past 600 lines is asking to be split by noun."""
    assert len(path.read_text("utf-8").splitlines()) <= 600


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_a_silenced_rule_gives_its_reason(path):
    """`# noqa` names its rule and says why, there or on the line above; `type: ignore` names its code."""
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if "# type: ignore" in line:
            assert "# type: ignore[" in line, f"{path.name}:{number} names no code"
        if "# noqa" in line:
            code, _, reason = line.split("# noqa", 1)[1].lstrip(": ").partition(" ")
            assert code, f"{path.name}:{number} names no rule"
            above = lines[number - 2].strip()
            is_explained = len(reason.strip(" -#].")) >= 8 or above.startswith("#")
            assert is_explained or ("# noqa" in above and code in above), (
                f"{path.name}:{number} gives no reason"
            )
