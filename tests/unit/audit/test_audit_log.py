"""The log's writer blocks nobody, loses nothing and signs in time; its bytes are what the page says."""

from __future__ import annotations

import ast
import base64
import json
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.docs.pages import ROOT
from tests.unit.audit.conftest import House, new_event

import naru
from naru.audit import ACTIONS, KEY_FILE, AuditLog, PublicKey, read_note
from naru.audit.entry import Stamped, canonical_json, chain_hash, genesis_hash, new_entry
from naru.audit.note import find_signer, split_notes
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import SystemClock
from naru.kernel.errors import ConfigError, Conflict

TEXT = st.text(max_size=20)
FACTS = st.dictionaries(TEXT, TEXT | st.integers() | st.booleans() | st.none(), max_size=5)


@given(actor=TEXT, target=TEXT, facts=FACTS, seq=st.integers(1, 2**62), at_ns=st.integers(0, 2**62))
def test_the_canonical_bytes_are_plain_json(actor, target, facts, seq, at_ns):
    """What is hashed is sorted, compact JSON of the entry: whoever can write JSON can check it."""
    event = AuditEvent(action="key.create", actor=actor, target=target, facts=facts)
    entry, data = new_entry(Stamped("aud_1", at_ns, event), seq, genesis_hash("log"))
    plain = {
        "v": 1,
        "seq": seq,
        "id": "aud_1",
        "at_ns": at_ns,
        "actor": entry.actor,
        "action": "key.create",
        "target": entry.target,
        "outcome": "done",
        "facts": json.loads(entry.facts),
        "prev_hash": genesis_hash("log"),
    }
    assert data.decode() == json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert canonical_json(json.loads(entry.facts)) == entry.facts
    assert entry.entry_hash == chain_hash(data) == sha256(b"naru audit entry v1\n" + data).hexdigest()


