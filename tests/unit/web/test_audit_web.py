"""The audit log through the API and the console: read, proved, verified, and told of what was changed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from tests.unit.web.conftest import KEY

from naru.audit import KEY_FILE, AuditLog, PublicKey, check_proof, read_export, verify
from naru.audit.merkle import is_consistent
from naru.audit.note import read_note
from naru.engines.sql.sqlite import FILE_NAME
from naru.identity import Keys, Units
from naru.kernel.audit import AuditEvent
from naru.web.control import create_control_app


@pytest.fixture
def log(engine, clock, tmp_path):
    log = AuditLog(engine, tmp_path / KEY_FILE, clock, witness_paths=[tmp_path / "copies.txt"])
    log.open()
    return log


@pytest.fixture
def app(context, engine, clock, log):
    units = Units(engine, clock=clock, audit=log, on_change=lambda: None)
    keys = Keys(engine, units=units, clock=clock, audit=log, on_change=lambda: None)
    return create_control_app(replace(context, audit=log, audit_log=log, units=units, keys=keys))


def fill(log: AuditLog, count: int) -> None:
    for number in range(count):
        log.record(AuditEvent(action="key.create", actor="user:usr_1", target=f"key:key_{number}"))
    log.close()


def test_a_change_is_in_the_log_when_it_is_answered(admin, log):
    """Not a moment later: the entry is committed before the answer goes out."""
    made = admin.post("/api/orgs", json={"name": "acme"})
    assert made.status_code < 300, made.text
    assert log.pending == 0
    page = admin.get("/api/audit").json()
    assert [(e["action"], e["actor"], e["outcome"]) for e in page["entries"]] == [
        ("org.create", "admin-key", "done")
    ]
    assert page["entries"][0]["meaning"]


def test_nothing_changes_while_the_log_cannot_be_written(admin, log, engine):
    """Fail closed: changes and exports get 503 before anything happens; reading goes on."""
    log.is_failing = True
    refused = admin.post("/api/orgs", json={"name": "acme"})
    assert (refused.status_code, refused.json()["code"]) == (503, "audit_unavailable")
    assert admin.get("/api/calls/export").status_code == 503
    log.is_failing = False
    assert "acme" not in admin.get("/api/orgs").text
    assert admin.get("/api/audit").json()["entries"] == []


def test_an_export_of_the_ledger_is_recorded_before_it_begins(admin, log):
    """Who, in which form, filtered by what; no value of a filter."""
    assert admin.get("/api/calls/export?format=jsonl&model=secret-model").status_code == 200
    entry = admin.get("/api/audit/1").json()
    assert (entry["action"], entry["actor"]) == ("ledger.export", "admin-key")
    assert entry["facts"] == {"format": "jsonl", "filters": "model"}


def test_signing_in_with_the_admin_key_is_recorded(anyone, log):
    """Right and wrong keys, at the console and at the API; the key itself never."""
    own = {"origin": "http://testserver"}
    anyone.post("/login", data={"key": "wrong-guess"}, headers=own)
    anyone.post("/login", data={"key": KEY}, headers=own)
    anyone.cookies.clear()
    anyone.get("/api/status", headers={"authorization": "Bearer wrong-guess"})
    log.close()
    found = [(e.action, e.actor, e.outcome, e.read_facts()) for e in reversed(log.reader.list_entries())]
    assert found == [
        ("user.sign_in", "unknown", "denied", {"method": "admin_key"}),
        ("user.sign_in", "admin-key", "done", {"method": "admin_key"}),
        ("user.sign_in", "unknown", "denied", {"method": "bearer"}),
    ]


def test_pages_are_followed_to_the_end(admin, log):
    """Each entry once, filtered as asked."""
    fill(log, 12)
    seen, before = [], None
    while True:
        page = admin.get("/api/audit", params={"limit": 5} | ({"before": before} if before else {})).json()
        seen += [entry["seq"] for entry in page["entries"]]
        before = page["next_before"]
        if before is None:
            break
    assert seen == list(range(12, 0, -1))
    assert [e["seq"] for e in admin.get("/api/audit?target=key:key_3").json()["entries"]] == [4]
    assert len(admin.get("/api/audit?action=key.").json()["entries"]) == 12
    assert admin.get("/api/audit?action=org.").json()["entries"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/audit/0", "/api/audit/x", "/api/audit/9223372036854775808", "/api/audit?before=0",
        "/api/audit?actor=%00", "/api/audit?outcome=x", "/api/audit/consistency?from=0",
        "/api/audit/consistency?from=99", "/api/audit?limit=0", "/api/audit?from=x",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_problem_of_the_asker(admin, log, path):
    """400 with a reason, never 500."""
    fill(log, 3)
    assert admin.get(path).status_code in {400, 404}
    assert admin.get("/api/audit/99").json()["code"] == "entry_not_found"
    assert admin.get("/api/audit?from=0001-01-01&to=9999-12-31").status_code < 500


def test_a_proof_and_a_consistency_proof_hold(admin, log):
    """Checked with nothing but the public key and what was kept."""
    fill(log, 20)
    old = read_note(admin.get("/api/audit/checkpoint").json()["checkpoint"])
    fill(log, 100)
    found = admin.get("/api/audit/checkpoint").json()
    assert (found["size"], found["entries"]) == (120, 120)
    key = PublicKey.parse(found["public_keys"][0])
    assert check_proof(admin.get("/api/audit/77/proof").json(), key) == ""
    given = admin.get(f"/api/audit/consistency?from={old.size}").json()
    new = read_note(given["checkpoint"])
    path = [bytes.fromhex(step) for step in given["path"]]
    assert is_consistent(old.size, given["to"], old.root, new.root, path)


def test_an_entry_gets_its_proof_with_the_next_checkpoint(admin, log):
    """409 until then; whoever may can sign at once."""
    log.record_now(AuditEvent(action="key.create", actor="naru", target=""))
    assert admin.get("/api/audit/1/proof").json()["code"] == "not_in_checkpoint"
    assert admin.post("/api/audit/checkpoint").json()["size"] == 1
    assert admin.get("/api/audit/1/proof").status_code == 200
    assert admin.post("/api/audit/checkpoint").json()["number"] == 1, "nothing new: nothing is signed"


def test_an_exported_log_verifies_elsewhere(admin, log, tmp_path):
    """The file alone, with the public key from elsewhere; and not when a letter of it is changed."""
    fill(log, 90)
    answer = admin.get("/api/audit/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    file = tmp_path / "audit.jsonl"
    file.write_text(answer.text)
    keys = [log.open()]
    report = verify(read_export(file)[0], keys=keys)
    assert report.is_intact, report.findings
    assert (report.size, report.covered) == (91, 90), "the export itself is the last entry"
    lines = answer.text.splitlines()
    for number in (1, 45, 90):
        changed = [*lines]
        changed[number] = changed[number].replace("user:usr_1", "user:usr_2")
        file.write_text("\n".join(changed))
        assert [f.seq for f in verify(read_export(file)[0], keys=keys).findings] == [number]
        file.write_text("\n".join(lines[:number] + lines[number + 1 :]))
        assert number in {f.seq for f in verify(read_export(file)[0], keys=keys).findings}
    file.write_text("\n".join(lines[:50]))
    assert "truncated" in {f.kind for f in verify(read_export(file)[0], keys=keys).findings}


def test_a_verification_tells_what_it_found_and_is_recorded(admin, log, tmp_path):
    """Through GET, and through POST against a copy that says more than the log."""
    fill(log, 30)
    note = log.reader.find_checkpoint()
    assert admin.get("/api/audit/verify").json()["is_intact"]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE audit_entries SET target = 'key:key_x' WHERE seq = 17")
        raw.commit()
    report = admin.post("/api/audit/verify", json={"checkpoints": [note]}).json()
    assert not report["is_intact"]
    assert [(f["kind"], f["seq"]) for f in report["findings"]] == [("altered", 17)]
    log.close()
    newest = admin.get("/api/audit?limit=1").json()["entries"][0]
    assert (newest["action"], newest["outcome"], newest["facts"]["findings"]) == ("audit.verify", "failed", 1)
    bad = admin.post("/api/audit/verify", json={"public_keys": ["x"]})
    assert (bad.status_code, bad.json()["param"]) == (400, "public_key")


def test_the_pages_show_the_log_in_both_languages(browser, log):
    """List, entry with proof, verification; a number opens its entry; nothing of an entry is markup."""
    log.record(
        AuditEvent(action="key.create", actor="user:<b>x</b>", target="key:key_1", facts={"why": "<i>"})
    )
    fill(log, 3)
    for language, word in (("ko", "감사 로그"), ("en", "Audit")):
        headers = {"accept-language": language, "accept": "text/html"}
        page = browser.get("/audit", headers=headers)
        assert page.status_code == 200
        assert word in page.text
        assert "<b>x</b>" not in page.text
        entry = browser.get("/audit/1", headers=headers)
        assert entry.status_code == 200
        assert log.reader.find_entry(1).entry_hash in entry.text
        assert "<i>" not in entry.text.split("<main", 1)[1].split("<dl")[0].replace("<i>unknown", "")
        assert browser.get("/audit/verify", headers=headers).status_code == 200
        verified = browser.post("/audit/verify", headers=headers)
        assert {"ko": "온전함", "en": "Intact"}[language] in verified.text
    assert browser.get("/audit?q=2").headers["location"] == "/audit/2"
    assert browser.get("/audit?q=user:usr_1&action=key.&outcome=done&range=24h").status_code == 200
    assert browser.get("/audit/999", headers={"accept": "text/html"}).status_code == 404


def test_a_damaged_log_is_shown_as_damaged(admin, log, tmp_path):
    """What cannot be read is a problem that names the cure, not a 500."""
    fill(log, 5)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as raw:
        raw.execute("DROP TRIGGER audit_entries_no_update")
        raw.execute("UPDATE audit_entries SET target = CAST(x'ff' AS TEXT) WHERE seq = 3")
        raw.commit()
    for path in ("/api/audit", "/api/audit/3", "/api/audit/1/proof"):
        answer = admin.get(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "audit_damaged"), path
    report = admin.get("/api/audit/verify").json()
    assert [(f["kind"], f["seq"]) for f in report["findings"]] == [("unreadable", 3)]


def test_a_log_that_is_not_there_is_not_found(context):
    """A house without a log answers 404."""
    headers = {"authorization": f"Bearer {KEY}"}
    with TestClient(create_control_app(context), headers=headers) as client:
        assert client.get("/api/audit").status_code == 404


def test_the_export_is_one_object_a_line(admin, log):
    """Log, entries in order, checkpoints."""
    fill(log, 2)
    kinds = [json.loads(line)["kind"] for line in admin.get("/api/audit/export").text.splitlines()]
    assert kinds == ["log", "entry", "entry", "entry", "checkpoint"]
