"""Whatever is changed in a log is found and named; an untouched log raises no alarm."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest
from tests.unit.audit.conftest import TABLES, House, new_event

from naru.audit.chaincheck import ChainCheck
from naru.audit.entry import Entry, chain_hash, entry_bytes
from naru.audit.merkle import CompactRange, leaf_hash
from naru.audit.note import note_hash
from naru.audit.store import frontier_text

_SET_HEAD = (
    "UPDATE audit_head SET size = ?, last_hash = ?, frontier = ?, checkpoint_number = ?, "
    "checkpoint_size = ?, checkpoint_at_ns = ?, checkpoint_hash = ?"
)
ENTRIES = 150
TRIES = 1_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A log of 150 entries under 7 checkpoints, with two whole blocks, and ten entries not yet signed."""
    house = House(tmp_path_factory.mktemp("audit") / "home")
    for first in range(1, 141, 20):
        house.fill(20, first=first)
    house.fill(10, first=141, checkpoint=False)
    house.engine.close()
    return house


@pytest.fixture
def forge(filled, tmp_path):
    """A copy of that log to tamper with."""
    (tmp_path / "home").mkdir()
    for path in filled.home.iterdir():
        (tmp_path / "home" / path.name).write_bytes(path.read_bytes())
    house = House(tmp_path / "home")
    yield house
    house.engine.close()


def named(report) -> set[int]:
    """Every entry that a finding names."""
    return {
        seq for f in report.findings if f.seq is not None for seq in range(f.seq, (f.to_seq or f.seq) + 1)
    }


def kinds(report) -> set[str]:
    return {finding.kind for finding in report.findings}


def test_an_untouched_log_raises_no_alarm(forge):
    """With and without the copies of its checkpoints."""
    for with_witness in (True, False):
        report = forge.verify(with_witness=with_witness)
        assert report.is_intact
        assert report.findings == []
        assert (report.size, report.covered) == (ENTRIES, 140)
        assert report.kept == (7 if with_witness else 0)


@pytest.mark.slow
def test_every_one_of_a_thousand_altered_bytes_is_found(filled, tmp_path):
    """One random byte of one random value of any table of the log, set to another by raw SQL; the finding
    names the entry, the checkpoint, or the part that was changed."""
    random_ = random.Random(20261121)
    home = tmp_path / "home"
    home.mkdir()
    for path in filled.home.iterdir():
        (home / path.name).write_bytes(path.read_bytes())
    house = House(home)
    house.tamper()
    raw = sqlite3.connect(house.database, isolation_level=None)
    raw.execute("PRAGMA synchronous=OFF")
    reader = house.reader()
    cells = [(table, column, rowid) for table in TABLES for column, rowid in _cells(raw, table)]
    by_table = {table: [cell for cell in cells if cell[0] == table] for table in TABLES}
    missed = []
    tried = 0
    while tried < TRIES:
        # Most of the bytes are in entries; the other tables are small and get their share.
        table = random_.choices(TABLES, weights=(6, 1, 2, 1))[0]
        _, column, rowid = random_.choice(by_table[table])
        old = raw.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (rowid,)).fetchone()[0]
        new = _alter(old, random_)
        key = raw.execute(f"SELECT * FROM {table} WHERE rowid = ?", (rowid,)).fetchone()[:2]
        try:
            raw.execute(f"UPDATE {table} SET {column} = {_bound(new)} WHERE rowid = ?", (new, rowid))
        except sqlite3.IntegrityError:
            continue  # a number that another row has
        tried += 1
        report = reader.verify()
        told = any(_tells(finding, table, key) for finding in report.findings)
        if report.is_intact or not told:
            missed.append((table, column, key, old, new, report.findings[:3]))
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (old, rowid))
    assert missed == []
    assert reader.verify().is_intact, "every byte was put back"
    raw.close()
    house.engine.close()


def _cells(raw, table):
    columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
    for (rowid,) in raw.execute(f"SELECT rowid FROM {table}"):
        for column in columns:
            yield column, rowid


def _alter(old, random_):
    """Another value that differs in one byte; whether it is still text is not asked."""
    if isinstance(old, int):
        return old ^ (1 << random_.randrange(62))
    data = bytearray(old.encode())
    if not data:
        return b"x"
    data[random_.randrange(len(data))] ^= random_.randrange(1, 256)
    return bytes(data)


def _bound(new) -> str:
    return "?" if isinstance(new, int) else "CAST(? AS TEXT)"


def _tells(finding, table, key) -> bool:
    if table == "audit_entries":
        return finding.seq is not None and finding.seq <= key[0] <= (finding.to_seq or finding.seq)
    if table == "audit_nodes":
        return finding.kind == "node"
    if table == "audit_checkpoints":
        return finding.kind == "checkpoint"
    return finding.kind in {"head", "truncated", "inserted", "checkpoint", "replaced"}


