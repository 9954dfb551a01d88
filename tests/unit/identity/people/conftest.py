"""A book of people over a real SQLite file, with cheap hashes and a clock that stands still."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.databases import place

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.identity.passwords import PasswordHasher
from naru.identity.people import ADMIN_KEY, Grant
from naru.identity.people_lockout import Lockout
from naru.identity.people_service import People
from naru.identity.people_sign_in import SignIn
from naru.identity.people_snapshot import PeopleSnapshot
from naru.identity.totp import Sealer
from naru.kernel.clock import FrozenClock
from naru.settings.model import Identity

SOURCE = "192.0.2.7"
PASSWORD = "correct horse battery"


class Events(list):
    """An audit sink that a test can read."""

    record = list.append

    def actions(self):
        return [event.action for event in self]


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def engine(tmp_path):
    engine = SqliteEngine(place(tmp_path / FILE_NAME))
    engine.migrate()
    yield engine
    engine.close()


def new_house(engine, clock, secret=b"k" * 32):
    """One replica's services on `engine`."""
    rules, events = Identity(), Events()
    snapshot = PeopleSnapshot(engine, clock)
    snapshot.refresh()
    lockout = Lockout(engine, clock, lambda: rules)
    parts = {
        "clock": clock,
        "audit": events,
        "hasher": PasswordHasher(memory_kib=64, queue=100),
        "sealer": Sealer(secret, "totp"),
        "lockout": lockout,
        "snapshot": snapshot,
    }
    return SimpleNamespace(
        people=People(engine, find_org={"org_a": "org_a", "org_b": "org_b"}.get, **parts),
        sign_in=SignIn(engine, **parts),
        events=events,
        snapshot=snapshot,
        lockout=lockout,
        rules=rules,
    )


@pytest.fixture
def open_house(engine, clock):
    """Opens a replica on the shared database."""
    return lambda secret=b"k" * 32: new_house(engine, clock, secret)


@pytest.fixture
def house(open_house):
    return open_house()


@pytest.fixture
def join(house):
    """Makes a person with a password of their own."""

    def join_(email="kim@example.com", *grants: Grant, password=PASSWORD):
        created = house.people.create_person(ADMIN_KEY, email=email, grants=grants)
        return house.people.write_password(created.person.id, password, reason="first")

    return join_
