"""`naru audit`: the commands as a person runs them, and the checker that the page prints."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.docs.pages import read_blocks
from tests.unit.audit.conftest import House
from typer.testing import CliRunner

from naru.cli import app

[SCRIPT] = [block for where, block in read_blocks("python") if where.startswith("docs/audit.md")]


@pytest.fixture
def run(house):
    """Runs a command on the house's database; its end must be `code`."""
    house.fill(70)

    def run(*arguments: str, code: int = 0, at_home: bool = True) -> str:
        where = ["--home", str(house.home)] if at_home else []
        result = CliRunner().invoke(app, ["audit", *arguments, *where])
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout

    return run


def test_entries_are_listed_and_shown(run, house):
    """Newest first, for people and for scripts; a filter narrows."""
    assert [e["seq"] for e in json.loads(run("list", "--limit", "3", "--json"))] == [70, 69, 68]
    assert "key:key_7 " in run("list", "--target", "key:key_7")
    assert json.loads(run("list", "--action", "org.", "--json")) == []
    assert json.loads(run("show", "5", "--json"))["target"] == "key:key_5"
    assert "budget.stop" in run("show", "5")


def test_a_verification_says_yes_or_names_the_entry(run, house, tmp_path):
    """Exit status 0 and 1, text and JSON; and it changes nothing, being evidence."""
    before = house.database.read_bytes()
    assert run("verify").startswith("intact: 70 entries, 70 of them under 1 checkpoints; compared with 1")
    assert json.loads(run("verify", "--json"))["is_intact"]
    assert house.database.read_bytes() == before
    copy = tmp_path / "copy.txt"
    copy.write_text(run("checkpoint"))
    house.tamper("UPDATE audit_entries SET actor = 'user:usr_9' WHERE seq = 33")
    assert "entry 33 was altered" in run("verify", code=1)
    report = json.loads(run("verify", "--checkpoint", str(copy), "--json", code=1))
    assert [(f["kind"], f["seq"]) for f in report["findings"]] == [("altered", 33)]


def test_a_log_cut_off_is_found_by_the_checkpoint_that_was_kept(run, house, tmp_path):
    """Also where the copy beside the database was removed."""
    copy = tmp_path / "copy.txt"
    copy.write_text(run("checkpoint"))
    house.witness.unlink()
    house.tamper(
        *(f"DELETE FROM {t}" for t in ("audit_entries", "audit_checkpoints", "audit_nodes", "audit_head"))
    )
    assert "those from 1 on are missing" in run("verify", "--checkpoint", str(copy), code=1)


def test_an_export_verifies_without_a_database(run, house, tmp_path):
    """With the public key from elsewhere, with the one in the file, not with another."""
    file, key = tmp_path / "audit.jsonl", tmp_path / "key.pub"
    run("export", "--to", str(file))
    key.write_text(run("public-key"))
    assert run("verify", str(file), "--public-key", str(key), at_home=False).startswith("intact: 71 entries")
    assert run("verify", str(file), "--public-key", key.read_text().strip(), at_home=False).startswith(
        "intact"
    )
    assert run("verify", str(file), at_home=False).startswith("intact")
    other = House(tmp_path / "other")
    other.fill(1)
    other.engine.close()
    assert "signed with another key" in run(
        "verify", str(file), "--public-key", str(other.key.with_suffix(".pub")), code=1, at_home=False
    )
    file.write_text(file.read_text().replace("user:usr_3", "user:usr_4", 1))
    assert "entry 3 was altered" in run("verify", str(file), code=1, at_home=False)


def test_a_proof_is_checked_by_the_command_and_by_the_page_alike(run, house, tmp_path):
    """The thirty lines of docs/audit.md accept what is true, and nothing else."""
    proof, key = tmp_path / "proof.json", tmp_path / "key.pub"
    key.write_text(run("public-key"))

    def check(text: str) -> bool:
        proof.write_text(text)
        command = [sys.executable, "-c", SCRIPT, proof, key]
        page = subprocess.run(command, check=False, capture_output=True).returncode == 0
        fault = run("check-proof", str(proof), "--public-key", str(key), "--json",
                    at_home=False, code=0 if page else 1)  # fmt: skip
        assert json.loads(fault)["holds"] == page
        return page

    said = run("proof", "68")
    assert check(said)
    fields = json.loads(said)
    assert not check(json.dumps(fields | {"entry": fields["entry"].replace("key_68", "key_69")}))
    assert not check(json.dumps(fields | {"path": fields["path"][:-1]}))
    assert not check(json.dumps(fields | {"checkpoint": fields["checkpoint"].replace("\n70\n", "\n71\n")}))
    assert "holds: entry 68 of 70" in run("check-proof", str(_write(proof, said)), at_home=False)


def _write(path, text):
    path.write_text(text)
    return path


def test_a_folder_without_a_database_is_an_error_and_stays_empty(tmp_path):
    """Verifying the wrong folder must not make a log there and call it intact."""
    result = CliRunner().invoke(app, ["audit", "verify", "--home", str(tmp_path)])
    assert result.exit_code != 0
    assert "there is no database here" in str(result.exception)
    assert list(tmp_path.iterdir()) == []
