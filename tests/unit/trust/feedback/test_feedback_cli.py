"""`naru feedback` says what is wrong with a file, and exports to nobody else."""

from __future__ import annotations

import stat

import pytest
from typer.testing import CliRunner

from naru.cli import app
from naru.kernel.errors import BadRequest


def run(*arguments):
    return CliRunner().invoke(app, ["feedback", *map(str, arguments)])


def test_an_export_is_readable_by_its_owner_alone(tmp_path):
    """Also where the file was there before, open to all, and longer."""
    out = tmp_path / "examples.jsonl"
    out.write_text("of an earlier export")
    out.chmod(0o644)
    result = run("export", "--out", out, "--home", tmp_path / "home")
    assert result.exit_code == 0, result.exception
    assert out.read_text() == ""
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_an_export_that_cannot_be_written_is_none(tmp_path):
    """It is refused before anything is asked for, so the audit log tells of none."""
    home = tmp_path / "home"
    result = run("export", "--out", tmp_path / "nowhere" / "x", "--home", home)
    assert isinstance(result.exception, BadRequest)
    assert "cannot be written" in str(result.exception)
    assert not home.exists()


@pytest.mark.parametrize("option", ["--comment-file", "--correction-file"])
def test_a_file_that_cannot_be_read_is_said(tmp_path, option):
    """By its name, and without a word of it."""
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"hunter2 \xff")
    for file, why in ((tmp_path / "nowhere", "cannot be read"), (broken, "not UTF-8")):
        result = run("add", "req_1", option, file, "--home", tmp_path / "home")
        assert why in str(result.exception)
        assert "hunter2" not in result.output + str(result.exception)
