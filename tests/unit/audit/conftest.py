"""A real log in a temporary folder, and a way to tamper with it as the owner of the database could."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.databases import place

from naru.audit import KEY_FILE, WITNESS_FILE, AuditLog, AuditReader
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.audit import AuditEvent
from naru.kernel.clock import FrozenClock
from naru.settings.model import Audit

TABLES = ("audit_entries", "audit_nodes", "audit_checkpoints", "audit_head")


def new_event(number: int = 1, **changes) -> AuditEvent:
    fields = {
        "action": ("key.create", "key.revoke", "budget.stop")[number % 3],
        "actor": f"user:usr_{number % 5}",
        "target": f"key:key_{number}",
        "outcome": ("done", "denied", "failed")[number % 3],
        "facts": {
            "reason": '한글 "quoted" \\ \n',
            "nano_usd": 2**60 + number,
            "is_admin": False,
            "none": None,
        },
    }
    return AuditEvent(**(fields | changes))


class House:
    """A home with an audit log."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = FrozenClock()
        self.database = home / FILE_NAME
        self.key = home / KEY_FILE
        self.witness = home / WITNESS_FILE
        self.engine = SqliteEngine(place(self.database))
        self.engine.migrate()
        self.log = self.new_log()

    def new_log(self, **settings) -> AuditLog:
        return AuditLog(self.engine, self.key, self.clock, Audit(**settings), witness_paths=[self.witness])

    def fill(self, count: int, *, checkpoint: bool = True, first: int = 1) -> None:
        for number in range(first, first + count):
            self.log.record(new_event(number))
            self.clock.advance(1)
        if checkpoint:
            self.log.close()
        else:
            self.write()

    def write(self) -> None:
        """What is waiting, without a checkpoint."""
        for stamped in list(self.log._queue):
            self.log._queue.popleft()
            self.log._recorded -= 1
            self.log.record_now(stamped.event)

    def reader(self, *, with_witness: bool = True) -> AuditReader:
        kept = [self.witness] if with_witness else []
        return AuditReader(self.engine, self.key, self.clock, kept_paths=kept)

    def verify(self, *, with_witness: bool = True):
        return self.reader(with_witness=with_witness).verify()

    def tamper(self, *statements: str | tuple[str, tuple]) -> None:
        """As who owns the file: the triggers are dropped first."""
        with closing(sqlite3.connect(self.database)) as connection:
            triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(*([statement] if isinstance(statement, str) else statement))
            connection.commit()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "home")
    yield house
    house.engine.close()
