"""`naru policy`, `naru dictionary`, `naru pattern` on a database in a folder."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from naru.cli import app


@pytest.fixture
def naru(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, data=None, code=0):
        result = CliRunner().invoke(app, list(arguments), input=data)
        assert result.exit_code == code, f"{result.output}{result.exception!r}"
        return result.output if code == 0 else str(result.exception)

    return run


def test_a_policy_is_set_line_by_line(naru, tmp_path):
    """What is not named stays; what is unset is gone; the last line takes the policy with it."""
    naru("policy", "set", "team:default", "KR_RRN=block", "*=mask", "--guard", "injection=flag")
    naru("policy", "set", "team:default", "PHONE=allow", "--restore-host", "crm.example.com", "--consent")
    assert naru("policy", "show", "team:default").splitlines() == [
        "*=mask",
        "KR_RRN=block",
        "PHONE=allow",
        "injection=flag",
        "restore_hosts=crm.example.com",
        "capture_consent=true",
    ]
    saved = naru("policy", "show", "team:default", "--json")
    assert "team:default/default" in naru("policy", "list")
    assert "KR_RRN" in naru("policy", "show", "team:default", "--effective")
    (tmp_path / "saved.json").write_text(saved)
    naru("policy", "unset", "team:default", "KR_RRN", "*", "PHONE", "injection", "restore_hosts")
    assert naru("policy", "show", "team:default") == "capture_consent=true\n"
    assert "no policy" in naru("policy", "unset", "team:default", "capture_consent")
    assert json.loads(naru("policy", "list", "--json")) == []
    naru("policy", "set", "team:default", "--file", "saved.json")
    assert json.loads(naru("policy", "show", "team:default", "--json"))["rules"] == json.loads(saved)["rules"]
    naru("policy", "unset", "team:default")


def test_what_is_wrong_is_said(naru):
    """In words, and nothing is set."""
    for arguments in (
        ("team:default", "KR_RRN"),
        ("team:default", "RRN=mask"),
        ("planet:x", "KR_RRN=mask"),
        ("team:nobody", "KR_RRN=mask"),
        ("team:default", "--file", "nowhere.json"),
    ):
        assert naru("policy", "set", *arguments, code=1), arguments
    assert json.loads(naru("policy", "list", "--json")) == []


def test_words_are_added_tried_and_forgotten(naru, tmp_path):
    """From a file and from stdin; a text tells what is found and how it would leave."""
    (tmp_path / "customers.txt").write_text("나루상사\n\n한강상사\n")
    assert "2 terms" in naru("dictionary", "add", "org:default", "customers", "customers.txt")
    assert "1 terms" in naru("dictionary", "add", "team:default", "products", "-", data="Otter\n")
    assert "CUSTOM:staff" in naru("pattern", "add", "team:default/default", "staff", "EMP-[0-9]{3}")
    tried = naru("policy", "try", "나루상사 Otter EMP-123", "--scope", "team:default")
    assert "<CUSTOM_CUSTOMERS_1> <CUSTOM_PRODUCTS_1> <CUSTOM_STAFF_1>" in tried
    tried = json.loads(naru("policy", "try", "--scope", "org:default", "--json", data="나루상사 Otter"))
    assert tried["masked"] == "<CUSTOM_CUSTOMERS_1> Otter"
    naru("policy", "set", "team:default", "CUSTOM:customers=block")
    tried = naru("policy", "try", "나루상사 EMP-123", "--scope", "team:default")
    assert "nothing leaves" in tried
    assert "STAFF_1" not in tried
    listed = naru("dictionary", "list")
    assert "customers" in listed
    assert "상사" not in listed
    assert "EMP-" in naru("pattern", "list")
    for _ in range(2):
        naru("dictionary", "delete", "org:default", "customers")
        naru("pattern", "delete", "team:default", "staff")
    assert [one["name"] for one in json.loads(naru("dictionary", "list", "--json"))] == ["products"]
    assert json.loads(naru("pattern", "list", "--json")) == []
    assert "cannot be read" in naru("dictionary", "add", "org:default", "x", "nowhere.txt", code=1)