@pytest.mark.parametrize("seq", [1, 2, 64, 65, 100, 140, 149])
def test_a_removed_entry_is_named(forge, seq):
    """In the middle, at the edges of blocks, at the beginning."""
    forge.tamper(f"DELETE FROM audit_entries WHERE seq = {seq}")
    report = forge.verify(with_witness=False)
    missing = [(f.seq, f.to_seq) for f in report.findings if f.kind == "missing"]
    assert missing == [(seq, seq)]


def test_a_removed_entry_is_named_after_renumbering(forge):
    """Those behind it moved up to hide the hole: each of them stands one place too early."""
    forge.tamper(
        "DELETE FROM audit_entries WHERE seq = 100",
        "UPDATE audit_entries SET seq = -seq WHERE seq > 100",
        "UPDATE audit_entries SET seq = -seq - 1 WHERE seq < 0",
    )
    report = forge.verify(with_witness=False)
    first = min(report.findings, key=lambda f: f.seq or 0)
    assert (first.kind, first.seq) == ("moved", 100)
    assert "belongs at 101" in first.what


@pytest.mark.parametrize(("one", "other"), [(1, 2), (10, 90), (64, 65), (149, 150)])
def test_swapped_entries_are_named(forge, one, other):
    """Both of them, and where each belongs."""
    forge.tamper(
        f"UPDATE audit_entries SET seq = -1 WHERE seq = {one}",
        f"UPDATE audit_entries SET seq = {one} WHERE seq = {other}",
        f"UPDATE audit_entries SET seq = {other} WHERE seq = -1",
    )
    report = forge.verify(with_witness=False)
    moved = {f.seq: f.what for f in report.findings if f.kind == "moved"}
    assert set(moved) == {one, other}
    assert f"belongs at {other}" in moved[one]


def test_a_cut_off_end_is_named(forge):
    """The entries after the last checkpoint, by the head; and with the head set back, nothing can tell."""
    forge.tamper("DELETE FROM audit_entries WHERE seq > 145")
    report = forge.verify(with_witness=False)
    assert [(f.kind, f.seq, f.to_seq) for f in report.findings] == [("truncated", 146, 150)]


def _truncate(forge, size: int) -> None:
    """Cut the log back to `size` as a skilled owner of the database would: head, nodes, checkpoints too."""
    check = ChainCheck(None, (), lambda level, position, hash_: None)
    with closing(sqlite3.connect(forge.database)) as raw:
        for row in raw.execute("SELECT * FROM audit_entries WHERE seq <= ? ORDER BY seq", (size,)):
            check.take(row)
        last = raw.execute(
            "SELECT number, size, at_ns, note FROM audit_checkpoints WHERE size <= ? ORDER BY number DESC",
            (size,),
        ).fetchone()
    forge.tamper(
        f"DELETE FROM audit_entries WHERE seq > {size}",
        f"DELETE FROM audit_checkpoints WHERE size > {size}",
        f"DELETE FROM audit_nodes WHERE (position + 1) << level > {size}",
        (
            _SET_HEAD,
            (size, check.last_hash, frontier_text(check.tree), *last[:3], note_hash(last[3])),
        ),
    )


def test_a_skilled_truncation_is_found_by_a_checkpoint_kept_elsewhere(forge):
    """Without a copy nothing contradicts the shorter log; with one, the missing entries are named."""
    _truncate(forge, 110)
    assert forge.verify(with_witness=False).is_intact
    report = forge.verify()
    assert "truncated" in kinds(report)
    assert set(range(111, 141)) <= named(report)
    assert "140 entries" in report.findings[-1].what


def test_a_rewritten_past_is_found_by_the_signatures(forge):
    """An entry changed and every hash after it made anew, nodes and head included: the key is missing."""
    with closing(sqlite3.connect(forge.database)) as raw:
        rows = raw.execute("SELECT * FROM audit_entries ORDER BY seq").fetchall()
    names = Entry.__struct_fields__
    tree, changes, previous = CompactRange(), [], None
    for row in rows:
        fields = dict(zip(names, row, strict=True))
        if fields["seq"] == 77:
            fields["actor"] = "user:usr_nobody"
        if fields["seq"] > 77:
            fields["prev_hash"] = previous
        data = entry_bytes(Entry(**fields))
        previous = chain_hash(data)
        for level, position, hash_ in tree.append(leaf_hash(data)):
            changes.append(
                (
                    "UPDATE audit_nodes SET hash = ? WHERE level = ? AND position = ?",
                    (hash_.hex(), level, position),
                )
            )
        changes.append(
            (
                "UPDATE audit_entries SET actor = ?, prev_hash = ?, entry_hash = ? WHERE seq = ?",
                (fields["actor"], fields["prev_hash"], previous, fields["seq"]),
            )
        )
    forge.tamper(
        *changes, ("UPDATE audit_head SET last_hash = ?, frontier = ?", (previous, frontier_text(tree)))
    )
    report = forge.verify(with_witness=False)
    first = report.findings[0]
    assert (first.kind, first.seq, first.to_seq, first.checkpoint) == ("rewritten", 61, 80, 4)


