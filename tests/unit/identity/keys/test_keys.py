"""Keys: made, rotated, revoked, expired; and what the keyring of every replica makes of it."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.identity.keys.conftest import ADMIN_SECRET, person

from naru.identity import ADMIN_KEY, DEFAULT_ORG, DEFAULT_PROJECT, KeyScope
from naru.kernel.errors import BadRequest, Conflict, NotFound, Unauthenticated, Unavailable

DAY_NS = 86_400 * 10**9


def code_of(keyring, secret):
    with pytest.raises(Unauthenticated) as refused:
        keyring.resolve(secret.encode())
    return refused.value.code


def test_a_new_key_opens_at_once_for_its_project(house):
    """Its principal carries the whole way up, and what it may reach."""
    scope = KeyScope(models=("gpt-*", "gpt-*"), endpoints=("chat",), sites=("seoul",), tags={"env": "ci"})
    issued = house.keys.create(ADMIN_KEY, "ci", scope=scope)
    principal = house.keyring.resolve(issued.secret.encode())
    assert principal.key_id == issued.key.id
    assert (principal.org, principal.project) == (DEFAULT_ORG, DEFAULT_PROJECT)
    assert not principal.is_admin
    assert principal.models == ("gpt-*",)
    assert principal.endpoints == {"chat"}
    assert principal.sites == {"seoul"}
    assert principal.tags == {"env": "ci"}
    assert issued.key.path == "default/default/default/ci"
    assert issued.key.created_by == "admin-key"


def test_a_secret_rests_nowhere(house):
    """Neither in the database nor in what is told to the audit log; its prefix does."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    rotated = house.keys.rotate(ADMIN_KEY, issued.key.id)
    with house.engine.connect() as connection:
        rows = [
            str(connection.execute(sa.text(f"SELECT * FROM {table}")).all())
            for table in ("keys", "key_secrets", "units", "identity_revision")
        ]
    everything = "".join(rows) + repr(house.events)
    for secret in (issued.secret, rotated.secret):
        assert secret not in everything
        assert secret.rpartition("_")[2] not in everything
        assert secret[:13] in everything


def test_making_one_twice_gives_no_second_secret(house):
    """The key that is there comes back as it is."""
    first = house.keys.create(ADMIN_KEY, "ci", scope=KeyScope(models=("a",)))
    again = house.keys.create(ADMIN_KEY, "ci", scope=KeyScope(models=("b",)))
    assert again.secret is None
    assert again.key == first.key
    assert house.events.actions() == ["key.create"]


def test_making_one_at_the_same_time_makes_one(open_house):
    """Two replicas, one name: one secret."""
    houses = [open_house() for _ in range(4)]
    barrier, issued = threading.Barrier(4), []

    def create(house):
        barrier.wait()
        issued.append(house.keys.create(ADMIN_KEY, "ci"))

    threads = [threading.Thread(target=create, args=(house,)) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.key.id for one in issued}) == 1
    assert sum(one.is_new for one in issued) == 1


def test_a_revoked_key_opens_nothing_anywhere(open_house):
    """Here at once; elsewhere when its thread has asked, which it does twice a second."""
    here, there = open_house(), open_house()
    issued = here.keys.create(ADMIN_KEY, "ci")
    there.watch.refresh()
    assert there.keyring.resolve(issued.secret.encode()).key_id == issued.key.id
    here.keys.revoke(ADMIN_KEY, issued.key.id)
    assert code_of(here.keyring, issued.secret) == "invalid_api_key"
    there.watch.refresh()
    assert code_of(there.keyring, issued.secret) == "invalid_api_key"


