"""The locks: what pyproject.toml asks for is in them, with hashes, and nothing that tells where from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)


def read_pins(name):
    text = (ROOT / "requirements" / name).read_text("utf-8")
    pins = {}
    for package, version, _marker in PIN.findall(text):
        pins.setdefault(package, []).append(version)
    return text, pins


RUN = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["edge"]
COMBINE = PROJECT["project"]["optional-dependencies"]["combine"]
BUILD = PROJECT["dependency-groups"]["build"]
DEV = PROJECT["dependency-groups"]["dev"]


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("run.txt", RUN + BUILD),
        ("combine.txt", RUN + COMBINE + BUILD),
        ("dev.txt", RUN + COMBINE + BUILD + DEV),
    ],
    ids=["run", "combine", "dev"],
)
def test_every_dependency_is_pinned_with_hashes(lock, asked):
    """`make lock` was run after pyproject.toml changed: each requirement is met by its pin."""
    text, pins = read_pins(lock)
    for requirement in map(Requirement, asked):
        versions = pins.get(requirement.name.lower().replace("_", "-"))
        assert versions, f"{requirement.name} is not in {lock}; run `make lock`"
        assert all(requirement.specifier.contains(v) for v in versions), f"{requirement}; run `make lock`"
    assert len(re.findall(r"^[a-z]", text, re.MULTILINE)) == sum(map(len, pins.values()))
    for block in re.split(r"\n(?=[a-z])", text):
        assert "--hash=sha256:" in block or block.startswith("#"), block.splitlines()[0]


@pytest.mark.parametrize("lock", ["run.txt", "combine.txt", "dev.txt"])
def test_a_lock_names_no_index(lock):
    """Names, versions and hashes only: every mirror serves the same install."""
    text, _ = read_pins(lock)
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash)", text, re.MULTILINE)


def test_tests_run_on_what_users_run():
    """dev.txt holds every package of run.txt, at the same version."""
    run, dev = read_pins("run.txt")[1], read_pins("dev.txt")[1]
    assert {name: dev.get(name) for name in run} == run


def test_every_direct_dependency_has_its_line_in_the_decisions():
    """docs/decisions/0005-dependencies.md says of each: what for, licence, alternatives, size."""
    page = (ROOT / "docs" / "decisions" / "0005-dependencies.md").read_text("utf-8")
    names = {Requirement(line).name for line in RUN + COMBINE + BUILD + DEV}
    assert not {name for name in names if f"`{name}`" not in page}
