"""The build hook writes Vega's bundle once, and writes nothing that is not it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HOOK = Path(__file__).parents[3] / "hatch_build.py"


@pytest.fixture
def hook():
    if not HOOK.exists():
        pytest.skip("an installed wheel carries the bundle, not the hook")
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundle_is_written_once_and_again_when_it_is_damaged(hook, tmp_path):
    """The second install must do nothing, and a half-written file must not stay."""
    target = tmp_path / "vendor" / "vega.js"
    assert hook.write_bundle(target)
    whole = target.read_text(encoding="utf-8")
    assert "vegaEmbed" in whole
    assert "expressionInterpreter" in whole, "without it the charts would need eval"
    assert not hook.write_bundle(target)
    target.write_text(whole[:1000], encoding="utf-8")
    assert hook.write_bundle(target)
    assert target.read_text(encoding="utf-8") == whole


def test_the_console_has_its_bundle_after_an_install(hook):
    """`make install` ran the hook."""
    assert (HOOK.parent / hook.TARGET).stat().st_size > 500_000
