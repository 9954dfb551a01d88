"""People on PostgreSQL, where two replicas write at the same moment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from pydantic import SecretStr

from naru.engines.sql.registry import open_engine
from naru.identity.people import ADMIN_KEY, Grant
from naru.identity.people_sign_in import External
from naru.kernel.clock import SystemClock
from naru.kernel.errors import NaruError
from naru.settings.model import Database
from tests.unit.identity.people.conftest import PASSWORD, new_house

pytestmark = pytest.mark.service

EMAIL = "kim@example.com"
ADMIN = Grant(org="*", role="admin")


@pytest.fixture
def replicas(postgres_server, tmp_path):
    """Two, each with an engine of its own on one database."""
    settings = Database(url=SecretStr(postgres_server.create_database()))
    engines = [open_engine(settings, tmp_path) for _ in range(2)]
    engines[0].migrate()
    yield [new_house(engine, SystemClock()) for engine in engines]
    for engine in engines:
        engine.close()


def at_once(*calls):
    """Start every call at the same moment; gives what each returned, or the code it was refused with."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(10)
        try:
            return call()
        except NaruError as error:
            return error.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def join(house, email=EMAIL):
    created = house.people.create_person(ADMIN_KEY, email=email, grants=[ADMIN])
    return house.people.write_password(created.person.id, PASSWORD, reason="first")


def test_guesses_at_two_replicas_are_counted_together(replicas):
    """Twenty at once: five are checked, in all."""
    join(replicas[0])

    def guess(number):
        house = replicas[number % 2]
        return lambda: house.sign_in.check_password(EMAIL, "wrong", source=f"10.0.0.{number}")

    outcomes = at_once(*[guess(number) for number in range(20)])
    assert outcomes.count("wrong_sign_in") == 5
    assert outcomes.count("sign_in_locked") == 15


def test_a_code_sent_to_two_replicas_at_once_opens_one_session(replicas):
    """The same six digits, the same recovery code: once each."""
    person = join(replicas[0])
    secret = replicas[0].people.begin_totp(person.id).secret
    totp, now = pyotp.TOTP(secret), time.time()
    enrolled, codes = replicas[0].people.confirm_totp(
        person.id, totp.at(now - 30), password=PASSWORD, source="s"
    )
    epoch = enrolled.session_epoch
    for code in (totp.at(now), codes[0]):
        outcomes = at_once(
            *[
                lambda house=house, code=code: (
                    house.sign_in.check_code(person.id, epoch, code, source="s").need
                )
                for house in replicas
            ]
        )
        assert sorted(outcomes) == ["nothing", "wrong_code"]


def test_one_person_made_twice_at_once_is_one(replicas):
    """By administrators, and by their own first single sign-on."""
    made = at_once(*[lambda h=h: h.people.create_person(ADMIN_KEY, email=EMAIL) for h in replicas * 3])
    assert sum(entry.is_new for entry in made) == 1
    assert len({entry.person.id for entry in made}) == 1
    who = External(
        issuer="https://id.example",
        subject="s1",
        email="new@example.com",
        is_email_verified=True,
        name="New",
        grants=(ADMIN,),
    )
    steps = at_once(
        *[lambda h=h: h.sign_in.sign_in_external(who, may_link_email=False) for h in replicas * 3]
    )
    assert len({step.person_id for step in steps}) == 1


def test_what_one_replica_ends_the_other_knows_within_two_seconds(replicas):
    """Disabled here, gone there."""
    first, second = replicas
    person = join(first)
    second.snapshot.start()
    try:
        assert not second.snapshot.find(person.id).is_disabled
        first.people.update_person(ADMIN_KEY, person.id, is_disabled=True)
        deadline = time.monotonic() + 2
        while not second.snapshot.find(person.id).is_disabled:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        second.snapshot.stop()


def test_a_flow_is_used_once_over_both(replicas):
    """The provider's answer sent to two replicas at once counts at one."""
    until_ns = time.time_ns() + 600 * 10**9
    outcomes = at_once(*[lambda h=h: h.sign_in.spend_flow("state", until_ns) for h in replicas * 4])
    assert outcomes.count("oidc_replayed") == 7
