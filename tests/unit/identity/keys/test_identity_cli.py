"""`naru org`, `naru team`, `naru project`, `naru key` on a local database: what scripts rely on."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from naru.cli import app
from naru.kernel.errors import BadRequest, Conflict, NotFound, Unavailable


@pytest.fixture
def naru(tmp_path, monkeypatch):
    """Runs a command on a home of its own; a refusal is raised as it is."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        done = CliRunner().invoke(app, [*arguments, "--home", str(tmp_path / "home")])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return SimpleNamespace(out=done.stdout, err=done.stderr)

    return run


def test_the_secret_stands_alone_on_stdout(naru):
    """So that `KEY=$(naru key create ci)` is the key."""
    done = naru("key", "create", "ci")
    assert done.out.startswith("naru_")
    assert done.out.count("\n") == 1
    assert "shown this once" in done.err


def test_commands_may_run_twice(naru):
    """The second time changes nothing, says so, and is no failure."""
    first = naru("key", "create", "ci", "--json").out
    again = naru("key", "create", "ci", "--json").out
    assert json.loads(first)["id"] == json.loads(again)["id"]
    assert json.loads(again) | {"created": True, "secret": "x"} == json.loads(first) | {"secret": "x"}
    assert "exists already" in naru("key", "create", "ci").err
    for level in ("org", "team", "project"):
        assert "was made" in naru(level, "create", "acme").out
        assert "exists already" in naru(level, "create", "acme").out
    for level in ("org", "team", "project"):
        for command in ("disable", "disable", "enable", "enable"):
            naru(level, command, "default/acme" if level != "org" else "acme")
    for name in (json.loads(first)["id"], "default/ci"):
        assert "revoked" in naru("key", "revoke", name).out
    for level, told in (("project", "was deleted"), ("project", "Nothing was deleted")):
        assert told in naru(level, "delete", "default/acme").out


def test_the_tree_is_built_and_taken_down_by_paths(naru):
    """Nobody has to copy an id."""
    naru("org", "create", "acme")
    naru("team", "create", "검색", "--org", "acme")
    naru("project", "create", "bot", "--team", "acme/검색")
    naru("key", "create", "ci", "--project", "acme/검색/bot")
    listed = json.loads(naru("key", "list", "--org", "acme", "--json").out)
    assert [key["path"] for key in listed] == ["acme/검색/bot/ci"]
    assert "acme/검색/bot/ci" in naru("key", "list").out
    naru("project", "rename", "bot", "봇")
    with pytest.raises(Conflict):
        naru("org", "delete", "acme")
    naru("key", "revoke", "봇/ci")
    for level, name in (("project", "봇"), ("team", "검색"), ("org", "acme")):
        assert json.loads(naru(level, "delete", name, "--json").out)["deleted"] is True
    with pytest.raises(NotFound):
        naru("org", "show", "acme")


def test_a_keys_scope_by_options(naru):
    """Given lists replace, an empty text clears, `never` takes the expiry off."""
    made = json.loads(
        naru(
            "key", "create", "ci", "--model", "gpt-*", "--model", "claude-*", "--endpoint", "chat",
            "--site", "seoul", "--tag", "env=prod", "--expires", "2100-01-31", "--json",
        ).out
    )  # fmt: skip
    assert made["models"] == ["gpt-*", "claude-*"]
    assert (made["endpoints"], made["sites"], made["tags"]) == (["chat"], ["seoul"], {"env": "prod"})
    assert made["expires_at"] == "2100-01-31T00:00:00Z"
    changed = json.loads(
        naru("key", "update", "ci", "--model", "o3", "--site", "", "--expires", "never", "--json").out
    )
    assert (changed["models"], changed["sites"], changed["expires_at"]) == (["o3"], [], None)
    assert changed["endpoints"] == ["chat"]
    shown = naru("key", "show", made["prefix"]).out
    assert "o3" in shown
    assert made["secret"] not in shown


def test_rotation_prints_the_new_secret(naru):
    """And until when the old one opens."""
    first = naru("key", "create", "ci").out.strip()
    rotated = naru("key", "rotate", "ci", "--overlap", "2h")
    assert rotated.out.strip() != first
    assert "opens until" in rotated.err
    assert "opens no more" in naru("key", "rotate", "ci", "--overlap", "0s").err


@pytest.mark.parametrize(
    "arguments",
    [
        ("key", "create", "x", "--expires", "soon"),
        ("key", "create", "x", "--expires", "99999999d"),
        ("key", "create", "x", "--tag", "novalue"),
        ("key", "create", "a/b"),
        ("key", "create", "x", "--endpoint", "everything"),
    ],
)
def test_what_is_not_understood_is_refused(naru, arguments):
    """In words, and nothing is made."""
    with pytest.raises(BadRequest):
        naru(*arguments)
    assert json.loads(naru("key", "list", "--json").out) == []


def test_a_name_cannot_write_to_the_terminal(naru):
    """Names are other people's; what a terminal would obey is not stored, let alone printed."""
    with pytest.raises(BadRequest):
        naru("org", "create", "x\x1b[2J")


@pytest.mark.parametrize("url", ["naru.example", "ftp://naru.example", "file:///etc/passwd", "http://"])
def test_an_address_that_is_none_is_refused(tmp_path, url):
    """Before anything is sent, the key least of all."""
    done = CliRunner().invoke(app, ["key", "list", "--url", url, "--key", "k" * 30])
    assert isinstance(done.exception, BadRequest)


def test_a_key_is_needed_for_a_running_naru(monkeypatch):
    """From NARU_KEY or --key; without one nothing is sent."""
    monkeypatch.delenv("NARU_KEY", raising=False)
    done = CliRunner().invoke(app, ["key", "list", "--url", "http://127.0.0.1:9"])
    assert isinstance(done.exception, BadRequest)
    monkeypatch.setenv("NARU_KEY", "k" * 30)
    done = CliRunner().invoke(app, ["key", "list", "--url", "http://127.0.0.1:9"])
    assert isinstance(done.exception, Unavailable)
    assert done.exception.code == "naru_unreachable"
