"""The audit log on every database: one chain over all replicas, and a database that refuses to change it."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from naru.audit import KEY_FILE, AuditLog, AuditReader, check_proof
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import SystemClock
from naru.kernel.errors import Unavailable

EVENT = AuditEvent(
    action="key.create",
    actor="user:usr_1",
    target="key:key_1",
    facts={"reason": "한글 \U0001f6f6", "n": 2**70},
)


@pytest.fixture
def new_replica(open_engine, tmp_path):
    """Another process's log on the same database, with the shared key."""
    first = open_engine()
    first.migrate()

    def new_replica(number: int = 0) -> tuple[AuditLog, AuditReader]:
        engine = open_engine()
        witness = tmp_path / f"copies-{number}.txt"
        log = AuditLog(engine, tmp_path / KEY_FILE, SystemClock(), witness_paths=[witness])
        return log, AuditReader(engine, tmp_path / KEY_FILE, SystemClock(), kept_paths=[witness])

    return new_replica


def test_replicas_append_to_one_chain(new_replica):
    """Four replicas write beside each other, through the queue and at once: no gap, no fork, nothing lost."""
    replicas = [new_replica(number) for number in range(4)]
    faults: list[BaseException] = []

    def write(log: AuditLog) -> None:
        try:
            for number in range(50):
                if number % 5:
                    log.record(EVENT)
                    if number % 7 == 0:
                        log.flush()
                else:
                    log.record_now(EVENT)
                if number % 20 == 0:
                    log.checkpoint()
            log.close()
        except BaseException as error:  # noqa: BLE001  handed to the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=write, args=(log,)) for log, _ in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for _, reader in replicas:
        report = reader.verify()
        assert report.is_intact, report.findings
        assert (report.size, report.covered) == (200, 200)
        assert report.kept >= 1


def test_an_act_and_its_entry_happen_together_or_not_at_all(new_replica, open_engine):
    """Inside the act's own transaction, a failure takes both back."""
    log, reader = new_replica()
    engine = open_engine()
    log.record_now(EVENT)

    def fail() -> None:
        with engine.begin() as connection:
            log.record_in(connection, EVENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with engine.begin() as connection:
        log.record_in(connection, EVENT)
    log.checkpoint()
    report = reader.verify()
    assert report.is_intact
    assert report.size == 2


def test_what_was_recorded_is_what_is_read(new_replica):
    """Any text and any whole number, unchanged by the database; what no database takes is replaced."""
    log, reader = new_replica()
    log.record_now(EVENT)
    log.record_now(
        AuditEvent(
            action="key.create", actor="a\x00b\ud800", target="x" * 5_000, facts={"a\x00": "\udfff\x00"}
        )
    )
    first, second = reader.find_entry(1), reader.find_entry(2)
    assert first.read_facts() == dict(EVENT.facts)
    assert second.actor == "a\ufffdb?"
    assert len(second.target) == 500
    log.checkpoint()
    assert reader.verify().is_intact


def test_a_proof_holds_for_every_entry(new_replica):
    """Beyond several kept blocks, for the oldest checkpoint as for the newest entry."""
    log, reader = new_replica()
    key = log.open()
    for _ in range(201):
        log.record(EVENT)
    log.close()
    for seq in (*range(1, 201, 13), 64, 65, 128, 129, 200, 201):
        proof = reader.read_proof(seq)
        assert check_proof(proof, key) == ""
        assert check_proof({**proof, "seq": seq + 1}, key) != ""
        assert check_proof({**proof, "entry": proof["entry"].replace("usr_1", "usr_2")}, key) != ""
    assert len(reader.read_proof(1)["path"]) == 8


@pytest.mark.parametrize("table", ["audit_entries", "audit_nodes", "audit_checkpoints"])
def test_the_database_refuses_to_change_the_log(new_replica, open_engine, table):
    """UPDATE and DELETE of any row fail with the reason, whoever asks."""
    log, reader = new_replica()
    for _ in range(70):
        log.record(EVENT)
    log.close()
    column = sa.inspect(open_engine().sqlalchemy).get_columns(table)[-1]["name"]
    for statement in (f"UPDATE {table} SET {column} = ''", f"DELETE FROM {table}"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), open_engine().begin() as connection:
            connection.exec_driver_sql(statement)
    assert reader.verify().is_intact


def test_an_act_that_cannot_be_recorded_is_refused(new_replica, open_engine):
    """Fail closed: the caller gets an error to stop at, and nothing is half written."""
    log, reader = new_replica()
    log.record_now(EVENT)
    with open_engine().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_entries RENAME TO audit_away")
    with pytest.raises(Unavailable, match="was not done"):
        log.record_now(EVENT)
    with open_engine().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_away RENAME TO audit_entries")
    log.record_now(EVENT)
    log.checkpoint()
    report = reader.verify()
    assert report.is_intact
    assert report.size == 2
