"""A thousand alterations on every database: each is found and named. Beyond single bytes: rows that are taken
away, put in, moved, doubled or cut off, and proofs checked by RFC 6962 as it is written."""

from __future__ import annotations

import base64
import json
import random
from hashlib import sha256

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from naru.audit import KEY_FILE, AuditLog, AuditReader
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import FrozenClock

TABLES = ("audit_entries", "audit_nodes", "audit_checkpoints", "audit_head")
ENTRIES = 150
SIGNED = 140
BYTES = 1_000
ROWS = 300


class Log:
    """A log of 150 entries under seven checkpoints, whose database lets its owner do anything."""

    def __init__(self, engine, folder) -> None:
        self.engine = engine
        engine.migrate()
        clock = FrozenClock()
        witness = folder / "copies.txt"
        log = AuditLog(engine, folder / KEY_FILE, clock, witness_paths=[witness])
        self.key = log.open()
        for number in range(1, ENTRIES + 1):
            log.record(
                AuditEvent(
                    action=("key.create", "key.revoke", "budget.stop")[number % 3],
                    actor=f"user:usr_{number % 5}",
                    target=f"key:key_{number}",
                    outcome=("done", "denied", "failed")[number % 3],
                    facts={"n": number, "reason": "한글 text"},
                )
            )
            clock.advance(1)
            if number % 20 == 0 and number <= SIGNED:
                log.flush()
                log.checkpoint()
        log.flush()
        self.reader = AuditReader(engine, folder / KEY_FILE, clock, kept_paths=[])
        self.witnessed = AuditReader(engine, folder / KEY_FILE, clock, kept_paths=[witness])
        self.is_sqlite = engine.dialect.name == "sqlite"
        with engine.begin() as connection:
            if self.is_sqlite:
                names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                for (name,) in connection.exec_driver_sql(names).all():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            else:
                for table in TABLES:
                    connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        inspector = sa.inspect(engine.sqlalchemy)
        self.columns = {t: [c["name"] for c in inspector.get_columns(t)] for t in TABLES}
        self.keys = {t: inspector.get_pk_constraint(t)["constrained_columns"] for t in TABLES}
        with engine.connect() as connection:
            self.rows = {
                t: [dict(r) for r in connection.execute(sa.text(f"SELECT * FROM {t}")).mappings()]
                for t in TABLES
            }

    def write(self, table: str, rows: list[dict]) -> None:
        """These and no others."""
        names = self.columns[table]
        insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})"
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")
            if rows:
                connection.execute(sa.text(insert), rows)

    def set_cell(self, table: str, row: dict, column: str, value: object) -> bool:
        """False where the database itself refuses such a value."""
        where = " AND ".join(f"{key} = :k_{key}" for key in self.keys[table])
        keys = {f"k_{key}": row[key] for key in self.keys[table]}
        try:
            with self.engine.begin() as connection:
                statement = sa.text(f"UPDATE {table} SET {column} = :value WHERE {where}")
                return connection.execute(statement, {"value": value, **keys}).rowcount == 1
        except sa.exc.DBAPIError:
            return False

    def restore_cell(self, table: str, row: dict, column: str, altered: object) -> None:
        moved = {**row, column: altered}
        assert self.set_cell(table, moved, column, row[column])


@pytest.fixture
def log(open_engine, tmp_path):
    return Log(open_engine(), tmp_path)


def alter(old: object, random_: random.Random) -> object:
    """One byte of it is another one; text stays text, for databases that take nothing else."""
    if isinstance(old, int):
        return old ^ (1 << random_.randrange(62))
    if not old:
        return "x"
    place = random_.randrange(len(old))
    other = random_.choice([c for c in '0123456789abcdefXYZ{}:," \n' if c != old[place]])
    return old[:place] + other + old[place + 1 :]


