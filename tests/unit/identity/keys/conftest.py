"""The books of units and keys over a real database, and a keyring that watches it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.databases import place

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.identity import Keyring, Keys, KeyWatch, Units
from naru.identity.people import PersonPrincipal
from naru.kernel.clock import FrozenClock

ADMIN_SECRET = "naru_admin_0123456789abcdefghijklmnop"


class Events(list):
    """An audit sink that a test can read."""

    record = list.append

    def actions(self):
        return [event.action for event in self]


def person(**roles):
    """Somebody with these roles, each a text or several; `everywhere` is every organisation."""
    held = {
        ("*" if org == "everywhere" else org): frozenset([role] if isinstance(role, str) else role)
        for org, role in roles.items()
    }
    return PersonPrincipal(person_id="usr_test", roles=held)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def open_engine(request, tmp_path):
    """Opens the test's database; each engine is what a replica of its own would have."""
    opened = []
    if request.param == "postgresql":
        from naru.engines.sql.postgres import PostgresEngine

        url = request.getfixturevalue("postgres_server").create_database()

    def open_engine():
        engine = (
            PostgresEngine(url)
            if request.param == "postgresql"
            else SqliteEngine(place(tmp_path / FILE_NAME))
        )
        opened.append(engine)
        engine.migrate()
        return engine

    yield open_engine
    for engine in opened:
        engine.close()


@pytest.fixture
def open_house(open_engine, clock):
    """One replica's services on the test's database."""

    def open_house():
        engine, events = open_engine(), Events()
        keyring = Keyring(ADMIN_SECRET, clock)
        watch = KeyWatch(engine, keyring, clock)
        watch.refresh()
        units = Units(engine, clock=clock, audit=events, on_change=watch.catch_up)
        keys = Keys(engine, units=units, clock=clock, audit=events, on_change=watch.catch_up)
        return SimpleNamespace(
            engine=engine, units=units, keys=keys, keyring=keyring, watch=watch, events=events, clock=clock
        )

    return open_house


@pytest.fixture
def house(open_house):
    return open_house()