async def test_recording_touches_no_disk(house):
    """`record` only appends to a queue: it works while the database is locked, and tells when it is full."""
    log = house.new_log(queue_size=100)
    log.start()
    with closing(sqlite3.connect(house.database, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        for number in range(100):
            assert not log.is_full
            log.record(new_event(number))
        assert log.is_full
        assert not log.flush(timeout_s=0.05)
        blocker.execute("ROLLBACK")
    assert log.flush(timeout_s=20)
    assert not log.is_full
    assert await log.stop() == 0
    report = house.verify()
    assert report.is_intact
    assert (report.size, report.covered) == (100, 100), "the end is signed"


async def test_checkpoints_come_by_count_and_by_time(house):
    """After N entries, or T seconds after the last one when there is something new; else none."""
    log = house.new_log(checkpoint_entries=10, checkpoint_interval_s=60)
    log.open()
    head = _Heads(house)
    for _ in range(9):
        log.record_now(new_event())
    log._checkpoint(log._is_due)
    assert head.numbers() == [1], "the first entries are signed at once: nothing covered them"
    for _ in range(9):
        log.record_now(new_event())
    log._checkpoint(log._is_due)
    assert head.numbers() == [1]
    log.record_now(new_event())
    log._checkpoint(log._is_due)
    assert head.numbers() == [1, 2]
    house.clock.advance(3_600)
    log._checkpoint(log._is_due)
    assert head.numbers() == [1, 2], "nothing new, nothing to sign"
    log.record_now(new_event())
    log._checkpoint(log._is_due)
    assert head.numbers() == [1, 2, 3]


class _Heads:
    def __init__(self, house: House) -> None:
        self.house = house

    def numbers(self) -> list[int]:
        with closing(sqlite3.connect(self.house.database)) as raw:
            return [n for (n,) in raw.execute("SELECT number FROM audit_checkpoints ORDER BY number")]


def test_a_checkpoint_is_a_signed_note(house):
    """C2SP's form to the byte, checked with nothing of ours but the public key's text."""
    house.fill(5)
    note = house.reader().find_checkpoint()
    key = house.log.open()
    origin, size, root, number, previous, time, *rest = note.split("\n")
    assert (size, number, previous) == ("5", "checkpoint 1", f"previous {'0' * 64}")
    assert time == "timestamp 2026-01-01T00:00:05.000000000Z"
    assert len(base64.b64decode(root)) == 32
    assert rest[0] == ""
    assert rest[2:] == [""]
    dash, name, encoded = rest[1].split(" ")
    raw = base64.b64decode(encoded)
    name_, hash_, public = str(key).split("+", 2)
    assert (dash, name, name_) == ("—", origin, origin)
    kind_and_key = base64.b64decode(public)
    assert raw[:4].hex() == hash_ == sha256(origin.encode() + b"\n" + kind_and_key).hexdigest()[:8]
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text = note.partition("\n\n")[0].encode() + b"\n"
    Ed25519PublicKey.from_public_bytes(kind_and_key[1:]).verify(raw[4:], text)
    assert PublicKey.parse(str(key)) == key


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_note_with_any_other_byte_is_not_signed(position, change):
    """Every byte of it counts, those of the signature too."""
    house = _SIGNED
    note, key = house
    data = bytearray(note.encode())
    data[position % len(data)] ^= change
    assert find_signer(data.decode("utf-8", "surrogateescape"), [key]) is None


def _sign() -> tuple[str, PublicKey]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from naru.audit.note import NO_PREVIOUS, Checkpoint, Signer

    signer = Signer(Ed25519PrivateKey.generate(), "naru.audit/log_test")
    said = Checkpoint(
        origin="naru.audit/log_test", size=7, root=b"r" * 32, number=1, previous=NO_PREVIOUS, at_ns=1
    )
    note = signer.sign(said)
    assert read_note(note) == said
    return note, signer.public


_SIGNED = _sign()


def test_the_key_is_its_owners_alone_and_made_once(house):
    """Mode 0600, kept at the next start, told apart from what is no key."""
    first = house.log.open()
    assert stat.S_IMODE(house.key.stat().st_mode) == 0o600
    assert house.new_log().open() == first
    assert [p.name for p in house.home.iterdir() if "audit.key" in p.name] == [KEY_FILE]
    house.key.write_text("no key")
    with pytest.raises(ConfigError, match="does not hold"):
        house.new_log().open()


def test_a_lost_key_is_replaced_and_old_checkpoints_stay_verifiable(house):
    """The change stands in the log, and the old public key beside the new one."""
    house.fill(5)
    old = house.log.open()
    house.key.unlink()
    house.log = house.new_log()
    house.log.open()
    house.fill(5)
    report = house.verify()
    assert report.is_intact, report.findings
    assert str(old) in report.keys
    assert "audit.key_change" in {e.action for e in house.reader().list_entries()}


def test_every_checkpoint_is_copied_and_a_copy_that_fails_stops_nothing(house, tmp_path):
    """The files hold each note; one that cannot be written is told of, and the next fills the gap."""
    house.fill(3)
    house.fill(3)
    assert len(list(split_notes(house.witness.read_text()))) == 2
    house.witness.unlink()
    house.witness.mkdir()
    house.fill(3)
    assert house.log.witness_failures == {str(house.witness): "Is a directory"}
    house.witness.rmdir()
    house.log.checkpoint()  # signs nothing new: the log has not grown
    assert house.log.witness_failures == {}
    assert [read_note(n).number for n in split_notes(house.witness.read_text())] == [3]
    assert house.verify().is_intact


def test_a_checkpoint_of_another_replica_is_copied_too(house, tmp_path):
    """Each replica's file ends with the newest checkpoint, once, whoever signed it."""
    own = tmp_path / "own-copies.txt"
    other = AuditLog(house.engine, house.key, SystemClock(), witness_paths=[own])
    house.fill(3)
    assert other.checkpoint() == other.checkpoint()
    house.fill(3)
    other.checkpoint()
    assert [read_note(n).number for n in split_notes(own.read_text())] == [1, 2]
    assert [read_note(n).number for n in split_notes(house.witness.read_text())] == [1, 2]


def test_an_entry_past_the_last_checkpoint_has_no_proof_yet(house):
    """It says when there will be one."""
    house.fill(2)
    house.log.record_now(new_event())
    with pytest.raises(Conflict, match="No checkpoint covers"):
        house.reader().read_proof(3)
    house.log.checkpoint()
    assert house.reader().read_proof(3)["size"] == 3


def test_a_killed_process_leaves_an_intact_log(house):
    """kill -9 in the middle of writing: what was committed verifies, and the next start goes on."""
    program = (
        "import os, sys, pathlib\n"
        "from naru.audit import AuditLog\n"
        "from naru.engines.sql.sqlite import SqliteEngine\n"
        "from naru.kernel.audit import AuditEvent\n"
        "from naru.kernel.clock import SystemClock\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "log = AuditLog(SqliteEngine(home / 'naru.db'), home / 'audit.key', SystemClock(),\n"
        "               witness_paths=[home / 'audit-checkpoints.txt'])\n"
        "for n in range(10_000):\n"
        "    log.record_now(AuditEvent(action='key.create', actor='naru', target=str(n)))\n"
        "    if n % 10 == 0: log.checkpoint()\n"
        "    print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, house.home], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        last = int(line)
        if last >= 55:
            process.kill()
            break
    process.communicate()
    report = house.verify()
    assert report.is_intact, report.findings
    assert report.size >= last + 1, "what was acknowledged is there"
    house.fill(3)
    assert house.verify().is_intact


def test_filters_find_what_they_name(house):
    """Actor, action or all that begin so, target, outcome, time, and pages without overlap."""
    from naru.audit import EntryFilter

    house.fill(30)
    reader = house.reader()
    assert {e.action for e in reader.list_entries(EntryFilter(action="key."))} == {"key.create", "key.revoke"}
    assert {e.action for e in reader.list_entries(EntryFilter(action="budget.stop"))} == {"budget.stop"}
    assert reader.list_entries(EntryFilter(action="key._")) == []
    assert {e.actor for e in reader.list_entries(EntryFilter(actor="user:usr_1"))} == {"user:usr_1"}
    assert [e.seq for e in reader.list_entries(EntryFilter(target="key:key_7"))] == [7]
    assert len(reader.list_entries(EntryFilter(outcome="denied"))) == 10
    start = house.clock.now_ns() - 10 * 1_000_000_000
    assert [e.seq for e in reader.list_entries(EntryFilter(from_ns=start))] == list(range(30, 20, -1))
    assert [e.seq for e in reader.list_entries(limit=10, before=21)] == list(range(20, 10, -1))


def find_actions():
    """Every action the source records: literals of `AuditEvent(action=…)` and of what hands them on."""
    hands_on = {"_record", "_changed", "_event", "_own_act", "record_export"}
    for path in sorted(Path(naru.__file__).parent.rglob("*.py")):
        text = path.read_text("utf-8")
        tells = "AuditEvent" in text or "record_export" in text
        for node in ast.walk(ast.parse(text)) if tells else ():
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            values = [k.value for k in node.keywords if k.arg == "action" and name == "AuditEvent"]
            if name in hands_on:
                values += node.args[:3]
            for value in values:
                for part in ast.walk(value):
                    if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z]+\.[a-z_]+", str(part.value)):
                        yield part.value


def test_every_action_is_told_of():
    """actions.py knows each action that the source records, and docs/audit.md has each that it knows."""
    assert set(find_actions()) - set(ACTIONS) == set()
    page = (ROOT / "docs" / "audit.md").read_text("utf-8")
    assert {action for action in ACTIONS if f"`{action}`" not in page} == set()