def is_named(findings, table: str, row: dict) -> bool:
    if table == "audit_entries":
        return any(f.seq is not None and f.seq <= row["seq"] <= (f.to_seq or f.seq) for f in findings)
    if table == "audit_nodes":
        return any(f.kind == "node" for f in findings)
    if table == "audit_checkpoints":
        return any(f.kind == "checkpoint" for f in findings)
    return any(f.kind in {"head", "truncated", "inserted", "checkpoint", "replaced"} for f in findings)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_of_a_thousand_altered_bytes_is_named(log):
    """Every column of every table in turn, in rows and at places by chance."""
    random_ = random.Random(6962)
    spots = [(table, column) for table in TABLES for column in log.columns[table]]
    assert log.reader.verify().is_intact
    tried, missed, covered = 0, [], set()
    while tried < BYTES:
        table, column = spots[tried % len(spots)] if tried % 2 else ("audit_entries", None)
        column = column or random_.choice(log.columns[table])
        row = random_.choice(log.rows[table])
        new = alter(row[column], random_)
        if not log.set_cell(table, row, column, new):
            spots = [s for s in spots if s != (table, column)] if column in log.keys[table] else spots
            continue
        tried += 1
        covered.add((table, column))
        report = log.reader.verify()
        if report.is_intact or not is_named(report.findings, table, row):
            missed.append((table, column, row, new, report.findings[:3]))
        log.restore_cell(table, row, column, new)
    assert missed == []
    wanted = {(t, c) for t in TABLES for c in log.columns[t]} - {("audit_head", "id")}
    assert wanted - covered <= {(t, c) for t in TABLES for c in log.keys[t]}
    assert log.reader.verify().is_intact, "every byte was put back"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_rows_taken_moved_doubled_put_in_and_cut_off_are_named(log):
    """Any number of entries at once; checked with the copies of the checkpoints, as `verify` is told to."""
    random_ = random.Random(1962)
    whole = log.rows["audit_entries"]
    by_seq = {row["seq"]: row for row in whole}
    for number in range(ROWS):
        how = ("take", "swap", "shuffle", "double", "put in", "cut", "renumber")[number % 7]
        chosen = sorted(random_.sample(range(1, ENTRIES + 1), random_.randrange(2, 9)))
        rows = [dict(row) for row in whole]
        if how == "take":
            rows = [row for row in rows if row["seq"] not in chosen]
            guilty = chosen
        elif how in ("swap", "shuffle"):
            places = chosen[:2] if how == "swap" else chosen
            turned = places[1:] + places[:1]
            for here, there in zip(places, turned, strict=True):
                rows[here - 1] = {**by_seq[there], "seq": here}
            guilty = places
        elif how == "double":
            one, other = chosen[:2]
            rows[other - 1] = {**by_seq[one], "seq": other, "id": f"aud_{number}"}
            guilty = [other]
        elif how == "put in":
            rows.append({**by_seq[chosen[0]], "seq": ENTRIES + 1, "id": f"aud_{number}"})
            guilty = [ENTRIES + 1]
        elif how == "cut":
            rows = rows[: chosen[0] - 1]
            guilty = list(range(chosen[0], ENTRIES + 1))
        else:
            gone = chosen[0]
            kept = [row for row in rows if row["seq"] != gone]
            rows = [{**row, "seq": seq} for seq, row in enumerate(kept, 1)]
            guilty = [gone]
        log.write("audit_entries", rows)
        for reader in (log.reader, log.witnessed):
            report = reader.verify()
            assert not report.is_intact, how
            named = {
                seq
                for f in report.findings
                if f.seq is not None
                for seq in range(f.seq, (f.to_seq or f.seq) + 1)
            }
            if report.more:
                assert named & set(guilty), (how, guilty, report.findings)
            else:
                assert set(guilty) <= named, (how, guilty, report.findings)
    log.write("audit_entries", whole)
    assert log.witnessed.verify().is_intact


def root_by_the_book(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 6962, 2.1.1, read backwards: PATH(m, D[n]) ends with the sibling of the largest split."""
    if size == 1:
        assert path == []
        return leaf
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        return sha256(b"\x01" + root_by_the_book(index, k, leaf, path[:-1]) + path[-1]).digest()
    return sha256(b"\x01" + path[-1] + root_by_the_book(index - k, size - k, leaf, path[:-1])).digest()


def check_by_the_book(proof: dict, public_key: str) -> dict:
    """Nothing of Naru's: a signed note of C2SP, and the tree of RFC 6962. Returns the entry."""
    name, key_hash, encoded = public_key.split("+", 2)
    material = base64.b64decode(encoded)
    assert sha256(name.encode() + b"\n" + material).digest()[:4].hex() == key_hash
    text, _, signatures = proof["checkpoint"].partition("\n\n")
    (line,) = [s for s in signatures.splitlines() if s.split()[1] == name]
    signed = base64.b64decode(line.split()[2])
    assert signed[:4].hex() == key_hash
    Ed25519PublicKey.from_public_bytes(material[1:]).verify(signed[4:], (text + "\n").encode())
    origin, size, root = text.split("\n")[:3]
    assert origin == name
    entry = json.loads(proof["entry"])
    leaf = sha256(b"\x00" + proof["entry"].encode()).digest()
    path = [bytes.fromhex(step) for step in proof["path"]]
    assert root_by_the_book(entry["seq"] - 1, int(size), leaf, path) == base64.b64decode(root)
    return entry


def test_a_proof_holds_by_the_book(log):
    """Every signed entry's proof, as JSON, checked without a line of ours; and none of another entry's."""
    key = str(log.key)
    for seq in range(1, SIGNED + 1):
        proof = json.loads(json.dumps(log.reader.read_proof(seq)))
        entry = check_by_the_book(proof, key)
        assert entry["seq"] == seq
        assert entry["target"] == f"key:key_{seq}"
    other = log.reader.read_proof(7)
    for wrong in (
        {**other, "entry": other["entry"].replace("key_7", "key_8")},
        {**other, "entry": log.reader.read_proof(8)["entry"]},
        {**other, "path": [*other["path"][1:], other["path"][0]]},
        {**other, "path": other["path"][:-1]},
        {
            **other,
            "checkpoint": other["checkpoint"].replace("\n140\n", "\n139\n").replace("\n20\n", "\n21\n"),
        },
    ):
        with pytest.raises((AssertionError, InvalidSignature, IndexError)):
            check_by_the_book(wrong, key)