def test_revoking_is_for_good(house):
    """A second time is no act, and nothing brings the key back; its name is free."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    key = house.keys.revoke(ADMIN_KEY, issued.key.id)
    assert house.keys.revoke(ADMIN_KEY, issued.key.id) == key
    assert not key.is_active
    for act in (
        lambda: house.keys.update(ADMIN_KEY, key.id, is_disabled=False),
        lambda: house.keys.update(ADMIN_KEY, key.id, name="x"),
        lambda: house.keys.rotate(ADMIN_KEY, key.id),
    ):
        with pytest.raises(Conflict):
            act()
    assert house.events.actions() == ["key.create", "key.revoke"]
    again = house.keys.create(ADMIN_KEY, "ci")
    assert again.is_new
    assert [k.id for k in house.keys.list_keys(ADMIN_KEY)] == [again.key.id]
    assert len(house.keys.list_keys(ADMIN_KEY, with_revoked=True)) == 2


def test_a_key_expires_by_the_clock_alone(house, clock):
    """No thread has to notice; it can be given more time."""
    end = clock.now_ns() + DAY_NS
    issued = house.keys.create(ADMIN_KEY, "ci", scope=KeyScope(expires_at_ns=end))
    clock.advance(86_399)
    house.watch.refresh()
    house.keyring.resolve(issued.secret.encode())
    clock.advance(1)
    assert code_of(house.keyring, issued.secret) == "expired_api_key"
    assert house.keyring.find(issued.secret.encode()) is None
    assert not house.keys.read(ADMIN_KEY, issued.key.id).is_active
    house.keys.update(ADMIN_KEY, issued.key.id, name="renamed")
    house.keys.update(ADMIN_KEY, issued.key.id, scope={"expires_at_ns": None})
    house.keyring.resolve(issued.secret.encode())


def test_rotation_overlaps(house, clock):
    """The new secret opens at once, the old one until the overlap ends."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    rotated = house.keys.rotate(ADMIN_KEY, issued.key.id, overlap_s=60)
    assert rotated.key.overlap_until_ns == clock.now_ns() + 60 * 10**9
    assert rotated.key.prefix != issued.key.prefix
    for secret in (issued.secret, rotated.secret):
        assert house.keyring.resolve(secret.encode()).key_id == issued.key.id
    clock.advance(60)
    assert code_of(house.keyring, issued.secret) == "expired_api_key"
    house.keyring.resolve(rotated.secret.encode())
    assert house.keys.read(ADMIN_KEY, issued.key.id).overlap_until_ns is None


def test_rotation_without_overlap_ends_the_old_secret(house):
    """For a key that has leaked. A second rotation never lengthens an overlap."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    second = house.keys.rotate(ADMIN_KEY, issued.key.id, overlap_s=0)
    assert code_of(house.keyring, issued.secret) in ("expired_api_key", "invalid_api_key")
    house.keys.rotate(ADMIN_KEY, issued.key.id, overlap_s=3600)
    house.keys.rotate(ADMIN_KEY, issued.key.id, overlap_s=7200)
    assert code_of(house.keyring, issued.secret) == "invalid_api_key"
    house.keyring.resolve(second.secret.encode())
    for overlap_s in (-1, 31 * 86_400):
        with pytest.raises(BadRequest):
            house.keys.rotate(ADMIN_KEY, issued.key.id, overlap_s=overlap_s)


@pytest.mark.parametrize("kind", ["org", "team", "project", "key"])
def test_switching_off_closes_all_that_is_inside(open_house, kind):
    """On any level, in every replica; switching on opens again."""
    here, there = open_house(), open_house()
    org = here.units.create(ADMIN_KEY, "org", "acme").unit
    team = here.units.create(ADMIN_KEY, "team", "t", parent=org.id).unit
    project = here.units.create(ADMIN_KEY, "project", "p", parent=team.id).unit
    issued = here.keys.create(ADMIN_KEY, "k", project=project.id)
    beside = here.keys.create(ADMIN_KEY, "beside")
    ids = {"org": org.id, "team": team.id, "project": project.id}

    def switch(is_disabled):
        if kind == "key":
            here.keys.update(ADMIN_KEY, issued.key.id, is_disabled=is_disabled)
        else:
            here.units.update(ADMIN_KEY, kind, ids[kind], is_disabled=is_disabled)
        there.watch.refresh()

    switch(True)
    for house in (here, there):
        assert code_of(house.keyring, issued.secret) == "disabled_api_key"
        house.keyring.resolve(beside.secret.encode())
    assert not here.keys.read(ADMIN_KEY, issued.key.id).is_active
    switch(False)
    for house in (here, there):
        house.keyring.resolve(issued.secret.encode())


def test_keys_are_found_by_id_prefix_and_path(house):
    """And a whole key pasted by mistake finds it by its prefix."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    key = issued.key
    for name in (key.id, key.prefix, issued.secret, "ci", "default/ci", "default/default/default/ci"):
        assert house.keys.resolve(ADMIN_KEY, name) == key
    for name in ("", "/", "key_0000000000", "naru_00000000", "x\x00", "a/b/c/d/e", "' OR 1=1 --"):
        with pytest.raises(NotFound):
            house.keys.resolve(ADMIN_KEY, name)