def test_an_entry_replaced_with_its_hash_is_named_by_the_next(forge):
    """Who changes one entry and its hash breaks the link of the one behind it."""
    with closing(sqlite3.connect(forge.database)) as raw:
        row = raw.execute("SELECT * FROM audit_entries WHERE seq = 30").fetchone()
    entry = Entry(**(dict(zip(Entry.__struct_fields__, row, strict=True)) | {"outcome": "denied"}))
    forge.tamper(
        (
            "UPDATE audit_entries SET outcome = 'denied', entry_hash = ? WHERE seq = 30",
            (chain_hash(entry_bytes(entry)),),
        )
    )
    replaced = [f for f in forge.verify(with_witness=False).findings if f.kind == "replaced"]
    assert [f.seq for f in replaced] == [30]


def test_an_inserted_entry_is_named(forge):
    """Put behind the end, whatever hash it carries, the head does not know it."""
    forge.tamper(
        "INSERT INTO audit_entries SELECT 151, id, at_ns, actor, action, target, outcome, facts, entry_hash, "
        "entry_hash FROM audit_entries WHERE seq = 150"
    )
    assert 151 in named(forge.verify(with_witness=False))


def test_an_entry_inserted_in_the_middle_is_named(forge):
    """Those behind it were moved down to make room."""
    forge.tamper(
        "UPDATE audit_entries SET seq = -seq WHERE seq >= 50",
        "UPDATE audit_entries SET seq = -seq + 1 WHERE seq < 0",
        "INSERT INTO audit_entries SELECT 50, 'aud_forged', at_ns, actor, action, target, outcome, facts, "
        "prev_hash, entry_hash FROM audit_entries WHERE seq = 51",
    )
    report = forge.verify(with_witness=False)
    found = {f.seq: f for f in report.findings if f.seq is not None}
    assert found[50].kind == "altered"
    assert "belongs at 50" in found[51].what


@pytest.mark.parametrize("number", [1, 4, 7])
def test_a_removed_checkpoint_is_named(forge, number):
    """The first, one between, the newest."""
    forge.tamper(f"DELETE FROM audit_checkpoints WHERE number = {number}")
    assert number in {f.checkpoint for f in forge.verify(with_witness=False).findings}


def test_an_emptied_log_is_found(forge):
    """With nothing left but the copy of a checkpoint."""
    forge.tamper(*(f"DELETE FROM {table}" for table in TABLES))
    report = forge.verify()
    assert "truncated" in kinds(report)
    assert named(report) >= set(range(1, 141))


def test_a_log_of_its_own_making_does_not_pass_for_ours(forge, tmp_path):
    """A whole log with another key, put in the place of ours."""
    other = House(tmp_path / "other")
    other.fill(ENTRIES)
    other.engine.close()
    for suffix in ("", "-wal", "-shm"):
        (forge.home / f"naru.db{suffix}").unlink(missing_ok=True)
    forge.engine.close()
    forge.database.write_bytes(other.database.read_bytes())
    report = forge.verify()
    assert not report.is_intact
    assert {"checkpoint", "head"} <= kinds(report)


def test_the_database_refuses_to_change_an_entry(house):
    """UPDATE, DELETE and REPLACE are refused as long as nobody drops the triggers."""
    house.fill(3)
    with closing(sqlite3.connect(house.database)) as raw:
        for table, key in (("audit_entries", "seq"), ("audit_checkpoints", "number")):
            for statement in (
                f"UPDATE {table} SET at_ns = 0 WHERE {key} = 1",
                f"DELETE FROM {table} WHERE {key} = 1",
                f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE {key} = 1",
            ):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    raw.execute(statement)
    assert house.verify().is_intact


def test_random_runs_of_appending_and_signing_raise_no_alarm(tmp_path):
    """Any mixture of batches, single entries and checkpoints, opened anew in between."""
    random_ = random.Random(7)
    house = House(tmp_path / "home")
    for _ in range(40):
        what = random_.randrange(4)
        if what == 0:
            house.fill(random_.randrange(1, 30))
        elif what == 1:
            house.log.record_now(new_event(random_.randrange(100)))
        elif what == 2:
            house.log.checkpoint()
        else:
            house.log = house.new_log()
        report = house.verify()
        assert report.is_intact, report.findings
    house.engine.close()