def test_another_organisations_keys_do_not_exist(house):
    """To read, to list, to change: 404."""
    org = house.units.create(ADMIN_KEY, "org", "acme").unit
    team = house.units.create(ADMIN_KEY, "team", "t", parent=org.id).unit
    project = house.units.create(ADMIN_KEY, "project", "p", parent=team.id).unit
    key = house.keys.create(ADMIN_KEY, "k", project=project.id).key
    stranger = person(org_default="admin")
    for act in (
        lambda: house.keys.read(stranger, key.id),
        lambda: house.keys.resolve(stranger, "k"),
        lambda: house.keys.resolve(stranger, key.prefix),
        lambda: house.keys.update(stranger, key.id, name="mine"),
        lambda: house.keys.rotate(stranger, key.id),
        lambda: house.keys.revoke(stranger, key.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert house.keys.list_keys(stranger) == []
    assert house.keys.list_keys(person(everywhere="viewer")) == [key]


@pytest.mark.parametrize(
    ("scope", "param"),
    [
        (KeyScope(models=("",)), "models"),
        (KeyScope(models=("a[b]",)), "models"),
        (KeyScope(models=("a b",)), "models"),
        (KeyScope(models=("m",) * 201), "models"),
        (KeyScope(endpoints=("images",)), "endpoints"),
        (KeyScope(sites=("se/oul",)), "sites"),
        (KeyScope(tags={"a b": "c"}), "tags"),
        (KeyScope(tags={"a": "b,c=d"}), "tags"),
        (KeyScope(tags={"a": ""}), "tags"),
        (KeyScope(tags={f"t{n}": "x" for n in range(21)}), "tags"),
        (KeyScope(expires_at_ns=0), "expires_at"),
        (KeyScope(expires_at_ns=1_767_225_600_000_000_000), "expires_at"),
        (KeyScope(expires_at_ns=7_258_118_400 * 10**9), "expires_at"),
    ],
)
def test_a_scope_that_means_nothing_is_refused(house, scope, param):
    """Naming the field; nothing is made."""
    with pytest.raises(BadRequest) as refused:
        house.keys.create(ADMIN_KEY, "ci", scope=scope)
    assert refused.value.param == param
    assert house.keys.list_keys(ADMIN_KEY) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=120))
def test_any_name_is_taken_as_it_is_or_refused(house, name):
    """Quotes, percent signs and semicolons are letters like any other; no statement is ever made of them."""
    try:
        issued = house.keys.create(ADMIN_KEY, name)
    except BadRequest:
        return
    try:
        assert house.keys.read(ADMIN_KEY, issued.key.id).name == issued.key.name
    finally:
        house.keys.revoke(ADMIN_KEY, issued.key.id)


def test_use_is_written_down_coarsely(house, clock):
    """Not more than once in five minutes, and never back in time."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    unused = house.keys.create(ADMIN_KEY, "unused").key
    house.keyring.resolve(issued.secret.encode())
    first = clock.now_ns()
    house.watch.write_used()
    clock.advance(60)
    house.keyring.resolve(issued.secret.encode())
    house.watch.write_used()
    assert house.keys.read(ADMIN_KEY, issued.key.id).last_used_at_ns == first
    clock.advance(300)
    house.watch.write_used()
    assert house.keys.read(ADMIN_KEY, issued.key.id).last_used_at_ns == first + 60 * 10**9
    assert house.keys.read(ADMIN_KEY, unused.id).last_used_at_ns is None


def test_a_replica_that_hears_nothing_for_minutes_stops_believing(house, clock):
    """A revocation may have passed it by. The admin key still opens."""
    issued = house.keys.create(ADMIN_KEY, "ci")
    clock.advance(299)
    house.keyring.resolve(issued.secret.encode())
    clock.advance(2)
    with pytest.raises(Unavailable):
        house.keyring.resolve(issued.secret.encode())
    assert house.keyring.resolve(ADMIN_SECRET.encode()).is_admin
    house.watch.refresh()
    house.keyring.resolve(issued.secret.encode())


def test_keyrings_that_follow_change_by_change_know_what_a_new_one_reads(open_house):
    """After any mix of changes both know the same keys."""
    here, follower = open_house(), open_house()
    issued = [here.keys.create(ADMIN_KEY, f"k{number}") for number in range(6)]
    follower.watch.refresh()
    here.keys.revoke(ADMIN_KEY, issued[0].key.id)
    issued.append(here.keys.rotate(ADMIN_KEY, issued[1].key.id))
    follower.watch.refresh()
    here.keys.update(ADMIN_KEY, issued[2].key.id, scope={"models": ("a",)})
    here.units.update(ADMIN_KEY, "project", DEFAULT_PROJECT, name="p")
    issued.append(here.keys.rotate(ADMIN_KEY, issued[3].key.id, overlap_s=0))
    follower.watch.refresh()
    here.keys.update(ADMIN_KEY, issued[4].key.id, is_disabled=True)
    follower.watch.refresh()
    fresh = open_house()
    for house in (here, follower):
        assert {o.secret: house.keyring.find(o.secret.encode()) for o in issued} == {
            o.secret: fresh.keyring.find(o.secret.encode()) for o in issued
        }
